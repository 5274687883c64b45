//! Carries out a request: reconciles the days that it asks for, within the time of the invocation.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use lambda_runtime::Error;
use ledger::ids::OrgId;
use ledger::period::Day;
use runtime::clock::Clock;
use runtime::metrics::Metric;
use serde::Deserialize;
use serde_json::Value;
use store::error::Result;
use store::reconcile::ReconcileProgress;
use store::repricing::DueRepricing;
use tokio::time::Instant;

use crate::Tables;
use crate::calendars::LATE_DAYS;
use crate::compact::{CompactionPolicy, Looks};
use crate::day::{DayReconciliation, Scope};
use crate::erase;
use crate::replay::{self, Quarantined};
use crate::report::{DayReport, Report};
use crate::reprice;
use crate::request::{Actions, Request};
use crate::schedule::{due, oldest_complete_day};

/// Organizations that are reconciled at the same time.
const IN_FLIGHT: usize = 8;
/// No day is started when less time than this is left.
const RESERVE: Duration = Duration::from_mins(1);

/// The function.
pub struct Reconciler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) retention_days: u32,
    pub(crate) late_days: u32,
    pub(crate) policy: CompactionPolicy,
    pub(crate) looks: Looks,
}

/// A day that was reconciled.
#[derive(Clone, Copy, Debug)]
pub struct Reconciled {
    /// Whether its rollups contain every event.
    is_whole: bool,
    /// See [`DayReport::is_complete`].
    is_complete: bool,
}

impl Reconciler {
    /// Reconciles the tables of `store`, whose raw events are kept for `retention_days`.
    pub fn new(tables: Tables, clock: Clock, retention_days: u32) -> Self {
        let (policy, looks) = (CompactionPolicy::PRODUCTION, Looks::default());
        Self { tables, clock, retention_days, late_days: LATE_DAYS, policy, looks }
    }

