//! From rows to the figures that responses are made of.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::amount::{Amount, decimal};
use super::figure::Figure;
use super::fold::{count, model_key};
use super::group::{Domain, Group, Key};
use super::table::{Row, Table};
use super::view::long_context_step;
use crate::ids::{AgentId, ModelKey, ProjectId};
use crate::money::Usd;
use crate::pricing::{Rate, TokenUsage};
use crate::rollup::{
    ActivityDay, AgentDay, AgentModelFigures, Compute, ModelCode, ModelFigures, OrgDay, TASK_TYPES,
    TokenBucket, WorkFigures,
};

impl Table {
    /// The figures of an organization, from a table of [`View::Organization`](super::View::Organization).
    pub fn org_day(&self) -> OrgDay {
        let mut day = OrgDay::default();
        for ([model, ..], row) in self.rows(Group::OrgModels) {
            let Some(model) = self.model_at(model) else { continue };
            let units: BTreeMap<_, _> = row.units().collect();
            if !units.is_empty() {
                day.units.insert(model.clone(), units);
            }
            if row.figures().any(|(figure, _)| !figure.is_unit()) {
                day.models.insert(model, row.model_figures());
            }
        }
        day.work = self.rows(Group::OrgWork).next().map(|(_, row)| row.work()).unwrap_or_default();
        for ([kind, ..], row) in self.rows(Group::OrgActivity) {
            let kind = self.name_at(Domain::Kinds, kind).unwrap_or_default();
            day.activity.insert(kind.to_owned(), count(row.get(Figure::Entries)));
        }
        day
    }

    /// The figures of agents by model, from a table of [`View::AgentModels`](super::View::AgentModels), together with
    /// latencies, tasks and activity from one of [`View::Agents`](super::View::Agents) of the same period.
    pub fn agent_days(&self, totals: &Self) -> BTreeMap<AgentId, AgentDay> {
        let mut days = totals.agents();
        let mut codes: BTreeMap<i32, ModelCode> = BTreeMap::new();
        let mut code = |model: i32| *codes.entry(model).or_insert_with(|| self.code(model));
        for ([agent, model, ..], row) in self.rows(Group::AgentModels) {
            let Some(day) = self.agent(agent).map(|agent| days.entry(agent).or_default()) else { continue };
            let figures = day.models.entry(code(model)).or_default();
            let (long_context, lengths_exceeded) = (figures.long_context, figures.lengths_exceeded);
            *figures = AgentModelFigures { long_context, lengths_exceeded, ..row.agent_model_figures() };
        }
        for ([agent, task_type, ..], row) in self.rows(Group::AgentTaskTypes) {
            let kind = usize::try_from(task_type - 1).ok().and_then(|position| TASK_TYPES.get(position));
            if let (Some(agent), Some(kind)) = (self.agent(agent), kind) {
                let day = days.entry(agent).or_default();
                day.calls_by_task_type.insert((*kind).to_owned(), count(row.get(Figure::Requests)));
            }
        }
        for ([agent, model, length, ..], row) in self.rows(Group::AgentLengths) {
            let Some(day) = self.agent(agent).map(|agent| days.entry(agent).or_default()) else { continue };
            let figures = day.models.entry(code(model)).or_default();
            let length_exceeded = usize::try_from(length).unwrap_or_default();
            figures.lengths_exceeded = figures.lengths_exceeded.max(length_exceeded);
            if let Some(step) = long_context_step(length) {
                figures.long_context[step] += row.tokens();
            }
        }
        days
    }

    /// Agents' calls by model, from a table of [`View::AgentModels`](super::View::AgentModels).
    pub fn calls_by_model(&self) -> impl Iterator<Item = (AgentId, ModelCode, AgentModelFigures)> {
        let rows = self.rows(Group::AgentModels);
        rows.filter_map(|([agent, model, ..], row)| {
            Some((self.agent(agent)?, self.code(model), row.agent_model_figures()))
        })
    }

    /// Agents that have entries in the activity log, from a table of [`View::Agents`](super::View::Agents).
    pub fn logged_agents(&self) -> BTreeSet<AgentId> {
        self.rows(Group::AgentActivity).filter_map(|([agent, ..], _)| self.agent(agent)).collect()
    }

    /// The latencies, tasks and activity of agents, from a table of [`View::Agents`](super::View::Agents).
    fn agents(&self) -> BTreeMap<AgentId, AgentDay> {
        let mut days: BTreeMap<AgentId, AgentDay> = BTreeMap::new();
        for ([agent, ..], row) in self.rows(Group::Agents) {
            if let Some(agent) = self.agent(agent) {
                days.entry(agent).or_default().work = row.work();
            }
        }
        for ([agent, kind, ..], row) in self.rows(Group::AgentActivity) {
            let kind = self.name_at(Domain::Kinds, kind).unwrap_or_default();
            if let Some(agent) = self.agent(agent) {
                let day = days.entry(agent).or_default();
                day.activity.insert(kind.to_owned(), count(row.get(Figure::Entries)));
            }
        }
        days
    }

    /// Agents' calls without regard to models, from a table of [`View::Agents`](super::View::Agents).
    pub fn agent_totals(&self) -> BTreeMap<AgentId, (AgentModelFigures, WorkFigures)> {
        let rows = self.rows(Group::Agents);
        rows.filter_map(|([agent, ..], row)| {
            Some((self.agent(agent)?, (row.agent_model_figures(), row.work())))
        })
        .collect()
    }

