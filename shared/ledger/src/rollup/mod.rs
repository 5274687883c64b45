//! Rollups: what an event contributes to them, and the figures that are read from them. The aggregator, reconcile and
//! every test use this one fold, which reads nothing but the event.

mod column;
mod compute;
mod figures;
#[expect(clippy::module_inception, reason = "the type that the module is about")]
mod rollup;
mod sighting;
mod surplus;
mod tokens;
mod unpriced;

use chrono::Timelike;
use chrono_tz::Tz;
use rust_decimal::Decimal;

pub use column::{Column, Measure, ModelCode, ModelMeasure, TokenBucket};
pub use compute::{Compute, hour_of, instance_hash};
pub use figures::{ActivityDay, AgentDay, AgentModelFigures, ModelFigures, OrgDay, WorkFigures};
pub use rollup::Rollup;
pub use sighting::{Latest, Seen, Sighting, Subject};
pub use surplus::OTHER;
pub use unpriced::{MAX_UNPRICED_ROWS, MAX_UNPRICED_TEXT, UnpricedCall, UnpricedFigures, UnpricedRows};

use crate::event::{AgentActivity, CallStatus, Data, Event, KeySource, LlmCall, TaskCompleted};
use crate::ids::{AgentId, Label, OrgId, ProjectId};
use crate::period::Day;
use crate::pricing::Rate;

/// Identifies a rollup: an item of the usage table that events are aggregated in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RollupId {
    /// A day of an organization.
    OrgDay(OrgId, Day),
    /// A day of an agent.
    AgentDay(OrgId, Day, AgentId),
    /// An organization's calls without a price on a day. Their names are long and made up, so they are kept apart from
    /// the day's figures.
    UnpricedDay(OrgId, Day),
    /// Activity log entries by hour on a UTC day, of an organization or of one agent. The log is listed by instants, so
    /// time zones do not apply.
    ActivityDay(OrgId, Option<AgentId>, Day),
    /// A project's compute in a UTC hour, named by its start: `yyyy-mm-ddThh`.
    ProjectHour(OrgId, String, ProjectId),
    /// A project's compute on a day of the organization.
    ProjectDay(OrgId, Day, ProjectId),
}

/// Input lengths in tokens above which calls of some model cost more. A call's tokens are also counted under the largest
/// step that its input exceeds, so that another model's long-context price can be applied later. Stored by index: append
/// only.
pub const LONG_CONTEXT_STEPS: [u64; 4] = [128_000, 200_000, 272_000, 512_000];

/// Known input limits of models, in tokens. A call is counted under the largest limit that its input exceeds, which tells
/// which models could not have served it. Stored by index: append only.
pub const INPUT_LENGTHS: [u64; 14] = [
    8_192, 16_384, 32_768, 65_536, 128_000, 131_072, 200_000, 256_000, 272_000, 300_000, 512_000, 1_000_000,
    1_048_576, 2_000_000,
];

/// Task types that calls are counted by; any other type counts as none. Recommendations treat all others alike, and a
/// sender that puts ticket numbers there would make an item grow with every call.
pub const TASK_TYPES: [&str; 14] = [
    "analysis",
    "chat",
    "classification",
    "coding",
    "drafting",
    "extraction",
    "formatting",
    "planning",
    "reasoning",
    "research",
    "routing",
    "summarization",
    "support",
    "translation",
];

/// Activity types that days are counted by; any other type counts as [`OTHER_ACTIVITY`]. These items also hold money, and
/// a sender that makes up types would fill them. [`RollupId::ActivityDay`] counts every type.
pub const ACTIVITY_TYPES: [&str; 5] =
    ["config_change", "cron_execution", "session_end", "session_start", "tool_call"];
/// All other activity types.
pub const OTHER_ACTIVITY: &str = "other";

impl RollupId {
    /// The organization that the rollup belongs to.
    pub const fn org(&self) -> &OrgId {
        match self {
            Self::OrgDay(org, _)
            | Self::AgentDay(org, ..)
            | Self::UnpricedDay(org, _)
            | Self::ActivityDay(org, ..)
            | Self::ProjectHour(org, ..)
            | Self::ProjectDay(org, ..) => org,
        }
    }

