//! What the columns of a table count.

use crate::pricing::Rate;
use crate::rollup::TokenBucket;

macro_rules! figures {
    ($($(#[$doc:meta])+ $variant:ident,)+) => {
        /// A column of a table. Stored by position: append only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Figure { $($(#[$doc])+ $variant,)+ }

        impl Figure {
            /// All of them, in the order in which they are stored.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }
    };
}

figures! {
    /// Calls.
    Requests,
    /// Failed calls.
    Errors,
    /// Calls without a price.
    Unpriced,
    /// Tokens of uncached input.
    Input,
    /// Tokens of output.
    Output,
    /// Tokens read from a cache.
    CacheRead,
    /// Tokens written to a cache for 5 minutes.
    CacheWrite5m,
    /// Tokens written to a cache for 30 minutes.
    CacheWrite30m,
    /// Tokens written to a cache for an hour.
    CacheWrite1h,
    /// Tokens written to a cache for 12 hours.
    CacheWrite12h,
    /// Audio in the uncached input.
    InputAudio,
    /// Images in the uncached input.
    InputImage,
    /// Audio in the cache reads.
    CacheReadAudio,
    /// Audio in the output.
    OutputAudio,
    /// Images in the output.
    OutputImage,
    /// Cost of uncached input.
    InputCost,
    /// Cost of cache reads.
    CacheReadCost,
    /// Cost of cache writes.
    CacheWriteCost,
    /// Cost of output.
    OutputCost,
    /// Cost of what is billed by count.
    UnitsCost,
    /// The whole cost, where its parts are not kept.
    Cost,
    /// The part of the cost that was paid with the organization's own provider keys.
    ByokCost,
    /// Calls that carried a latency.
    LatencyCount,
    /// Their latencies, in milliseconds.
    LatencySum,
    /// Web searches.
    WebSearch,
    /// Web pages fetched.
    WebFetch,
    /// Queries grounded in maps.
    MapsGrounding,
    /// Searches of stored files.
    FileSearch,
    /// Hours of a code execution container.
    CodeExecutionHours,
    /// Images made.
    Images,
    /// Seconds of audio.
    AudioSeconds,
    /// Seconds of video.
    VideoSeconds,
    /// Characters of text, for speech.
    Characters,
    /// Pages of a document.
    Pages,
    /// Requests as a unit that is billed by count.
    RequestUnits,
    /// Completed tasks.
    Tasks,
    /// Failed tasks.
    TasksFailed,
    /// Completed tasks that reported minutes.
    TasksWithMinutes,
    /// The minutes that they reported.
    MinutesSaved,
    /// Entries of the activity log.
    Entries,
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
}

impl Figure {
    /// The number of figures.
    pub const COUNT: usize = Self::ALL.len();

    /// The parts of a call's cost.
    pub const COST_PARTS: [Self; 5] =
        [Self::InputCost, Self::CacheReadCost, Self::CacheWriteCost, Self::OutputCost, Self::UnitsCost];

    /// Figures of tasks.
    pub const TASKS: [Self; 4] = [Self::Tasks, Self::TasksFailed, Self::TasksWithMinutes, Self::MinutesSaved];

    /// Figures of latencies.
    pub const LATENCY: [Self; 2] = [Self::LatencyCount, Self::LatencySum];

    /// Figures of compute usage.
    pub const COMPUTE: [Self; 6] = [
        Self::CpuCoreSeconds,
        Self::RamGbSeconds,
        Self::DiskGbSeconds,
        Self::InstanceSeconds,
        Self::BytesIn,
        Self::BytesOut,
    ];

    /// The figure that counts the tokens of a bucket.
    pub const fn of_tokens(bucket: TokenBucket) -> Self {
        match bucket {
            TokenBucket::Input => Self::Input,
            TokenBucket::Output => Self::Output,
            TokenBucket::CacheRead => Self::CacheRead,
            TokenBucket::CacheWrite5m => Self::CacheWrite5m,
            TokenBucket::CacheWrite30m => Self::CacheWrite30m,
            TokenBucket::CacheWrite1h => Self::CacheWrite1h,
            TokenBucket::CacheWrite12h => Self::CacheWrite12h,
            TokenBucket::InputAudio => Self::InputAudio,
            TokenBucket::InputImage => Self::InputImage,
            TokenBucket::CacheReadAudio => Self::CacheReadAudio,
            TokenBucket::OutputAudio => Self::OutputAudio,
            TokenBucket::OutputImage => Self::OutputImage,
        }
    }

    /// The figure that counts a unit; none for a rate of tokens.
    pub const fn of_unit(unit: Rate) -> Option<Self> {
        Some(match unit {
            Rate::WebSearch => Self::WebSearch,
            Rate::WebFetch => Self::WebFetch,
            Rate::MapsGrounding => Self::MapsGrounding,
            Rate::FileSearch => Self::FileSearch,
            Rate::CodeExecutionHours => Self::CodeExecutionHours,
            Rate::Images => Self::Images,
            Rate::AudioSeconds => Self::AudioSeconds,
            Rate::VideoSeconds => Self::VideoSeconds,
            Rate::Characters => Self::Characters,
            Rate::Pages => Self::Pages,
            Rate::Requests => Self::RequestUnits,
            _ => return None,
        })
    }

    /// Whether the figure is an [`Amount`](super::Amount) in steps of 10⁻¹², rather than a count.
    pub const fn has_decimals(self) -> bool {
        let position = self as u8;
        (position >= Self::InputCost as u8 && position <= Self::ByokCost as u8)
            || (position >= Self::WebSearch as u8 && position <= Self::RequestUnits as u8)
            || position == Self::MinutesSaved as u8
            || (position >= Self::CpuCoreSeconds as u8 && position <= Self::InstanceSeconds as u8)
    }

    /// Whether the figure counts tokens.
    pub const fn is_tokens(self) -> bool {
        let position = self as u8;
        position >= Self::Input as u8 && position <= Self::OutputImage as u8
    }

    /// Whether the figure counts a unit.
    pub const fn is_unit(self) -> bool {
        let position = self as u8;
        position >= Self::WebSearch as u8 && position <= Self::RequestUnits as u8
    }
}
