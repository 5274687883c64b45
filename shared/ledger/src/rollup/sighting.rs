//! What events tell about agents, projects, nodes and organizations. These facts only grow, so events may be applied in
//! any order and repeatedly.

use std::collections::BTreeSet;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::event::{Event, HostReport};
use crate::ids::{AgentId, Label, NodeId, OrgId, ProjectId};
use crate::period::{Day, Month};

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

/// What is known of a subject from its events. [`Seen::merge`] is commutative, associative and idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The day of the first event.
    pub first: Day,
    /// The day of the last event.
    pub last: Day,
    /// The last two days with a call. Two, because a sender's fast clock may have reached tomorrow already.
    pub call_days: BTreeSet<Day>,
    /// Months in which an agent made calls or finished tasks, or in which an organization used anything.
    pub months: BTreeSet<Month>,
    /// The last host that a call named.
    pub host: Option<Latest<String>>,
    /// The last reported number of sites.
    pub sites: Option<Latest<u64>>,
}

impl Seen {
    /// Facts of an event on `day`.
    pub const fn on(day: Day) -> Self {
        Self {
            first: day,
            last: day,
            call_days: BTreeSet::new(),
            months: BTreeSet::new(),
            host: None,
            sites: None,
        }
    }

    /// Merges the facts of another sighting.
    pub fn merge(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.call_days.extend(&other.call_days);
        while self.call_days.len() > 2 {
            self.call_days.pop_first();
        }
        self.months.extend(&other.months);
        self.host = self.host.take().max(other.host.clone());
        self.sites = self.sites.take().max(other.sites.clone());
    }

    /// Whether `merged` is worth a write over `self`. Any change is, except the same host again within the hour.
    pub fn worth_storing(&self, merged: &Self) -> bool {
        let same_host = match (&self.host, &merged.host) {
            (Some(old), Some(new)) => old.value == new.value && hour(old.at) == hour(new.at),
            (old, new) => old == new,
        };
        !same_host || Self { host: None, ..self.clone() } != Self { host: None, ..merged.clone() }
    }

    /// Whether a call was made on one of the days from `first` to `last`, where `last` is today.
    pub fn called_between(&self, first: Day, last: Day) -> bool {
        self.call_days.iter().any(|day| first <= *day && *day <= last)
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
        let mut seen = Seen::on(event.day);
        if event.is_usage() {
            seen.months.insert(event.day.month());
        }
        Self::of(event, Subject::Org, seen)
    }

    pub(super) fn agent(event: &Event, agent: &AgentId, work: AgentWork, hostname: Option<&Label>) -> Self {
        let mut seen = Seen::on(event.day);
        if work == AgentWork::Call {
            seen.call_days.insert(event.day);
        }
        if work != AgentWork::None {
            seen.months.insert(event.day.month());
        }
        seen.host = hostname.map(|host| Latest { at: event.time, value: host.to_string() });
        Self::of(event, Subject::Agent(agent.clone()), seen)
    }

    pub(super) fn project(event: &Event, project: &ProjectId) -> Self {
        Self::of(event, Subject::Project(project.clone()), Seen::on(event.day))
    }

    pub(super) fn node(event: &Event, report: &HostReport) -> Self {
        let sites = Some(Latest { at: event.time, value: report.hosted_sites });
        Self::of(event, Subject::Node(report.node_id.clone()), Seen { sites, ..Seen::on(event.day) })
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

    fn seen() -> impl Strategy<Value = Seen> {
        (
            0_u32..9,
            prop::option::of((0_i64..4, "[ab]")),
            prop::option::of((0_i64..4, 0_u64..3)),
            any::<bool>(),
        )
            .prop_map(|(day, host, sites, called)| {
                let day = Day::parse("2026-03-05").unwrap().minus(day);
                let at = |hours| DateTime::from_timestamp(hours * 1800, 0).unwrap();
                let mut seen = Seen::on(day);
                seen.host = host.map(|(hours, value)| Latest { at: at(hours), value });
                seen.sites = sites.map(|(hours, value)| Latest { at: at(hours), value });
                if called {
                    seen.call_days.insert(day);
                    seen.months.insert(day.month());
                }
                seen
            })
    }

    fn joined(a: &Seen, b: &Seen) -> Seen {
        let mut both = a.clone();
        both.merge(b);
        both
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent(a in seen(), b in seen(), c in seen()) {
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(joined(&joined(&a, &b), &b), joined(&a, &b));
            prop_assert!(!a.worth_storing(&a));
        }
    }

    #[test]
    fn the_same_host_is_stored_again_only_in_another_hour() {
        let host = |minutes: i64, value: &str| {
            let at = DateTime::from_timestamp(minutes * 60, 0).unwrap();
            Seen {
                host: Some(Latest { at, value: value.to_owned() }),
                ..Seen::on(Day::parse("2026-03-05").unwrap())
            }
        };
        assert!(!host(0, "a").worth_storing(&host(59, "a")));
        assert!(host(0, "a").worth_storing(&host(60, "a")));
        assert!(host(0, "a").worth_storing(&host(1, "b")));
    }
}
