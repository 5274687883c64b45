//! Figures that are read from the columns of a rollup.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::INPUT_LENGTHS;
use super::rollup::Rollup;
use super::{Measure, ModelCode, ModelMeasure as M};
use crate::ids::ModelKey;
use crate::money::{Usd, exact_add};
use crate::pricing::{Rate, TokenUsage};

/// Figures of a model's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelFigures {
    /// Calls.
    pub requests: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Calls that were unpriced.
    pub unpriced: u64,
    /// Tokens.
    pub tokens: TokenUsage,
    /// Cost of uncached input.
    pub uncached_input_cost: Usd,
    /// Cost of cache reads.
    pub cache_read_cost: Usd,
    /// Cost of cache writes.
    pub cache_write_cost: Usd,
    /// Cost of output.
    pub output_cost: Usd,
    /// Cost of what is billed by count.
    pub units_cost: Usd,
    /// The part of the cost on the organization's own provider keys.
    pub byok_cost: Usd,
}

impl ModelFigures {
    /// The whole cost.
    pub fn cost(&self) -> Usd {
        self.input_cost() + self.output_cost + self.units_cost
    }

    /// Cost of input, cache reads and writes included.
    pub fn input_cost(&self) -> Usd {
        self.uncached_input_cost + self.cache_read_cost + self.cache_write_cost
    }
}

impl AddAssign for ModelFigures {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.unpriced += other.unpriced;
        self.tokens += other.tokens;
        self.uncached_input_cost += other.uncached_input_cost;
        self.cache_read_cost += other.cache_read_cost;
        self.cache_write_cost += other.cache_write_cost;
        self.output_cost += other.output_cost;
        self.units_cost += other.units_cost;
        self.byok_cost += other.byok_cost;
    }
}

/// Figures of an agent's calls of one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentModelFigures {
    /// Calls.
    pub requests: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Calls that were unpriced.
    pub unpriced: u64,
    /// Tokens of all calls.
    pub tokens: TokenUsage,
    /// Of those, the tokens of calls whose input exceeded a step of [`super::LONG_CONTEXT_STEPS`] and not the next.
    pub long_context: [TokenUsage; super::LONG_CONTEXT_STEPS.len()],
    /// How many of [`INPUT_LENGTHS`] the longest input exceeded.
    pub lengths_exceeded: usize,
    /// Cost.
    pub cost: Usd,
}

impl AgentModelFigures {
    /// An upper bound of the input lengths: the next of [`INPUT_LENGTHS`].
    pub fn longest_input(&self) -> u64 {
        if self.requests == 0 {
            return 0;
        }
        let next =
            |least: u64| INPUT_LENGTHS.iter().copied().find(|length| *length >= least).unwrap_or(u64::MAX);
        let counted = INPUT_LENGTHS.get(self.lengths_exceeded).copied().unwrap_or(u64::MAX);
        // Some input is at least as long as the mean, and as the step that tokens are counted under.
        let longer = self.long_context.iter().rposition(|tokens| tokens.total() > 0);
        let step = longer.map_or(0, |step| super::LONG_CONTEXT_STEPS[step] + 1);
        let mean = self.tokens.whole_input().div_ceil(self.requests);
        counted.max(next(step.max(mean)))
    }
}

impl AddAssign for AgentModelFigures {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.unpriced += other.unpriced;
        self.tokens += other.tokens;
        for (sum, more) in self.long_context.iter_mut().zip(other.long_context) {
            *sum += more;
        }
        self.lengths_exceeded = self.lengths_exceeded.max(other.lengths_exceeded);
        self.cost += other.cost;
    }
}

/// Figures that belong to no model: latency and tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkFigures {
    /// Calls that carried a latency.
    pub latency_count: u64,
    /// The sum of their latencies, in milliseconds.
    pub latency_sum_ms: u64,
    /// Completed tasks.
    pub tasks: u64,
    /// Failed tasks.
    pub tasks_failed: u64,
    /// Completed tasks that reported minutes.
    pub tasks_with_minutes: u64,
    /// The minutes that they reported as saved.
    pub minutes_saved: Decimal,
}

impl AddAssign for WorkFigures {
    fn add_assign(&mut self, other: Self) {
        self.latency_count += other.latency_count;
        self.latency_sum_ms += other.latency_sum_ms;
        self.tasks += other.tasks;
        self.tasks_failed += other.tasks_failed;
        self.tasks_with_minutes += other.tasks_with_minutes;
        self.minutes_saved = exact_add(self.minutes_saved, other.minutes_saved);
    }
}

impl From<&Rollup> for WorkFigures {
    fn from(rollup: &Rollup) -> Self {
        Self {
            latency_count: count(rollup.number(Measure::LatencyCount)),
            latency_sum_ms: count(rollup.number(Measure::LatencySum)),
            tasks: count(rollup.number(Measure::Tasks)),
            tasks_failed: count(rollup.number(Measure::TasksFailed)),
            tasks_with_minutes: count(rollup.number(Measure::TasksWithMinutes)),
            minutes_saved: rollup.number(Measure::MinutesSaved),
        }
    }
}

