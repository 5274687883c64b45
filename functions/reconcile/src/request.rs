//! The payload of an invocation, by a schedule or by hand.

use ledger::ids::OrgId;
use ledger::period::Day;
use serde::Deserialize;

/// What an invocation is to do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// `{"do":"nightly"}`: compares and seals the days that are due, of every organization.
    Nightly,
    /// `{"do":"dirty"}`: recomputes the days that events have reached after they were sealed.
    Dirty,
    /// `{"do":"reprice"}`: carries out repricing entries, and takes back those that were deleted.
    Reprice,
    /// `{"do":"calendars"}`: recomputes the days of organizations that have changed their time zone, and deletes the rollups
    /// of calendars that are no longer used.
    Calendars,
    /// `{"do":"compact"}`: merges the pages of agents' days into packs.
    Compact,
    /// `{"do":"erase"}`: replaces the names of end users that are to be forgotten.
    Erase,
    /// `{"do":"replay"}`: recomputes the days of quarantined records, and releases the records that are then counted.
    Replay,
    /// `{"do":"forget","places":["…"]}`: deletes quarantined records that someone has examined and found irrelevant.
    Forget {
        /// The records' sort keys, as a replay reports them.
        places: Vec<String>,
    },
    /// `{"do":"day","org":"acme","day":"2026-03-05","repair":true,"seal":true}`: reconciles one day, now.
    Day {
        org: OrgId,
        day: Day,
        /// Whether items that differ are rewritten, which seals them.
        #[serde(default)]
        repair: bool,
        /// Whether all items of the day are sealed; implies `repair`.
        #[serde(default)]
        seal: bool,
    },
}

/// What is done about a day, apart from comparing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actions {
    /// Items that differ are rewritten.
    pub repair: bool,
    /// All items of the day are sealed.
    pub seal: bool,
}

impl Actions {
    pub(crate) const COMPARE: Self = Self { repair: false, seal: false };
    pub(crate) const REPAIR: Self = Self { repair: true, seal: false };
    pub(crate) const REPAIR_AND_SEAL: Self = Self { repair: true, seal: true };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Option<Request> {
        serde_json::from_value(value).ok()
    }

    #[test]
    fn malformed_requests_are_rejected() {
        assert_eq!(read(json!({"do": "nightly"})), Some(Request::Nightly));
        assert_eq!(read(json!({"do": "dirty"})), Some(Request::Dirty));
        assert_eq!(read(json!({"do": "calendars"})), Some(Request::Calendars));
        assert_eq!(read(json!({"do": "compact"})), Some(Request::Compact));
        let day = json!({"do": "day", "org": "acme", "day": "2026-03-05", "repair": true});
        let expected = Request::Day {
            org: OrgId::new("acme").unwrap(),
            day: Day::parse("2026-03-05").unwrap(),
            repair: true,
            seal: false,
        };
        assert_eq!(read(day), Some(expected));
        for malformed in [
            json!({}),
            json!({"do": "everything"}),
            json!({"do": "day", "org": "acme"}),
            json!({"do": "day", "org": "a#b", "day": "2026-03-05"}),
            json!({"do": "day", "org": "acme", "day": "2026-02-30"}),
            json!({"do": "day", "org": "acme", "day": "2026-03-05", "repiar": true}),
        ] {
            assert_eq!(read(malformed.clone()), None, "{malformed}");
        }
    }
}
