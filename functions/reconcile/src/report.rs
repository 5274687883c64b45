//! What was found and done.

use ledger::ids::OrgId;
use ledger::period::Day;
use serde::Serialize;
use store::Reading;
use store::Store;

use crate::compare::{Difference, Verdict};
use crate::fold::Fold;

/// Differences that are spelt out for each day; all are counted.
const SHOWN: usize = 20;

/// What was found of one day, and done about it. Counts of drift, of what is behind and of what was repaired are of
/// columns, all others of items or events.
#[derive(Debug, Serialize)]
pub struct DayReport {
    org: OrgId,
    day: Day,
    /// Raw events that were read.
    pub events: u64,
    /// Raw events that cannot be read; nothing else of the day can be proved while there are any.
    pub unreadable: u64,
    unreadable_keys: Vec<String>,
    /// Columns that held what they could not hold.
    pub drift: u64,
    /// Some of them.
    differences: Vec<Difference>,
    /// Columns that lack events which may still be on their way.
    pub behind: u64,
    /// Columns that hold now what they should.
    pub repaired: u64,
    /// Items that were sealed.
    pub sealed: u64,
    /// Items that have no room for what they should hold.
    pub too_large: u64,
    /// Whether it changed so often that not all could be written.
    pub is_restless: bool,
    #[serde(skip)]
    noted: bool,
}

impl DayReport {
    /// Nothing was found yet.
    pub fn of(org: &OrgId, day: Day) -> Self {
        Self {
            org: org.clone(),
            day,
            events: 0,
            unreadable: 0,
            unreadable_keys: Vec::new(),
            drift: 0,
            differences: Vec::new(),
            behind: 0,
            repaired: 0,
            sealed: 0,
            too_large: 0,
            is_restless: false,
            noted: false,
        }
    }

    /// The events were read.
    pub fn read(&mut self, fold: &mut Fold) {
        self.events = fold.events;
        self.unreadable = fold.unreadable;
        self.unreadable_keys = std::mem::take(&mut fold.unreadable_keys);
    }

    /// All items were compared. What counts as found is what the first look found, before anything was written.
    pub fn note<'a>(&mut self, verdicts: impl Iterator<Item = &'a Verdict>) {
        let mut behind = 0;
        for verdict in verdicts {
            behind += verdict.behind;
            if !self.noted {
                self.drift += verdict.drift.len() as u64;
                let room = SHOWN - self.differences.len();
                self.differences.extend(verdict.drift.iter().take(room).cloned());
            }
        }
        self.behind = behind;
        self.noted = true;
    }

    /// An item was set right.
    pub const fn repaired(&mut self, verdict: &Verdict) {
        self.repaired += verdict.drift.len() as u64 + verdict.behind;
        self.behind = self.behind.saturating_sub(verdict.behind);
    }

    /// Whether the sums hold every event of the day.
    pub const fn is_whole(&self) -> bool {
        self.unreadable == 0 && self.behind == 0 && self.too_large == 0 && !self.is_restless
    }

    /// Whether there is anything to say of the day.
    pub const fn is_remarkable(&self) -> bool {
        self.drift > 0 || self.repaired > 0 || !self.is_whole()
    }
}

/// What came of all that was asked for.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Columns that held what they could not hold.
    pub drift: u64,
    /// Columns that hold now what they should.
    pub repaired: u64,
    /// Raw events that were read.
    pub events: u64,
    /// Raw events that cannot be read.
    pub unreadable: u64,
    /// Days that were looked at.
    pub days_proved: u64,
    /// Days that there was no time for; the next run does them.
    pub days_left: u64,
    /// The days that there is something to say of, or the day that was asked for.
    pub days: Vec<DayReport>,
    /// Entries that have left the quarantine.
    pub released: u64,
    /// Entries that stay in it, since their events are still not counted.
    pub kept: u64,
    /// Entries that stay in it, since they do not tell whose they are.
    pub unplaced: Vec<String>,
    /// What failed.
    pub failures: Vec<String>,
    /// Read units, in halves.
    pub half_read_units: u64,
    /// Write units, in halves.
    pub half_write_units: u64,
}

impl Report {
    /// A day is done.
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

    /// What came of another organisation.
    pub fn merge(&mut self, other: Self) {
        self.drift += other.drift;
        self.repaired += other.repaired;
        self.events += other.events;
        self.unreadable += other.unreadable;
        self.days_proved += other.days_proved;
        self.days_left += other.days_left;
        self.days.extend(other.days);
        self.failures.extend(other.failures);
    }

    /// What it cost, from `before` on.
    #[must_use]
    pub fn metered(mut self, store: &Store, before: Reading) -> Self {
        let used = store.meter().reading().since(before);
        (self.half_read_units, self.half_write_units) = (used.half_read_units, used.half_write_units);
        self
    }
}
