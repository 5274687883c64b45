//! The calendars by which a delivery's events are cut into days.

use std::collections::{HashMap, HashSet};

use ledger::calendar::{Calendar, Calendars, TrackedDimensions};
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::RollupId;
use store::Registry;
use store::error::Result;
use store::keys::Owner;

use crate::delivery::Delivery;
use crate::record::Content;

/// For each organization of a delivery, the calendar that figures are shown by and, while the time zone or the tracked
/// dimensions are changed, the one whose rollups are being built.
#[derive(Debug, Default)]
pub struct LiveCalendars(HashMap<OrgId, (Vec<Calendar>, Calendars)>);

impl LiveCalendars {
    /// Reads the calendars. They are never cached: see [`Registry::calendars_of`].
    pub async fn read(registry: &Registry, delivery: &Delivery<'_>) -> Result<Self> {
        let orgs = delivery.records.iter().filter_map(|record| match &record.content {
            Content::Event(event) => Some(event.org.clone()),
            Content::Ignored | Content::Malformed(_) => None,
        });
        let all = registry.calendars_of(&orgs.collect::<HashSet<_>>()).await?;
        Ok(Self(all.into_iter().map(|(org, calendars)| (org, (calendars.live(), calendars))).collect()))
    }

    /// The calendars of an organization of the delivery.
    pub fn of(&self, org: &OrgId) -> &[Calendar] {
        self.0.get(org).map_or(&[], |(live, _)| live.as_slice())
    }

    /// The dimensions that the rollups of an owner tell apart.
    pub fn tracked(&self, owner: &Owner) -> TrackedDimensions {
        let of_org = self.0.get(&owner.org);
        of_org.map_or_else(TrackedDimensions::none, |(_, all)| all.tracked_in(owner.generation))
    }

    /// The day that has to be recomputed for an event that did not get into `target`.
    pub fn day(&self, target: &RollupId, event: &Event) -> Day {
        let of_target = |calendar: &&Calendar| Some(calendar.generation) == target.generation();
        let calendar = self.of(&event.org).iter().find(of_target);
        calendar.and_then(|calendar| calendar.day(event.time)).unwrap_or_else(|| event.utc_day())
    }
}
