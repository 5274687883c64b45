//! What events reported of an organization, an agent, a project or a node, stored beside its settings.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::{Error, Result};
use crate::keys::{self, Key, PK, SK, seen as attr};
use crate::table::{Consistency, absent_or};
use crate::{Item, Store, decode, n, s};
use ledger::ids::OrgId;
use ledger::period;
use ledger::period::{Day, Month};
use ledger::rollup::{Latest, Seen, Subject};

impl Store {
    /// Merges `news` into what is stored of a subject, and returns the result.
    ///
    /// Facts only grow, so this reads, merges and writes, and starts over if another writer came in between.
    pub async fn see(&self, org: &OrgId, subject: &Subject, news: &Seen) -> Result<Seen> {
        let key = keys::subject(org, subject);
        loop {
            let item = self.registry.get(&key, Consistency::Strong).await?.unwrap_or_default();
            let known = seen(&item)?;
            let mut merged = news.clone();
            if let Some(known) = &known {
                merged.merge(known);
                if !known.worth_storing(&merged) {
                    return Ok(known.clone());
                }
            }
            if self.write_seen(&key, &merged, writes(&item)).await? {
                return Ok(merged);
            }
        }
    }

    /// Stores what was seen, if it has been written `writes` times. False if another writer came first.
    async fn write_seen(&self, key: &Key, seen: &Seen, writes: u64) -> Result<bool> {
        let mut update = self
            .registry
            .update(key)
            .set(attr::WRITES, n(writes + 1))
            .only_if(absent_or(attr::WRITES, n(writes)));
        for (name, value) in seen_attributes(seen) {
            update = update.set(name, value);
        }
        update.send().await?.applied()
    }
}

fn writes(item: &Item) -> u64 {
    item.get(attr::WRITES)
        .and_then(|value| value.as_n().ok())
        .and_then(|n| n.parse().ok())
        .unwrap_or_default()
}

pub(crate) fn seen(item: &Item) -> Result<Option<Seen>> {
    let Some(first) = decode::text(item, attr::FIRST) else { return Ok(None) };
    let parse = || {
        let latest = |name| decode::text(item, name).and_then(period::parse_instant);
        Some(Seen {
            first: Day::parse(first)?,
            last: decode::text(item, attr::LAST).and_then(Day::parse)?,
            call_days: decode::texts(item, attr::CALL_DAYS)
                .iter()
                .map(|day| Day::parse(day))
                .collect::<Option<_>>()?,
            months: decode::texts(item, attr::MONTHS)
                .iter()
                .map(|month| Month::parse(month))
                .collect::<Option<_>>()?,
            host: latest(attr::HOST_AT)
                .zip(decode::text(item, attr::HOST))
                .map(|(at, host)| Latest { at, value: host.to_owned() }),
            sites: latest(attr::SITES_AT)
                .zip(item.get(attr::SITES).and_then(decode::number))
                .and_then(|(at, sites)| Some(Latest { at, value: u64::try_from(sites).ok()? })),
        })
    };
    let malformed = || format!("what was seen of {:?} {:?} is malformed", item.get(PK), item.get(SK));
    parse().map(Some).ok_or_else(|| Error::Internal(malformed()))
}

fn seen_attributes(seen: &Seen) -> Vec<(&'static str, AttributeValue)> {
    let mut attributes =
        vec![(attr::FIRST, s(seen.first.to_string())), (attr::LAST, s(seen.last.to_string()))];
    // DynamoDB has no empty sets.
    if !seen.call_days.is_empty() {
        let days = seen.call_days.iter().map(ToString::to_string).collect();
        attributes.push((attr::CALL_DAYS, AttributeValue::Ss(days)));
    }
    if !seen.months.is_empty() {
        let months = seen.months.iter().map(ToString::to_string).collect();
        attributes.push((attr::MONTHS, AttributeValue::Ss(months)));
    }
    if let Some(host) = &seen.host {
        attributes.push((attr::HOST, s(&host.value)));
        attributes.push((attr::HOST_AT, s(period::rfc3339(host.at))));
    }
    if let Some(sites) = &seen.sites {
        attributes.push((attr::SITES, n(sites.value)));
        attributes.push((attr::SITES_AT, s(period::rfc3339(sites.at))));
    }
    attributes
}
