//! Keys of what the system keeps about itself: how far it is, and what it could not understand.
//!
//! Their partitions begin with the separator, as no organisation's does.

use chrono::{DateTime, Datelike, Utc};

use super::{Key, KeyRange, SEPARATOR};
use ledger::period;

/// The partition of what tells how the system is. No item in it is an organisation's, or names one.
pub const STATUS: &str = "#status";

/// Attributes of the summary of the quarantine.
pub mod summary {
    /// How many entries there are.
    pub const COUNT: &str = "n";
    /// The time of the oldest, of those that have one.
    pub const OLDEST: &str = "o";
    /// Counts the writes, so that one can see another.
    pub const WRITES: &str = "w";
}

/// Attributes of an entry of the quarantine.
pub mod entry {
    /// The record, as JSON.
    pub const RECORD: &str = "record";
    /// Why it is there.
    pub const REASON: &str = "reason";
}

/// The item that tells how far each lane has been added up.
pub fn lanes() -> Key {
    Key { pk: STATUS.to_owned(), sk: "lanes".to_owned() }
}

/// The attribute of that item for a lane: milliseconds since 1970.
pub fn lane_column(lane: u8) -> String {
    format!("l{lane}")
}

/// The item that sums the quarantine up.
pub fn quarantine_summary() -> Key {
    Key { pk: STATUS.to_owned(), sk: "quarantine".to_owned() }
}

/// The partition of what could not be understood; no organisation's, since it may not say whose it is.
pub const QUARANTINE: &str = "#quarantine";
/// In place of the time of a record that has none. It comes after every time.
const NO_TIME: &str = "~";

/// Where a record that could not be understood is kept: once, however often it is delivered. The oldest come first.
///
/// `time` has to follow from the record alone, or a redelivery would be another entry.
pub fn quarantine_key(time: Option<DateTime<Utc>>, mark: &str, sequence_number: &str) -> Key {
    // Beyond these years text order would not be time order.
    let time = time.filter(|time| (0..=9999).contains(&time.year()));
    let time = time.map_or_else(|| NO_TIME.to_owned(), period::sortable);
    Key { pk: QUARANTINE.to_owned(), sk: format!("{time}{SEPARATOR}{mark}{SEPARATOR}{sequence_number:0>40}") }
}

/// The time that an entry's sort key names.
pub fn parse_quarantine_time(sk: &str) -> Option<DateTime<Utc>> {
    period::parse_instant(sk.split(SEPARATOR).next()?)
}

/// All of the quarantine.
pub fn quarantine() -> KeyRange {
    KeyRange { pk: QUARANTINE.to_owned(), from: "0".to_owned(), to: format!("{NO_TIME}{NO_TIME}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quarantine_is_in_order_of_time_and_ends_with_what_has_none() {
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        let mark = "@aaaaaaaaaaa";
        let keys = [
            quarantine_key(at("0000-01-01T00:00:00Z"), mark, "9"),
            quarantine_key(at("2026-09-15T11:59:59.999Z"), mark, "9"),
            quarantine_key(at("2026-09-15T12:00:00Z"), mark, "9"),
            quarantine_key(at("2026-09-15T12:00:00Z"), mark, "10"),
            quarantine_key(at("2026-09-15T12:00:00Z"), "@b", "1"),
            quarantine_key(at("9999-12-31T23:59:59.999Z"), mark, "1"),
            quarantine_key(None, mark, "1"),
        ];
        let sequence = "0".repeat(39);
        assert_eq!(keys[2].sk, format!("2026-09-15T12:00:00.000Z#{mark}#{sequence}9"));
        assert!(keys.is_sorted_by(|one, next| one.pk == next.pk && one.sk < next.sk), "{keys:?}");
        let all = quarantine();
        assert!(keys.iter().all(|key| all.pk == key.pk && all.from <= key.sk && key.sk <= all.to));
        assert_eq!(parse_quarantine_time(&keys[1].sk), at("2026-09-15T11:59:59.999Z"));
        assert_eq!(parse_quarantine_time(&keys[6].sk), None);
        let far = DateTime::from_timestamp(253_402_300_800, 0);
        assert_eq!(quarantine_key(far, mark, "1"), keys[6]);
        assert_eq!(quarantine_key(Some(DateTime::<Utc>::MIN_UTC), mark, "1"), keys[6]);
    }
}
