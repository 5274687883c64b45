//! A sender that gives no request up: what was not answered is sent again until it is.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::happening::Happening;

/// The most events of one request that are new.
const MOST_NEW: usize = 60;

/// Where to send to, and as whom.
#[derive(Clone)]
pub struct Door {
    pub client: Client,
    pub url: String,
    pub token: String,
}

/// A sender.
pub struct Sender {
    source: String,
    dice: StdRng,
    next_id: u64,
    unanswered: Option<Request>,
    /// What was answered for.
    pub acknowledged: Vec<Happening>,
}

/// A request and what has to become of it.
struct Request {
    new: Vec<Happening>,
    /// Answered for before.
    again: Vec<Happening>,
    /// Other events under names that were answered for before.
    lies: Vec<Happening>,
    is_repeated: bool,
}

impl Sender {
    pub fn new(number: usize, seed: u64) -> Self {
        let dice = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
        Self {
            source: format!("/senders/{number}"),
            dice,
            next_id: 0,
            unanswered: None,
            acknowledged: Vec::new(),
        }
    }

    /// Sends request after request until the stack is gone or `enough` says so.
    pub async fn work(mut self, door: Door, enough: watch::Receiver<bool>) -> Self {
        while !*enough.borrow() {
            let request = self.unanswered.take().unwrap_or_else(|| self.request());
            if !self.send(&door, request).await {
                break;
            }
            sleep(Duration::from_millis(self.dice.random_range(0..25))).await;
        }
        self
    }

    /// Sends what was not answered, to a stack that stays.
    pub async fn finish(mut self, door: Door) -> Self {
        if let Some(request) = self.unanswered.take() {
            assert!(self.send(&door, request).await, "a stack that runs does not answer");
        }
        self
    }

    fn request(&mut self) -> Request {
        let count = self.dice.random_range(1..=MOST_NEW);
        let mut new = Vec::with_capacity(count);
        for _ in 0..count {
            new.push(Happening::any(&mut self.dice, &self.source, self.next_id));
            self.next_id += 1;
        }
        let known = self.acknowledged.len();
        let mut some = |most: usize| -> Vec<_> {
            let count = if known == 0 { 0 } else { self.dice.random_range(0..=most) };
            (0..count).map(|_| self.acknowledged[self.dice.random_range(0..known)].clone()).collect()
        };
        let again = some(3);
        let lies = some(2).iter().map(Happening::contradicted).collect();
        Request { new, again, lies, is_repeated: false }
    }

    /// Whether the request was answered; if not, it is kept.
    async fn send(&mut self, door: &Door, mut request: Request) -> bool {
        let events: Vec<_> = request.happenings().map(Happening::event).collect();
        loop {
            let answer = door.post(&json!(events)).await;
            let Some((status, body)) = answer else {
                request.is_repeated = true;
                self.unanswered = Some(request);
                return false;
            };
            if status == StatusCode::OK && request.is_answered_by(&body) {
                self.acknowledged.extend(request.new);
                return true;
            }
            // Nothing was stored, or not all: a sender's usual answer is to try again.
            assert!(
                status == StatusCode::OK || status == StatusCode::SERVICE_UNAVAILABLE,
                "{status}: {body}"
            );
            request.is_repeated = true;
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Request {
    fn happenings(&self) -> impl Iterator<Item = &Happening> {
        self.new.iter().chain(&self.again).chain(&self.lies)
    }

    /// Whether all of it was answered for. An answer that says anything untrue ends the test.
    fn is_answered_by(&self, answer: &Value) -> bool {
        let rejected = answer["rejected"].as_array().unwrap();
        if rejected.iter().any(|one| one["retryable"] == true) {
            return false;
        }
        let count = |name: &str| usize::try_from(answer[name].as_u64().unwrap()).unwrap();
        let (accepted, duplicates) = (count("accepted"), count("duplicates"));
        let taken = self.new.len() + self.again.len();
        let lies = taken..taken + self.lies.len();
        let refused: Vec<_> = rejected.iter().map(|one| one["index"].as_u64().unwrap()).collect();
        assert!(refused.iter().copied().eq(lies.map(|index| index as u64)), "{answer}");
        assert!(rejected.iter().all(|one| one["code"] == "conflict"), "{answer}");
        assert_eq!(accepted + duplicates, taken, "{answer}");
        // Of a request whose answer was lost, any part may be stored.
        assert!(accepted == self.new.len() || (self.is_repeated && accepted < self.new.len()), "{answer}");
        true
    }
}

impl Door {
    /// The status and the body; nothing from a stack that is gone.
    async fn post(&self, events: &Value) -> Option<(StatusCode, Value)> {
        let request = self.client.post(format!("{}/v1/events", self.url)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(events.to_string());
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let body = answer.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap()))
    }

    /// What a path of a stack that runs holds.
    pub async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }
}
