//! Every key, index and attribute name of the three tables. What is written elsewhere is written by way of these.
//!
//! Attribute names of the usage table are short because each of an item's hundreds of columns repeats its name, and
//! every started 1,024 bytes of an item cost a write unit.

pub mod alerts;
pub mod columns;
mod mark;
pub mod status;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};

pub use ledger::ids::SEPARATOR;
pub use mark::{is_mark, mark_column};

use ledger::event::REGISTRY_SOURCE;
use ledger::ids::{AgentId, Name, NodeId, OrgId, ProjectId};
use ledger::period::{Day, Month};
use ledger::rollup::{EndUser, Subject, Target};

/// The character after [`SEPARATOR`]: `{prefix}$` is greater than every key that begins with `{prefix}#`.
const AFTER_SEPARATOR: char = '$';

/// The partition key of every table.
pub const PK: &str = "pk";
/// The sort key of every table.
pub const SK: &str = "sk";
/// The version of an item's layout.
pub const VERSION: &str = "v";

/// Counts the updates of an item of sums, so that who computes it anew can tell whether it has changed meanwhile.
pub const WRITES: &str = "w";
/// In an item of sums that was computed from raw events: how often that was done. Nothing is added to such an item; an
/// event that comes to it after all marks its day [dirty](dirty_day).
pub const SEALED: &str = "z";

/// Attributes of a raw event.
pub mod event {
    /// When it happened: RFC 3339 in UTC.
    pub const TIME: &str = "t";
    /// What happened, typed and priced: JSON.
    pub const DATA: &str = "d";
    /// The hash of what the sender said: 16 bytes.
    pub const HASH: &str = "h";
    /// The request that stored it: 8 random bytes.
    pub const REQUEST: &str = "r";
    /// When it arrived: RFC 3339 in UTC.
    pub const RECEIVED: &str = "a";
    /// When it may be forgotten: seconds since 1970. The table's TTL attribute.
    pub const EXPIRES: &str = "x";
}

/// Attributes of a raw event that is an entry of the activity log, and of no other: what its indexes sort by. Each
/// index holds one stretch of keys per organisation, per agent, per type, as long as there are entries: a page is one
/// query, however sparse they are.
pub mod activity {
    /// The organisation.
    pub const ORG: &str = "lo";
    /// The organisation and the agent; absent where there is no agent.
    pub const AGENT: &str = "la";
    /// The organisation and the type of entry.
    pub const TYPE: &str = "lt";
    /// The place in the log, see [`place`](super::activity_place).
    pub const PLACE: &str = "lp";
    /// The index of all entries of an organisation.
    pub const ALL: &str = "activity";
    /// The index of the entries of an agent; it carries [`TYPE`] too.
    pub const BY_AGENT: &str = "activity-by-agent";
    /// The index of the entries of a type.
    pub const BY_TYPE: &str = "activity-by-type";
}

/// Attributes of a registry item that events fill in; its settings have names of their own.
pub mod seen {
    /// The day of the first event.
    pub const FIRST: &str = "seen_first";
    /// The day of the last event.
    pub const LAST: &str = "seen_last";
    /// The last two days with a call.
    pub const CALL_DAYS: &str = "call_days";
    /// The months with calls or tasks.
    pub const MONTHS: &str = "months";
    /// The last host that a call named.
    pub const HOST: &str = "host";
    /// When it was named.
    pub const HOST_AT: &str = "host_at";
    /// The last reported number of sites.
    pub const SITES: &str = "sites";
    /// When it was reported.
    pub const SITES_AT: &str = "sites_at";
    /// Counts the writes of all of these, so that one can see another.
    pub const WRITES: &str = "seen_writes";
}

/// A partition key and a sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition.
    pub pk: String,
    /// The place within it.
    pub sk: String,
}

/// A stretch of one partition, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The partition.
    pub pk: String,
    /// The first sort key.
    pub from: String,
    /// The last sort key.
    pub to: String,
}

/// Lanes of a day's events: a partition takes 1,000 writes a second at once. Never change it for a table in use:
/// an event's lane is part of its identity.
pub const LANES: u8 = 4;

/// The key of a raw event.
pub fn event_key(org: &OrgId, day: Day, source: &str, id: &str) -> Key {
    Key { pk: lane_key(org, day, lane(source, id)), sk: format!("{source}#{id}") }
}

/// The partition of one lane of a day.
pub fn lane_key(org: &OrgId, day: Day, lane: u8) -> String {
    format!("{org}#{day}#{lane}")
}