/// Figures of an organization's day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrgDay {
    /// Calls by model. Totals are computed from these, so they cannot disagree.
    pub models: BTreeMap<ModelKey, ModelFigures>,
    /// What was billed by count, by model.
    pub units: BTreeMap<ModelKey, BTreeMap<Rate, Decimal>>,
    /// Latency and tasks.
    pub work: WorkFigures,
    /// Entries of the activity log by type.
    pub activity: BTreeMap<String, u64>,
}

impl From<&Rollup> for OrgDay {
    fn from(rollup: &Rollup) -> Self {
        let mut day = Self { work: rollup.into(), ..Self::default() };
        let mut models: BTreeMap<ModelCode, ModelFigures> = BTreeMap::new();
        let mut units: BTreeMap<ModelCode, BTreeMap<Rate, Decimal>> = BTreeMap::new();
        for (column, value) in &rollup.numbers {
            match &column.measure {
                Measure::Model(code, M::Units(unit)) => {
                    units.entry(*code).or_default().insert(*unit, *value);
                }
                Measure::Model(code, measure) => models.entry(*code).or_default().set(*measure, *value),
                Measure::Activity(kind) => drop(day.activity.insert(kind.clone(), count(*value))),
                _ => {}
            }
        }
        let name = |code| rollup.names.get(&Measure::ModelName(code).into());
        day.models = models
            .into_iter()
            .filter_map(|(code, model)| Some((super::rollup::model_of(name(code)?)?, model)))
            .collect();
        day.units = units
            .into_iter()
            .filter_map(|(code, units)| Some((super::rollup::model_of(name(code)?)?, units)))
            .collect();
        day
    }
}

impl ModelFigures {
    fn set(&mut self, measure: M, value: Decimal) {
        match measure {
            M::Requests => self.requests = count(value),
            M::Errors => self.errors = count(value),
            M::Unpriced => self.unpriced = count(value),
            M::Tokens(bucket) => *self.tokens.bucket_mut(bucket) = count(value),
            M::InputCost => self.uncached_input_cost = Usd::new(value),
            M::CacheReadCost => self.cache_read_cost = Usd::new(value),
            M::CacheWriteCost => self.cache_write_cost = Usd::new(value),
            M::OutputCost => self.output_cost = Usd::new(value),
            M::UnitsCost => self.units_cost = Usd::new(value),
            M::ByokCost => self.byok_cost = Usd::new(value),
            // `OrgDay` reads units; only agents' days have the cost as one figure.
            M::Units(_) | M::Cost => {}
        }
    }
}

impl OrgDay {
    /// The figures of all models together.
    pub fn total(&self) -> ModelFigures {
        let mut total = ModelFigures::default();
        for model in self.models.values() {
            total += *model;
        }
        total
    }

    /// Adds another day's figures.
    pub fn merge(&mut self, other: Self) {
        for (key, model) in other.models {
            *self.models.entry(key).or_default() += model;
        }
        for (key, units) in other.units {
            let all = self.units.entry(key).or_default();
            for (unit, count) in units {
                let sum = all.entry(unit).or_default();
                *sum = exact_add(*sum, count);
            }
        }
        self.work += other.work;
        for (kind, entries) in other.activity {
            *self.activity.entry(kind).or_default() += entries;
        }
    }
}

/// Figures of an agent's day. Models are identified by code; the names are in the organization's day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentDay {
    /// Calls by model.
    pub models: BTreeMap<ModelCode, AgentModelFigures>,
    /// Calls by task type, of [`super::TASK_TYPES`]. The rest has another type or none.
    pub calls_by_task_type: BTreeMap<String, u64>,
    /// Latency and tasks.
    pub work: WorkFigures,
    /// Entries of the activity log by type.
    pub activity: BTreeMap<String, u64>,
}

impl AgentDay {
    /// The figures of all models together.
    pub fn total(&self) -> AgentModelFigures {
        let mut total = AgentModelFigures::default();
        for model in self.models.values() {
            total += *model;
        }
        total
    }

    /// Adds another day's figures.
    pub fn merge(&mut self, other: Self) {
        for (code, model) in other.models {
            *self.models.entry(code).or_default() += model;
        }
        for (kind, calls) in other.calls_by_task_type {
            *self.calls_by_task_type.entry(kind).or_default() += calls;
        }
        self.work += other.work;
        for (kind, entries) in other.activity {
            *self.activity.entry(kind).or_default() += entries;
        }
    }
}

/// Figures of a UTC day of the activity log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityDay {
    /// Entries by hour of the day and by type.
    pub hours: BTreeMap<u32, BTreeMap<String, u64>>,
}

impl ActivityDay {
    /// Whether some entries are not counted by their type.
    pub fn has_surplus(&self) -> bool {
        self.hours.values().any(|by_type| by_type.contains_key(super::OTHER))
    }
}

impl From<&Rollup> for ActivityDay {
    fn from(rollup: &Rollup) -> Self {
        let mut day = Self::default();
        for (column, value) in &rollup.numbers {
            if let Measure::ActivityInHour(hour, kind) = &column.measure {
                day.hours.entry(u32::from(*hour)).or_default().insert(kind.clone(), count(*value));
            }
        }
        day
    }
}

/// A counter. At 10^9 tokens per event, none can exceed 64 bits.
fn count(value: Decimal) -> u64 {
    value.to_u64().unwrap_or_default()
}
