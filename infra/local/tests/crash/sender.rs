//! A sender that repeats each request until it gets a response.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::event::Event;

/// The most new events in one request.
const MAX_NEW: usize = 60;

/// Sends requests to the stack at `url`.
#[derive(Clone)]
pub struct ApiClient {
    pub http: Client,
    pub url: String,
    pub token: String,
}

pub struct Sender {
    source: String,
    rng: StdRng,
    next_id: u64,
    pending: Option<Request>,
    /// The events that the stack has confirmed as stored.
    pub acknowledged: Vec<Event>,
}

/// The events of a request, by their expected outcome.
struct Request {
    new: Vec<Event>,
    /// Acknowledged before.
    duplicates: Vec<Event>,
    /// Different events with keys that were acknowledged before.
    conflicts: Vec<Event>,
    is_retry: bool,
}

impl Sender {
    pub fn new(number: usize, seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
        Self {
            source: format!("/senders/{number}"),
            rng,
            next_id: 0,
            pending: None,
            acknowledged: Vec::new(),
        }
    }

    /// Sends request after request until the stack is gone or `enough` is set.
    pub async fn work(mut self, client: ApiClient, enough: watch::Receiver<bool>) -> Self {
        while !*enough.borrow() {
            let request = self.pending.take().unwrap_or_else(|| self.request());
            if !self.send(&client, request).await {
                break;
            }
            sleep(Duration::from_millis(self.rng.random_range(0..25))).await;
        }
        self
    }

    /// Sends the pending request to a stack that keeps running.
    pub async fn finish(mut self, client: ApiClient) -> Self {
        if let Some(request) = self.pending.take() {
            assert!(self.send(&client, request).await, "a running stack does not respond");
        }
        self
    }

    fn request(&mut self) -> Request {
        let count = self.rng.random_range(1..=MAX_NEW);
        let mut new = Vec::with_capacity(count);
        for _ in 0..count {
            new.push(Event::any(&mut self.rng, &self.source, self.next_id));
            self.next_id += 1;
        }
        let known = self.acknowledged.len();
        let mut some = |most: usize| -> Vec<_> {
            let count = if known == 0 { 0 } else { self.rng.random_range(0..=most) };
            (0..count).map(|_| self.acknowledged[self.rng.random_range(0..known)].clone()).collect()
        };
        let duplicates = some(3);
        let conflicts = some(2).iter().map(Event::conflicting).collect();
        Request { new, duplicates, conflicts, is_retry: false }
    }

    /// Returns whether there was a response. Without one, the request stays pending.
    async fn send(&mut self, client: &ApiClient, mut request: Request) -> bool {
        let events: Vec<_> = request.events().map(Event::json).collect();
        loop {
            let Some((status, body)) = client.post(&json!(events)).await else {
                request.is_retry = true;
                self.pending = Some(request);
                return false;
            };
            if status == StatusCode::OK && request.is_acknowledged_by(&body) {
                self.acknowledged.extend(request.new);
                return true;
            }
            // Not everything was stored, so the sender retries.
            assert!(
                status == StatusCode::OK || status == StatusCode::SERVICE_UNAVAILABLE,
                "{status}: {body}"
            );
            request.is_retry = true;
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Request {
    fn events(&self) -> impl Iterator<Item = &Event> {
        self.new.iter().chain(&self.duplicates).chain(&self.conflicts)
    }

    /// Whether everything was stored. A response with a wrong outcome fails the test.
    fn is_acknowledged_by(&self, response: &Value) -> bool {
        let rejected = response["rejected"].as_array().unwrap();
        if rejected.iter().any(|one| one["retryable"] == true) {
            return false;
        }
        let count = |name: &str| usize::try_from(response[name].as_u64().unwrap()).unwrap();
        let (accepted, duplicates) = (count("accepted"), count("duplicates"));
        let stored = self.new.len() + self.duplicates.len();
        let conflicts = stored..stored + self.conflicts.len();
        let indexes: Vec<_> = rejected.iter().map(|one| one["index"].as_u64().unwrap()).collect();
        assert!(indexes.iter().copied().eq(conflicts.map(|index| index as u64)), "{response}");
        assert!(rejected.iter().all(|one| one["code"] == "conflict"), "{response}");
        assert_eq!(accepted + duplicates, stored, "{response}");
        // If the response to an earlier attempt was lost, any part may have been stored by it.
        assert!(accepted == self.new.len() || (self.is_retry && accepted < self.new.len()), "{response}");
        true
    }
}

impl ApiClient {
    /// The status and the body, or nothing if the stack is gone.
    async fn post(&self, events: &Value) -> Option<(StatusCode, Value)> {
        let request = self.http.post(format!("{}/v1/events", self.url)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(events.to_string());
        let response = request.send().await.ok()?;
        let status = response.status();
        let body = response.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap()))
    }

    /// Gets `path` from a running stack.
    pub async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }
}
