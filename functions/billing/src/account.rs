//! The plan, its current period and the agents, which two endpoints read.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::try_join;
use ledger::calendar::Calendar;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use ledger::roster::Agent;
use ledger::settings::PlanSettings;
use store::Result;

use crate::App;
use crate::period::{self, Period};

/// An organization's plan and current period.
pub struct Account {
    pub now: DateTime<Utc>,
    /// The calendar that defines the days.
    pub calendar: Calendar,
    /// The plan, or the defaults of "No Plan".
    pub plan: PlanSettings,
    pub period: Period,
    /// The days of the period.
    pub days: DayRange,
    /// The days of the period that can have usage.
    pub used_days: DayRange,
    /// All agents, registered or seen, by id.
    pub agents: Vec<Agent>,
}

impl Account {
    /// Reads the settings and the agents concurrently. Neither comes from the cache, because a changed plan changes
    /// the period at once.
    pub async fn read(app: &App, org: &OrgId) -> Result<Self> {
        let ((calendar, plan), agents) =
            try_join!(app.tables.registry.calendar_and_plan(org), app.tables.registry.agents(org))?;
        let (now, zone) = (app.clock.now(), calendar.zone);
        let plan = plan.unwrap_or_default();
        let period = period::current(&plan, zone, now);
        let days = period.days(zone);
        Ok(Self { now, calendar, used_days: used(days, &agents, now, zone), plan, period, days, agents })
    }
}

/// The part of `days` from the first event of any agent to tomorrow, because senders' clocks may run ahead. A period
/// may span thousands of years, and each of its months would be a query.
fn used(days: DayRange, agents: &[Agent], now: DateTime<Utc>, zone: Tz) -> DayRange {
    let today = Day::of(now, zone);
    let seen = agents.iter().filter_map(|agent| agent.seen.as_ref());
    // An agent's first day may be aggregated a moment before the registry lists the agent.
    let earliest = seen.map(|seen| seen.first_day(zone)).fold(today, Day::min);
    let first = days.first.max(earliest.min(days.last));
    DayRange { first, last: days.last.min(today.next()).max(first) }
}

#[cfg(test)]
mod tests {
    use ledger::ids::AgentId;
    use ledger::period::parse_instant;
    use ledger::rollup::Seen;

    use super::*;

    fn range(first: &str, last: &str) -> DayRange {
        let day = |text| Day::parse(text).unwrap();
        DayRange { first: day(first), last: day(last) }
    }

    fn agent(id: &str, first: Option<&str>) -> Agent {
        let seen = first.map(|first| Seen::at(Day::parse(first).unwrap().start(Tz::UTC)));
        Agent { id: AgentId::new(id).unwrap(), settings: None, seen }
    }

    #[test]
    fn days_are_limited_to_those_that_can_have_usage() {
        let now = parse_instant("2026-09-15T12:00:00Z").unwrap();
        let used = |first, last, agents: &[Agent]| used(range(first, last), agents, now, Tz::UTC);
        let agents = [agent("a", Some("2026-08-20")), agent("b", None), agent("c", Some("2026-08-11"))];
        assert_eq!(used("2026-09-01", "2026-09-30", &agents), range("2026-09-01", "2026-09-16"));
        assert_eq!(used("2026-08-01", "2026-09-15", &agents), range("2026-08-11", "2026-09-15"));
        assert_eq!(used("1970-01-01", "9998-12-31", &agents), range("2026-08-11", "2026-09-16"));
        assert_eq!(used("1970-01-01", "9998-12-31", &[]), range("2026-09-15", "2026-09-16"));
        // Never empty and never outside the period, so that no figure comes from another period.
        assert_eq!(used("2026-08-20", "2026-09-14", &[]), range("2026-09-14", "2026-09-14"));
        assert_eq!(used("2027-01-01", "2027-01-31", &agents), range("2027-01-01", "2027-01-01"));
    }
}
