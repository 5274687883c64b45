//! What events tell about agents, projects, nodes and organizations. These facts only grow, so events may be applied in
//! any order and repeatedly. They are instants rather than days, so that they hold in every time zone.

use std::collections::BTreeSet;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;

use super::MonthsOfUse;
use crate::calendar::Calendar;
use crate::event::{Event, HostReport};
use crate::ids::{AgentId, Label, NodeId, OrgId, ProjectId};
use crate::period::{Day, DayRange};

/// What a sighting is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The organization itself.
    Org,
    /// An agent.
    Agent(AgentId),
    /// A project.
    Project(ProjectId),
    /// A node.
    Node(NodeId),
}

/// A value of which the latest report holds. Of two reports at the same instant, the greater value holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Latest<T> {
    /// When it was reported.
    pub at: DateTime<Utc>,
    /// The reported value.
    pub value: T,
}

/// The most quarters of an hour with a call that are kept. A sender's fast clock may have reached tomorrow already, by
/// fewer minutes than three quarters have.
const CALLS: usize = 3;

/// What is known of a subject from its events. [`Seen::merge`] is commutative, associative and idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first event.
    pub first: DateTime<Utc>,
    /// The last event.
    pub last: DateTime<Utc>,
    /// The starts of the last three quarters of an hour with a call. In no time zone does a day begin within one.
    pub calls: BTreeSet<DateTime<Utc>>,
    /// Months in which an agent made calls or finished tasks, or in which an organization used anything.
    pub months: MonthsOfUse,
    /// The last host that a call named.
    pub host: Option<Latest<String>>,
    /// The last reported number of sites.
    pub sites: Option<Latest<u64>>,
}

impl Seen {
    /// Facts of an event at an instant.
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self {
            first: instant,
            last: instant,
            calls: BTreeSet::new(),
            months: MonthsOfUse::default(),
            host: None,
            sites: None,
        }
    }

    /// Adds that a call was made at an instant.
    pub fn call(&mut self, instant: DateTime<Utc>) {
        self.calls.insert(instant.duration_trunc(TimeDelta::minutes(15)).unwrap_or(instant));
    }

    /// Merges the facts of another sighting.
    pub fn merge(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.calls.extend(&other.calls);
        while self.calls.len() > CALLS {
            self.calls.pop_first();
        }
        self.months.merge(&other.months);
        self.host = self.host.take().max(other.host.clone());
        self.sites = self.sites.take().max(other.sites.clone());
    }

    /// Whether `merged` is worth a write over `self`: whether it says more in one of these calendars, except for the same
    /// host again within the hour.
    pub fn worth_storing(&self, merged: &Self, calendars: &[Calendar]) -> bool {
        let same_host = match (&self.host, &merged.host) {
            (Some(old), Some(new)) => old.value == new.value && hour(old.at) == hour(new.at),
            (old, new) => old == new,
        };
        let is_news = |calendar: &Calendar| !self.covers(merged, calendar.zone);
        !same_host || self.sites != merged.sites || calendars.iter().any(is_news)
    }

    /// Whether this says as much as `other` about the days of a time zone. Of the last calls, it may know older ones of the
    /// same days, and earlier days besides.
    pub fn covers(&self, other: &Self, zone: Tz) -> bool {
        let days: BTreeSet<_> = self.call_days(zone).collect();
        self.first_day(zone) == other.first_day(zone)
            && self.last_day(zone) == other.last_day(zone)
            && self.months.of_zone(zone) == other.months.of_zone(zone)
            && other.call_days(zone).all(|day| days.contains(&day))
    }

    /// The day of the first event.
    pub fn first_day(&self, zone: Tz) -> Day {
        Day::of(self.first, zone)
    }

    /// The day of the last event.
    pub fn last_day(&self, zone: Tz) -> Day {
        Day::of(self.last, zone)
    }

    fn call_days(&self, zone: Tz) -> impl Iterator<Item = Day> {
        self.calls.iter().map(move |call| Day::of(*call, zone))
    }

    /// Whether a call was made on one of `days`, the last of which is today.
    pub fn called_between(&self, days: DayRange, zone: Tz) -> bool {
        self.call_days(zone).any(|day| days.contains(day))
    }
}

fn hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.duration_trunc(TimeDelta::hours(1)).unwrap_or(instant)
}

/// Facts about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The organization.
    pub org: OrgId,
    /// The subject.
    pub subject: Subject,
    /// The facts.
    pub seen: Seen,
}

impl Sighting {
    pub(super) fn org(event: &Event) -> Self {
        let mut seen = Seen::at(event.time);
        if event.is_usage() {
            seen.months = MonthsOfUse::at(event.time);
        }
        Self::of(event, Subject::Org, seen)
    }

