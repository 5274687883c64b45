//! Keys of the pipeline's own state in the usage table: progress and quarantine.
//!
//! Their partition keys begin with the separator, which no organization's id does.

use chrono::{DateTime, Datelike, Utc};

use super::{Key, KeyRange, SEPARATOR};
use ledger::ids::OrgId;
use ledger::period;

/// The partition of the state. No item in it belongs to an organization or names one.
pub const STATUS: &str = "#status";

/// Attributes of the summary of the quarantine.
pub mod summary {
    /// The number of entries.
    pub const COUNT: &str = "n";
    /// The time of the oldest entry that has one.
    pub const OLDEST: &str = "o";
    /// Counts the writes (optimistic lock).
    pub const WRITES: &str = "w";
}

/// Attributes of an entry of the quarantine.
pub mod entry {
    /// The stream record, as JSON.
    pub const RECORD: &str = "record";
    /// Why it could not be parsed.
    pub const REASON: &str = "reason";
}

/// The item that stores how far each lane has been aggregated.
pub fn lanes() -> Key {
    Key { pk: STATUS.to_owned(), sk: "lanes".to_owned() }
}

/// The attribute of a lane in that item: milliseconds since 1970.
pub fn lane_column(lane: u8) -> String {
    format!("l{lane}")
}

/// The item that lists the files of an organization that were exported.
pub fn exported(org: &OrgId) -> Key {
    Key { pk: EXPORTED.to_owned(), sk: org.to_string() }
}

/// The partition of these items.
pub const EXPORTED: &str = "#exported";

/// The item that stores up to which instant all events are counted.
pub fn completeness() -> Key {
    Key { pk: STATUS.to_owned(), sk: "complete".to_owned() }
}

/// Attributes of that item.
pub mod complete {
    /// The instant: milliseconds since 1970.
    pub const THROUGH: &str = "t";
    /// Precedes an organization that is held back to an instant: milliseconds since 1970, or 0 if none is known.
    pub const HELD: &str = "h_";
    /// When this was found: milliseconds since 1970.
    pub const MEASURED: &str = "m";
    /// When the oldest record was stored that was not aggregated then, if there was one: milliseconds since 1970.
    pub const WAITING: &str = "s";
    /// Counts the writes (optimistic lock).
    pub const WRITES: &str = "w";
}

/// Attributes of a shard's position.
pub mod position {
    /// The sequence number, so that text sorts like numbers, and as it was delivered.
    pub const AT: &str = "p";
    /// When the item may be deleted: seconds since 1970. The table's TTL attribute.
    pub const EXPIRES: &str = "x";
}

const POSITION: &str = "position#";

/// The item of the position up to which a shard's records have been aggregated. `mark` is that of the shard.
pub fn shard_position(mark: &str) -> Key {
    Key { pk: STATUS.to_owned(), sk: format!("{POSITION}{mark}") }
}

/// The positions of all shards.
pub fn shard_positions() -> KeyRange {
    KeyRange { pk: STATUS.to_owned(), from: POSITION.to_owned(), to: format!("{POSITION}~") }
}

/// The mark of a shard whose position has this sort key.
pub fn parse_shard_position(sk: &str) -> Option<&str> {
    sk.strip_prefix(POSITION)
}

/// The item of the quarantine's summary.
pub fn quarantine_summary() -> Key {
    Key { pk: STATUS.to_owned(), sk: "quarantine".to_owned() }
}

/// The partition of quarantined records, one for all organizations, since a malformed record may not name any.
pub const QUARANTINE: &str = "#quarantine";
/// Stands for the time of a record that has none. Sorts after every time.
const NO_TIME: &str = "~";

/// The key of a quarantined record, the same however often it is delivered. Oldest first.
///
/// `time` has to depend on the record alone, or a redelivery would be stored a second time.
pub fn quarantine_key(time: Option<DateTime<Utc>>, mark: &str, sequence_number: &str) -> Key {
    // Outside of these years, text does not sort like time.
    let time = time.filter(|time| (0..=9999).contains(&time.year()));
    let time = time.map_or_else(|| NO_TIME.to_owned(), period::sortable);
    Key { pk: QUARANTINE.to_owned(), sk: format!("{time}{SEPARATOR}{mark}{SEPARATOR}{sequence_number:0>40}") }
}

/// The time of an entry's sort key.
pub fn parse_quarantine_time(sk: &str) -> Option<DateTime<Utc>> {
    period::parse_instant(sk.split(SEPARATOR).next()?)
}

/// All entries of the quarantine.
pub fn quarantine() -> KeyRange {
    KeyRange { pk: QUARANTINE.to_owned(), from: "0".to_owned(), to: format!("{NO_TIME}{NO_TIME}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarantine_keys_sort_by_time_with_unknown_times_last() {
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
