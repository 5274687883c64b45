//! Stands in for a Lambda event source mapping: reads a table's stream shard by shard and passes it to a function in
//! batches. A batch is retried until the function has accepted all of it; only then does the checkpoint advance.

pub mod checkpoint;
pub mod event;
mod shard;
mod source;

use std::time::Duration;

use aws_sdk_dynamodbstreams::Client;
use runtime::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until};

use crate::aws::invoke::{self, Handler};
use crate::error::{Error, Result};
use crate::template::StreamMapping;
use checkpoint::Checkpoints;
use shard::Shard;
use source::Source;

/// How often a stream that has been read to its end is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How often a stream is checked for new shards.
const DESCRIBE_INTERVAL: Duration = Duration::from_secs(10);

/// Polls one stream on behalf of one function.
pub struct StreamPoller {
    source: Source,
    mapping: StreamMapping,
    timeout: Duration,
    handler: Handler,
    state: Mutex<PollerState>,
}

struct PollerState {
    checkpoints: Checkpoints,
    shards: Vec<Shard>,
    described_at: Option<Instant>,
}

/// The result of one round over the shards.
#[derive(Clone, Copy)]
enum Progress {
    /// Something was processed; there may be more.
    Moved,
    /// Something failed, and is retried at this time.
    Retry(Instant),
    /// There was nothing to process.
    Idle,
}

impl Progress {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Moved, _) | (_, Self::Moved) => Self::Moved,
            (Self::Retry(one), Self::Retry(two)) => Self::Retry(one.min(two)),
            (Self::Retry(at), Self::Idle) | (Self::Idle, Self::Retry(at)) => Self::Retry(at),
            (Self::Idle, Self::Idle) => Self::Idle,
        }
    }
}

impl StreamPoller {
    /// Polls the stream `arn` for `handler`, whose invocations are limited to `timeout`.
    pub fn new(
        client: Client,
        arn: String,
        mapping: StreamMapping,
        timeout: Duration,
        checkpoints: Checkpoints,
        handler: Handler,
    ) -> Self {
        let state = Mutex::new(PollerState { checkpoints, shards: Vec::new(), described_at: None });
        Self { source: Source::new(client, arn), mapping, timeout, handler, state }
    }

    /// The logical id of the table whose stream is polled.
    pub fn table(&self) -> &str {
        &self.mapping.table
    }