    /// The number of days from the rollup's own day to `day`.
    pub fn days_until(&self, day: Day) -> i64 {
        let own = match self {
            Self::OrgDay(_, own)
            | Self::AgentDay(_, own, _)
            | Self::UnpricedDay(_, own)
            | Self::ActivityDay(_, _, own)
            | Self::ProjectDay(_, own, _) => *own,
            // Hours belong to UTC days.
            Self::ProjectHour(_, hour, _) => hour.get(..10).and_then(Day::parse).unwrap_or(day),
        };
        (day.date() - own.date()).num_days()
    }
}

/// Everything that one event contributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contribution {
    /// What to add to which rollup.
    pub sums: Vec<(RollupId, Rollup)>,
    /// The end user of the call.
    pub end_user: Option<EndUser>,
    /// What the event tells about agents, projects, nodes and the organization.
    pub sightings: Vec<Sighting>,
}

/// An end user on one day, by hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndUser {
    /// The organization.
    pub org: OrgId,
    /// The day.
    pub day: Day,
    /// The first 8 bytes of a SHA-256 over organization and user.
    pub hash: [u8; 8],
}

impl EndUser {
    /// The user `name` of `org` on `day`.
    pub fn new(org: &OrgId, day: Day, name: &str) -> Self {
        Self { org: org.clone(), day, hash: rollup::short_hash(&["end-user", org.as_str(), name]) }
    }
}

/// What `event` contributes: the fold behind every figure of the system.
///
/// Events of different days never add to the same column of a rollup.
pub fn contribution(event: &Event) -> Contribution {
    let mut contribution = by_kind(event);
    for (target, sums) in &mut contribution.sums {
        *sums = std::mem::take(sums).offset(target.days_until(event.day));
    }
    contribution
}

fn by_kind(event: &Event) -> Contribution {
    match &event.data {
        Data::LlmCall(call) => of_call(event, call),
        Data::TaskCompleted(task) => of_task(event, task),
        Data::AgentActivity(activity) => of_activity(event, activity),
        Data::ComputeUsage(sample) => compute::of_sample(event, sample),
        Data::HostReport(report) => Contribution {
            sightings: vec![Sighting::node(event, report), Sighting::org(event)],
            ..Contribution::default()
        },
    }
}

fn of_agent(
    event: &Event,
    agent: &AgentId,
    org_day: Rollup,
    agent_day: Rollup,
    seen: Sighting,
) -> Contribution {
    let (org, day) = (&event.org, event.day);
    Contribution {
        sums: vec![
            (RollupId::OrgDay(org.clone(), day), org_day),
            (RollupId::AgentDay(org.clone(), day, agent.clone()), agent_day),
        ],
        end_user: None,
        sightings: vec![seen, Sighting::org(event)],
    }
}

fn of_call(event: &Event, call: &LlmCall) -> Contribution {
    let key = call.model_key();
    let code = ModelCode::of(&key);
    let mut common = Rollup::default();
    let of_model = |measure| Measure::Model(code, measure);
    let mut add = |measure, value: u64| common.add(of_model(measure), value.into());
    add(ModelMeasure::Requests, 1);
    add(ModelMeasure::Errors, u64::from(call.status == CallStatus::Error));
    add(ModelMeasure::Unpriced, u64::from(call.cost.is_unpriced()));
    for (bucket, tokens) in call.tokens.buckets() {
        add(ModelMeasure::Tokens(bucket), tokens);
    }
    for (name, count) in &call.units {
        if let Some(unit) = Rate::from_name(name).filter(|rate| rate.is_unit()) {
            common.add(of_model(ModelMeasure::Units(unit)), count.0);
        }
    }
    if let Some(latency) = call.latency_ms {
        common.add(Measure::LatencyCount, Decimal::ONE);
        common.add(Measure::LatencySum, latency.into());
    }

    let (mut org_day, mut agent_day) = (common.clone(), common);
    org_day.name(Measure::ModelName(code), &key);
    let cost = &call.cost;
    for (measure, amount) in [
        (ModelMeasure::InputCost, cost.input),
        (ModelMeasure::CacheReadCost, cost.cache_read),
        (ModelMeasure::CacheWriteCost, cost.cache_write),
        (ModelMeasure::OutputCost, cost.output),
        (ModelMeasure::UnitsCost, cost.units),
    ] {
        org_day.add(of_model(measure), amount.dollars());
    }
    agent_day.add(of_model(ModelMeasure::Cost), cost.total().dollars());
    if call.key_source == KeySource::Byok {
        org_day.add(of_model(ModelMeasure::ByokCost), cost.total().dollars());
    }
    let known = |kind: &&Label| TASK_TYPES.contains(&kind.as_str());
    if let Some(task_type) = call.task_type.as_ref().filter(known) {
        agent_day.add(Measure::CallsOfTaskType(task_type.as_str().to_owned()), Decimal::ONE);
    }
    add_input_length(&mut agent_day, code, call);

    let seen = Sighting::agent(event, &call.agent_id, sighting::AgentWork::Call, call.hostname.as_ref());
    let end_user = call.end_user.as_ref().map(|user| EndUser::new(&event.org, event.day, user.as_str()));
    let mut contribution =
        Contribution { end_user, ..of_agent(event, &call.agent_id, org_day, agent_day, seen) };
    if let Some(unpriced) = UnpricedCall::of(call) {
        let mut rows = Rollup::default();
        rows.unpriced.add(unpriced, UnpricedFigures::of(call, event.time));
        contribution.sums.push((RollupId::UnpricedDay(event.org.clone(), event.day), rows));
    }
    contribution
}

