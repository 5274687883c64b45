//! Releases records from quarantine, after the cause that kept them from being aggregated was fixed.
//!
//! Their raw events are still stored, so no event is added a second time: the days are recomputed, and the records of
//! those days whose rollups then contain every event are released.

use std::collections::BTreeMap;

use ledger::ids::OrgId;
use ledger::period::Day;
use store::Store;
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
    pub async fn read(store: &Store) -> Result<Self> {
        let mut quarantined = Self::default();
        let mut after = None;
        loop {
            let page = store.quarantined(after.as_deref(), PAGE).await?;
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

/// Releases records, and returns how many of them were still quarantined.
pub async fn release(store: &Store, places: &[String]) -> Result<u64> {
    let mut released = 0;
    for place in places {
        released += u64::from(store.release(place).await?);
    }
    Ok(released)
}
