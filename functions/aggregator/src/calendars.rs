//! The calendars by which a delivery's events are cut into days.

use std::collections::{HashMap, HashSet};

use ledger::calendar::Calendar;
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::RollupId;
use store::Registry;
use store::error::Result;

use crate::delivery::Delivery;
use crate::record::Content;

/// For each organization of a delivery, the calendar that figures are shown by and, while the time zone is changed, the
/// one whose rollups are being built.
#[derive(Debug, Default)]
pub struct LiveCalendars(HashMap<OrgId, Vec<Calendar>>);

impl LiveCalendars {
    /// Reads the calendars. They are never cached: see [`Registry::live_calendars`].
    pub async fn read(registry: &Registry, delivery: &Delivery<'_>) -> Result<Self> {
        let orgs = delivery.records.iter().filter_map(|record| match &record.content {
            Content::Event(event) => Some(event.org.clone()),
            Content::Ignored | Content::Malformed(_) => None,
        });
        Ok(Self(registry.live_calendars(&orgs.collect::<HashSet<_>>()).await?))
    }

    /// The calendars of an organization of the delivery.
    pub fn of(&self, org: &OrgId) -> &[Calendar] {
        self.0.get(org).map_or(&[], Vec::as_slice)
    }

    /// The day that has to be recomputed for an event that did not get into `target`.
    pub fn day(&self, target: &RollupId, event: &Event) -> Day {
        let of_target = |calendar: &&Calendar| Some(calendar.generation) == target.generation();
        let calendar = self.of(&event.org).iter().find(of_target);
        calendar.and_then(|calendar| calendar.day(event.time)).unwrap_or_else(|| event.utc_day())
    }
}
