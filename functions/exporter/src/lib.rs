//! The exporter: writes the files of each past day to a bucket, or locally to a folder. For each organization and day
//! these are `{org}/dt={day}/focus.parquet`, the charges of a day in its time zone, and `{org}/dt={day}/ocsf.ndjson`,
//! the activity log of a UTC day.
//!
//! A file is written once, and again when its day has changed, because late events were counted or the day was
//! recomputed. The write counter of the day's rollup shows it, which is stored with the list of the files. It is read
//! before the raw events that a file is made from, so that a change that the file misses causes it to be written again.

mod bucket;
mod place;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use exports::files::{self, FocusSource};
use lambda_runtime::Error;
use ledger::calendar::Calendar;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange, oldest_complete_day};
use ledger::rollup::RollupId;
use runtime::clock::Clock;
use serde::Serialize;
use serde_json::Value;
use store::exported::Exported;
use store::keys::{self, Keyed};
use tokio::time::Instant;

pub use bucket::Bucket;
pub use exports::Tables;
pub use place::{Place, PlaceError};

/// The time reserved for storing which files were written.
const RESERVE: Duration = Duration::from_secs(20);
/// The most failures that are named in an error.
const MAX_NAMED: usize = 20;
/// Number of files after which the list of written files is stored. Files that are not in it are written again.
const STORED_AFTER: u32 = 20;

/// In place of a write counter, says that a file is outdated. No rollup is written so often.
const OUTDATED: u64 = u64::MAX;

/// The function.
pub struct Exporter {
    tables: Tables,
    place: Place,
    clock: Clock,
    retention_days: u32,
}

/// The result of a run.
#[derive(Debug, Default, Serialize)]
struct Report {
    organizations: usize,
    /// Files that were written.
    written: u32,
    /// Organizations with files that there was no time to write.
    left: usize,
    failures: Vec<String>,
}

/// A kind of file, and the days of an organization that it is made for, with the write counters of their rollups.
struct Days {
    kind: Kind,
    changed: BTreeMap<Day, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Focus,
    Ocsf,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Focus => "focus.parquet",
            Self::Ocsf => "ocsf.ndjson",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Focus => "application/vnd.apache.parquet",
            Self::Ocsf => "application/x-ndjson",
        }
    }

    fn of(self, exported: &mut Exported) -> &mut BTreeMap<Day, u64> {
        match self {
            Self::Focus => &mut exported.focus,
            Self::Ocsf => &mut exported.ocsf,
        }
    }
}

impl Exporter {
    /// An exporter of `tables` to `place`. Raw events are kept for `retention_days`.
    pub const fn new(tables: Tables, place: Place, clock: Clock, retention_days: u32) -> Self {
        Self { tables, place, clock, retention_days }
    }

    /// Writes the files that are missing or outdated, oldest days first, and returns a report.
    ///
    /// # Errors
    ///
    /// Returned after everything else is done, if organizations failed or there was no time for them.
    pub async fn handle(&self, time_left: Duration) -> Result<Value, Error> {
        let mut report = Report::default();
        if matches!(self.place, Place::Nowhere) {
            return Ok(serde_json::to_value(report)?);
        }
        let until = Instant::now() + time_left.saturating_sub(RESERVE.min(time_left / 2));
        for (org, first) in self.tables.registry.organizations().await? {
            report.organizations += 1;
            if let Err(error) = self.export(&org, first, until, &mut report).await {
                report.failures.push(format!("{org}: {error}"));
            }
        }
        if report.failures.is_empty() && report.left == 0 {
            return Ok(serde_json::to_value(report)?);
        }
        let Report { left, failures, .. } = report;
        let named = failures.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
        Err(format!("{left} organizations are left; {} failures: {named}", failures.len()).into())
    }

