//! Keys of the usage table: rollups by day and hour, and the days that have to be recomputed.

use super::chains::{self, Owner};
use super::{AFTER_SEPARATOR, Key, KeyRange, SEPARATOR};
use ledger::calendar::Generation;
use ledger::ids::{AgentId, OrgId, ProjectId};
use ledger::period::{Day, DayRange, Month};
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
            Self::OrgDay(org, generation, day) => {
                Key { pk: generation_key(org, *generation), sk: format!("D#{day}") }
            }
            Self::UnpricedDay(org, generation, day) => {
                Key { pk: unpriced_days_key(org, *generation), sk: day.to_string() }
            }
            Self::ActivityDay(org, agent, day) => {
                Key { pk: activity_days_key(org, agent.as_ref()), sk: day.to_string() }
            }
            Self::ProjectHour(org, hour, project) => {
                Key { pk: compute_key(org.as_str(), &hour[..7]), sk: format!("H#{hour}#{project}") }
            }
            Self::ProjectDay(org, generation, day, project) => {
                let pk = compute_key(&generation_key(org, *generation), &day.month().to_string());
                Key { pk, sk: format!("D#{day}#{project}") }
            }
        }
    }
}

/// What the partitions of a generation's rollups by day begin with. Rollups of different generations share no partition.
pub(super) fn generation_key(org: &OrgId, generation: Generation) -> String {
    if generation == Generation::FIRST { org.to_string() } else { format!("{org}{SEPARATOR}{generation}") }
}

/// The same item in another generation, if its key is one of generation `from`.
pub fn in_generation(key: &Key, org: &OrgId, from: Generation, to: Generation) -> Option<Key> {
    let rest = key.pk.strip_prefix(&generation_key(org, from))?;
    Some(Key { pk: format!("{}{rest}", generation_key(org, to)), sk: key.sk.clone() })
}

/// The organization's days from `first` to `last`.
pub fn org_days(org: &OrgId, generation: Generation, first: Day, last: Day) -> KeyRange {
    let pk = generation_key(org, generation);
    KeyRange { pk, from: format!("D#{first}"), to: format!("D#{last}") }
}

/// All rollups by day of a generation in the months of `days`, and all its chains and packs.
pub fn generation_days(org: &OrgId, generation: Generation, days: DayRange) -> Vec<KeyRange> {
    let (first, last) = (days.first.month().first(), days.last.month().last());
    let mut ranges =
        vec![org_days(org, generation, first, last), unpriced_days(org, generation, first, last)];
    ranges.extend(chains::all(&Owner::new(org, generation)));
    for (month, _) in days.by_month() {
        let (first, last) = (month.first(), month.last());
        ranges.push(end_users(org, generation, month, first, last));
        ranges.push(compute_days(org, generation, first, last));
    }
    ranges
}

fn unpriced_days_key(org: &OrgId, generation: Generation) -> String {
    format!("{}#N", generation_key(org, generation))
}

/// The calls without a price on the days from `first` to `last`.
pub fn unpriced_days(org: &OrgId, generation: Generation, first: Day, last: Day) -> KeyRange {
    KeyRange { pk: unpriced_days_key(org, generation), from: first.to_string(), to: last.to_string() }
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

/// The partition of a project's compute in a month, where `books` is an organization or a generation of it.
fn compute_key(books: &str, month: &str) -> String {
    format!("{books}#P#{month}")
}

/// The compute by hours from `first` to `last` (`yyyy-mm-ddThh`), which have to be in one month.
pub fn compute_hours(org: &OrgId, first: &str, last: &str) -> KeyRange {
    compute_buckets(org.as_str(), 'H', first, last)
}

/// The compute by days from `first` to `last`, which have to be in one month.
pub fn compute_days(org: &OrgId, generation: Generation, first: Day, last: Day) -> KeyRange {
    compute_buckets(&generation_key(org, generation), 'D', &first.to_string(), &last.to_string())
}

fn compute_buckets(books: &str, kind: char, first: &str, last: &str) -> KeyRange {
    KeyRange {
        pk: compute_key(books, &first[..7]),
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
        let pk = end_users_key(&self.org, self.generation, self.day.month());
        Key { pk, sk: format!("{}#{bucket:02}", self.day) }
    }
}

fn end_users_key(org: &OrgId, generation: Generation, month: Month) -> String {
    format!("{}#U#{month}", generation_key(org, generation))
}

/// The buckets of end users from `first` to `last`, which have to be in `month`.
pub fn end_users(org: &OrgId, generation: Generation, month: Month, first: Day, last: Day) -> KeyRange {
    let to = format!("{last}{AFTER_SEPARATOR}");
    KeyRange { pk: end_users_key(org, generation, month), from: format!("{first}{SEPARATOR}"), to }
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
