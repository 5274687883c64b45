//! Proving the sums: a day is computed anew from its raw events and compared with what is stored.
//!
//! By hand: `aws lambda invoke --function-name … --cli-binary-format raw-in-base64-out --payload
//! '{"do":"day","org":"acme","day":"2026-03-05","repair":true}' report.json`; the answer is a [`Report`]. See
//! [`request::Request`] for what else can be asked.

mod compare;
mod day;
pub mod due;
mod fold;
mod held;
mod replay;
pub mod report;
pub mod request;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::stream::{self, StreamExt};
use lambda_runtime::Error;
use ledger::ids::OrgId;
use ledger::period::Day;
use runtime::clock::Clock;
use runtime::metrics::Metric;
use serde::Deserialize;
use serde_json::Value;
use store::Store;
use store::error::Result;
use store::proof::Proved;
use tokio::time::Instant;

pub use day::SETTLE;
use day::{How, Proof};
use due::{due, oldest_whole};
use replay::Waiting;
use report::{DayReport, Report};
use request::Request;

/// Organisations that are looked at side by side.
const IN_FLIGHT: usize = 8;
/// No day is begun when less time than this is left.
const RESERVE: Duration = Duration::from_mins(1);

/// The function.
pub struct Reconciler {
    store: Store,
    clock: Clock,
    retention_days: u32,
}

impl Reconciler {
    /// A reconciler of the tables of `store`, whose raw events are kept for `retention_days`.
    pub const fn new(store: Store, clock: Clock, retention_days: u32) -> Self {
        Self { store, clock, retention_days }
    }

    /// Does what `event` asks for (a [`Request`]) within `time_left`, and answers with a [`Report`].
    ///
    /// # Errors
    ///
    /// An event that asks for nothing known; anything that failed, or for which there was no time, after all else
    /// was done.
    pub async fn handle(&self, event: Value, time_left: Duration) -> Result<Value, Error> {
        let request = Request::deserialize(event)?;
        // A short time is for tests and for days that are asked for by hand, which are done at any rate.
        let until = Instant::now() + time_left.saturating_sub(RESERVE.min(time_left / 2));
        let before = self.store.meter().reading();
        let report = self.carry_out(request, until).await?.metered(&self.store, before);
        for day in report.days.iter().filter(|day| day.is_remarkable()) {
            tracing::warn!(report = %serde_json::to_string(day)?, "a day was proved");
        }
        let count = |metric: Metric, n: u64| metric.count(usize::try_from(n).unwrap_or(usize::MAX));
        count(Metric::Drift, report.drift);
        count(Metric::UnreadableEvents, report.unreadable);
        count(Metric::ReadUnits, report.half_read_units.div_ceil(2));
        if report.failures.is_empty() && report.days_left == 0 {
            return Ok(serde_json::to_value(report)?);
        }
        let left = report.days_left;
        Err(format!("{left} days were left, and these failed: {}", report.failures.join("; ")).into())
    }

    async fn carry_out(&self, request: Request, until: Instant) -> Result<Report> {
        let mut report = Report::default();
        match request {
            Request::Day { org, day, repair, seal } => {
                let how = How { repair: repair || seal, seal };
                report.add(self.prove(&org, day, how).await?, true);
            }
            Request::Dirty => {
                for (org, day) in self.store.dirty_days().await? {
                    let how = How { repair: true, seal: false };
                    self.prove_in_time(&mut report, (&org, day), how, until).await;
                }
            }
            Request::Replay => self.replay(&mut report, until).await?,
            Request::Forget { places } => report.released = replay::release(&self.store, &places).await?,
            Request::Nightly => {
                let organizations = self.store.organizations().await?;
                let nights = organizations.into_iter().map(|(org, first)| self.night(org, first, until));
                let mut nights = stream::iter(nights).buffer_unordered(IN_FLIGHT);
                while let Some(night) = nights.next().await {
                    report.merge(night);
                }
            }
        }
        Ok(report)
    }

    async fn replay(&self, report: &mut Report, until: Instant) -> Result<()> {
        let waiting = Waiting::read(&self.store).await?;
        report.unplaced = waiting.unplaced;
        for ((org, day), places) in waiting.days {
            let how = How { repair: true, seal: false };
            match self.prove_in_time(report, (&org, day), how, until).await {
                Some(true) => report.released += replay::release(&self.store, &places).await?,
                _ => report.kept += places.len() as u64,
            }
        }
        Ok(())
    }

    /// The days of one organisation that are due.
    async fn night(&self, org: OrgId, first: Day, until: Instant) -> Report {
        let mut report = Report::default();
        if let Err(error) = self.prove_due(&mut report, &org, first, until).await {
            report.failures.push(format!("{org}: {error}"));
        }
        report
    }

    async fn prove_due(&self, report: &mut Report, org: &OrgId, first: Day, until: Instant) -> Result<()> {
        let mut proved = self.store.proved(org).await?;
        let zone = self.store.organization(org).await?.timezone;
        let today = Day::of(self.clock.now(), zone);
        let (compare, seal) = due(proved, first, today, self.retention_days);
        // Each stops at the first day that is not done with, to begin there the next time.
        for day in seal {
            let how = How { repair: true, seal: true };
            let Some(true) = self.prove_in_time(report, (org, day), how, until).await else { break };
            proved.sealed = Some(day);
            self.store.set_proved(org, proved).await?;
        }
        for day in compare {
            let Some(_) = self.prove_in_time(report, (org, day), How::default(), until).await else { break };
            proved = Proved { compared: Some(day), ..proved };
            self.store.set_proved(org, proved).await?;
        }
        Ok(())
    }

    /// Proves a day if there is time. Whether its sums hold every event of it; none where it was not done.
    async fn prove_in_time(
        &self,
        report: &mut Report,
        (org, day): (&OrgId, Day),
        how: How,
        until: Instant,
    ) -> Option<bool> {
        if Instant::now() >= until {
            report.days_left += 1;
            return None;
        }
        // A day that is not even fit for arithmetic is no reason to leave those of others.
        let proved = AssertUnwindSafe(self.prove(org, day, how)).catch_unwind().await;
        match proved.unwrap_or_else(|_| Err(store::error::Error::internal("it cannot be computed"))) {
            Ok(of_day) => {
                let (whole, too_large) = (of_day.is_whole(), of_day.too_large);
                if too_large > 0 {
                    report
                        .failures
                        .push(format!("{org} {day}: {too_large} items have no room for their events"));
                }
                report.add(of_day, false);
                Some(whole)
            }
            Err(error) => {
                report.failures.push(format!("{org} {day}: {error}"));
                None
            }
        }
    }

    async fn prove(&self, org: &OrgId, day: Day, how: How) -> Result<DayReport> {
        let today = Day::of(self.clock.now(), chrono_tz::UTC);
        if day < oldest_whole(today, self.retention_days) {
            return Err(store::error::Error::Conflict(format!(
                "the raw events of {day} are no longer all kept, so it cannot be computed anew"
            )));
        }
        Proof { store: &self.store, clock: &self.clock, org, day, how }.run().await
    }
}
