//! What a column of a rollup counts. How DynamoDB spells a column is the business of the store's keys.

use sha2::{Digest, Sha256};

use crate::ids::ModelKey;
use crate::pricing::Rate;

/// 48 bits of a hash that stand for a model in columns. Among a thousand models of one organization, two share a code
/// with a probability of 2 in 10^9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelCode([u8; 6]);

impl ModelCode {
    /// The code of a model: the first bytes of a SHA-256 over provider and model.
    pub fn of(model: &ModelKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(&model.provider);
        hash.update([0]);
        hash.update(&model.model);
        let hash: [u8; 32] = hash.finalize().into();
        Self(std::array::from_fn(|i| hash[i]))
    }

    /// A code that was stored.
    pub const fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// The code as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 6] {
        &self.0
    }
}

/// What is counted per model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelMeasure {
    /// Calls.
    Requests,
    /// Failed calls.
    Errors,
    /// Calls without a price.
    Unpriced,
    /// Tokens of calls.
    Tokens(TokenBucket),
    /// Units that are billed by count.
    Units(Rate),
    /// Cost of uncached input in USD, on an organization's day.
    InputCost,
    /// Cost of cache reads in USD, on an organization's day.
    CacheReadCost,
    /// Cost of cache writes in USD, on an organization's day.
    CacheWriteCost,
    /// Cost of output in USD, on an organization's day.
    OutputCost,
    /// Cost of units in USD, on an organization's day.
    UnitsCost,
    /// Cost in USD on the organization's own provider keys, on an organization's day.
    ByokCost,
    /// Cost in USD, on an agent's day.
    Cost,
}

/// A kind of tokens that has a price of its own. The first seven share no token; the others are parts of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenBucket {
    /// Uncached input.
    Input,
    /// Output, reasoning included.
    Output,
    /// Read from a cache.
    CacheRead,
    /// Written to a cache for 5 minutes.
    CacheWrite5m,
    /// Written to a cache for 30 minutes.
    CacheWrite30m,
    /// Written to a cache for an hour.
    CacheWrite1h,
    /// Written to a cache for 12 hours.
    CacheWrite12h,
    /// The audio in the uncached input.
    InputAudio,
    /// The images in the uncached input.
    InputImage,
    /// The audio in the cache reads.
    CacheReadAudio,
    /// The audio in the output.
    OutputAudio,
    /// The images in the output.
    OutputImage,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// A measure of a model's calls.
    Model(ModelCode, ModelMeasure),
    /// Tokens of a model's calls whose input exceeds the step with this index in
    /// [`LONG_CONTEXT_STEPS`](super::LONG_CONTEXT_STEPS), and not the next.
    LongContext(ModelCode, u8, TokenBucket),
    /// A model's calls whose input exceeds the length with this index in [`INPUT_LENGTHS`](super::INPUT_LENGTHS), and
    /// not the next.
    LongerInput(ModelCode, u8),
    /// The provider and model that a code stands for: a text.
    ModelName(ModelCode),
    /// Calls that carried a latency.
    LatencyCount,
    /// Latency in milliseconds.
    LatencySum,
    /// Completed tasks.
    Tasks,
    /// Failed tasks.
    TasksFailed,
    /// Completed tasks that reported minutes.
    TasksWithMinutes,
    /// The minutes that they reported.
    MinutesSaved,
    /// Core-seconds.
    CpuCoreSeconds,
    /// GB-seconds of memory.
    RamGbSeconds,
    /// GB-seconds of disk.
    DiskGbSeconds,
    /// Instance-seconds.
    InstanceSeconds,
    /// Bytes received.
    BytesIn,
    /// Bytes sent.
    BytesOut,
    /// Distinct instances: a set of hashes.
    Instances,
    /// Distinct end users: a set of hashes.
    EndUsers,
    /// Calls of a task type.
    CallsOfTaskType(String),
    /// Entries of the activity log, by type.
    Activity(String),
    /// Entries of the activity log in an hour of the day of UTC, by type.
    ActivityInHour(u8, String),
}

/// A column of a rollup.
///
/// A compute sample may reach into an hour of the day before, and a day of UTC is not a day of every time zone. Events
/// of each day have columns of their own all the same, so that a day can be recomputed from its own events alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column {
    /// What it holds.
    pub measure: Measure,
    /// The day of the events that it counts, in days after the item's own day; mostly 0.
    pub days_after: i64,
}

impl From<Measure> for Column {
    fn from(measure: Measure) -> Self {
        Self { measure, days_after: 0 }
    }
}

impl From<&Self> for Column {
    fn from(column: &Self) -> Self {
        column.clone()
    }
}
