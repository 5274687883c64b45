//! Reads what the usage table stores about a day.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use ledger::rollup::RollupId;
use store::Usage;
use store::error::Result;
use store::keys;
use store::keys::{Key, KeyRange, Keyed, Owner};
use store::reconcile::StoredRollup;

use crate::agents::StoredAgents;

/// Concurrent requests for one day.
pub const IN_FLIGHT: usize = 16;

/// Items by their keys.
pub type StoredItems = BTreeMap<Key, StoredRollup>;

/// What of a day's rollups is read.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    pub org: &'a OrgId,
    /// The generations whose rollups by day are read.
    pub generations: &'a [Generation],
    /// Whether the rollups by UTC, which all calendars share, are read too.
    pub utc: bool,
}

/// What is stored about a day.
#[derive(Default)]
pub struct StoredDay {
    pub items: StoredItems,
    pub agents: BTreeMap<Generation, StoredAgents>,
}

/// Reads every item that the day's events may have changed, as far as such items can be listed: those of the day itself
/// and, because of samples that run past midnight, of the neighboring days. Items under `extra` keys are read too.
pub async fn read(usage: &Usage, parts: Parts<'_>, day: Day, extra: &BTreeSet<Key>) -> Result<StoredDay> {
    let Parts { org, generations, utc } = parts;
    let mut agents = BTreeMap::new();
    for generation in generations {
        agents.insert(*generation, StoredAgents::read(usage, Owner::new(org, *generation), day).await?);
    }
    let mut ranges: Vec<_> = generations.iter().flat_map(|of| days_of(org, *of, day)).collect();
    if utc {
        ranges.extend(hours_of(org, day));
    }
    let mut items = read_ranges(usage, ranges).await?;
    if utc {
        let logged: BTreeSet<_> = agents.values().flat_map(StoredAgents::logged).collect();
        let logs = logged.into_iter().map(|agent| keys::activity_days(org, Some(&agent), day, day));
        items.extend(read_ranges(usage, logs.collect()).await?);
    }
    let of_org = |generation: &Generation| {
        let (org, generation) = (org.clone(), *generation);
        [RollupId::OrgDay(org.clone(), generation, day), RollupId::UnpricedDay(org, generation, day)]
    };
    let of_org: Vec<_> = generations.iter().flat_map(of_org).map(|rollup| rollup.key()).collect();
    let single = extra.iter().chain(&of_org).filter(|key| !items.contains_key(*key)).cloned();
    let single = read_keys(usage, single.collect()).await?;
    items.extend(single);
    Ok(StoredDay { items, agents })
}

/// Reads the items under `keys`. One that does not exist is returned as an empty item.
pub async fn read_keys(usage: &Usage, keys: Vec<Key>) -> Result<StoredItems> {
    let read = keys.into_iter().map(|key| async move {
        let item = usage.rollup(&key).await?;
        Ok((key, item))
    });
    stream::iter(read).buffer_unordered(IN_FLIGHT).try_collect().await
}

async fn read_ranges(usage: &Usage, ranges: Vec<KeyRange>) -> Result<StoredItems> {
    let read = ranges.into_iter().map(|range| async move { usage.rollups_in(&range).await });
    let items: Vec<_> = stream::iter(read).buffer_unordered(IN_FLIGHT).try_collect().await?;
    Ok(items.into_iter().flatten().collect())
}

fn days_of(org: &OrgId, generation: Generation, day: Day) -> Vec<KeyRange> {
    let month = day.month();
    let days = [keys::end_users(org, generation, month, day, day)];
    let compute = with_neighbors(day)
        .by_month()
        .map(|(_, days)| keys::compute_days(org, generation, days.first, days.last));
    days.into_iter().chain(compute).collect()
}

fn hours_of(org: &OrgId, day: Day) -> Vec<KeyRange> {
    let compute = with_neighbors(day).by_month().map(|(_, days)| {
        let (first, last) = (format!("{}T00", days.first), format!("{}T23", days.last));
        keys::compute_hours(org, &first, &last)
    });
    [keys::activity_days(org, None, day, day)].into_iter().chain(compute).collect()
}

fn with_neighbors(day: Day) -> DayRange {
    DayRange { first: day.minus(1), last: day.next() }
}