/// Everything of a day but the registry's own entries: in each lane, the stretch before and the stretch after them.
pub fn events_but_the_registrys(org: &OrgId, day: Day) -> impl Iterator<Item = KeyRange> {
    // No sort key begins with a character below the first of these bounds or above the last.
    let (before, after) = (format!("{REGISTRY_SOURCE}\""), format!("{REGISTRY_SOURCE}{AFTER_SEPARATOR}"));
    let stretches = [("!".to_owned(), before), (after, "~".to_owned())];
    let lanes = (0..LANES).map(move |lane| lane_key(org, day, lane));
    lanes.flat_map(move |pk| stretches.clone().map(|(from, to)| KeyRange { pk: pk.clone(), from, to }))
}

fn lane(source: &str, id: &str) -> u8 {
    let mut hash = Sha256::new();
    hash.update(source);
    hash.update([0]);
    hash.update(id);
    hash.finalize()[0] % LANES
}

/// The parts of a raw event's key: organisation, day, source, id.
pub fn parse_event_key<'a>(pk: &'a str, sk: &'a str) -> Option<(OrgId, Day, &'a str, &'a str)> {
    let mut parts = pk.split(SEPARATOR);
    let (org, day) = (OrgId::new(parts.next()?).ok()?, Day::parse(parts.next()?)?);
    let lane: u8 = parts.next()?.parse().ok()?;
    let (source, id) = sk.split_once(SEPARATOR)?;
    (lane < LANES && parts.next().is_none()).then_some((org, day, source, id))
}

/// The lane that a raw event's partition is.
pub fn lane_of(pk: &str) -> Option<u8> {
    let (_, lane) = pk.rsplit_once(SEPARATOR)?;
    lane.parse().ok().filter(|lane| *lane < LANES)
}

/// What has an item of its own in the usage table.
pub trait Keyed {
    /// The key of the item.
    fn key(&self) -> Key;
}

impl Keyed for Target {
    fn key(&self) -> Key {
        match self {
            Self::OrgDay(org, day) => Key { pk: org.to_string(), sk: format!("D#{day}") },
            Self::AgentDay(org, day, agent) => {
                Key { pk: agent_days_key(org, day.month()), sk: format!("{day}#{agent}") }
            }
            Self::ActivityDay(org, agent, day) => {
                Key { pk: activity_days_key(org, agent.as_ref()), sk: day.to_string() }
            }
            Self::ProjectHour(org, hour, project) => {
                Key { pk: compute_key(org, &hour[..7]), sk: format!("H#{hour}#{project}") }
            }
            Self::ProjectDay(org, day, project) => {
                Key { pk: compute_key(org, &day.month().to_string()), sk: format!("D#{day}#{project}") }
            }
        }
    }
}

fn agent_days_key(org: &OrgId, month: Month) -> String {
    format!("{org}#A#{month}")
}

fn activity_days_key(org: &OrgId, agent: Option<&AgentId>) -> String {
    match agent {
        None => format!("{org}#L"),
        Some(agent) => format!("{org}#L#{agent}"),
    }
}

/// The counts of an organisation's entries, or of one agent's, on the days of UTC from `first` to `last`.
pub fn activity_days(org: &OrgId, agent: Option<&AgentId>, first: Day, last: Day) -> KeyRange {
    KeyRange { pk: activity_days_key(org, agent), from: first.to_string(), to: last.to_string() }
}

/// The last millisecond that a place in the log can name, in the year 2286.
const END_OF_TIME: i64 = 9_999_999_999_999;

/// The first part of a place: the milliseconds left to the end of time, so that the newest comes first.
fn activity_time(instant: DateTime<Utc>) -> String {
    format!("{:013}", END_OF_TIME - instant.timestamp_millis().clamp(0, END_OF_TIME))
}

/// Where an entry stands in the log: newest first, then by id, then by source.
pub fn activity_place(time: DateTime<Utc>, id: &str, source: &str) -> String {
    format!("{}#{id}#{source}", activity_time(time))
}

/// The time that a place names.
pub fn parse_activity_place(place: &str) -> Option<DateTime<Utc>> {
    let (time, _) = place.split_once(SEPARATOR)?;
    DateTime::from_timestamp_millis(END_OF_TIME.checked_sub(time.parse().ok()?)?)
}

/// The least text that is greater than `place` and than no place after it: no place holds the character at its end.
pub fn after_activity_place(place: &str) -> String {
    format!("{place}!")
}

