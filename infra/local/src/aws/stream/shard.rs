//! One shard of a stream, with the records that were read from it and wait for the function.

use std::collections::VecDeque;
use std::time::Duration;

use aws_sdk_dynamodbstreams::types::Record;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::event::{self, Window};
use crate::template::StreamMapping;

/// The pause before the first retry. It doubles with each failure, up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The most bytes of records in one invocation: Lambda's limit of 6 MB, less what JSON adds to a record.
const MAX_BATCH_BYTES: i64 = 3_000_000;

/// A shard and its progress.
#[derive(Debug)]
pub struct Shard {
    pub id: String,
    /// The shard that must be finished before this one is read.
    pub parent: Option<String>,
    /// Where the next read continues. `None` before the first read and after a failed one.
    pub iterator: Option<String>,
    /// Whether the end of the shard has been read.
    pub closed: bool,
    /// Records that have been read but not processed.
    pub pending: VecDeque<Record>,
    /// The tumbling window of the last invocation, until the function was notified that the window ended.
    pub window: Option<Window>,
    /// The state that the function returned last in that window.
    pub state: Value,
    /// When the next attempt is due, after a failed one.
    pub retry_at: Option<Instant>,
    failures: u32,
    limit: usize,
}

impl Shard {
    /// A shard of which nothing has been read.
    pub fn new(id: &str, parent: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            iterator: None,
            closed: false,
            pending: VecDeque::new(),
            window: None,
            state: json!({}),
            retry_at: None,
            failures: 0,
            limit: usize::MAX,
        }
    }

    /// Whether all of its records have been processed.
    pub fn finished(&self) -> bool {
        self.closed && self.pending.is_empty() && self.window.is_none()
    }

    /// The window of the first pending record, if the mapping has windows.
    pub fn next_window(&self, mapping: &StreamMapping) -> Option<Window> {
        let first = self.pending.front()?;
        mapping.tumbling_window_in_seconds.map(|length| Window::of(event::created(first), length))
    }

    /// How many pending records the next batch takes: those of one window, within both limits.
    pub fn batch_length(&self, mapping: &StreamMapping) -> usize {
        let window = self.next_window(mapping);
        let same_window = |record: &&Record| {
            window.is_none_or(|window| (window.start..window.end).contains(&event::created(record)))
        };
        let mut bytes = 0;
        let within_bytes = |record: &&Record| {
            bytes += record.dynamodb.as_ref().and_then(|change| change.size_bytes).unwrap_or_default();
            bytes <= MAX_BATCH_BYTES
        };
        let most = mapping.batch_size.min(self.limit);
        self.pending.iter().take(most).take_while(same_window).take_while(within_bytes).count().max(1)
    }

    /// Removes the first `count` pending records and returns the last one's sequence number.
    pub fn complete(&mut self, count: usize) -> Option<String> {
        let last = self.pending.drain(..count).next_back()?;
        Some(event::sequence_number(&last).to_owned())
    }

    /// Ends the pause after failures and lets batches grow again.
    pub fn succeeded(&mut self) {
        self.retry_at = None;
        self.failures = 0;
        self.limit = self.limit.saturating_mul(2);
    }

    /// Schedules a retry after a pause twice as long as the one before.
    pub fn failed(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.retry_at = Some(Instant::now() + pause);
    }

    /// Limits the next batch to half of the `length` records that failed.
    pub fn bisect(&mut self, length: usize) {
        self.limit = (length / 2).max(1);
    }

    /// Forgets everything that was read, so that reading resumes from the checkpoints.
    pub fn rewind(&mut self) {
        *self = Self::new(&self.id, self.parent.as_deref());
    }
}
