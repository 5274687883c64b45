//! The costs of the last 24 hours by agent and model, and the largest of them.
//!
//! Rollups are daily. Hourly rollups would cost one more write per event just for a rare message, so when an alert
//! fires, its last 24 hours are read from raw events. Where an organization has too many events for that, or they
//! cannot be read, the rollups of yesterday and today are used instead, and the message's window says so: an alert is
//! not delayed by what only explains it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt;
use futures::stream::select_all;
use ledger::alert::Window;
use ledger::event::{Amendment, Data, Event, LlmCall};
use ledger::ids::{AgentId, ModelKey, OrgId};
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::ModelCode;
use store::agent_costs::AgentCost;
use store::error::{Error, Result};
use store::keys::LANES;
use store::{Events, Usage};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::organization::Organization;
use crate::spending::Costs;

/// Organizations whose events are read at the same time. Each has a page of every lane of up to three days in memory,
/// and a page may take ten megabytes.
const CONCURRENT_READS: usize = 2;

/// The longest that an organization's events may take to be read, the wait for a turn included. At ten million events a
/// month, two days hold 2 × 330,000 events of 700 bytes: 57,000 read units, or 14 s of the 4,000 a second that the
/// template gives the table.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most agents and the most models that a message names.
const MAX_NAMED: usize = 3;

/// Reads recent costs, of a few organizations at a time.
#[derive(Clone, Debug)]
pub struct RecentCostReader {
    events: Events,
    usage: Usage,
    turns: Arc<Semaphore>,
}

/// The costs of calls within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentCosts {
    /// The start is excluded, the end is included.
    pub window: Window,
    costs: BTreeMap<(AgentId, ModelKey), Usd>,
}

/// The agents and models with the largest costs: largest first, equal ones by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LargestCosts {
    pub agents: Vec<(AgentId, Usd)>,
    pub models: Vec<(ModelKey, Usd)>,
}

impl RecentCostReader {
    pub fn new(events: Events, usage: Usage) -> Self {
        Self { events, usage, turns: Arc::new(Semaphore::new(CONCURRENT_READS)) }
    }

    /// Reads the last 24 hours from raw events, or falls back to daily costs.
    pub async fn read(&self, org: Organization<'_>, costs: &Costs) -> Result<RecentCosts> {
        let window = Window { from: org.now - TimeDelta::hours(24), to: org.now };
        let in_turn = async {
            let _turn = self.turns.acquire().await.map_err(Error::internal)?;
            self.read_events(org.id, window).await
        };
        let error = match timeout(PATIENCE, in_turn).await {
            Ok(Ok(recent)) => return Ok(recent),
            Ok(Err(error)) => error,
            Err(_) => Error::Unavailable("too many events to be read in time".to_owned()),
        };
        tracing::warn!(org = %org.id, %error, "an alert breaks costs down by whole days, not by the last 24 hours");
        let days = DayRange::ending(org.today(), 2);
        let window = Window { from: days.first.start(org.calendar.zone), ..window };
        if let Some(agents) = &costs.agents {
            return Ok(RecentCosts::of_days(agents, days, window, &costs.models));
        }
        let codes = costs.models.keys().copied().collect();
        let agents = self.usage.agent_costs(org.id, org.calendar.generation, days, &codes).await?;
        Ok(RecentCosts::of_days(&agents, days, window, &costs.models))
    }

    async fn read_events(&self, org: &OrgId, window: Window) -> Result<RecentCosts> {
        let utc_day = |instant| Day::of(instant, Tz::UTC);
        let days = DayRange { first: utc_day(window.from), last: utc_day(window.to) };
        let lanes = days.days().flat_map(|day| (0..LANES).map(move |lane| (day, lane)));
        let lanes =
            lanes.map(|(day, lane)| Box::pin(self.events.raw_events_since(org, day, lane, window.from)));
        let mut recent = RecentCosts { window, costs: BTreeMap::new() };
        let mut pages = select_all(lanes);
        while let Some(page) = pages.try_next().await? {
            // A malformed event is not in the rollups either: it is quarantined.
            for event in page.into_iter().filter_map(|stored| stored.event.ok()) {
                recent.add(event);
            }
        }
        Ok(recent)
    }
}

impl RecentCosts {
    fn add(&mut self, event: Event) {
        let is_within = |time: DateTime<Utc>| self.window.from < time && time <= self.window.to;
        if !is_within(event.time) {
            return;
        }
        match event.data {
            Data::LlmCall(call) => self.add_call(&call, |cost| cost),
            Data::Amendment(Amendment { replaces, with }) => {
                let calls = [(replaces, -1), (with, 1)];
                for (data, factor) in calls {
                    if let Some(Data::LlmCall(call)) = data.as_deref() {
                        self.add_call(call, |cost| if factor < 0 { Usd::default() - cost } else { cost });
                    }
                }
            }
            _ => {}
        }
    }

    fn add_call(&mut self, call: &LlmCall, signed: impl Fn(Usd) -> Usd) {
        let cost = call.cost.total();
        if !cost.is_zero() {
            *self.costs.entry((call.agent_id.clone(), call.model_key())).or_default() += signed(cost);
        }
    }

    /// Adds up daily costs. A model whose name is not known yet is left out.
    fn of_days(
        costs: &[AgentCost],
        days: DayRange,
        window: Window,
        names: &BTreeMap<ModelCode, ModelKey>,
    ) -> Self {
        let mut recent = Self { window, costs: BTreeMap::new() };
        for day in costs.iter().filter(|cost| days.contains(cost.day)) {
            for (code, cost) in &day.models {
                let other = || names.get(&ModelCode::other());
                if let Some(key) = names.get(code).or_else(other) {
                    *recent.costs.entry((day.agent.clone(), key.clone())).or_default() += *cost;
                }
            }
        }
        recent
    }

    /// The largest costs of one agent, or of all.
    pub fn largest(&self, agent: Option<&AgentId>) -> LargestCosts {
        self.largest_of(|caller, _| agent.is_none_or(|agent| agent == caller))
    }

    /// The largest costs of the calls of some agents and models.
    pub fn largest_of(&self, counts: impl Fn(&AgentId, &ModelKey) -> bool) -> LargestCosts {
        let (mut agents, mut models) = (BTreeMap::<&AgentId, Usd>::new(), BTreeMap::<&ModelKey, Usd>::new());
        for ((caller, model), cost) in self.costs.iter().filter(|((caller, model), _)| counts(caller, model))
        {
            *agents.entry(caller).or_default() += *cost;
            *models.entry(model).or_default() += *cost;
        }
        LargestCosts { agents: largest(agents), models: largest(models) }
    }
}

fn largest<K: Clone + Ord>(costs: BTreeMap<&K, Usd>) -> Vec<(K, Usd)> {
    let mut all: Vec<_> = costs.into_iter().filter(|(_, cost)| !cost.is_zero()).collect();
    // The sort is stable: equal costs stay in the order of their ids.
    all.sort_by_key(|(_, cost)| Reverse(*cost));
    all.into_iter().take(MAX_NAMED).map(|(key, cost)| (key.clone(), cost)).collect()
}

#[cfg(test)]
mod tests;