/// The places from `newest` back to `oldest`, both included, as the ends of a range of sort keys.
pub fn activity_places(newest: DateTime<Utc>, oldest: DateTime<Utc>) -> (String, String) {
    (activity_time(newest), format!("{}{AFTER_SEPARATOR}", activity_time(oldest)))
}

/// The partition of an organisation's agent, or of one of its types, in the index of these.
pub fn activity_of(org: &OrgId, which: &str) -> String {
    format!("{org}#{which}")
}

fn compute_key(org: &OrgId, month: &str) -> String {
    format!("{org}#P#{month}")
}

/// The organisation's days from `first` to `last`.
pub fn org_days(org: &OrgId, first: Day, last: Day) -> KeyRange {
    KeyRange { pk: org.to_string(), from: format!("D#{first}"), to: format!("D#{last}") }
}

/// All agents' days from `first` to `last`, which are of one month.
pub fn agent_days(org: &OrgId, month: Month, first: Day, last: Day) -> KeyRange {
    let to = format!("{last}{AFTER_SEPARATOR}");
    KeyRange { pk: agent_days_key(org, month), from: format!("{first}{SEPARATOR}"), to }
}

/// The day and the agent of an agent-day's sort key.
pub fn parse_agent_day(sk: &str) -> Option<(Day, AgentId)> {
    let (day, agent) = sk.split_once(SEPARATOR)?;
    Some((Day::parse(day)?, AgentId::new(agent).ok()?))
}

/// Compute buckets whose names run from `first` to `last`, hours (`yyyy-mm-ddThh`) or days, of one month.
pub fn compute_buckets(org: &OrgId, kind: ComputeBucket, first: &str, last: &str) -> KeyRange {
    let kind = kind.letter();
    KeyRange {
        pk: compute_key(org, &first[..7]),
        from: format!("{kind}#{first}{SEPARATOR}"),
        to: format!("{kind}#{last}{AFTER_SEPARATOR}"),
    }
}

/// All of one lane of a day's events.
pub fn lane_events(org: &OrgId, day: Day, lane: u8) -> KeyRange {
    KeyRange { pk: lane_key(org, day, lane), from: "!".to_owned(), to: "~".to_owned() }
}

/// The bucket's name and the project of a compute item's sort key.
pub fn parse_compute_bucket(sk: &str) -> Option<(&str, ProjectId)> {
    let mut parts = sk.splitn(3, SEPARATOR);
    let (_kind, bucket, project) = (parts.next()?, parts.next()?, parts.next()?);
    Some((bucket, ProjectId::new(project).ok()?))
}

/// The day that an item of the usage table is about, where it is about one.
pub fn own_day(key: &Key) -> Option<Day> {
    let name = key.sk.strip_prefix("D#").or_else(|| key.sk.strip_prefix("H#")).unwrap_or(&key.sk);
    Day::parse(name.get(..10)?)
}

/// How finely compute is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeBucket {
    /// By hours of UTC.
    Hour,
    /// By days of the organisation.
    Day,
}

impl ComputeBucket {
    const fn letter(self) -> char {
        match self {
            Self::Hour => 'H',
            Self::Day => 'D',
        }
    }
}

/// Buckets over which a day's end users are spread: a set of 8-byte hashes has to fit into 400 KB.
pub const END_USER_BUCKETS: u8 = 32;
/// The set of hashes in a bucket of end users.
pub const END_USERS: &str = "u";

impl Keyed for EndUser {
    /// The bucket that holds this user.
    fn key(&self) -> Key {
        let bucket = self.hash[0] % END_USER_BUCKETS;
        Key { pk: end_users_key(&self.org, self.day.month()), sk: format!("{}#{bucket:02}", self.day) }
    }
}

fn end_users_key(org: &OrgId, month: Month) -> String {
    format!("{org}#U#{month}")
}

/// The buckets of end users from `first` to `last`, which are of one month.
pub fn end_users(org: &OrgId, month: Month, first: Day, last: Day) -> KeyRange {
    let to = format!("{last}{AFTER_SEPARATOR}");
    KeyRange { pk: end_users_key(org, month), from: format!("{first}{SEPARATOR}"), to }
}

/// The partition that lists the days to be computed anew.
pub const DIRTY: &str = "#dirty";

/// The entry of a day that has to be computed anew, since an event came to an item that was sealed.
pub fn dirty_day(org: &OrgId, day: Day) -> Key {
    Key { pk: DIRTY.to_owned(), sk: format!("{org}#{day}") }
}

/// The organisation and the day of such an entry.
pub fn parse_dirty_day(sk: &str) -> Option<(OrgId, Day)> {
    let (org, day) = sk.split_once(SEPARATOR)?;
    Some((OrgId::new(org).ok()?, Day::parse(day)?))
}

