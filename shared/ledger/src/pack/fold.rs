//! From an event to rows.

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Tz;

use super::amount::{Amount, Inexact, exact};
use super::figure::Figure;
use super::group::{Domain, Group, NONE};
use super::table::Table;
use super::tracked::TrackedDetail;
use crate::calendar::{Calendar, Generation, TrackedDimensions};
use crate::event::{
    AgentActivity, Amendment, CallStatus, ComputeUsage, Data, Event, KeySource, LlmCall, TaskCompleted,
};
use crate::ids::ModelKey;
use crate::period::Day;
use crate::pricing::Rate;
use crate::rollup::{
    ACTIVITY_TYPES, EndUser, INPUT_LENGTHS, Measure, OTHER_ACTIVITY, RollupId, TASK_TYPES, compute_parts,
    instance_hash, model_name,
};

/// Sets of end users, so that the many of one day can be in several chunks.
const END_USER_BUCKETS: u8 = 32;

impl Table {
    /// Adds what an event contributes by a calendar, in full detail.
    ///
    /// # Errors
    ///
    /// An amount with too many digits, which ingest lets no sender report. Nothing is added then.
    pub fn add_event(&mut self, event: &Event, calendar: &Calendar) -> Result<(), Inexact> {
        match &event.data {
            Data::LlmCall(call) => self.add_call(event, call),
            Data::TaskCompleted(task) => self.add_task(Group::Tasks, task),
            Data::AgentActivity(activity) => {
                self.add_activity(event.time, activity);
                Ok(())
            }
            Data::ComputeUsage(sample) => self.add_sample(event, sample, calendar),
            // Only the registry keeps the last one.
            Data::HostReport(_) => Ok(()),
            Data::Amendment(amendment) => self.add_amendment(event, amendment, calendar),
        }
    }

