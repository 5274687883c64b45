//! What was put into the quarantine, after whatever kept it from being understood has been mended.
//!
//! The raw events are still there, so nothing is added up a second time: the days are computed anew, and the entries
//! of those whose sums hold every event then are let go.

use std::collections::BTreeMap;

use ledger::ids::OrgId;
use ledger::period::Day;
use store::Store;
use store::error::Result;

/// Entries that are listed in one call.
const PAGE: u16 = 100;

/// The entries of the quarantine, by the day of their events.
#[derive(Default)]
pub struct Waiting {
    /// Of the events that the records were of.
    pub days: BTreeMap<(OrgId, Day), Vec<String>>,
    /// Of records that do not tell whose they are. Nothing was taken in as these; a person has to look at them.
    pub unplaced: Vec<String>,
}

impl Waiting {
    /// Reads the quarantine.
    pub async fn read(store: &Store) -> Result<Self> {
        let mut waiting = Self::default();
        let mut after = None;
        loop {
            let page = store.quarantined(after.as_deref(), PAGE).await?;
            for entry in page.entries {
                match entry.event {
                    Some(event) => waiting.days.entry((event.org, event.day)).or_default().push(entry.place),
                    None => waiting.unplaced.push(entry.place),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(waiting);
            }
        }
    }
}

/// Lets entries go; how many were there.
pub async fn release(store: &Store, places: &[String]) -> Result<u64> {
    let mut released = 0;
    for place in places {
        released += u64::from(store.release(place).await?);
    }
    Ok(released)
}