fn add_input_length(sums: &mut Rollup, code: ModelCode, call: &LlmCall) {
    let whole = call.tokens.whole_input();
    if let Some(length) = index_exceeded(&INPUT_LENGTHS, whole) {
        sums.add(Measure::LongerInput(code, length), Decimal::ONE);
    }
    if let Some(step) = index_exceeded(&LONG_CONTEXT_STEPS, whole) {
        for (bucket, tokens) in call.tokens.buckets() {
            sums.add(Measure::LongContext(code, step, bucket), tokens.into());
        }
    }
}

/// The index of the largest of ascending `limits` that `value` exceeds.
fn index_exceeded(limits: &[u64], value: u64) -> Option<u8> {
    limits.iter().rposition(|limit| value > *limit).and_then(|index| u8::try_from(index).ok())
}

fn of_task(event: &Event, task: &TaskCompleted) -> Contribution {
    let mut sums = Rollup::default();
    if task.success {
        sums.add(Measure::Tasks, Decimal::ONE);
        if let Some(minutes) = task.minutes_saved {
            sums.add(Measure::TasksWithMinutes, Decimal::ONE);
            sums.add(Measure::MinutesSaved, minutes.0);
        }
    } else {
        sums.add(Measure::TasksFailed, Decimal::ONE);
    }
    let seen = Sighting::agent(event, &task.agent_id, sighting::AgentWork::Task, None);
    of_agent(event, &task.agent_id, sums.clone(), sums, seen)
}

fn of_activity(event: &Event, activity: &AgentActivity) -> Contribution {
    let mut sums = Rollup::default();
    let known = ACTIVITY_TYPES.into_iter().find(|known| *known == activity.event_type.as_str());
    sums.add(Measure::Activity(known.unwrap_or(OTHER_ACTIVITY).to_owned()), Decimal::ONE);
    let mut contribution = match &activity.agent_id {
        Some(agent) => {
            let seen = Sighting::agent(event, agent, sighting::AgentWork::None, None);
            let mut contribution = of_agent(event, agent, sums.clone(), sums, seen);
            if !event.is_usage() {
                // A changed setting does not mean that the agent was active.
                contribution.sightings = vec![Sighting::org(event)];
            }
            contribution
        }
        None => Contribution {
            sums: vec![(RollupId::OrgDay(event.org.clone(), event.day), sums)],
            end_user: None,
            sightings: vec![Sighting::org(event)],
        },
    };
    contribution.sums.extend(hours_of_activity(event, activity));
    contribution
}

/// The entry by UTC hour, for the organization and for the agent.
fn hours_of_activity(event: &Event, activity: &AgentActivity) -> impl Iterator<Item = (RollupId, Rollup)> {
    let mut sums = Rollup::default();
    let hour = u8::try_from(event.time.hour()).unwrap_or_default();
    sums.add(Measure::ActivityInHour(hour, activity.event_type.as_str().to_owned()), Decimal::ONE);
    let (org, day) = (event.org.clone(), Day::of(event.time, Tz::UTC));
    let whose = std::iter::once(None).chain(activity.agent_id.clone().map(Some));
    whose.map(move |agent| (RollupId::ActivityDay(org.clone(), agent, day), sums.clone()))
}