    /// Adds what an event contributes to the chains of an organization's day: to the figures of agents, of hours and of
    /// `tracked` dimensions.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn add_chained(&mut self, event: &Event, tracked: &TrackedDimensions) -> Result<(), Inexact> {
        self.add_agent_event(&event.data)?;
        self.add_work(event, &event.data, (tracked, TrackedDetail::Combinations))
    }

    /// Adds the same without combinations of values, of which the events of a day may have one each.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn add_without_combinations(
        &mut self,
        event: &Event,
        tracked: &TrackedDimensions,
    ) -> Result<(), Inexact> {
        self.add_agent_event(&event.data)?;
        self.add_work(event, &event.data, (tracked, TrackedDetail::Values))
    }

    /// Adds what an event contributes to the figures of agents, in the detail that their views need. The day does not matter.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn add_agent_event(&mut self, data: &Data) -> Result<(), Inexact> {
        match data {
            Data::LlmCall(call) => self.add_agent_call(call),
            Data::TaskCompleted(task) => self.add_task(Group::Agents, task),
            Data::AgentActivity(activity) => {
                self.add_agent_activity(activity);
                Ok(())
            }
            Data::ComputeUsage(_) | Data::HostReport(_) => Ok(()),
            Data::Amendment(Amendment { replaces, with, .. }) => {
                let fold = |data: Option<&Data>| {
                    let mut table = Self::default();
                    data.map_or(Ok(()), |data| table.add_agent_event(data)).map(|()| table)
                };
                let (before, after) = (fold(replaces.as_deref())?, fold(with.as_deref())?);
                self.merge(&after);
                self.subtract(&before);
                Ok(())
            }
        }
    }

    fn add_agent_call(&mut self, call: &LlmCall) -> Result<(), Inexact> {
        let cost = cost_parts(call)?.into_iter().sum();
        let key = [
            self.name(Domain::Agents, call.agent_id.as_str()),
            self.model(call),
            task_type(call),
            input_length(call.tokens.whole_input()),
            0,
        ];
        self.add(Group::AgentCalls, key, counts_of(call).chain([(Figure::Cost, cost)]));
        Ok(())
    }

    fn add_agent_activity(&mut self, activity: &AgentActivity) {
        let Some(agent) = &activity.agent_id else { return };
        let known = ACTIVITY_TYPES.into_iter().find(|known| *known == activity.event_type.as_str());
        let agent = self.name(Domain::Agents, agent.as_str());
        let kind = self.name(Domain::Kinds, known.unwrap_or(OTHER_ACTIVITY));
        self.add(Group::AgentActivity, [agent, kind, 0, 0, 0], [(Figure::Entries, 1)]);
    }

    /// Adds what holds from now on and subtracts what held before. Members of sets stay: another event may have added them.
    fn add_amendment(
        &mut self,
        event: &Event,
        amendment: &Amendment,
        calendar: &Calendar,
    ) -> Result<(), Inexact> {
        let fold = |data: Option<&Data>| {
            let mut table = Self::default();
            data.map_or(Ok(()), |data| table.add_event(&event.saying(data.clone()), calendar)).map(|()| table)
        };
        let before = fold(amendment.replaces.as_deref())?;
        let after = fold(amendment.with.as_deref())?;
        self.merge(&after);
        self.subtract(&before);
        Ok(())
    }

    fn add_call(&mut self, event: &Event, call: &LlmCall) -> Result<(), Inexact> {
        let mut units = Vec::new();
        for (name, count) in &call.units {
            if let Some(figure) = Rate::from_name(name).and_then(Figure::of_unit) {
                units.push((figure, exact(count.0)?));
            }
        }
        let amounts = Figure::COST_PARTS.into_iter().zip(cost_parts(call)?);
        let key = [
            self.name(Domain::Agents, call.agent_id.as_str()),
            self.model(call),
            task_type(call),
            input_length(call.tokens.whole_input()),
            i32::from(call.key_source == KeySource::Byok),
        ];
        self.add(Group::Calls, key, counts_of(call).chain(amounts).chain(units));
        if let Some(user) = &call.end_user {
            let user = EndUser::new(&event.org, Generation::FIRST, event.utc_day(), user.as_str());
            self.insert(Group::EndUsers, [i32::from(user.hash[0] % END_USER_BUCKETS), 0, 0, 0, 0], user.hash);
        }
        Ok(())
    }

    pub(super) fn model(&mut self, call: &LlmCall) -> i32 {
        let provider = call.cost.provider_id.as_deref().unwrap_or(call.provider.as_str());
        self.name(Domain::Models, &model_name(provider, call.model.as_str()))
    }

    fn add_task(&mut self, group: Group, task: &TaskCompleted) -> Result<(), Inexact> {
        let figures = figures_of_task(task)?;
        let key = [self.name(Domain::Agents, task.agent_id.as_str()), 0, 0, 0, 0];
        self.add(group, key, figures);
        Ok(())
    }

    fn add_activity(&mut self, time: DateTime<Utc>, activity: &AgentActivity) {
        let agent = activity.agent_id.as_ref();
        let agent = agent.map_or(NONE, |agent| self.name(Domain::Agents, agent.as_str()));
        let hour = i32::try_from(time.hour()).unwrap_or_default();
        let kind = self.name(Domain::Kinds, activity.event_type.as_str());
        let key = [agent, day_number(Day::of(time, Tz::UTC)), hour, kind, 0];
        self.add(Group::Activity, key, [(Figure::Entries, 1)]);
    }

    fn add_sample(
        &mut self,
        event: &Event,
        sample: &ComputeUsage,
        calendar: &Calendar,
    ) -> Result<(), Inexact> {
        let project = self.name(Domain::Projects, sample.project_id.as_str());
        let instance = instance_hash(sample.instance_id.as_str());
        for (bucket, part) in compute_parts(event, sample, calendar) {
            let (group, number) = match bucket {
                RollupId::ProjectHour(_, hour, _) => (Group::ProjectHours, hour_number(&hour)),
                RollupId::ProjectDay(_, _, day, _) => (Group::ProjectDays, day_number(day)),
                _ => continue,
            };
            let mut figures = [(Figure::CpuCoreSeconds, 0); COMPUTE.len()];
            for (entry, (figure, measure)) in figures.iter_mut().zip(COMPUTE) {
                let value = part.number(measure);
                *entry = (figure, if figure.has_decimals() { exact(value)? } else { value.mantissa() });
            }
            let key = [project, number, 0, 0, 0];
            self.add(group, key, figures);
            self.insert(group, key, instance);
        }
        Ok(())
    }
}

