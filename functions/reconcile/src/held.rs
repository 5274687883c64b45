//! What the usage table holds of a day.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::ids::{AgentId, OrgId};
use ledger::period::{Day, DayRange};
use ledger::rollup::Target;
use store::Store;
use store::error::Result;
use store::keys;
use store::keys::Keyed;
use store::keys::{ComputeBucket, Key, KeyRange};
use store::proof::Guarded;

/// Reads under way at once.
pub const IN_FLIGHT: usize = 16;

/// Every item to which the day's events may have added something, as far as that can be listed: what is on its own day
/// or on a neighbouring one, where zones and samples that run past midnight bring it; and the items under `wanted`.
pub async fn read(
    store: &Store,
    org: &OrgId,
    day: Day,
    wanted: &BTreeSet<Key>,
) -> Result<BTreeMap<Key, Guarded>> {
    let mut held = in_stretches(store, stretches(org, day)).await?;
    let logs = agents(&held).into_iter().map(|agent| log(org, Some(&agent), day));
    held.extend(in_stretches(store, logs.collect()).await?);
    let org_day = Target::OrgDay(org.clone(), day).key();
    let single = wanted.iter().chain([&org_day]).filter(|key| !held.contains_key(*key)).cloned();
    let single = each(store, single.collect()).await?;
    held.extend(single);
    Ok(held)
}

/// The items under `keys`; an empty one where there is none.
pub async fn each(store: &Store, keys: Vec<Key>) -> Result<BTreeMap<Key, Guarded>> {
    let read = keys.into_iter().map(|key| async move {
        let guarded = store.guarded(&key).await?;
        Ok((key, guarded))
    });
    stream::iter(read).buffer_unordered(IN_FLIGHT).try_collect().await
}

async fn in_stretches(store: &Store, stretches: Vec<KeyRange>) -> Result<BTreeMap<Key, Guarded>> {
    let read = stretches.into_iter().map(|range| async move { store.guarded_in(&range).await });
    let items: Vec<_> = stream::iter(read).buffer_unordered(IN_FLIGHT).try_collect().await?;
    Ok(items.into_iter().flatten().collect())
}

fn stretches(org: &OrgId, day: Day) -> Vec<KeyRange> {
    let month = day.month();
    let mut stretches = vec![
        keys::agent_days(org, month, day, day),
        keys::end_users(org, month, day, day),
        log(org, None, day),
    ];
    for (_, days) in around(day).by_month() {
        let (first, last) = (days.first.to_string(), days.last.to_string());
        stretches.push(keys::compute_buckets(org, ComputeBucket::Day, &first, &last));
        let (first, last) = (format!("{first}T00"), format!("{last}T23"));
        stretches.push(keys::compute_buckets(org, ComputeBucket::Hour, &first, &last));
    }
    stretches
}

fn log(org: &OrgId, agent: Option<&AgentId>, day: Day) -> KeyRange {
    let DayRange { first, last } = around(day);
    keys::activity_days(org, agent, first, last)
}

fn around(day: Day) -> DayRange {
    DayRange { first: day.minus(1), last: day.next() }
}

/// The agents that have entries in the log.
fn agents(held: &BTreeMap<Key, Guarded>) -> Vec<AgentId> {
    let logged = held
        .iter()
        .filter(|(_, item)| item.columns.numbers.keys().any(|column| column.as_activity().is_some()));
    logged.filter_map(|(key, _)| Some(keys::parse_agent_day(&key.sk)?.1)).collect()
}
