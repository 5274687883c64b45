//! Rollups: what an event contributes to them, and the figures that are read from them. The aggregator, reconcile and
//! every test use this one fold, which reads nothing but the event.

mod amendment;
mod column;
mod compute;
mod figures;
mod months;
#[expect(clippy::module_inception, reason = "the type that the module is about")]
mod rollup;
mod sighting;
mod surplus;
mod tokens;
mod unpriced;

use std::collections::BTreeSet;
use std::fmt::Write;

use chrono::Timelike;
use rust_decimal::Decimal;

pub use column::{Column, Measure, ModelCode, ModelMeasure, TokenBucket};
pub(crate) use compute::parts_of_sample as compute_parts;
pub use compute::{Compute, hour_of, hours_of_sample, instance_hash};
pub use figures::{ActivityDay, AgentDay, AgentModelFigures, ModelFigures, OrgDay, WorkFigures};
pub use months::MonthsOfUse;
pub use rollup::Rollup;
pub(crate) use rollup::{model_name, model_of};
pub use sighting::{Latest, Seen, Sighting, Subject};
pub use surplus::OTHER;
pub use unpriced::{MAX_UNPRICED_ROWS, MAX_UNPRICED_TEXT, UnpricedCall, UnpricedFigures, UnpricedRows};

use crate::calendar::{Calendar, Generation};
use crate::event::{AgentActivity, CallStatus, Data, Event, KeySource, LlmCall, TaskCompleted};
use crate::ids::{AgentId, OrgId, ProjectId};
use crate::period::Day;
use crate::pricing::Rate;
use sighting::AgentWork;

/// Identifies a rollup: an item of the usage table that events are aggregated in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RollupId {
    /// A day of an organization.
    OrgDay(OrgId, Generation, Day),
    /// An organization's calls without a price on a day. Their names are long and made up, so they are kept apart from
    /// the day's figures.
    UnpricedDay(OrgId, Generation, Day),
    /// Activity log entries by hour on a UTC day, of an organization or of one agent. The log is listed by instants, so
    /// time zones do not apply.
    ActivityDay(OrgId, Option<AgentId>, Day),
    /// A project's compute in a UTC hour, named by its start: `yyyy-mm-ddThh`.
    ProjectHour(OrgId, String, ProjectId),
    /// A project's compute on a day of the organization.
    ProjectDay(OrgId, Generation, Day, ProjectId),
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
            Self::OrgDay(org, ..)
            | Self::UnpricedDay(org, ..)
            | Self::ActivityDay(org, ..)
            | Self::ProjectHour(org, ..)
            | Self::ProjectDay(org, ..) => org,
        }
    }

    /// The generation that the rollup belongs to; none if it is by days or hours of UTC, which every calendar shares.
    pub const fn generation(&self) -> Option<Generation> {
        match self {
            Self::OrgDay(_, generation, _)
            | Self::UnpricedDay(_, generation, _)
            | Self::ProjectDay(_, generation, ..) => Some(*generation),
            Self::ActivityDay(..) | Self::ProjectHour(..) => None,
        }
    }

    /// The number of days from the rollup's own day to `day`.
    pub(crate) fn days_until(&self, day: Day) -> i64 {
        let own = match self {
            Self::OrgDay(_, _, own)
            | Self::UnpricedDay(_, _, own)
            | Self::ActivityDay(_, _, own)
            | Self::ProjectDay(_, _, own, _) => *own,
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
    /// The end user of the call, by calendar.
    pub end_users: Vec<EndUser>,
    /// What the event tells about agents, projects, nodes and the organization.
    pub sightings: Vec<Sighting>,
    /// Days whose rollups may still hold something that the event replaces: members of sets and rows of unpriced calls
    /// cannot be subtracted. They have to be recomputed.
    pub outdates: BTreeSet<Day>,
}

/// An end user on one day, by hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndUser {
    /// The organization.
    pub org: OrgId,
    /// The generation of the calendar that the day belongs to.
    pub generation: Generation,
    /// The day.
    pub day: Day,
    /// The first 8 bytes of a SHA-256 over organization and user.
    pub hash: [u8; 8],
}

