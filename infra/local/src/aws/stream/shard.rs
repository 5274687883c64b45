//! One shard of a stream: what has been read of it and waits for the function.

use std::collections::VecDeque;
use std::time::Duration;

use aws_sdk_dynamodbstreams::types::Record;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::event::{self, Window};
use crate::template::StreamMapping;

/// The longest pause between two attempts; the first is a tenth of a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What one invocation may carry, in bytes: Lambda's limit of 6 MB, less what JSON adds to a record.
const MOST_BYTES: i64 = 3_000_000;

/// A shard and how far it is.
#[derive(Debug)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// The shard that has to be done before this one.
    pub parent: Option<String>,
    /// Where the next read goes on; none before the first read and after a failed one.
    pub iterator: Option<String>,
    /// Whether nothing more will come.
    pub closed: bool,
    /// What has been read and not been handled.
    pub waiting: VecDeque<Record>,
    /// The tumbling window that the function has been called in and not been told the end of.
    pub window: Option<Window>,
    /// What the function answered last in that window.
    pub state: Value,
    /// When the next attempt is due, after a failed one.
    pub retry_at: Option<Instant>,
    failures: u32,
    limit: usize,
}

impl Shard {
    /// A shard that nothing has been read of.
    pub fn new(id: &str, parent: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            iterator: None,
            closed: false,
            waiting: VecDeque::new(),
            window: None,
            state: json!({}),
            retry_at: None,
            failures: 0,
            limit: usize::MAX,
        }
    }

    /// Whether all of it has been handled.
    pub fn finished(&self) -> bool {
        self.closed && self.waiting.is_empty() && self.window.is_none()
    }

    /// The window of the first waiting record, where the mapping has windows.
    pub fn next_window(&self, mapping: &StreamMapping) -> Option<Window> {
        let first = self.waiting.front()?;
        mapping.tumbling_window_in_seconds.map(|length| Window::of(event::created(first), length))
    }

    /// How many of the waiting records the next batch takes: those of one window, within both limits.
    pub fn batch_length(&self, mapping: &StreamMapping) -> usize {
        let window = self.next_window(mapping);
        let same_window = |record: &&Record| {
            window.is_none_or(|window| (window.start..window.end).contains(&event::created(record)))
        };
        let mut bytes = 0;
        let within_bytes = |record: &&Record| {
            bytes += record.dynamodb.as_ref().and_then(|change| change.size_bytes).unwrap_or_default();
            bytes <= MOST_BYTES
        };
        let most = mapping.batch_size.min(self.limit);
        self.waiting.iter().take(most).take_while(same_window).take_while(within_bytes).count().max(1)
    }

    /// Removes the first `count` waiting records and gives the last one's sequence number.
    pub fn done(&mut self, count: usize) -> Option<String> {
        let last = self.waiting.drain(..count).next_back()?;
        Some(event::sequence_number(&last).to_owned())
    }

    /// Notes an attempt that worked: no pause, and batches grow again.
    pub fn succeeded(&mut self) {
        self.retry_at = None;
        self.failures = 0;
        self.limit = self.limit.saturating_mul(2);
    }

    /// Notes an attempt that failed: a pause, twice as long as the one before.
    pub fn failed(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.retry_at = Some(Instant::now() + pause);
    }

    /// Makes the next batch half as long as the one of `length` records that failed.
    pub fn bisect(&mut self, length: usize) {
        self.limit = (length / 2).max(1);
    }

    /// Starts over from what the checkpoints say.
    pub fn rewind(&mut self) {
        *self = Self::new(&self.id, self.parent.as_deref());
    }
}