    /// The activity of a UTC day, of an organization or of one agent, from a table of
    /// [`View::Activity`](super::View::Activity).
    pub fn activity_day(&self, day: i32, agent: Option<&AgentId>) -> ActivityDay {
        let mut figures = ActivityDay::default();
        let only = agent.map(|agent| self.find_name(Domain::Agents, agent.as_str()));
        for ([agent, of_day, hour, kind, _], row) in self.rows(Group::Activity) {
            if of_day != day || only.is_some_and(|only| only != Some(agent)) {
                continue;
            }
            let kind = self.name_at(Domain::Kinds, kind).unwrap_or_default().to_owned();
            let hour = figures.hours.entry(u32::try_from(hour).unwrap_or_default()).or_default();
            *hour.entry(kind).or_default() += count(row.get(Figure::Entries));
        }
        figures
    }

    /// Compute usage by project and by hour or day since 1970, from a table of
    /// [`View::Compute`](super::View::Compute).
    pub fn compute(&self, buckets: Group) -> BTreeMap<(i32, ProjectId), Compute> {
        let keys: BTreeSet<Key> =
            self.rows(buckets).map(|(key, _)| key).chain(self.sets(buckets).map(|(key, _)| key)).collect();
        let compute = keys.into_iter().filter_map(|key| {
            let project = self.name_at(Domain::Projects, key[0])?;
            let amount = |figure| decimal(self.get(buckets, key, figure));
            let bytes = |figure| Decimal::from(self.get(buckets, key, figure));
            let compute = Compute {
                cpu_core_seconds: amount(Figure::CpuCoreSeconds),
                ram_gb_seconds: amount(Figure::RamGbSeconds),
                disk_gb_seconds: amount(Figure::DiskGbSeconds),
                instance_seconds: amount(Figure::InstanceSeconds),
                bytes_in: bytes(Figure::BytesIn),
                bytes_out: bytes(Figure::BytesOut),
                instances: self.set(buckets, key),
            };
            Some(((key[1], ProjectId::new(project).ok()?), compute))
        });
        compute.collect()
    }

    /// Distinct end users, by hash.
    pub fn end_users(&self) -> BTreeSet<[u8; 8]> {
        self.sets(Group::EndUsers).flat_map(|(_, users)| users.iter().copied()).collect()
    }

    fn agent(&self, position: i32) -> Option<AgentId> {
        AgentId::new(self.name_at(Domain::Agents, position)?).ok()
    }

    fn model_at(&self, position: i32) -> Option<ModelKey> {
        model_key(self.name_at(Domain::Models, position)?)
    }

    fn code(&self, position: i32) -> ModelCode {
        self.model_at(position).map_or(ModelCode::from_bytes([0; 6]), |model| ModelCode::of(&model))
    }
}

fn usd(amount: Amount) -> Usd {
    Usd::new(decimal(amount))
}

impl Row<'_> {
    fn count(self, figure: Figure) -> u64 {
        count(self.get(figure))
    }

    fn tokens(self) -> TokenUsage {
        let mut tokens = TokenUsage::default();
        for (bucket, _) in TokenUsage::default().buckets() {
            *tokens.bucket_mut(bucket) = self.bucket(bucket);
        }
        tokens
    }

    fn bucket(self, bucket: TokenBucket) -> u64 {
        self.count(Figure::of_tokens(bucket))
    }

    fn units(self) -> impl Iterator<Item = (Rate, Decimal)> {
        let units =
            Rate::UNITS.iter().filter_map(move |unit| Some((*unit, self.get(Figure::of_unit(*unit)?))));
        units.filter(|(_, amount)| *amount != 0).map(|(unit, amount)| (unit, decimal(amount)))
    }

    pub(super) fn model_figures(self) -> ModelFigures {
        ModelFigures {
            requests: self.count(Figure::Requests),
            errors: self.count(Figure::Errors),
            unpriced: self.count(Figure::Unpriced),
            tokens: self.tokens(),
            uncached_input_cost: usd(self.get(Figure::InputCost)),
            cache_read_cost: usd(self.get(Figure::CacheReadCost)),
            cache_write_cost: usd(self.get(Figure::CacheWriteCost)),
            output_cost: usd(self.get(Figure::OutputCost)),
            units_cost: usd(self.get(Figure::UnitsCost)),
            byok_cost: usd(self.get(Figure::ByokCost)),
        }
    }

    fn agent_model_figures(self) -> AgentModelFigures {
        AgentModelFigures {
            requests: self.count(Figure::Requests),
            errors: self.count(Figure::Errors),
            unpriced: self.count(Figure::Unpriced),
            tokens: self.tokens(),
            cost: usd(self.get(Figure::Cost)),
            ..AgentModelFigures::default()
        }
    }

    pub(super) fn work(self) -> WorkFigures {
        WorkFigures {
            latency_count: self.count(Figure::LatencyCount),
            latency_sum_ms: self.count(Figure::LatencySum),
            tasks: self.count(Figure::Tasks),
            tasks_failed: self.count(Figure::TasksFailed),
            tasks_with_minutes: self.count(Figure::TasksWithMinutes),
            minutes_saved: decimal(self.get(Figure::MinutesSaved)),
        }
    }
}
