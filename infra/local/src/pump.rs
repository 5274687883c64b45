//! The event source mapping: reads a table's stream shard by shard and hands it to a function in batches, as Lambda
//! does. A batch is tried again until the function has taken all of it; only then the checkpoint moves on.

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

use crate::error::{Error, Result};
use crate::lambda::{self, Handler};
use crate::template::StreamMapping;
use checkpoint::Checkpoints;
use shard::Shard;
use source::Source;

/// How often a stream that is all read is asked for more.
const POLL: Duration = Duration::from_millis(100);
/// How often a stream is asked for new shards.
const NEW_SHARDS: Duration = Duration::from_secs(10);

/// One mapping from a stream to a function.
pub struct Pump {
    source: Source,
    mapping: StreamMapping,
    timeout: Duration,
    handler: Handler,
    work: Mutex<Work>,
}

struct Work {
    checkpoints: Checkpoints,
    shards: Vec<Shard>,
    described: Option<Instant>,
}

/// What a look at the shards came to.
#[derive(Clone, Copy)]
enum Progress {
    /// There was something to do; there may be more.
    Moved,
    /// Something failed, and is due again then.
    Retry(Instant),
    /// There was nothing.
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

impl Pump {
    /// A mapping from the stream `arn` to `handler`, an invocation of which may last `timeout`.
    pub fn new(
        client: Client,
        arn: String,
        mapping: StreamMapping,
        timeout: Duration,
        checkpoints: Checkpoints,
        handler: Handler,
    ) -> Self {
        let work = Mutex::new(Work { checkpoints, shards: Vec::new(), described: None });
        Self { source: Source::new(client, arn), mapping, timeout, handler, work }
    }

    /// The logical id of the table whose stream it reads.
    pub fn table(&self) -> &str {
        &self.mapping.table
    }

    /// Works until told to stop; the batch under way is finished first.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let pause_until = match self.round().await {
                Progress::Moved => continue,
                Progress::Retry(at) => at.min(Instant::now() + POLL),
                Progress::Idle => Instant::now() + POLL,
            };
            // A sender that is gone stops the pump like one that says so.
            if let Ok(Err(_)) = tokio::time::timeout_at(pause_until, stop.changed()).await {
                return;
            }
        }
    }

    /// Works until the stream has nothing left. A batch that fails is tried again for as long as it does.
    pub async fn drain(&self) {
        loop {
            match self.round().await {
                Progress::Moved => {}
                Progress::Retry(at) => sleep_until(at).await,
                Progress::Idle => return,
            }
        }
    }

    /// Forgets all checkpoints, so that the stream comes again from its start: a redelivery at its worst.
    pub async fn rewind(&self) {
        let mut work = self.work.lock().await;
        work.checkpoints.clear();
        work.shards.iter_mut().for_each(Shard::rewind);
    }

    /// Up to which sequence number each shard is done with.
    pub async fn positions(&self) -> Vec<(String, String)> {
        let work = self.work.lock().await;
        let position = |shard: &Shard| {
            let done = work.checkpoints.get(&self.key(shard))?;
            Some((shard.id.clone(), done.to_owned()))
        };
        work.shards.iter().filter_map(position).collect()
    }

    /// One step on each shard whose parent is finished.
    async fn round(&self) -> Progress {
        let mut work = self.work.lock().await;
        let Work { checkpoints, shards, described } = &mut *work;
        if described.is_none_or(|at| at.elapsed() >= NEW_SHARDS) {
            if let Err(error) = self.source.find_shards(shards).await {
                tracing::warn!(stream = self.source.arn, %error, "the stream cannot be described");
                return Progress::Retry(Instant::now() + POLL * 10);
            }
            *described = Some(Instant::now());
        }
        let mut progress = Progress::Idle;
        for at in 0..shards.len() {
            let parent = shards[at].parent.clone();
            // Records of one key are in order only from a shard to those that it was split into.
            if shards.iter().any(|shard| Some(&shard.id) == parent.as_ref() && !shard.finished()) {
                continue;
            }
            let shard = &mut shards[at];
            let finished = shard.finished();
            progress = progress.and(self.step(shard, checkpoints).await);
            if shard.finished() && !finished {
                // Those that it was split into may be next.
                *described = None;
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
                tracing::warn!(function = self.mapping.function_name, shard = shard.id, %error, "trying again");
                shard.retry_at.map_or(Progress::Moved, Progress::Retry)
            }
        }
    }

    /// Reads if nothing is waiting, then hands on one batch or the end of a window. Whether there was either.
    async fn attempt(&self, shard: &mut Shard, checkpoints: &mut Checkpoints) -> Result<bool> {
        if shard.waiting.is_empty() && !shard.closed {
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
        if shard.waiting.is_empty() {
            return Ok(false);
        }
        let length = shard.batch_length(&self.mapping);
        let taken = self.hand_on(shard, length).await;
        if let Ok(count @ 1..) = taken {
            if let Some(last) = shard.done(count) {
                checkpoints.set(&self.key(shard), &last).await?;
            }
            shard.succeeded();
        }
        match taken? {
            count if count == length => Ok(true),
            count => Err(Error::new(format!("the function took {count} of {length} records"))),
        }
    }

    fn key(&self, shard: &Shard) -> String {
        format!("{} {}", self.source.arn, shard.id)
    }

    /// Calls the function with the first `length` waiting records; how many it took.
    async fn hand_on(&self, shard: &mut Shard, length: usize) -> Result<usize> {
        let records = shard.waiting.iter().take(length);
        let mut event = event::batch(records, &self.source.arn);
        let window = shard.next_window(&self.mapping);
        if let Some(window) = window {
            event = event::in_window(event, window, &shard.state, &shard.id, &self.source.arn, false);
        }
        let taken = match self.invoke(event).await {
            Ok(answer) => self.taken(shard, length, &answer).map(|count| (count, answer)),
            Err(error) => Err(error),
        };
        match taken {
            Ok((count, mut answer)) => {
                shard.window = window;
                shard.state = answer["state"].take();
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

    /// Reads off the answer how many records the function took: those before the first that it names as failed.
    fn taken(&self, shard: &Shard, length: usize, answer: &Value) -> Result<usize> {
        if self.mapping.tumbling_window_in_seconds.is_some() && !answer["state"].is_object() {
            return Err(Error::new("the function's answer has no state"));
        }
        let failures =
            answer["batchItemFailures"].as_array().filter(|_| self.mapping.reports_item_failures());
        let mut taken = length;
        for failure in failures.into_iter().flatten() {
            let id = failure["itemIdentifier"].as_str().unwrap_or_default();
            let found =
                shard.waiting.iter().take(length).position(|record| event::sequence_number(record) == id);
            // To Lambda as well, a name that it does not know fails the whole batch.
            let at = found
                .ok_or_else(|| Error::new(format!("the function's answer names no record: {failure}")))?;
            taken = taken.min(at);
        }
        Ok(taken)
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
        let answer = lambda::invoke(&self.handler, self.timeout, event).await;
        answer.map_err(|error| Error::new(format!("the function failed: {}", error.error_message)))
    }
}

#[cfg(test)]
mod tests;
