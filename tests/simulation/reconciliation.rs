//! Invocations of reconcile at any moment, and its final check.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use ledger::ids::OrgId;
use ledger::period::Day;
use rand::RngExt;
use reconcile::schedule::oldest_complete_day;
use reconcile::{CompactionPolicy, Reconciler};
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys::{Key, parse_event_key};

use super::CheckResult;
use super::items::Usage;
use super::messages::ORGS;
use super::run::{InvocationKind, InvocationResult, Run};
use super::wire::{DIRECT, Process};

/// The retention of raw events as configured for reconcile. Older events may expire at any time.
const RETENTION_DAYS: u32 = 24;
/// The age of the oldest day that is reconciled on request. Days up to this age do not expire during a run.
pub const OLDEST: u32 = 16;
/// How many days before today may get further events in organizations whose time zone changes.
const LATE_DAYS: u32 = 4;
/// A timeout that is never reached.
const TIME: Duration = Duration::from_hours(1);

impl Run {
    /// Reconciles one day, all dirty days, or the days that are due.
    pub fn reconcile(&mut self) {
        // Mostly a day with events; most events are new.
        let oldest = Day::of(self.now, Tz::UTC).minus(OLDEST);
        let days = self.senders.stored.keys().filter_map(day_of).filter(|(_, day)| *day >= oldest);
        let days: Vec<_> = days.collect();
        let day = days.get(self.rng.random_range(0..=days.len())).cloned();
        let (org, day) = day.unwrap_or_else(|| (OrgId::new(ORGS[0].0).unwrap(), oldest));
        let event = match self.rng.random_range(0..10) {
            0 => json!({ "do": "nightly" }),
            1..3 => json!({ "do": "dirty" }),
            3..6 => json!({ "do": "reprice" }),
            _ => {
                let (repair, seal) = (self.rng.random_ratio(4, 5), self.rng.random_ratio(2, 3));
                json!({ "do": "day", "org": org, "day": day.to_string(), "repair": repair, "seal": seal })
            }
        };
        self.invoke_reconcile(event);
    }

    /// Recomputes the dirty days.
    pub fn recompute_dirty(&mut self) {
        self.count("Recomputed");
        self.invoke_reconcile(json!({ "do": "dirty" }));
    }

    /// Carries out the repricing entries that are due.
    pub fn carry_out_repricings(&mut self) {
        self.invoke_reconcile(json!({ "do": "reprice" }));
    }

    /// Merges all pages that no pack contains, and removes those that all packs did three minutes ago.
    pub fn compact(&mut self) {
        let process = self.process();
        self.note(|| format!("p{process} compacts"));
        let policy = CompactionPolicy { bytes: 0, past_bytes: 0, block_bytes: 0, is_eager: true };
        let reconciler = self.reconciler(process, self.clock.clone()).with_policy(policy);
        let task = tokio::spawn(async move {
            let event = json!({ "do": "compact" });
            InvocationResult::Lambda(reconciler.handle(event, TIME).await.map_err(|error| error.to_string()))
        });
        self.begin(process, InvocationKind::Reconcile, task);
    }

    pub fn invoke_reconcile(&mut self, event: Value) {
        let process = self.process();
        self.note(|| format!("p{process} reconciles: {event}"));
        let clock = Clock::fixed(self.skewed_time());
        self.clocks.insert(process, clock.clone());
        let reconciler = self.reconciler(process, clock);
        let task = tokio::spawn(async move {
            InvocationResult::Lambda(reconciler.handle(event, TIME).await.map_err(|error| error.to_string()))
        });
        self.begin(process, InvocationKind::Reconcile, task);
    }

    fn reconciler(&self, process: Process, clock: Clock) -> Reconciler {
        let tables = self.open("reconcile", process);
        Reconciler::new(tables, clock, RETENTION_DAYS).with_late_days(LATE_DAYS)
    }

    /// Handles a report. Days may be behind, and requests may fail, as long as there are faults.
    pub fn reconciled(&mut self, process: Process, report: Result<Value, String>) {
        self.note(|| format!("p{process} returns {report:?}"));
        let report = report.unwrap_or_default();
        for (field, kind) in [
            ("repaired", "Repaired"),
            ("repriced_days", "Repriced"),
            ("repricings", "RepricingDone"),
            ("days_built", "Built"),
            ("days_compacted", "Compacted"),
        ] {
            if report[field].as_u64() > Some(0) {
                self.count(kind);
            }
        }
    }

    /// Whether a day is dirty.
    pub fn is_dirty(&self, org: &OrgId, day: Day) -> bool {
        Usage::read(&self.engine).is_ok_and(|usage| usage.dirty.contains(&format!("{org}#{day}")))
    }

    /// Whether there are dirty days.
    pub fn has_dirty_days(&self) -> bool {
        Usage::read(&self.engine).is_ok_and(|usage| !usage.dirty.is_empty())
    }

    /// In the end no day drifts, and reconciling it changes nothing, however often.
    pub async fn check_reconciliation(&mut self) -> CheckResult {
        let reconciler = Arc::new(self.reconciler(DIRECT, Clock::fixed(self.now)));
        let reconcile = async |org: &str, day: Day, how: &str| {
            let event = json!({ "do": "day", "org": org, "day": day.to_string(), how: true });
            let report = reconciler.handle(event, TIME).await.map_err(|error| error.to_string())?;
            let day = &report["days"][0];
            let quiet = report["drift"] == 0 && day["behind"] == 0 && report["repaired"] == 0;
            if quiet { Ok(report) } else { Err(format!("{how} found {report}")) }
        };
        let days = self.complete_days();
        for (org, day) in &days {
            reconcile(org.as_str(), *day, "repair").await?;
        }
        if let Some((org, day)) = days.iter().nth(self.rng.random_range(0..days.len().max(1))) {
            reconcile(org.as_str(), *day, "seal").await?;
            let again = reconcile(org.as_str(), *day, "seal").await?;
            if again["half_write_units"] != 0 {
                return Err(format!("sealing {org} {day} again wrote to the tables: {again}"));
            }
        }
        Ok(())
    }

    /// The days of the organizations that have events, unless these may have expired.
    fn complete_days(&self) -> BTreeSet<(OrgId, Day)> {
        let oldest = oldest_complete_day(Day::of(self.now, Tz::UTC), RETENTION_DAYS);
        let labels = |(org, utc_day): (OrgId, Day)| {
            let days = self.calendars(&org).active.days_of_utc(utc_day).days().collect::<Vec<_>>();
            days.into_iter().map(move |day| (org.clone(), day))
        };
        let days = self.senders.stored.keys().filter_map(day_of).flat_map(labels);
        days.filter(|(_, day)| *day >= oldest).collect()
    }

    /// Repairs the days of all events.
    pub async fn repair_days(&self) -> CheckResult {
        let reconciler = self.reconciler(DIRECT, Clock::fixed(self.now));
        for (org, day) in self.complete_days() {
            let event = json!({ "do": "day", "org": org.as_str(), "day": day.to_string(), "repair": true });
            reconciler.handle(event, TIME).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The first day whose events may not expire yet.
    pub fn expiring(&self) -> Day {
        // On a clock that runs ahead, the next day may have begun.
        let today = Day::of(self.now + TimeDelta::hours(1), Tz::UTC);
        oldest_complete_day(today, RETENTION_DAYS).minus(3)
    }
}

/// The organization and the UTC day of a raw event.
pub fn day_of(key: &Key) -> Option<(OrgId, Day)> {
    parse_event_key(&key.pk, &key.sk).map(|(org, day, ..)| (org, day))
}
