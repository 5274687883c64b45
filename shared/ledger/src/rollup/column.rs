//! Names of the columns of the usage table.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

use crate::ids::ModelKey;

/// 48 bits of a hash that stand for a model in column names. A thousand models of one organisation share a code with
/// a chance of 2 in 10^9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelCode([u8; 8]);

impl ModelCode {
    /// The code of a model.
    pub fn of(model: &ModelKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(&model.provider);
        hash.update([0]);
        hash.update(&model.model);
        let mut code = [0; 8];
        // Six bytes are eight characters, always.
        let _ = BASE64.encode_slice(&hash.finalize()[..6], &mut code);
        Self(code)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

macro_rules! model_columns {
    ($($(#[$doc:meta])+ $name:ident = $letter:literal,)+) => {
        /// What is summed per model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ModelColumn {
            $($(#[$doc])+ $name,)+
        }

        impl ModelColumn {
            const fn letter(self) -> char {
                match self { $(Self::$name => $letter,)+ }
            }

            const fn of(letter: u8) -> Option<Self> {
                match letter as char { $($letter => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

model_columns! {
    /// Calls.
    Requests = 'r',
    /// Failed calls.
    Errors = 'e',
    /// Calls without a price.
    Unpriced = 'u',
    /// Uncached input tokens.
    Input = 'i',
    /// Output tokens.
    Output = 'o',
    /// Tokens read from a cache.
    CacheRead = 'c',
    /// Tokens written to a cache for 5 minutes.
    CacheWrite5m = 'w',
    /// Tokens written to a cache for an hour.
    CacheWrite1h = 'h',
    /// Cost of input, on an organisation's day.
    InputCost = 'x',
    /// Cost of output, on an organisation's day.
    OutputCost = 'y',
    /// Cost on the organisation's own keys, on an organisation's day.
    ByokCost = 'b',
    /// Cost, on an agent's day.
    Cost = 't',
}

/// The name of a column of the usage table.
///
/// | form | what |
/// |---|---|
/// | two letters | one of the constants |
/// | code, letter | a [`ModelColumn`] of a model |
/// | code, digit, letter | the same, of calls above a long-context step |
/// | code, `l`, letter | calls whose input is longer than a model may take |
/// | code, `n` | the model's name |
/// | `k:` type | calls by task type |
/// | `a:` type | activity by type |
/// | `A:` to `X:`, type | activity in the first to the last hour of the day, by type |
/// | any of these, `~`, a number | the same, of events that happened that many days after the item's day |
/// | `@` and 11 characters | the mark of a shard |
/// | `v`, `w`, `z` | see the store's keys |
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column(Cow<'static, str>);

/// Stands before the days in a column of other days' events. No identifier holds it, and no model's code.
const OFFSET: char = '~';

impl Column {
    /// Calls that carried a latency.
    pub const LATENCY_COUNT: Self = Self::fixed("lc");
    /// The sum of latencies, in milliseconds.
    pub const LATENCY_SUM: Self = Self::fixed("ls");
    /// Tasks that reached their goal.
    pub const TASKS: Self = Self::fixed("tk");
    /// Tasks that failed.
    pub const TASKS_FAILED: Self = Self::fixed("tf");
    /// Completed tasks that reported minutes.
    pub const TASKS_WITH_MINUTES: Self = Self::fixed("tm");
    /// The minutes that they reported.
    pub const MINUTES_SAVED: Self = Self::fixed("ms");
    /// Core-seconds.
    pub const CPU_CORE_SECONDS: Self = Self::fixed("cs");
    /// GB-seconds of memory.
    pub const RAM_GB_SECONDS: Self = Self::fixed("rs");
    /// GB-seconds of disk.
    pub const DISK_GB_SECONDS: Self = Self::fixed("ds");
    /// Instance-seconds.
    pub const INSTANCE_SECONDS: Self = Self::fixed("is");
    /// Bytes received.
    pub const BYTES_IN: Self = Self::fixed("bi");
    /// Bytes sent.
    pub const BYTES_OUT: Self = Self::fixed("bo");
    /// The set of distinct instances.
    pub const INSTANCES: Self = Self::fixed("in");

    const fn fixed(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    fn made(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// A sum of a model.
    pub fn model(code: ModelCode, column: ModelColumn) -> Self {
        Self::made(format!("{}{}", code.as_str(), column.letter()))
    }

    /// A sum of a model's calls above the `step`-th of the long-context steps.
    pub fn long_context(code: ModelCode, step: usize, column: ModelColumn) -> Self {
        Self::made(format!("{}{step}{}", code.as_str(), column.letter()))
    }

    /// A model's calls whose input exceeds the `nth` of the input lengths and not the next.
    pub fn longer_input(code: ModelCode, nth: usize) -> Self {
        let letter = u8::try_from(nth).map_or('?', |nth| char::from(b'a' + nth % 26));
        Self::made(format!("{}l{letter}", code.as_str()))
    }

    /// The model that a code stands for.
    pub fn model_name(code: ModelCode) -> Self {
        Self::made(format!("{}n", code.as_str()))
    }

    /// Calls of a task type.
    pub fn calls_of_type(task_type: &str) -> Self {
        Self::made(format!("k:{task_type}"))
    }

    /// Activity of a type.
    pub fn activity(event_type: &str) -> Self {
        Self::made(format!("a:{event_type}"))
    }

    /// Activity of a type in an hour of the day.
    pub fn activity_in(hour: u32, event_type: &str) -> Self {
        let letter = u8::try_from(hour).map_or('?', |hour| char::from(b'A' + hour % 24));
        Self::made(format!("{letter}:{event_type}"))
    }

    /// The same column, for events of a day that is `days` after the item's: see [`Self::split_offset`].
    #[must_use]
    pub fn offset(self, days: i64) -> Self {
        if days == 0 { self } else { Self::made(format!("{}{OFFSET}{days}", self.0)) }
    }

    /// The column of the figure, and the days from the item's day to the events' that it counts.
    ///
    /// A sample may run into an hour of yesterday, and a day of UTC is not one of everybody's. Each day's events have
    /// columns of their own all the same: so a day can be computed anew from its events alone.
    pub fn split_offset(&self) -> (Self, i64) {
        let parts = self.0.rsplit_once(OFFSET).and_then(|(name, days)| Some((name, days.parse().ok()?)));
        parts.map_or_else(|| (self.clone(), 0), |(name, days)| (Self::made(name.to_owned()), days))
    }

    /// Any column, by the name it is stored under.
    pub fn stored(name: String) -> Self {
        Self::made(name)
    }

    /// The name that it is stored under.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn split_code(&self) -> Option<(ModelCode, &[u8])> {
        let (code, rest) = self.0.as_bytes().split_first_chunk::<8>()?;
        // The second character tells a typed column from a code, whose alphabet has no colon.
        (code[1] != b':' && code[0] != b'@').then_some((ModelCode(*code), rest))
    }

    /// The model and what of it, where this is a sum of a model.
    pub fn as_model(&self) -> Option<(ModelCode, ModelColumn)> {
        let (code, rest) = self.split_code()?;
        let [letter] = rest else { return None };
        Some((code, ModelColumn::of(*letter)?))
    }

    /// The model, the step and what of it, where this is a long-context sum.
    pub fn as_long_context(&self) -> Option<(ModelCode, usize, ModelColumn)> {
        let (code, rest) = self.split_code()?;
        let [step, letter] = rest else { return None };
        let step = usize::from(step.checked_sub(b'0').filter(|step| *step < 10)?);
        Some((code, step, ModelColumn::of(*letter)?))
    }

    /// The model and which of the input lengths, where this counts calls by that.
    pub fn as_longer_input(&self) -> Option<(ModelCode, usize)> {
        match self.split_code()? {
            (code, [b'l', letter @ b'a'..=b'z']) => Some((code, usize::from(letter - b'a'))),
            _ => None,
        }
    }

    /// The task type, where this counts calls by it.
    pub fn as_calls_of_type(&self) -> Option<&str> {
        self.0.strip_prefix("k:")
    }

    /// The type of activity, where this counts it.
    pub fn as_activity(&self) -> Option<&str> {
        self.0.strip_prefix("a:")
    }

    /// The hour and the type of activity, where this counts it by both.
    pub fn as_activity_in(&self) -> Option<(u32, &str)> {
        let (letter, event_type) = self.0.split_once(':')?;
        match letter.as_bytes() {
            [letter @ b'A'..=b'X'] => Some((u32::from(letter - b'A'), event_type)),
            _ => None,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
