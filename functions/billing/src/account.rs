//! What two endpoints read first: the plan, its current period and the agents.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::try_join;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use ledger::roster::Agent;
use ledger::settings::PlanSettings;
use store::Result;
use web::app::App;

use crate::period::{self, Period};

/// An organisation as a customer.
pub struct Account {
    /// When this was read.
    pub now: DateTime<Utc>,
    /// Its plan; that of "No Plan" where it has none.
    pub plan: PlanSettings,
    /// The plan's current period.
    pub period: Period,
    /// The days of that period.
    pub days: DayRange,
    /// Those of its days on which there can be usage.
    pub used_days: DayRange,
    /// All agents, registered or seen, by id.
    pub agents: Vec<Agent>,
}

impl Account {
    /// Reads zone and plan in one call and the agents in another, at the same time. Neither comes from a cache: a plan
    /// that was changed has another period at once.
    pub async fn read(app: &App, org: &OrgId) -> Result<Self> {
        let ((organization, plan), agents) =
            try_join!(app.store.organization_and_plan(org), app.store.agents(org))?;
        let (now, zone) = (app.clock.now(), organization.timezone);
        let plan = plan.unwrap_or_default();
        let period = period::current(&plan, zone, now);
        let days = period.days(zone);
        Ok(Self { now, used_days: used(days, &agents, now, zone), plan, period, days, agents })
    }
}

/// The part of `days` that lies between the first event of any agent and tomorrow, where clocks that run fast may be
/// already: a period may be set to thousands of years, and every month of it would be asked for.
fn used(days: DayRange, agents: &[Agent], now: DateTime<Utc>, zone: Tz) -> DayRange {
    let today = Day::of(now, zone);
    let seen = agents.iter().filter_map(|agent| agent.seen.as_ref());
    // An agent's first day may be summed a moment before the registry hears of the agent.
    let earliest = seen.map(|seen| seen.first).fold(today, Day::min);
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
        let seen = first.map(|first| Seen::on(Day::parse(first).unwrap()));
        Agent { id: AgentId::new(id).unwrap(), settings: None, seen }
    }

    #[test]
    fn only_days_that_can_have_usage_are_read() {
        let now = parse_instant("2026-09-15T12:00:00Z").unwrap();
        let used = |first, last, agents: &[Agent]| used(range(first, last), agents, now, Tz::UTC);
        let agents = [agent("a", Some("2026-08-20")), agent("b", None), agent("c", Some("2026-08-11"))];
        assert_eq!(used("2026-09-01", "2026-09-30", &agents), range("2026-09-01", "2026-09-16"));
        assert_eq!(used("2026-08-01", "2026-09-15", &agents), range("2026-08-11", "2026-09-15"));
        assert_eq!(used("1970-01-01", "9998-12-31", &agents), range("2026-08-11", "2026-09-16"));
        assert_eq!(used("1970-01-01", "9998-12-31", &[]), range("2026-09-15", "2026-09-16"));
        // Never empty and never outside the period, so that no figure can come from another one.
        assert_eq!(used("2026-08-20", "2026-09-14", &[]), range("2026-09-14", "2026-09-14"));
        assert_eq!(used("2027-01-01", "2027-01-31", &agents), range("2027-01-01", "2027-01-01"));
    }
}
