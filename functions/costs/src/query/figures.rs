//! What is measured, and how it is shown.

use std::ops::AddAssign;

use ledger::event::{CallStatus, Data, LlmCall};
use ledger::money::{Number, Usd, percent, ratio};
use ledger::pricing::TokenUsage;
use ledger::rollup::{AgentModelFigures, ModelFigures, WorkFigures};
use rust_decimal::Decimal;
use serde::Serialize;

/// Figures of calls and tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub cost: Usd,
    pub parts: CostParts,
    pub requests: u64,
    pub errors: u64,
    pub unpriced: u64,
    pub tokens: Tokens,
    /// Calls that carried a latency, and the sum of their latencies in milliseconds.
    pub latency: (u64, u64),
    /// Completed tasks.
    pub tasks: u64,
}

/// The parts of a cost. They are all zero where only the whole is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostParts {
    input: Usd,
    output: Usd,
    cache_read: Usd,
    cache_write: Usd,
    units: Usd,
}

/// Tokens by class; no token is in two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

impl Tokens {
    pub const fn total(&self) -> u64 {
        self.input + self.output + self.cache_read + self.cache_write
    }
}

impl From<&TokenUsage> for Tokens {
    fn from(tokens: &TokenUsage) -> Self {
        let TokenUsage { input, output, cache_read, .. } = *tokens;
        Self { input, output, cache_read, cache_write: tokens.whole_input() - input - cache_read }
    }
}

impl Figures {
    /// Whether there was neither a call nor a task.
    pub fn is_empty(&self) -> bool {
        *self == Self { latency: self.latency, ..Self::default() }
    }

    /// Those of an event; none of one that is neither a call nor a completed task.
    pub fn of_event(data: &Data) -> Option<Self> {
        match data {
            Data::LlmCall(call) => Some(Self::of_call(call)),
            Data::TaskCompleted(task) => Some(Self { tasks: u64::from(task.success), ..Self::default() }),
            Data::AgentActivity(_) | Data::ComputeUsage(_) | Data::HostReport(_) | Data::Amendment(_) => None,
        }
    }

    fn of_call(call: &LlmCall) -> Self {
        let cost = &call.cost;
        Self {
            cost: cost.total(),
            parts: CostParts {
                input: cost.input,
                output: cost.output,
                cache_read: cost.cache_read,
                cache_write: cost.cache_write,
                units: cost.units,
            },
            requests: 1,
            errors: u64::from(call.status == CallStatus::Error),
            unpriced: u64::from(cost.is_unpriced()),
            tokens: (&call.tokens).into(),
            latency: call.latency_ms.map_or((0, 0), |latency| (1, latency)),
            tasks: 0,
        }
    }
}

impl From<&ModelFigures> for Figures {
    fn from(model: &ModelFigures) -> Self {
        Self {
            cost: model.cost(),
            parts: CostParts {
                input: model.uncached_input_cost,
                output: model.output_cost,
                cache_read: model.cache_read_cost,
                cache_write: model.cache_write_cost,
                units: model.units_cost,
            },
            requests: model.requests,
            errors: model.errors,
            unpriced: model.unpriced,
            tokens: (&model.tokens).into(),
            ..Self::default()
        }
    }
}

impl From<&AgentModelFigures> for Figures {
    fn from(model: &AgentModelFigures) -> Self {
        Self {
            cost: model.cost,
            requests: model.requests,
            errors: model.errors,
            unpriced: model.unpriced,
            tokens: (&model.tokens).into(),
            ..Self::default()
        }
    }
}

impl From<&WorkFigures> for Figures {
    fn from(work: &WorkFigures) -> Self {
        Self { latency: (work.latency_count, work.latency_sum_ms), tasks: work.tasks, ..Self::default() }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.cost += other.cost;
        self.parts.input += other.parts.input;
        self.parts.output += other.parts.output;
        self.parts.cache_read += other.parts.cache_read;
        self.parts.cache_write += other.parts.cache_write;
        self.parts.units += other.parts.units;
        self.requests += other.requests;
        self.errors += other.errors;
        self.unpriced += other.unpriced;
        self.tokens.input += other.tokens.input;
        self.tokens.output += other.tokens.output;
        self.tokens.cache_read += other.tokens.cache_read;
        self.tokens.cache_write += other.tokens.cache_write;
        self.latency.0 += other.latency.0;
        self.latency.1 += other.latency.1;
        self.tasks += other.tasks;
    }
}

/// Which figures are known beside those that always are.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub cost_parts: bool,
    pub latency: bool,
}

impl Known {
    /// Of raw events everything is known.
    pub const ALL: Self = Self { cost_parts: true, latency: true };
}

/// Figures as they are shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    cost: Number,
    input_cost: Option<Number>,
    output_cost: Option<Number>,
    cache_read_cost: Option<Number>,
    cache_write_cost: Option<Number>,
    unit_cost: Option<Number>,
    requests: u64,
    errors: u64,
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    avg_response_ms: Option<Number>,
    tasks: u64,
    cost_per_task: Number,
    unpriced_requests: u64,
}

impl Measures {
    pub fn new(figures: &Figures, known: Known) -> Self {
        let Figures { cost, parts, tokens, latency: (count, sum), tasks, .. } = *figures;
        let part = |part| known.cost_parts.then(|| Number::usd(part));
        let mean = || Number(ratio(sum.into(), count.into(), 1, 0));
        Self {
            cost: Number::usd(cost),
            input_cost: part(parts.input),
            output_cost: part(parts.output),
            cache_read_cost: part(parts.cache_read),
            cache_write_cost: part(parts.cache_write),
            unit_cost: part(parts.units),
            requests: figures.requests,
            errors: figures.errors,
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_read_tokens: tokens.cache_read,
            cache_write_tokens: tokens.cache_write,
            avg_response_ms: known.latency.then(mean),
            tasks,
            cost_per_task: Number(ratio(cost.dollars(), tasks.into(), 1, 6)),
            unpriced_requests: figures.unpriced,
        }
    }
}

/// Figures of the range before, and the change since.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    #[serde(flatten)]
    measures: Measures,
    /// The change of the cost in percent of the earlier one; 0 where that is 0.
    cost_change_pct: Number,
}

impl Previous {
    pub fn new(before: &Figures, now: &Figures, known: Known) -> Self {
        let change: Decimal = (now.cost - before.cost).dollars();
        Self {
            measures: Measures::new(before, known),
            cost_change_pct: percent(change, before.cost.dollars()),
        }
    }
}