/// The figures of compute usage, and the measures that they are computed as.
pub(super) const COMPUTE: [(Figure, Measure); 6] = [
    (Figure::CpuCoreSeconds, Measure::CpuCoreSeconds),
    (Figure::RamGbSeconds, Measure::RamGbSeconds),
    (Figure::DiskGbSeconds, Measure::DiskGbSeconds),
    (Figure::InstanceSeconds, Measure::InstanceSeconds),
    (Figure::BytesIn, Measure::BytesIn),
    (Figure::BytesOut, Measure::BytesOut),
];

/// The figures of a task.
pub(super) fn figures_of_task(
    task: &TaskCompleted,
) -> Result<[(Figure, Amount); Figure::TASKS.len()], Inexact> {
    let minutes = task.minutes_saved.filter(|_| task.success).map(|minutes| exact(minutes.0)).transpose()?;
    Ok([
        (Figure::Tasks, i128::from(task.success)),
        (Figure::TasksFailed, i128::from(!task.success)),
        (Figure::TasksWithMinutes, i128::from(minutes.is_some())),
        (Figure::MinutesSaved, minutes.unwrap_or_default()),
    ])
}

/// The counts of a call: itself, its tokens and its latency.
pub(super) fn counts_of(call: &LlmCall) -> impl Iterator<Item = (Figure, Amount)> + '_ {
    let counts = [
        (Figure::Requests, 1),
        (Figure::Errors, i128::from(call.status == CallStatus::Error)),
        (Figure::Unpriced, i128::from(call.cost.is_unpriced())),
    ];
    let tokens = call.tokens.buckets().map(|(bucket, tokens)| (Figure::of_tokens(bucket), tokens.into()));
    let latency = call.latency_ms.map(|ms| [(Figure::LatencyCount, 1), (Figure::LatencySum, ms.into())]);
    counts.into_iter().chain(tokens).chain(latency.into_iter().flatten())
}

/// The parts of a call's cost, in the order of [`Figure::COST_PARTS`].
pub(super) fn cost_parts(call: &LlmCall) -> Result<[Amount; Figure::COST_PARTS.len()], Inexact> {
    let cost = &call.cost;
    let parts = [cost.input, cost.cache_read, cost.cache_write, cost.output, cost.units];
    let mut amounts = [0; Figure::COST_PARTS.len()];
    for (amount, part) in amounts.iter_mut().zip(parts) {
        *amount = exact(part.dollars())?;
    }
    Ok(amounts)
}

fn task_type(call: &LlmCall) -> i32 {
    let known = call.task_type.as_ref().and_then(|kind| TASK_TYPES.binary_search(&kind.as_str()).ok());
    known.and_then(|position| i32::try_from(position + 1).ok()).unwrap_or_default()
}

/// 0 for an input that exceeds none of [`INPUT_LENGTHS`].
fn input_length(tokens: u64) -> i32 {
    i32::try_from(INPUT_LENGTHS.partition_point(|limit| tokens > *limit)).unwrap_or_default()
}

/// Days since 1970.
pub(super) fn day_number(day: Day) -> i32 {
    day.date().to_epoch_days()
}

/// Hours since 1970 of an hour as [`hour_of`](crate::rollup::hour_of) names it.
fn hour_number(hour: &str) -> i32 {
    let day = hour.get(..10).and_then(Day::parse).map_or(0, day_number);
    let of_day: i32 = hour.get(11..).and_then(|hour| hour.parse().ok()).unwrap_or_default();
    day * 24 + of_day
}

/// The model that a name of a table stands for.
pub(super) fn model_key(name: &str) -> Option<ModelKey> {
    crate::rollup::model_of(name)
}

/// The amount of a figure as whole steps; `Decimal` of a count has no decimals.
pub(super) fn count(amount: Amount) -> u64 {
    u64::try_from(amount).unwrap_or_default()
}