    /// The same, with another policy of compaction.
    #[must_use]
    pub const fn with_policy(mut self, policy: CompactionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same, for events that are never older than this when they arrive.
    #[must_use]
    pub const fn with_late_days(mut self, days: u32) -> Self {
        self.late_days = days;
        self
    }

    /// Carries out `event` (a [`Request`]) within `time_left`, and returns a [`Report`].
    ///
    /// # Errors
    ///
    /// A malformed request; after everything else is done, anything that failed or that there was no time for.
    pub async fn handle(&self, event: Value, time_left: Duration) -> Result<Value, Error> {
        let request = Request::deserialize(event).map_err(|error| {
            format!("the payload is no request ({error}); it should be such as {{\"do\":\"nightly\"}}")
        })?;
        // A short time, as tests have it, is not all reserve. A day requested by hand is reconciled in any case.
        let until = Instant::now() + time_left.saturating_sub(RESERVE.min(time_left / 2));
        let before = self.tables.usage.meter().reading();
        let report = self.carry_out(request, until).await?.metered(self.tables.usage.meter(), before);
        for day in report.days.iter().filter(|day| day.is_remarkable()) {
            tracing::warn!(report = %serde_json::to_string(day)?, "reconciled a day");
        }
        emit(&report);
        if report.failures.is_empty() && report.days_left == 0 {
            return Ok(serde_json::to_value(report)?);
        }
        Err(format!("{} days are left; failures: {}", report.days_left, report.failures.join("; ")).into())
    }

    async fn carry_out(&self, request: Request, until: Instant) -> Result<Report> {
        let mut report = Report::default();
        match request {
            Request::Day { org, day, repair, seal } => {
                let actions = Actions { repair: repair || seal, seal };
                let of_day = self.reconcile(&org, day, actions).await?;
                if let Some(obstacles) = of_day.obstacles().filter(|_| actions.repair) {
                    report.failures.push(format!("{org} {day} could not be repaired: {obstacles}"));
                }
                report.add(of_day, true);
            }
            Request::Dirty => {
                for (org, day) in self.tables.usage.dirty_days().await? {
                    self.reconcile_in_time(&mut report, (&org, day), Actions::REPAIR, until).await;
                }
            }
            Request::Reprice => {
                for (org, due) in reprice::due(&self.tables).await? {
                    if let Err(error) = self.reprice(&mut report, due, until).await {
                        report.failures.push(format!("repricing of {org}: {error}"));
                    }
                }
            }
            Request::Erase => {
                for (org, id) in self.tables.registry.due_erasures().await? {
                    match erase::carry_out(&self.tables, &org, &id, &self.clock, until).await {
                        Ok(events) => report.erased += events,
                        Err(error) => report.failures.push(format!("erasure {id} of {org}: {error}")),
                    }
                }
            }
            Request::Calendars => {
                let organizations = self.tables.registry.unsettled_calendars().await?;
                // Side by side, so that none waits for another that has years of events.
                let reports = organizations.into_iter().map(|org| self.settled(org, until));
                let mut reports = stream::iter(reports).buffer_unordered(IN_FLIGHT);
                while let Some(of_org) = reports.next().await {
                    report.merge(of_org);
                }
            }
            Request::Compact => self.compact(&mut report, until).await?,
            Request::Replay => self.replay(&mut report, until).await?,
            Request::Forget { places } => {
                report.released = replay::release(&self.tables.usage, &places).await?;
            }
            Request::Nightly => {
                let organizations = self.tables.registry.organizations().await?;
                let reports = organizations.into_iter().map(|(org, first)| self.nightly(org, first, until));
                let mut reports = stream::iter(reports).buffer_unordered(IN_FLIGHT);
                while let Some(of_org) = reports.next().await {
                    report.merge(of_org);
                }
            }
        }
        Ok(report)
    }

    /// Carries out the repricing entries of one organization, as far as there is time.
    async fn reprice(&self, report: &mut Report, mut due: Vec<DueRepricing>, until: Instant) -> Result<()> {
        while Instant::now() < until
            && let Some(next) = reprice::claim(&self.tables, &due, self.clock.now()).await?
        {
            let done = self.carry_out_repricing(report, &next, until).await;
            if !matches!(done, Ok(true)) {
                // Later entries wait for this one.
                self.tables.registry.release_repricing(&next).await?;
                return done.map(drop);
            }
            report.repricings += 1;
            due.retain(|entry| *entry != next);
        }
        Ok(())
    }

    /// Carries out an entry, or takes it back. False if something is left to do.
    async fn carry_out_repricing(
        &self,
        report: &mut Report,
        due: &DueRepricing,
        until: Instant,
    ) -> Result<bool> {
        let registry = &self.tables.registry;
        let settings = registry.settings_now(&due.org).await?;
        let oldest = self.oldest_repriced_day(&due.org).await?;
        while Instant::now() < until {
            let Some(repricing) = registry.repricing(&due.org, &due.id).await? else { return Ok(true) };
            if let Some(day) = reprice::next_day(&repricing, oldest) {
                if !reprice::step(&self.tables, &repricing, day, &settings).await? {
                    return Ok(false);
                }
                report.repriced_days += 1;
                self.recompute_repriced(report, &due.org, day).await?;
                continue;
            }
            for day in reprice::pending_days(&self.tables, &repricing, oldest).await? {
                if Instant::now() >= until || !self.recompute_repriced(report, &due.org, day).await? {
                    return Ok(false);
                }
            }
            return reprice::finish(&self.tables, &repricing).await;
        }
        Ok(false)
    }

    /// The oldest day of UTC whose events can be repriced.
    async fn oldest_repriced_day(&self, org: &OrgId) -> Result<Day> {
        let calendars = self.tables.registry.calendars(org).await?.calendars;
        Ok(calendars.oldest_repriced_day(Day::of(self.clock.now(), chrono_tz::UTC), self.retention_days))
    }

    /// Recomputes the days of a day of UTC whose calls were repriced, unless that is done already. Returns whether it is
    /// done then. It is not before every generation of rollups that the aggregator adds to is built.
    async fn recompute_repriced(&self, report: &mut Report, org: &OrgId, utc_day: Day) -> Result<bool> {
        let usage = &self.tables.usage;
        let repriced = usage.repriced_day(org, utc_day).await?;
        if !repriced.is_pending() {
            return Ok(true);
        }
        let mut complete = true;
        for day in self.days_of_utc(org, utc_day).await? {
            let reconciled = self.reconcile_and_report(report, (org, day), Actions::REPAIR).await;
            complete &= reconciled.is_some_and(|reconciled| reconciled.is_complete);
        }
        Ok(complete && usage.note_recomputed(org, utc_day, repriced.version).await?)
    }

    /// The days of all calendars whose rollups may contain an event of a day of UTC.
    async fn days_of_utc(&self, org: &OrgId, utc_day: Day) -> Result<BTreeSet<Day>> {
        let calendars = self.tables.registry.calendars(org).await?.calendars;
        Ok(calendars.live().into_iter().flat_map(|calendar| calendar.days_of_utc(utc_day).days()).collect())
    }

    async fn replay(&self, report: &mut Report, until: Instant) -> Result<()> {
        let quarantined = Quarantined::read(&self.tables.usage).await?;
        report.unplaced = quarantined.unplaced;
        for ((org, utc_day), places) in quarantined.days {
            let mut whole = true;
            for day in self.days_of_utc(&org, utc_day).await? {
                let reconciled = self.reconcile_in_time(report, (&org, day), Actions::REPAIR, until).await;
                whole &= reconciled.is_some_and(|reconciled| reconciled.is_whole);
            }
            if whole {
                report.released += replay::release(&self.tables.usage, &places).await?;
            } else {
                report.kept += places.len() as u64;
            }
        }
        Ok(())
    }

    /// Reconciles the days of one organization that are due. A failure does not affect other organizations.
    async fn nightly(&self, org: OrgId, first: DateTime<Utc>, until: Instant) -> Report {
        let mut report = Report::default();
        if let Err(error) = self.reconcile_due(&mut report, &org, first, until).await {
            report.failures.push(format!("{org}: {error}"));
        }
        report
    }

    async fn reconcile_due(
        &self,
        report: &mut Report,
        org: &OrgId,
        first: DateTime<Utc>,
        until: Instant,
    ) -> Result<()> {
        let mut progress = self.tables.usage.reconcile_progress(org).await?;
        let zone = self.tables.registry.calendar(org).await?.zone;
        let today = Day::of(self.clock.now(), zone);
        let (compare, seal) = due(progress, Day::of(first, zone), today, self.retention_days);
        // Each loop stops at the first day that is not finished. The next run continues there.
        for day in seal {
            let actions = Actions::REPAIR_AND_SEAL;
            let reconciled = self.reconcile_in_time(report, (org, day), actions, until).await;
            if !reconciled.is_some_and(|reconciled| reconciled.is_whole) {
                break;
            }
            progress.sealed = Some(day);
            self.tables.usage.set_reconcile_progress(org, progress).await?;
        }
        for day in compare {
            let actions = Actions::COMPARE;
            let Some(_) = self.reconcile_in_time(report, (org, day), actions, until).await else { break };
            progress = ReconcileProgress { compared: Some(day), ..progress };
            self.tables.usage.set_reconcile_progress(org, progress).await?;
        }
        Ok(())
    }

    /// Reconciles a day if there is time. None if it was not reconciled.
    pub(crate) async fn reconcile_in_time(
        &self,
        report: &mut Report,
        (org, day): (&OrgId, Day),
        actions: Actions,
        until: Instant,
    ) -> Option<Reconciled> {
        if Instant::now() >= until {
            report.days_left += 1;
            return None;
        }
        self.reconcile_and_report(report, (org, day), actions).await
    }

    async fn reconcile_and_report(
        &self,
        report: &mut Report,
        (org, day): (&OrgId, Day),
        actions: Actions,
    ) -> Option<Reconciled> {
        // Arithmetic panics when a day's numbers overflow. That must not stop the other days.
        let reconciled = AssertUnwindSafe(self.reconcile(org, day, actions)).catch_unwind().await;
        match reconciled.unwrap_or_else(|_| Err(store::error::Error::internal("it cannot be recomputed"))) {
            Ok(of_day) => {
                let too_large = of_day.too_large;
                let reconciled = Reconciled { is_whole: of_day.is_whole(), is_complete: of_day.is_complete };
                if too_large > 0 {
                    let failure = format!("{org} {day}: {too_large} items would exceed the size limit");
                    report.failures.push(failure);
                }
                report.add(of_day, false);
                Some(reconciled)
            }
            Err(error) => {
                report.failures.push(format!("{org} {day}: {error}"));
                None
            }
        }
    }

    async fn reconcile(&self, org: &OrgId, day: Day, actions: Actions) -> Result<DayReport> {
        let today = Day::of(self.clock.now(), chrono_tz::UTC);
        if day < oldest_complete_day(today, self.retention_days) {
            return Err(store::error::Error::Conflict(format!(
                "{day} cannot be recomputed: some of its raw events may have expired"
            )));
        }
        let (tables, clock, scope) = (&self.tables, &self.clock, Scope::Complete);
        let block_bytes = self.policy.block_bytes;
        DayReconciliation { tables, clock, org, day, scope, actions, block_bytes }.run().await
    }
}

fn emit(report: &Report) {
    for (metric, count) in [
        (Metric::Drift, report.drift),
        (Metric::UnreadableEvents, report.unreadable),
        (Metric::ReadUnits, report.half_read_units.div_ceil(2)),
    ] {
        metric.count(usize::try_from(count).unwrap_or(usize::MAX));
    }
}
