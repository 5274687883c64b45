//! The reports on a day and on a whole invocation: the JSON that the function returns.

use ledger::ids::OrgId;
use ledger::period::Day;
use serde::Serialize;
use store::{Meter, Reading};

use crate::compare::{Comparison, Difference};
use crate::recompute::RecomputedDay;

/// The most differences that are listed for each day. All are counted.
const MAX_LISTED: usize = 20;

/// What was found and done about one day. `drift`, `behind` and `repaired` count columns, the others items or events.
#[derive(Debug, Serialize)]
pub struct DayReport {
    org: OrgId,
    day: Day,
    /// Raw events read.
    pub events: u64,
    /// Malformed raw events. While there are any, the day's rollups cannot be compared.
    pub unreadable: u64,
    unreadable_keys: Vec<String>,
    /// Columns that differed in a way that no delay explains.
    pub drift: u64,
    /// The first of them.
    differences: Vec<Difference>,
    /// Columns that miss events which may not be aggregated yet.
    pub behind: u64,
    /// Events that are in quarantine. What they would add is drift. 0 if nothing seemed to be behind.
    pub quarantined: u64,
    /// Columns that were corrected.
    pub repaired: u64,
    /// Items that were sealed.
    pub sealed: u64,
    /// Items that cannot be corrected, since they would exceed the size limit of DynamoDB.
    pub too_large: u64,
    /// Whether the day changed so often that not all of it could be compared or repaired.
    pub is_restless: bool,
    /// Whether everything that differed was repaired, in the rollups of every calendar that the aggregator adds to.
    #[serde(skip)]
    pub is_complete: bool,
    #[serde(skip)]
    noted: bool,
}

impl DayReport {
    pub(crate) fn new(org: &OrgId, day: Day) -> Self {
        Self {
            org: org.clone(),
            day,
            events: 0,
            unreadable: 0,
            unreadable_keys: Vec::new(),
            drift: 0,
            differences: Vec::new(),
            behind: 0,
            quarantined: 0,
            repaired: 0,
            sealed: 0,
            too_large: 0,
            is_restless: false,
            is_complete: false,
            noted: false,
        }
    }

    /// Records how many events were read.
    pub fn read(&mut self, recomputed: &mut RecomputedDay) {
        self.events = recomputed.events;
        self.unreadable = recomputed.unreadable;
        self.unreadable_keys = std::mem::take(&mut recomputed.unreadable_keys);
    }

    /// Records the comparison of all items. Drift is that of the first round, before anything was written.
    pub fn note<'a>(&mut self, comparisons: impl Iterator<Item = &'a Comparison>) {
        let mut behind = 0;
        for comparison in comparisons {
            behind += comparison.behind;
            if !self.noted {
                self.drift += comparison.drift.len() as u64;
                let room = MAX_LISTED - self.differences.len();
                self.differences.extend(comparison.drift.iter().take(room).cloned());
            }
        }
        self.behind = behind;
        self.noted = true;
    }

    /// Records that an item was repaired.
    pub const fn repaired(&mut self, comparison: &Comparison) {
        self.repaired += comparison.drift.len() as u64 + comparison.behind;
        self.behind = self.behind.saturating_sub(comparison.behind);
    }

    /// Whether the rollups contain every event of the day.
    pub const fn is_whole(&self) -> bool {
        self.unreadable == 0 && self.behind == 0 && self.too_large == 0 && !self.is_restless
    }

    /// What keeps the day from being repaired. Events that are still to be aggregated do not.
    pub fn obstacles(&self) -> Option<String> {
        let found = [
            (self.unreadable > 0, format!("{} events are malformed", self.unreadable)),
            (self.too_large > 0, format!("{} items have no room for their events", self.too_large)),
            (self.is_restless, "it changed all the time".to_owned()),
        ];
        let found: Vec<_> = found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text).collect();
        (!found.is_empty()).then(|| found.join(", "))
    }

    /// Whether the day is worth reporting.
    pub const fn is_remarkable(&self) -> bool {
        self.drift > 0 || self.repaired > 0 || !self.is_whole()
    }
}

/// What an invocation found and did.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Columns that differed in a way that no delay explains.
    pub drift: u64,
    /// Columns that were corrected.
    pub repaired: u64,
    /// Raw events read.
    pub events: u64,
    /// Malformed raw events.
    pub unreadable: u64,
    /// Days that were reconciled.
    pub days_proved: u64,
    /// Days that there was no time for. The next run continues with them.
    pub days_left: u64,
    /// The days worth reporting, or the day that was requested.
    pub days: Vec<DayReport>,
    /// Repricing entries that were carried out or taken back.
    pub repricings: u64,
    /// Days that this was done for.
    pub repriced_days: u64,
    /// Events in which the name of an end user was replaced.
    pub erased: u64,
    /// Records released from quarantine.
    pub released: u64,
    /// Records that stay quarantined, since their events are still not aggregated.
    pub kept: u64,
    /// Records that stay quarantined, since no organization can be read from them.
    pub unplaced: Vec<String>,
    /// Days that were cut by a new calendar.
    pub days_built: u64,
    /// Days that are still to be cut by a new calendar. The next run continues with them.
    pub days_to_build: u64,
    /// Days whose pages were merged into packs.
    pub days_compacted: u64,
    /// Errors, each with the organization and day.
    pub failures: Vec<String>,
    /// Read units, in halves.
    pub half_read_units: u64,
    /// Write units, in halves.
    pub half_write_units: u64,
}

impl Report {
    /// Adds a day. It is listed if it is worth reporting, or if `show` is set.
    pub fn add(&mut self, day: DayReport, show: bool) {
        self.drift += day.drift;
        self.repaired += day.repaired;
        self.events += day.events;
        self.unreadable += day.unreadable;
        self.days_proved += 1;
        if show || day.is_remarkable() {
            self.days.push(day);
        }
    }

    /// Adds the report on another organization.
    pub fn merge(&mut self, other: Self) {
        self.drift += other.drift;
        self.repaired += other.repaired;
        self.events += other.events;
        self.unreadable += other.unreadable;
        self.days_proved += other.days_proved;
        self.days_left += other.days_left;
        self.days_built += other.days_built;
        self.days_to_build += other.days_to_build;
        self.days.extend(other.days);
        self.failures.extend(other.failures);
    }

    /// Adds the capacity used since `before`.
    #[must_use]
    pub fn metered(mut self, meter: &Meter, before: Reading) -> Self {
        let used = meter.reading().since(before);
        (self.half_read_units, self.half_write_units) = (used.half_read_units, used.half_write_units);
        self
    }
}