impl EndUser {
    /// The user `name` of `org` on `day`.
    pub fn new(org: &OrgId, generation: Generation, day: Day, name: &str) -> Self {
        let hash = rollup::short_hash(&["end-user", org.as_str(), name]);
        Self { org: org.clone(), generation, day, hash }
    }

    /// What stands for a user where the name must not be shown or kept: always the same for one user of an organization.
    pub fn pseudonym(org: &OrgId, name: &str) -> String {
        let hash = rollup::short_hash(&["end-user", org.as_str(), name]);
        hash.iter().fold("user-".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What `event` contributes to the rollups by UTC and to those of each of `calendars`: the fold behind every figure of the
/// system.
///
/// Events of different days never add to the same column of a rollup.
pub fn contribution(event: &Event, calendars: &[Calendar]) -> Contribution {
    if let Data::Amendment(amendment) = &event.data {
        return amendment::of_amendment(event, amendment, calendars);
    }
    let mut contribution = Contribution { sightings: sightings(event), ..Contribution::default() };
    contribution.add(by_hour(event), event.utc_day());
    for calendar in calendars {
        let Some(day) = calendar.day(event.time) else { continue };
        contribution.add(by_day(event, calendar, day), day);
        contribution.end_users.extend(end_user(event, calendar.generation, day));
    }
    contribution
}

/// What an event contributes to a day of which every event is known, and what rollups may still hold of it. Of an event
/// that a later one replaces, nothing holds that cannot be subtracted.
pub fn resolved(event: &Event, is_replaced: bool, calendars: &[Calendar]) -> (Contribution, Contribution) {
    let mut counts = contribution(event, calendars);
    if let Data::Amendment(amendment) = &event.data {
        // Members and rows are those of the event as it stands.
        let stands = amendment.with.as_ref();
        let stands = stands.map(|data| contribution(&event.saying((**data).clone()), calendars));
        amendment::restate(&mut counts, stands.unwrap_or_default());
    }
    let outdated =
        if is_replaced { amendment::split_off_members(&mut counts) } else { Contribution::default() };
    (counts, outdated)
}

impl Contribution {
    /// Adds what an event of `day` adds to rollups by such days.
    fn add(&mut self, sums: Vec<(RollupId, Rollup)>, day: Day) {
        let moved = sums.into_iter().map(|(target, sums)| {
            let days = target.days_until(day);
            (target, sums.offset(days))
        });
        self.sums.extend(moved);
    }
}

fn sightings(event: &Event) -> Vec<Sighting> {
    let subject = match &event.data {
        Data::LlmCall(call) => {
            Some(Sighting::agent(event, &call.agent_id, AgentWork::Call, call.hostname.as_ref()))
        }
        Data::TaskCompleted(task) => Some(Sighting::agent(event, &task.agent_id, AgentWork::Task, None)),
        // A changed setting does not mean that the agent was active.
        Data::AgentActivity(activity) => activity
            .agent_id
            .as_ref()
            .filter(|_| event.is_usage())
            .map(|agent| Sighting::agent(event, agent, AgentWork::None, None)),
        Data::ComputeUsage(sample) => Some(Sighting::project(event, &sample.project_id)),
        Data::HostReport(report) => Some(Sighting::node(event, report)),
        Data::Amendment(_) => None,
    };
    subject.into_iter().chain([Sighting::org(event)]).collect()
}

/// What the event adds to rollups by hours of UTC.
fn by_hour(event: &Event) -> Vec<(RollupId, Rollup)> {
    match &event.data {
        Data::AgentActivity(activity) => hours_of_activity(event, activity).collect(),
        Data::ComputeUsage(sample) => compute::by_hour(event, sample).collect(),
        Data::LlmCall(_) | Data::TaskCompleted(_) | Data::HostReport(_) | Data::Amendment(_) => Vec::new(),
    }
}

/// What the event adds to rollups by days of a calendar.
fn by_day(event: &Event, calendar: &Calendar, day: Day) -> Vec<(RollupId, Rollup)> {
    let (org, generation) = (&event.org, calendar.generation);
    let org_day = |sums| (RollupId::OrgDay(org.clone(), generation, day), sums);
    match &event.data {
        Data::LlmCall(call) => {
            let unpriced = UnpricedCall::of(call).map(|unpriced| {
                let mut rows = Rollup::default();
                rows.unpriced.add(unpriced, UnpricedFigures::of(call, event.time));
                (RollupId::UnpricedDay(org.clone(), generation, day), rows)
            });
            std::iter::once(org_day(of_call(call))).chain(unpriced).collect()
        }
        Data::TaskCompleted(task) => {
            vec![org_day(of_task(task))]
        }
        Data::AgentActivity(activity) => {
            vec![org_day(of_activity(activity))]
        }
        Data::ComputeUsage(sample) => compute::by_day(event, sample, calendar).collect(),
        Data::HostReport(_) | Data::Amendment(_) => Vec::new(),
    }
}

fn end_user(event: &Event, generation: Generation, day: Day) -> Option<EndUser> {
    let Data::LlmCall(call) = &event.data else { return None };
    call.end_user.as_ref().map(|user| EndUser::new(&event.org, generation, day, user.as_str()))
}

/// What a call adds to the day of its organization.
fn of_call(call: &LlmCall) -> Rollup {
    let key = call.model_key();
    let code = ModelCode::of(&key);
    let mut sums = Rollup::default();
    let of_model = |measure| Measure::Model(code, measure);
    let mut add = |measure, value: u64| sums.add(of_model(measure), value.into());
    add(ModelMeasure::Requests, 1);
    add(ModelMeasure::Errors, u64::from(call.status == CallStatus::Error));
    add(ModelMeasure::Unpriced, u64::from(call.cost.is_unpriced()));
    for (bucket, tokens) in call.tokens.buckets() {
        add(ModelMeasure::Tokens(bucket), tokens);
    }
    for (name, count) in &call.units {
        if let Some(unit) = Rate::from_name(name).filter(|rate| rate.is_unit()) {
            sums.add(of_model(ModelMeasure::Units(unit)), count.0);
        }
    }
    if let Some(latency) = call.latency_ms {
        sums.add(Measure::LatencyCount, Decimal::ONE);
        sums.add(Measure::LatencySum, latency.into());
    }

    sums.name(Measure::ModelName(code), &key);
    let cost = &call.cost;
    for (measure, amount) in [
        (ModelMeasure::InputCost, cost.input),
        (ModelMeasure::CacheReadCost, cost.cache_read),
        (ModelMeasure::CacheWriteCost, cost.cache_write),
        (ModelMeasure::OutputCost, cost.output),
        (ModelMeasure::UnitsCost, cost.units),
    ] {
        sums.add(of_model(measure), amount.dollars());
    }
    if call.key_source == KeySource::Byok {
        sums.add(of_model(ModelMeasure::ByokCost), cost.total().dollars());
    }
    sums
}

fn of_task(task: &TaskCompleted) -> Rollup {
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
    sums
}

fn of_activity(activity: &AgentActivity) -> Rollup {
    let mut sums = Rollup::default();
    let known = ACTIVITY_TYPES.into_iter().find(|known| *known == activity.event_type.as_str());
    sums.add(Measure::Activity(known.unwrap_or(OTHER_ACTIVITY).to_owned()), Decimal::ONE);
    sums
}

/// The entry by UTC hour, for the organization and for the agent.
fn hours_of_activity(event: &Event, activity: &AgentActivity) -> impl Iterator<Item = (RollupId, Rollup)> {
    let mut sums = Rollup::default();
    let hour = u8::try_from(event.time.hour()).unwrap_or_default();
    sums.add(Measure::ActivityInHour(hour, activity.event_type.as_str().to_owned()), Decimal::ONE);
    let (org, day) = (event.org.clone(), event.utc_day());
    let whose = std::iter::once(None).chain(activity.agent_id.clone().map(Some));
    whose.map(move |agent| (RollupId::ActivityDay(org.clone(), agent, day), sums.clone()))
}
