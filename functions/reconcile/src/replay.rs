//! Releases records from quarantine, after the cause that kept them from being aggregated was fixed.
//!
//! Their raw events are still stored, so no event is added a second time: the days are recomputed, and the records of
//! those days whose rollups then contain every event are released.

use std::collections::{BTreeMap, BTreeSet};

use ledger::ids::OrgId;
use ledger::period::Day;
use store::Usage;
use store::error::Result;

const PAGE: u16 = 100;

/// The quarantined records, each by its sort key (`place`).
#[derive(Default)]
pub struct Quarantined {
    /// By the day of their events.
    pub days: BTreeMap<(OrgId, Day), Vec<String>>,
    /// Records from which no organization and day can be read. No event is stored for them; someone has to look at them.
    pub unplaced: Vec<String>,
}

impl Quarantined {
    pub async fn read(usage: &Usage) -> Result<Self> {
        let mut quarantined = Self::default();
        let mut after = None;
        loop {
            let page = usage.quarantined(after.as_deref(), PAGE).await?;
            for entry in page.entries {
                match entry.event {
                    Some(event) => {
                        quarantined.days.entry((event.org, event.day)).or_default().push(entry.place);
                    }
                    None => quarantined.unplaced.push(entry.place),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(quarantined);
            }
        }
    }
}

/// What identifies an event of an organization: its day of UTC, source and id.
pub type EventId = (Day, String, String);

/// The events of an organization's days of UTC that are in quarantine. No delay explains that they are not counted: the
/// aggregator is done with them.
pub async fn quarantined_events(
    usage: &Usage,
    org: &OrgId,
    utc_days: &BTreeSet<Day>,
) -> Result<BTreeSet<EventId>> {
    let mut events = BTreeSet::new();
    let mut after = None;
    loop {
        let page = usage.quarantined(after.as_deref(), PAGE).await?;
        let of_org = page.entries.into_iter().filter_map(|entry| entry.event);
        let of_days = of_org.filter(|event| event.org == *org && utc_days.contains(&event.day));
        events.extend(of_days.map(|event| (event.day, event.source, event.id)));
        after = page.next;
        if after.is_none() {
            return Ok(events);
        }
    }
}

/// Releases records, and returns how many of them were still quarantined.
pub async fn release(usage: &Usage, places: &[String]) -> Result<u64> {
    let mut released = 0;
    for place in places {
        released += u64::from(usage.release(place).await?);
    }
    Ok(released)
}
