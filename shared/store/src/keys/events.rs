//! Keys of the events table: raw events, and the indexes of those that are entries of the activity log.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::escape::{IN_KEY, above_all_ids, escape, unescape};
use super::{AFTER_SEPARATOR, Key, KeyRange, SEPARATOR, newest_first, parse_newest_first};
use ledger::event::REGISTRY_SOURCE;
use ledger::ids::OrgId;
use ledger::period::Day;

/// Attributes of a raw event.
pub mod event {
    /// Times and the typed and priced content: bytes, which `fleetledger event` prints.
    pub const DATA: &str = "d";
    /// The hash of the content as it was sent, 16 bytes, and the request that stored the event, 8 random bytes. By itself,
    /// because ingest may read this back, and no content.
    pub const FINGERPRINT: &str = "h";
    /// The revision; absent: 0.
    pub const REVISION: &str = "n";
    /// When the event may be deleted: seconds since 1970. The table's TTL attribute.
    pub const EXPIRES: &str = "x";
}

/// Attributes of a raw event that is an entry of the activity log, and of no other: the keys of three indexes. Each
/// index holds the entries of an organization, an agent or a type in one range of keys, so that a page is one query,
/// however sparse they are.
pub mod activity {
    /// The organization.
    pub const ORG: &str = "lo";
    /// The organization and the agent; absent if there is no agent.
    pub const AGENT: &str = "la";
    /// The organization and the type of entry.
    pub const TYPE: &str = "lt";
    /// The place in the log, see [`activity_place`](super::activity_place).
    pub const PLACE: &str = "lp";
    /// The index of all entries of an organization.
    pub const ALL: &str = "activity";
    /// The index of the entries of an agent, which also contains [`TYPE`].
    pub const BY_AGENT: &str = "activity-by-agent";
    /// The index of the entries of a type.
    pub const BY_TYPE: &str = "activity-by-type";
}

/// The number of lanes of a day, since a partition takes 1,000 writes a second at first. Never change it for a table in
/// use: an event's lane is part of its key.
pub const LANES: u8 = 4;

/// The key of a raw event of a day of UTC.
pub fn event_key(org: &OrgId, day: Day, source: &str, id: &str) -> Key {
    let pk = lane_key(org, day, lane(source, id));
    Key { pk, sk: format!("{}{SEPARATOR}{id}", escape(source, IN_KEY)) }
}

/// Precedes the position of an amendment in its sort key. Since no id contains it, amendments follow their event at once.
const AMENDMENT: char = '\u{1}';

/// The key of an event's amendment, by its position: 1 for the first that was stored.
pub fn amendment_key(event: &Key, position: usize) -> Key {
    Key { pk: event.pk.clone(), sk: format!("{}{AMENDMENT}{position:06}", event.sk) }
}

/// An event and all its amendments, in the order in which they were stored.
pub fn event_and_amendments(event: &Key) -> KeyRange {
    KeyRange { pk: event.pk.clone(), from: event.sk.clone(), to: format!("{}\u{2}", event.sk) }
}

/// The sort key of the event that this is the key of, or of an amendment of.
pub fn amended_sk(sk: &str) -> &str {
    sk.split_once(AMENDMENT).map_or(sk, |(event, _)| event)
}

/// The partition of one lane of a day.
pub fn lane_key(org: &OrgId, day: Day, lane: u8) -> String {
    format!("{org}#{day}#{lane}")
}

/// Sorts before every escaped source.
const FIRST: &str = "!";

/// All events of one lane of a day.
pub fn lane_events(org: &OrgId, day: Day, lane: u8) -> KeyRange {
    KeyRange { pk: lane_key(org, day, lane), from: FIRST.to_owned(), to: above_all_ids() }
}

/// All events of a day except the registry's audit entries: two ranges in each lane, before and after them.
pub fn events_except_registry_entries(org: &OrgId, day: Day) -> impl Iterator<Item = KeyRange> {
    // What follows the source of an entry is a separator; what follows it in a longer source sorts after that.
    let (before, after) =
        (format!("{REGISTRY_SOURCE}{SEPARATOR}"), format!("{REGISTRY_SOURCE}{AFTER_SEPARATOR}"));
    let ranges = [(FIRST.to_owned(), before), (after, above_all_ids())];
    let lanes = (0..LANES).map(move |lane| lane_key(org, day, lane));
    lanes.flat_map(move |pk| ranges.clone().map(|(from, to)| KeyRange { pk: pk.clone(), from, to }))
}

fn lane(source: &str, id: &str) -> u8 {
    let mut hash = Sha256::new();
    hash.update(source);
    hash.update([0]);
    hash.update(id);
    hash.finalize()[0] % LANES
}

/// The parts of the key of a raw event or an amendment: organization, day, source, id.
pub fn parse_event_key<'a>(pk: &str, sk: &'a str) -> Option<(OrgId, Day, Cow<'a, str>, &'a str)> {
    let mut parts = pk.split(SEPARATOR);
    let (org, day) = (OrgId::new(parts.next()?).ok()?, Day::parse(parts.next()?)?);
    let lane: u8 = parts.next()?.parse().ok()?;
    let (source, id) = parse_event_sk(sk)?;
    (lane < LANES && parts.next().is_none()).then_some((org, day, source, id))
}

/// The source and the id of a raw event's sort key.
pub fn parse_event_sk(sk: &str) -> Option<(Cow<'_, str>, &str)> {
    let (source, id) = amended_sk(sk).split_once(SEPARATOR)?;
    Some((unescape(source, IN_KEY)?, id))
}

/// The lane of a raw event's partition key.
pub fn lane_of(pk: &str) -> Option<u8> {
    let (_, lane) = pk.rsplit_once(SEPARATOR)?;
    lane.parse().ok().filter(|lane| *lane < LANES)
}

/// The place of an entry in the log: newest first, then by id, then by source.
pub fn activity_place(time: DateTime<Utc>, id: &str, source: &str) -> String {
    format!("{}{SEPARATOR}{}{SEPARATOR}{source}", newest_first(time), escape(id, IN_KEY))
}

/// The time of a place.
pub fn parse_activity_place(place: &str) -> Option<DateTime<Utc>> {
    let (time, _) = place.split_once(SEPARATOR)?;
    parse_newest_first(time)
}

/// A text that is greater than `place` but not greater than any later place: no place contains the control character at
/// its end.
pub fn after_activity_place(place: &str) -> String {
    format!("{place}\u{1}")
}

/// The places from `newest` back to `oldest`, both included, as the ends of a range of sort keys.
pub fn activity_places(newest: DateTime<Utc>, oldest: DateTime<Utc>) -> (String, String) {
    (newest_first(newest), format!("{}{AFTER_SEPARATOR}", newest_first(oldest)))
}

/// The partition of an organization's agent, or of one of its types, in the index of these.
pub fn activity_of(org: &OrgId, which: &str) -> String {
    format!("{org}#{which}")
}
