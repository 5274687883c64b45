//! Sends events in batches, and counts the outcomes.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::error::{Error, Result};

/// Events of a request: as many as `/v1/events` takes.
const BATCH: usize = 500;
/// Maximum size of a request, in bytes. `/v1/events` takes a mebibyte.
const MAX_BYTES: usize = 900 << 10;
/// Attempts at a request that gets a 429, a 503 or no response.
const ATTEMPTS: u32 = 6;

/// The outcomes of the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub accepted: u64,
    pub duplicates: u64,
    /// By code.
    pub rejected: BTreeMap<String, u64>,
    /// The first reason of each code, in words.
    pub reasons: BTreeMap<String, String>,
}

/// Sends to a deployment or to a local stack.
pub struct Sender {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Sender {
    /// Sends to `to` with a key or a token.
    pub fn new(to: &str, key: &str) -> Result<Self> {
        let is_local = to.starts_with("http://127.0.0.1") || to.starts_with("http://localhost");
        let builder = reqwest::Client::builder().timeout(Duration::from_mins(1));
        // A proxy from the environment must not be used for this machine itself.
        let builder = if is_local { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| Error::caused("cannot send", error))?;
        Ok(Self { client, url: to.trim_end_matches('/').to_owned(), key: key.to_owned() })
    }

    /// Sends events to a path of the API.
    pub async fn send(&self, path: &str, events: &[Value], outcome: &mut Outcome) -> Result<()> {
        for batch in batches(events) {
            let response = self.post(path, batch).await?;
            outcome.add(&response);
        }
        Ok(())
    }

    async fn post(&self, path: &str, body: String) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        let mut pause = Duration::from_millis(500);
        for attempt in 1.. {
            let request = self.client.post(&url).bearer_auth(&self.key);
            let sent = request.header("content-type", "application/json").body(body.clone()).send().await;
            let failure = match sent {
                Ok(response) => {
                    let status = response.status();
                    let text = response.text().await.unwrap_or_default();
                    let parsed = serde_json::from_str::<Value>(&text).ok();
                    // A 422 lists the outcomes as well, if no event could be accepted.
                    if let Some(outcome) = parsed.filter(|body| body["rejected"].is_array()) {
                        return Ok(outcome);
                    }
                    let failure = Error::new(format!("{url} answered {status}: {text}"));
                    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
                        return Err(failure);
                    }
                    failure
                }
                Err(error) if error.is_connect() => {
                    return Err(Error::new(format!(
                        "nothing answers at {}; start a stack or pass --to URL",
                        self.url
                    )));
                }
                Err(error) => Error::caused(&url, error),
            };
            if attempt == ATTEMPTS {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(Error::new("not sent"))
    }
}

/// The bodies of requests, each a list of events.
fn batches(events: &[Value]) -> Vec<String> {
    let (mut bodies, mut body, mut count) = (Vec::new(), String::new(), 0);
    for event in events {
        let text = event.to_string();
        if count == BATCH || (count > 0 && body.len() + text.len() > MAX_BYTES) {
            bodies.push(format!("[{}]", std::mem::take(&mut body)));
            count = 0;
        }
        if count > 0 {
            body.push(',');
        }
        body.push_str(&text);
        count += 1;
    }
    if count > 0 {
        bodies.push(format!("[{body}]"));
    }
    bodies
}

impl Outcome {
    fn add(&mut self, response: &Value) {
        let count = |name: &str| response[name].as_u64().unwrap_or_default();
        self.accepted += count("accepted");
        self.duplicates += count("duplicates");
        for rejected in response["rejected"].as_array().into_iter().flatten() {
            let code = rejected["code"].as_str().unwrap_or("unknown").to_owned();
            let reason = rejected["detail"][0]["msg"].as_str().unwrap_or_default();
            self.reasons.entry(code.clone()).or_insert_with(|| reason.to_owned());
            *self.rejected.entry(code).or_default() += 1;
        }
    }

    /// Counts conflicts as duplicates, for a format whose ids are those of calls.
    pub fn take_conflicts_as_duplicates(&mut self) {
        self.duplicates += self.rejected.remove("conflict").unwrap_or_default();
        self.reasons.remove("conflict");
    }

    /// The number of events that were rejected, except those of which a higher revision is stored.
    pub fn failed(&self) -> u64 {
        let codes = self.rejected.iter().filter(|(code, _)| *code != "superseded");
        codes.map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conflicts_of_calls_that_are_stored_are_no_failure() {
        let rejected = |code: &str| json!({ "index": 0, "code": code, "detail": [{ "msg": "m" }] });
        let mut outcome = Outcome::default();
        outcome.add(&json!({ "accepted": 1, "duplicates": 2, "rejected": [
            rejected("conflict"), rejected("conflict"), rejected("superseded"), rejected("too_old")] }));
        assert_eq!((outcome.duplicates, outcome.failed()), (2, 3));
        outcome.take_conflicts_as_duplicates();
        assert_eq!((outcome.accepted, outcome.duplicates, outcome.failed()), (1, 4, 1));
        assert!(!outcome.rejected.contains_key("conflict") && !outcome.reasons.contains_key("conflict"));
    }

    #[test]
    fn batches_hold_all_events_in_order_and_stay_below_the_limits() {
        let events: Vec<_> = (0..1_201).map(|i| json!({ "i": i, "x": "y".repeat(i % 7 * 1_000) })).collect();
        let bodies = batches(&events);
        let lists: Vec<Vec<Value>> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
        assert!(
            bodies.iter().all(|body| body.len() <= 1 << 20) && lists.iter().all(|list| list.len() <= BATCH)
        );
        assert_eq!(lists.concat(), events);
        assert!(batches(&[]).is_empty());
    }
}
