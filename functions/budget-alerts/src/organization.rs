//! The organization whose budgets are evaluated.

use chrono::{DateTime, Utc};
use ledger::calendar::Calendar;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::settings::OrganizationSettings;

/// An organization at one moment: all of an evaluation uses the same time and time zone.
#[derive(Clone, Copy, Debug)]
pub struct Organization<'a> {
    pub id: &'a OrgId,
    pub settings: &'a OrganizationSettings,
    /// The calendar that figures are shown by.
    pub calendar: Calendar,
    pub now: DateTime<Utc>,
}

impl Organization<'_> {
    /// The current day in the organization's time zone.
    pub fn today(&self) -> Day {
        Day::of(self.now, self.calendar.zone)
    }
}