    pub(super) fn agent(event: &Event, agent: &AgentId, work: AgentWork, hostname: Option<&Label>) -> Self {
        let mut seen = Seen::at(event.time);
        if work == AgentWork::Call {
            seen.call(event.time);
        }
        if work != AgentWork::None {
            seen.months = MonthsOfUse::at(event.time);
        }
        seen.host = hostname.map(|host| Latest { at: event.time, value: host.to_string() });
        Self::of(event, Subject::Agent(agent.clone()), seen)
    }

    pub(super) fn project(event: &Event, project: &ProjectId) -> Self {
        Self::of(event, Subject::Project(project.clone()), Seen::at(event.time))
    }

    pub(super) fn node(event: &Event, report: &HostReport) -> Self {
        let sites = Some(Latest { at: event.time, value: report.hosted_sites });
        Self::of(event, Subject::Node(report.node_id.clone()), Seen { sites, ..Seen::at(event.time) })
    }

    fn of(event: &Event, subject: Subject, seen: Seen) -> Self {
        Self { org: event.org.clone(), subject, seen }
    }
}

/// The work of an agent that an event reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgentWork {
    /// It called a model.
    Call,
    /// It finished a task.
    Task,
    /// None: an entry in its activity log.
    None,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        "2026-03-05T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
    }

    fn seen() -> impl Strategy<Value = Seen> {
        (
            0_i64..9 * 24 * 60,
            prop::option::of((0_i64..4, "[ab]")),
            prop::option::of((0_i64..4, 0_u64..3)),
            any::<bool>(),
        )
            .prop_map(|(minutes, host, sites, called)| {
                let mut seen = Seen::at(at(minutes));
                seen.host = host.map(|(half_hours, value)| Latest { at: at(half_hours * 30), value });
                seen.sites = sites.map(|(half_hours, value)| Latest { at: at(half_hours * 30), value });
                if called {
                    seen.call(at(minutes));
                    seen.months = MonthsOfUse::at(at(minutes));
                }
                seen
            })
    }

    fn joined(a: &Seen, b: &Seen) -> Seen {
        let mut both = a.clone();
        both.merge(b);
        both
    }

    fn in_zones(zones: &[Tz]) -> Vec<Calendar> {
        zones.iter().map(|zone| Calendar { zone: *zone, ..Calendar::default() }).collect()
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent(a in seen(), b in seen(), c in seen()) {
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(joined(&joined(&a, &b), &b), joined(&a, &b));
            prop_assert!(!a.worth_storing(&a, &in_zones(&[Tz::UTC])));
        }

        /// What is not worth a write changes nothing that is shown, in whatever order the calls come.
        #[test]
        fn what_is_stored_shows_the_same_days_as_all_events(
            minutes in prop::collection::vec(0_i64..4 * 24 * 60, 1..60),
            zone in prop::sample::select(vec![Tz::UTC, Tz::Asia__Kathmandu, Tz::America__Santiago]),
        ) {
            let calendars = in_zones(&[zone]);
            let call = |minutes: i64| {
                let mut seen = Seen { months: MonthsOfUse::at(at(minutes)), ..Seen::at(at(minutes)) };
                seen.call(at(minutes));
                seen
            };
            let (mut stored, mut all) = (call(minutes[0]), call(minutes[0]));
            for minutes in minutes {
                all.merge(&call(minutes));
                let merged = joined(&stored, &call(minutes));
                if stored.worth_storing(&merged, &calendars) {
                    stored = merged;
                }
                prop_assert!(stored.covers(&all, zone));
                let today = all.last_day(zone);
                for window in [1, 2, 7] {
                    let days = DayRange::ending(today, window);
                    prop_assert_eq!(stored.called_between(days, zone), all.called_between(days, zone));
                }
                prop_assert_eq!(stored.first_day(zone), all.first_day(zone));
                prop_assert_eq!(stored.last_day(zone), all.last_day(zone));
                prop_assert_eq!(stored.months.of_zone(zone), all.months.of_zone(zone));
            }
        }
    }

    #[test]
    fn a_fast_clock_does_not_hide_the_calls_of_today() {
        // Calls up to 20 minutes ahead of 23:59, each in a quarter of its own.
        let mut seen = Seen::at(at(0));
        for minutes in [600, 1439, 1439 + 10, 1439 + 20] {
            let mut next = Seen::at(at(minutes));
            next.call(at(minutes));
            seen.merge(&next);
        }
        let today = Day::parse("2026-03-05").unwrap();
        assert!(seen.called_between(DayRange { first: today, last: today }, Tz::UTC));
    }

    #[test]
    fn the_same_host_is_stored_again_only_in_another_hour() {
        let host = |minutes: i64, value: &str| {
            let host = Some(Latest { at: at(minutes), value: value.to_owned() });
            Seen { host, ..Seen::at(at(0)) }
        };
        let worth = |a: Seen, b: Seen| a.worth_storing(&b, &in_zones(&[Tz::UTC]));
        assert!(!worth(host(0, "a"), host(59, "a")));
        assert!(worth(host(0, "a"), host(60, "a")));
        assert!(worth(host(0, "a"), host(1, "b")));
    }
}
