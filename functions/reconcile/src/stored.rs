//! Reads what the usage table stores about a day.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::ids::{AgentId, OrgId};
use ledger::period::{Day, DayRange};
use ledger::rollup::Measure;
use ledger::rollup::RollupId;
use store::Usage;
use store::error::Result;
use store::keys;
use store::keys::Keyed;
use store::keys::{ComputeBucket, Key, KeyRange};
use store::reconcile::StoredRollup;

/// Concurrent requests for one day.
pub const IN_FLIGHT: usize = 16;

/// Items by their keys.
pub type StoredItems = BTreeMap<Key, StoredRollup>;

/// Reads every item that the day's events may have changed, as far as such items can be listed: those of the day itself
/// and, because of time zones and of samples that run past midnight, of the neighboring days. Items under `extra` keys
/// are read too.
pub async fn read(usage: &Usage, org: &OrgId, day: Day, extra: &BTreeSet<Key>) -> Result<StoredItems> {
    let mut items = read_ranges(usage, ranges(org, day)).await?;
    let logs = agents_with_activity(&items).into_iter().map(|agent| activity_log(org, Some(&agent), day));
    items.extend(read_ranges(usage, logs.collect()).await?);
    let of_org = [RollupId::OrgDay(org.clone(), day).key(), RollupId::UnpricedDay(org.clone(), day).key()];
    let single = extra.iter().chain(&of_org).filter(|key| !items.contains_key(*key)).cloned();
    let single = read_keys(usage, single.collect()).await?;
    items.extend(single);
    Ok(items)
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

fn ranges(org: &OrgId, day: Day) -> Vec<KeyRange> {
    let month = day.month();
    let mut ranges = vec![
        keys::agent_days(org, month, day, day),
        keys::end_users(org, month, day, day),
        activity_log(org, None, day),
    ];
    for (_, days) in with_neighbors(day).by_month() {
        let (first, last) = (days.first.to_string(), days.last.to_string());
        ranges.push(keys::compute_buckets(org, ComputeBucket::Day, &first, &last));
        let (first, last) = (format!("{first}T00"), format!("{last}T23"));
        ranges.push(keys::compute_buckets(org, ComputeBucket::Hour, &first, &last));
    }
    ranges
}

fn activity_log(org: &OrgId, agent: Option<&AgentId>, day: Day) -> KeyRange {
    let DayRange { first, last } = with_neighbors(day);
    keys::activity_days(org, agent, first, last)
}

fn with_neighbors(day: Day) -> DayRange {
    DayRange { first: day.minus(1), last: day.next() }
}

/// The agents that have entries in the activity log.
fn agents_with_activity(items: &StoredItems) -> Vec<AgentId> {
    let logged = items.iter().filter(|(_, item)| {
        item.columns.numbers.keys().any(|column| matches!(column.measure, Measure::Activity(_)))
    });
    logged.filter_map(|(key, _)| Some(keys::parse_agent_day(&key.sk)?.1)).collect()
}
