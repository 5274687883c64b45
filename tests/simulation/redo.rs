//! Days computed anew, at any moment.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use ledger::ids::OrgId;
use ledger::period::Day;
use rand::RngExt;
use reconcile::Reconciler;
use reconcile::due::oldest_whole;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys::{Key, parse_event_key};

use super::Held;
use super::items::Usage;
use super::messages::ORGS;
use super::run::{Done, Run, Work};
use super::wire::{EXAMINER, Process};

/// Days that raw events are kept, as far as reconcile knows: older ones expire here at any time.
const RETENTION_DAYS: u32 = 24;
/// The oldest day that is computed anew by hand. It stays younger than what may expire, however long a run takes.
const OLDEST: u32 = 16;
/// The time that an invocation has, so that it is never too short.
const TIME: Duration = Duration::from_hours(1);

impl Run {
    /// A day is computed anew, or all that are dirty, or those that are due.
    pub fn reconcile(&mut self) {
        // Mostly a day that has events; most of them are new.
        let oldest = Day::of(self.now, Tz::UTC).minus(OLDEST);
        let days = self.senders.stored.keys().filter_map(day_of).filter(|(_, day)| *day >= oldest);
        let days: Vec<_> = days.collect();
        let day = days.get(self.rng.random_range(0..=days.len())).cloned();
        let (org, day) = day.unwrap_or_else(|| (OrgId::new(ORGS[0].0).unwrap(), oldest));
        let asked = match self.rng.random_range(0..10) {
            0 => json!({ "do": "nightly" }),
            1..5 => json!({ "do": "dirty" }),
            _ => {
                let (repair, seal) = (self.rng.random_ratio(4, 5), self.rng.random_ratio(2, 3));
                json!({ "do": "day", "org": org, "day": day.to_string(), "repair": repair, "seal": seal })
            }
        };
        self.ask(asked);
    }

    /// The days that are dirty are computed anew.
    pub fn redo(&mut self) {
        self.count("Redone");
        self.ask(json!({ "do": "dirty" }));
    }

    fn ask(&mut self, asked: Value) {
        let process = self.process();
        self.note(|| format!("p{process} proves: {asked}"));
        let clock = Clock::fixed(self.skewed());
        let reconciler = Reconciler::new(self.store("reconcile", process), clock, RETENTION_DAYS);
        let task = tokio::spawn(async move {
            Done::Lambda(reconciler.handle(asked, TIME).await.map_err(|error| error.to_string()))
        });
        self.begin(process, Work::Reconcile, task);
    }

    /// What came of it. That a day is behind, or that something failed, is no wonder while things go wrong.
    pub fn reconciled(&mut self, process: Process, answer: Result<Value, String>) {
        self.note(|| format!("p{process} has proved: {answer:?}"));
        if answer.is_ok_and(|report| report["repaired"].as_u64() > Some(0)) {
            self.count("Repaired");
        }
    }

    /// Whether there are days to be computed anew.
    pub fn is_dirty(&self) -> bool {
        Usage::read(&self.engine).is_ok_and(|usage| !usage.dirty.is_empty())
    }

    /// In the end no day drifts, and to compute one anew changes nothing, however often that is done.
    pub async fn check_proofs(&mut self) -> Held {
        let reconciler = Arc::new(Reconciler::new(
            self.store("reconcile", EXAMINER),
            Clock::fixed(self.now),
            RETENTION_DAYS,
        ));
        let prove = async |org: &str, day: Day, how: &str| {
            let asked = json!({ "do": "day", "org": org, "day": day.to_string(), how: true });
            let report = reconciler.handle(asked, TIME).await.map_err(|error| error.to_string())?;
            let day = &report["days"][0];
            let quiet = report["drift"] == 0 && day["behind"] == 0 && report["repaired"] == 0;
            if quiet { Ok(report) } else { Err(format!("to {how} found {report}")) }
        };
        let oldest = oldest_whole(Day::of(self.now, Tz::UTC), RETENTION_DAYS);
        let days = self.senders.stored.keys().filter_map(day_of).filter(|(_, day)| *day >= oldest);
        let days: std::collections::BTreeSet<_> = days.collect();
        for (org, day) in &days {
            prove(org.as_str(), *day, "repair").await?;
        }
        if let Some((org, day)) = days.iter().nth(self.rng.random_range(0..days.len().max(1))) {
            prove(org.as_str(), *day, "seal").await?;
            let again = prove(org.as_str(), *day, "seal").await?;
            if again["half_write_units"] != 0 {
                return Err(format!("sealing {org} {day} again wrote something: {again}"));
            }
        }
        Ok(())
    }

    /// Events of days before this one may expire.
    pub fn expiring(&self) -> Day {
        // A clock that runs ahead may take the next day for today.
        let today = Day::of(self.now + TimeDelta::hours(1), Tz::UTC);
        oldest_whole(today, RETENTION_DAYS).minus(3)
    }
}

/// The organisation and the day of a raw event's key.
pub fn day_of(key: &Key) -> Option<(OrgId, Day)> {
    parse_event_key(&key.pk, &key.sk).map(|(org, day, ..)| (org, day))
}