    /// Polls until told to stop. The batch in flight is finished first.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let pause_until = match self.round().await {
                Progress::Moved => continue,
                Progress::Retry(at) => at.min(Instant::now() + POLL_INTERVAL),
                Progress::Idle => Instant::now() + POLL_INTERVAL,
            };
            // A dropped sender also means stop.
            if let Ok(Err(_)) = tokio::time::timeout_at(pause_until, stop.changed()).await {
                return;
            }
        }
    }

    /// Polls until the stream is empty. A failing batch is retried without limit.
    pub async fn drain(&self) {
        loop {
            match self.round().await {
                Progress::Moved => {}
                Progress::Retry(at) => sleep_until(at).await,
                Progress::Idle => return,
            }
        }
    }

    /// Clears all checkpoints, which replays the stream from the start: the worst-case redelivery.
    pub async fn rewind(&self) {
        let mut state = self.state.lock().await;
        state.checkpoints.clear();
        state.shards.iter_mut().for_each(Shard::rewind);
    }

    /// Pairs of a shard's id and its checkpoint.
    pub async fn positions(&self) -> Vec<(String, String)> {
        let state = self.state.lock().await;
        let position = |shard: &Shard| {
            let checkpoint = state.checkpoints.get(&self.key(shard))?;
            Some((shard.id.clone(), checkpoint.to_owned()))
        };
        state.shards.iter().filter_map(position).collect()
    }

    /// Takes one step on each shard whose parent is finished.
    async fn round(&self) -> Progress {
        let mut state = self.state.lock().await;
        let PollerState { checkpoints, shards, described_at } = &mut *state;
        if described_at.is_none_or(|at| at.elapsed() >= DESCRIBE_INTERVAL) {
            if let Err(error) = self.source.find_shards(shards).await {
                tracing::warn!(stream = self.source.arn, %error, "cannot describe the stream");
                return Progress::Retry(Instant::now() + POLL_INTERVAL * 10);
            }
            *described_at = Some(Instant::now());
        }
        let mut progress = Progress::Idle;
        for at in 0..shards.len() {
            let parent = shards[at].parent.clone();
            // Records of one key stay in order only if a shard is finished before its children are read.
            if shards.iter().any(|shard| Some(&shard.id) == parent.as_ref() && !shard.finished()) {
                continue;
            }
            let shard = &mut shards[at];
            let was_finished = shard.finished();
            progress = progress.and(self.step(shard, checkpoints).await);
            if shard.finished() && !was_finished {
                // Its children may be readable now.
                *described_at = None;
                progress = Progress::Moved;
            }
        }
        progress
    }

    async fn step(&self, shard: &mut Shard, checkpoints: &mut Checkpoints) -> Progress {
        if let Some(at) = shard.retry_at.filter(|at| *at > Instant::now()) {
            return Progress::Retry(at);
        }
        match self.attempt(shard, checkpoints).await {
            Ok(true) => Progress::Moved,
            Ok(false) => Progress::Idle,
            Err(error) => {
                shard.failed();
                tracing::warn!(function = self.mapping.function_name, shard = shard.id, %error, "will retry");
                shard.retry_at.map_or(Progress::Moved, Progress::Retry)
            }
        }
    }

    /// Reads if nothing is pending, then delivers one batch or the end of a window. Returns whether it delivered
    /// a batch.
    async fn attempt(&self, shard: &mut Shard, checkpoints: &mut Checkpoints) -> Result<bool> {
        if shard.pending.is_empty() && !shard.closed {
            let after = checkpoints.get(&self.key(shard)).map(str::to_owned);
            self.source.read(shard, after).await?;
        }
        if let Some(open) = shard.window {
            let next = shard.next_window(&self.mapping);
            let over = shard.closed || open.end <= Clock::system().now().timestamp();
            if next.map_or(over, |next| next != open) {
                self.end_window(shard, open).await?;
            }
        }
        if shard.pending.is_empty() {
            return Ok(false);
        }
        let length = shard.batch_length(&self.mapping);
        let accepted = self.deliver(shard, length).await;
        if let Ok(count @ 1..) = accepted {
            if let Some(last) = shard.complete(count) {
                checkpoints.set(&self.key(shard), &last).await?;
            }
            shard.succeeded();
        }
        match accepted? {
            count if count == length => Ok(true),
            count => Err(Error::new(format!("the function accepted {count} of {length} records"))),
        }
    }

    fn key(&self, shard: &Shard) -> String {
        format!("{} {}", self.source.arn, shard.id)
    }

    /// Invokes the function with the first `length` pending records and returns how many it accepted.
    async fn deliver(&self, shard: &mut Shard, length: usize) -> Result<usize> {
        let records = shard.pending.iter().take(length);
        let mut event = event::batch(records, &self.source.arn);
        let window = shard.next_window(&self.mapping);
        if let Some(window) = window {
            event = event::in_window(event, window, &shard.state, &shard.id, &self.source.arn, false);
        }
        let accepted = match self.invoke(event).await {
            Ok(response) => self.accepted(shard, length, &response).map(|count| (count, response)),
            Err(error) => Err(error),
        };
        match accepted {
            Ok((count, mut response)) => {
                shard.window = window;
                shard.state = response["state"].take();
                Ok(count)
            }
            Err(error) => {
                if self.mapping.bisect_batch_on_function_error {
                    shard.bisect(length);
                }
                Err(error)
            }
        }
    }

    /// How many records the response accepts: those before the first one that it names as failed.
    fn accepted(&self, shard: &Shard, length: usize, response: &Value) -> Result<usize> {
        if self.mapping.tumbling_window_in_seconds.is_some() && !response["state"].is_object() {
            return Err(Error::new("the function's response has no state"));
        }
        let failures =
            response["batchItemFailures"].as_array().filter(|_| self.mapping.reports_item_failures());
        let mut accepted = length;
        for failure in failures.into_iter().flatten() {
            let id = failure["itemIdentifier"].as_str().unwrap_or_default();
            let found =
                shard.pending.iter().take(length).position(|record| event::sequence_number(record) == id);
            // As with Lambda, an unknown identifier fails the whole batch.
            let at = found.ok_or_else(|| {
                Error::new(format!(
                    "the function's response names a record that is not in the batch: {failure}"
                ))
            })?;
            accepted = accepted.min(at);
        }
        Ok(accepted)
    }

    async fn end_window(&self, shard: &mut Shard, window: event::Window) -> Result<()> {
        let event = event::in_window(
            json!({ "Records": [] }),
            window,
            &shard.state,
            &shard.id,
            &self.source.arn,
            true,
        );
        self.invoke(event).await?;
        shard.window = None;
        shard.state = json!({});
        Ok(())
    }

    async fn invoke(&self, event: Value) -> Result<Value> {
        let response = invoke::run_handler(&self.handler, self.timeout, event).await;
        response.map_err(|error| Error::new(format!("the function failed: {}", error.error_message)))
    }
}

#[cfg(test)]
mod tests;
