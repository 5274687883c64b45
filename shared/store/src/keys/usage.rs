//! Keys of the usage table: rollups by day and hour, and the days that have to be recomputed.

use super::{AFTER_SEPARATOR, Key, KeyRange, SEPARATOR};
use ledger::ids::{AgentId, OrgId, ProjectId};
use ledger::period::{Day, Month};
use ledger::rollup::{EndUser, RollupId};

/// Counts the updates of a rollup item, which lets a recompute detect concurrent updates (optimistic lock).
pub const WRITES: &str = "w";
/// How often a rollup item was sealed; absent if it is not. Nothing is added to a sealed item: a late event marks its
/// day [dirty](dirty_day) instead.
pub const SEALED: &str = "z";

/// The rows of an item of calls without a price: JSON.
pub const UNPRICED: &str = "up";
/// Present once a rollup item has grown so large that it gets no new columns. See [`Rollup::within`].
///
/// [`Rollup::within`]: ledger::rollup::Rollup::within
pub const FULL: &str = "f";

/// What has an item of its own in the usage table.
pub trait Keyed {
    /// The key of the item.
    fn key(&self) -> Key;
}

impl Keyed for RollupId {
    fn key(&self) -> Key {
        match self {
            Self::OrgDay(org, day) => Key { pk: org.to_string(), sk: format!("D#{day}") },
            Self::AgentDay(org, day, agent) => {
                Key { pk: agent_days_key(org, day.month()), sk: format!("{day}#{agent}") }
            }
            Self::UnpricedDay(org, day) => Key { pk: unpriced_days_key(org), sk: day.to_string() },
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

/// The organization's days from `first` to `last`.
pub fn org_days(org: &OrgId, first: Day, last: Day) -> KeyRange {
    KeyRange { pk: org.to_string(), from: format!("D#{first}"), to: format!("D#{last}") }
}

fn agent_days_key(org: &OrgId, month: Month) -> String {
    format!("{org}#A#{month}")
}

/// The days of all agents from `first` to `last`, which have to be in `month`.
pub fn agent_days(org: &OrgId, month: Month, first: Day, last: Day) -> KeyRange {
    let to = format!("{last}{AFTER_SEPARATOR}");
    KeyRange { pk: agent_days_key(org, month), from: format!("{first}{SEPARATOR}"), to }
}

/// The day and the agent of an agent-day's sort key.
pub fn parse_agent_day(sk: &str) -> Option<(Day, AgentId)> {
    let (day, agent) = sk.split_once(SEPARATOR)?;
    Some((Day::parse(day)?, AgentId::new(agent).ok()?))
}

fn unpriced_days_key(org: &OrgId) -> String {
    format!("{org}#N")
}

/// The calls without a price on the days from `first` to `last`.
pub fn unpriced_days(org: &OrgId, first: Day, last: Day) -> KeyRange {
    KeyRange { pk: unpriced_days_key(org), from: first.to_string(), to: last.to_string() }
}

fn activity_days_key(org: &OrgId, agent: Option<&AgentId>) -> String {
    match agent {
        None => format!("{org}#L"),
        Some(agent) => format!("{org}#L#{agent}"),
    }
}

/// The counts of log entries of an organization, or of one agent, on the days of UTC from `first` to `last`.
pub fn activity_days(org: &OrgId, agent: Option<&AgentId>, first: Day, last: Day) -> KeyRange {
    KeyRange { pk: activity_days_key(org, agent), from: first.to_string(), to: last.to_string() }
}

/// The size of a compute bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeBucket {
    /// An hour of UTC.
    Hour,
    /// A day in the organization's time zone.
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

fn compute_key(org: &OrgId, month: &str) -> String {
    format!("{org}#P#{month}")
}

/// The compute buckets from `first` to `last`, hours (`yyyy-mm-ddThh`) or days, which have to be in one month.
pub fn compute_buckets(org: &OrgId, kind: ComputeBucket, first: &str, last: &str) -> KeyRange {
    let kind = kind.letter();
    KeyRange {
        pk: compute_key(org, &first[..7]),
        from: format!("{kind}#{first}{SEPARATOR}"),
        to: format!("{kind}#{last}{AFTER_SEPARATOR}"),
    }
}

/// The bucket's name and the project of a compute item's sort key.
pub fn parse_compute_bucket(sk: &str) -> Option<(&str, ProjectId)> {
    let mut parts = sk.splitn(3, SEPARATOR);
    let (_kind, bucket, project) = (parts.next()?, parts.next()?, parts.next()?);
    Some((bucket, ProjectId::new(project).ok()?))
}

/// The day of a rollup item, if its key has one.
pub fn own_day(key: &Key) -> Option<Day> {
    let name = key.sk.strip_prefix("D#").or_else(|| key.sk.strip_prefix("H#")).unwrap_or(&key.sk);
    Day::parse(name.get(..10)?)
}

/// The buckets over which a day's end users are spread, since a set of 8-byte hashes has to fit into 400 KB.
pub const END_USER_BUCKETS: u8 = 32;
/// The most end users in a bucket, 360 KB of them. A day's distinct end users beyond this are not counted.
pub const MAX_END_USERS: usize = 40_000;
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

/// The buckets of end users from `first` to `last`, which have to be in `month`.
pub fn end_users(org: &OrgId, month: Month, first: Day, last: Day) -> KeyRange {
    let to = format!("{last}{AFTER_SEPARATOR}");
    KeyRange { pk: end_users_key(org, month), from: format!("{first}{SEPARATOR}"), to }
}

/// The partition that lists the dirty days.
pub const DIRTY: &str = "#dirty";

/// The entry of a dirty day, which has to be recomputed because an event came to a sealed item.
pub fn dirty_day(org: &OrgId, day: Day) -> Key {
    Key { pk: DIRTY.to_owned(), sk: format!("{org}#{day}") }
}

/// The organization and the day of a dirty day's sort key.
pub fn parse_dirty_day(sk: &str) -> Option<(OrgId, Day)> {
    let (org, day) = sk.split_once(SEPARATOR)?;
    Some((OrgId::new(org).ok()?, Day::parse(day)?))
}

/// All dirty days, sorted by organization.
pub fn dirty_days() -> KeyRange {
    KeyRange { pk: DIRTY.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}

/// The item that stores how far an organization's days have been reconciled.
pub fn reconcile_progress(org: &OrgId) -> Key {
    Key { pk: "#proved".to_owned(), sk: org.to_string() }
}