/// All of the days to be computed anew, by organisation.
pub fn dirty_days() -> KeyRange {
    KeyRange { pk: DIRTY.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}

/// Where it is kept how far the days of an organisation have been proved.
pub fn proved(org: &OrgId) -> Key {
    Key { pk: "#proved".to_owned(), sk: org.to_string() }
}

/// The partition that lists the organisations, so that no one ever has to scan for them.
pub const ORGANIZATIONS: &str = "#organizations";

/// The sort keys of the registry.
pub mod registry {
    /// The organisation's settings.
    pub const ORG: &str = "ORG";
    /// Agents begin with this.
    pub const AGENT: &str = "AGENT#";
    /// Projects begin with this.
    pub const PROJECT: &str = "PROJECT#";
    /// Nodes begin with this.
    pub const NODE: &str = "NODE#";
    /// The subscription.
    pub const PLAN: &str = "PLAN";
    /// The organisation's budget.
    pub const BUDGET: &str = "BUDGET";
    /// Agents' budgets begin with this.
    pub const AGENT_BUDGET: &str = "BUDGET#";
    /// Price overrides begin with this.
    pub const PRICE: &str = "PRICE#";
    /// Alert destinations begin with this.
    pub const DESTINATION: &str = "DEST#";
}

/// An agent's registry item.
pub fn agent(org: &OrgId, agent: &AgentId) -> Key {
    Key { pk: org.to_string(), sk: format!("{}{agent}", registry::AGENT) }
}

/// A project's registry item.
pub fn project(org: &OrgId, project: &ProjectId) -> Key {
    Key { pk: org.to_string(), sk: format!("{}{project}", registry::PROJECT) }
}

/// A node's registry item.
pub fn node(org: &OrgId, node: &NodeId) -> Key {
    Key { pk: org.to_string(), sk: format!("{}{node}", registry::NODE) }
}

/// The item with what an organisation has set of itself.
pub fn organization_settings(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: registry::ORG.to_owned() }
}

/// The item of the subscription.
pub fn plan(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: registry::PLAN.to_owned() }
}

/// The item of the organisation's budget.
pub fn budget(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: registry::BUDGET.to_owned() }
}

/// The item of an agent's budget.
pub fn agent_budget(org: &OrgId, agent: &AgentId) -> Key {
    Key { pk: org.to_string(), sk: format!("{}{agent}", registry::AGENT_BUDGET) }
}

/// The item of an own price from the day `from` on. Providers and models compare in lower case. The first slash ends
/// the provider, whose own are escaped by what no id can hold: `a/b` of `c` is not `b/c` of `a`.
pub fn price(org: &OrgId, provider: &str, model: &str, from: NaiveDate) -> Key {
    let id = format!("{}/{model}", provider.replace('/', "%2f")).to_ascii_lowercase();
    Key { pk: org.to_string(), sk: format!("{}{id}{SEPARATOR}{}", registry::PRICE, Day::new(from)) }
}

/// The item of a place that alerts are sent to.
pub fn destination(org: &OrgId, id: &Name) -> Key {
    Key { pk: org.to_string(), sk: format!("{}{id}", registry::DESTINATION) }
}

/// The list of organisations.
pub fn organizations() -> KeyRange {
    KeyRange { pk: ORGANIZATIONS.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}

/// The organisation's entry in the list of organisations.
pub fn organization(org: &OrgId) -> Key {
    Key { pk: ORGANIZATIONS.to_owned(), sk: org.to_string() }
}

/// The registry item of a subject.
pub fn subject(org: &OrgId, subject: &Subject) -> Key {
    match subject {
        Subject::Org => organization(org),
        Subject::Agent(id) => agent(org, id),
        Subject::Project(id) => project(org, id),
        Subject::Node(id) => node(org, id),
    }
}

/// The settings that pricing an event needs: organisation, plan and prices, in one stretch.
pub fn settings(org: &OrgId) -> KeyRange {
    KeyRange { pk: org.to_string(), from: registry::ORG.to_owned(), to: "PRICE$".to_owned() }
}

/// All registry items of `org` whose sort key begins with `prefix`, one of [`registry`] that ends with `#`.
pub fn all_of(org: &OrgId, prefix: &str) -> KeyRange {
    let to = format!("{}{AFTER_SEPARATOR}", prefix.trim_end_matches(SEPARATOR));
    KeyRange { pk: org.to_string(), from: prefix.to_owned(), to }
}