    /// Writes the files of one organization. A file that cannot be made does not stop the others, but an error of the
    /// place does.
    async fn export(
        &self,
        org: &OrgId,
        first: DateTime<Utc>,
        until: Instant,
        report: &mut Report,
    ) -> Result<(), Error> {
        // Read once, so that the files belong to the days whose write counters are compared, even if the time zone
        // changes meanwhile.
        let source = FocusSource::read(&self.tables, org).await?;
        let calendar = source.calendar();
        let mut exported = self.tables.usage.exported(org).await?;
        if exported.generation != calendar.generation {
            // The time zone has changed, and with it the days: all files are written again, also those of days that have
            // become empty.
            exported.focus.values_mut().for_each(|writes| *writes = OUTDATED);
            exported.generation = calendar.generation;
        }
        let focus = self.focus_days(org, calendar, first, &mut exported).await?;
        let ocsf = self.ocsf_days(org, first, &mut exported).await?;
        let before = exported.clone();
        let mut unstored = 0;
        let days = |Days { kind, changed }| changed.into_iter().map(move |day| (kind, day));
        for (kind, (day, writes)) in days(focus).chain(days(ocsf)) {
            if Instant::now() >= until {
                report.left += 1;
                break;
            }
            let file = match kind {
                Kind::Focus => source.file(&self.tables, day).await,
                Kind::Ocsf => files::ocsf(&self.tables, org, day).await,
            };
            let stored = match file {
                Ok(file) => self.store(org, day, kind, file).await,
                Err(error) => {
                    report.failures.push(format!("{org} {day} {}: {error}", kind.name()));
                    continue;
                }
            };
            if let Err(error) = stored {
                report.failures.push(format!("{org} {day} {}: {error}", kind.name()));
                break;
            }
            kind.of(&mut exported).insert(day, writes);
            (report.written, unstored) = (report.written + 1, unstored + 1);
            if unstored % STORED_AFTER == 0 {
                self.tables.usage.store_exported(org, &exported).await?;
            }
        }
        if exported != before {
            self.tables.usage.store_exported(org, &exported).await?;
        }
        Ok(())
    }

    /// The days of the organization's time zone that have changed.
    async fn focus_days(
        &self,
        org: &OrgId,
        calendar: Calendar,
        first: DateTime<Utc>,
        exported: &mut Exported,
    ) -> Result<Days, Error> {
        let now = self.clock.now();
        let days = self.days(Day::of(first, calendar.zone), Day::of(now, calendar.zone));
        let range = keys::org_days(org, calendar.generation, days.first, days.last);
        let key = |day| RollupId::OrgDay(org.clone(), calendar.generation, day).key();
        self.changed(Kind::Focus, days, &range, key, exported).await
    }

    /// The UTC days whose activity log has changed.
    async fn ocsf_days(
        &self,
        org: &OrgId,
        first: DateTime<Utc>,
        exported: &mut Exported,
    ) -> Result<Days, Error> {
        let days = self.days(Day::of(first, Tz::UTC), Day::of(self.clock.now(), Tz::UTC));
        let range = keys::activity_days(org, None, days.first, days.last);
        let key = |day| RollupId::ActivityDay(org.clone(), None, day).key();
        self.changed(Kind::Ocsf, days, &range, key, exported).await
    }

    /// The past days whose events have not expired.
    fn days(&self, first: Day, today: Day) -> DayRange {
        DayRange { first: first.max(self.oldest(today)), last: today.minus(1) }
    }

    /// The oldest day whose files are kept up to date.
    fn oldest(&self, today: Day) -> Day {
        oldest_complete_day(today, self.retention_days).next()
    }

    async fn changed(
        &self,
        kind: Kind,
        days: DayRange,
        range: &keys::KeyRange,
        key: impl Fn(Day) -> keys::Key,
        exported: &mut Exported,
    ) -> Result<Days, Error> {
        let known = kind.of(exported);
        known.retain(|day, _| *day >= self.oldest(days.last.next()));
        if days.first > days.last {
            return Ok(Days { kind, changed: BTreeMap::new() });
        }
        let stored = self.tables.usage.rollups_in(range).await?;
        let writes: BTreeMap<_, _> = stored.into_iter().map(|(key, rollup)| (key, rollup.writes)).collect();
        // In a former time zone, the first event may have been on an earlier day.
        let before = known.keys().copied().filter(|day| *day < days.first);
        let changed = before.chain(days.days()).filter_map(|day| {
            // A day without a rollup is empty, which its file has to say if there is one.
            let writes = writes.get(&key(day)).copied().or_else(|| known.get(&day).map(|_| 0))?;
            (known.get(&day) != Some(&writes)).then_some((day, writes))
        });
        Ok(Days { kind, changed: changed.collect() })
    }

    async fn store(&self, org: &OrgId, day: Day, kind: Kind, file: Vec<u8>) -> Result<(), PlaceError> {
        let name = [org.as_str(), &format!("dt={day}"), kind.name()];
        self.place.put(&name, kind.media_type(), file).await
    }
}
