//! What was spent lately, by whom and on which models: the last 24 hours to the moment, from the raw events.
//!
//! Sums are kept by days, which cannot tell the hours apart, and by hours they would cost every event a write for the
//! sake of a message that is rare. So the few that decide something read the events themselves. An organisation may
//! have too many for that, or the events may not be there to be read: then "lately" is yesterday and today so far, by
//! the sums, and the window says so. An alert is not held up by what only explains it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt;
use futures::stream::select_all;
use ledger::alert::Window;
use ledger::event::{Data, Event};
use ledger::ids::{AgentId, ModelKey, OrgId};
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::ModelCode;
use store::Store;
use store::alerts::AgentCost;
use store::error::{Error, Result};
use store::keys::LANES;
use tokio::time::timeout;

use crate::look::{Look, Spent};

/// Organisations whose events are read at the same time. Each has a page of every lane of up to three days in memory, of
/// which one may take ten megabytes.
pub const READING_AT_ONCE: usize = 2;

/// How long it may take until an organisation's events are read, its turn awaited. Ten million a month are two days of 330,000 events of 700
/// bytes: 57,000 read units, or 14 s of the 4,000 a second that the template gives the table.
const PATIENCE: Duration = Duration::from_secs(20);

/// What calls cost within a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lately {
    /// From when, not included, to when, included.
    pub window: Window,
    /// By who called what.
    pub costs: BTreeMap<(AgentId, ModelKey), Usd>,
}

impl Lately {
    /// What was spent lately, where `spent` has been read already.
    pub async fn read(look: &Look<'_>, zone: Tz, spent: &Spent) -> Result<Self> {
        let window = Window { from: look.now - TimeDelta::hours(24), to: look.now };
        let in_turn = async {
            let _turn = look.reading.acquire().await.map_err(Error::internal)?;
            Self::of_events(look.store, look.org, zone, window).await
        };
        let why = match timeout(PATIENCE, in_turn).await {
            Ok(Ok(lately)) => return Ok(lately),
            Ok(Err(fault)) => fault,
            Err(_) => Error::Unavailable("too many events to be read in time".to_owned()),
        };
        tracing::warn!(org = %look.org, error = %why, "an alert names what added most by days, not by hours");
        let days = DayRange::ending(Day::of(look.now, zone), 2);
        let window = Window { from: days.first.start(zone), ..window };
        if let Some(costs) = &spent.agents {
            return Ok(Self::of_days(costs, days, window, &spent.names));
        }
        let models = spent.names.keys().copied().collect();
        let costs = look.store.agent_costs(look.org, days, &models).await?;
        Ok(Self::of_days(&costs, days, window, &spent.names))
    }

    async fn of_events(store: &Store, org: &OrgId, zone: Tz, window: Window) -> Result<Self> {
        let days = DayRange { first: Day::of(window.from, zone), last: Day::of(window.to, zone) };
        let lanes = days.days().flat_map(|day| (0..LANES).map(move |lane| (day, lane)));
        let lanes = lanes.map(|(day, lane)| Box::pin(store.raw_events_since(org, day, lane, window.from)));
        let mut lately = Self { window, costs: BTreeMap::new() };
        let mut pages = select_all(lanes);
        while let Some(page) = pages.try_next().await? {
            // One that cannot be understood is in no sum either: it is in the quarantine.
            for event in page.into_iter().filter_map(|stored| stored.event.ok()) {
                lately.add(event);
            }
        }
        Ok(lately)
    }

    fn add(&mut self, event: Event) {
        let is_within = |time: DateTime<Utc>| self.window.from < time && time <= self.window.to;
        let Data::LlmCall(call) = event.data else { return };
        let Some(cost) = call.cost.total().filter(|_| is_within(event.time)) else { return };
        let model = call.model_key();
        *self.costs.entry((call.agent_id, model)).or_default() += cost;
    }

    /// The same by the sums of `days`. A model whose name is not known yet is left out.
    fn of_days(
        costs: &[AgentCost],
        days: DayRange,
        window: Window,
        names: &BTreeMap<ModelCode, ModelKey>,
    ) -> Self {
        let mut lately = Self { window, costs: BTreeMap::new() };
        for day in costs.iter().filter(|cost| days.contains(cost.day)) {
            for (code, cost) in &day.models {
                if let Some(key) = names.get(code) {
                    *lately.costs.entry((day.agent.clone(), key.clone())).or_default() += *cost;
                }
            }
        }
        lately
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_window_and_models_those_with_names() {
        let day = |text| Day::parse(text).unwrap();
        let key = |model: &str| ModelKey { provider: "p".to_owned(), model: model.to_owned() };
        let names: BTreeMap<_, _> = ["x", "y"].map(|model| (ModelCode::of(&key(model)), key(model))).into();
        let cost = |date, agent: &str, models: &[(&str, u32)]| AgentCost {
            day: day(date),
            agent: AgentId::new(agent).unwrap(),
            models: models
                .iter()
                .map(|(model, cost)| (ModelCode::of(&key(model)), Usd::new((*cost).into())))
                .collect(),
            requests: 1,
            unpriced: 0,
        };
        let costs = [
            cost("2026-09-13", "a", &[("x", 1000)]),
            cost("2026-09-14", "a", &[("x", 5), ("new", 2)]),
            cost("2026-09-15", "a", &[("x", 2), ("y", 1)]),
            cost("2026-09-15", "b", &[("x", 4)]),
        ];
        let days = DayRange::ending(day("2026-09-15"), 2);
        let window = Window { from: days.first.start(Tz::UTC), to: days.last.start(Tz::UTC) };
        let lately = Lately::of_days(&costs, days, window, &names);
        let brief: Vec<_> =
            lately.costs.iter().map(|((agent, key), cost)| format!("{agent} {} {cost}", key.model)).collect();
        assert_eq!((lately.window, brief.join(", ")), (window, "a x 7.00, a y 1.00, b x 4.00".to_owned()));
    }
}
