//! What events reported of an organization, an agent, a project or a node, stored beside its settings.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

use crate::error::{Error, Result};
use crate::keys::{self, Key, PK, SK, seen as attr};
use crate::table::{Consistency, absent_or};
use crate::{Item, Registry, decode, n, s};
use ledger::calendar::Calendar;
use ledger::ids::OrgId;
use ledger::period;
use ledger::rollup::{Latest, MonthsOfUse, Seen, Subject};

impl Registry {
    /// Merges `news` into what is stored of a subject, and returns the result. What makes no difference in any of
    /// `calendars` is not written.
    ///
    /// Facts only grow, so this reads, merges and writes, and starts over if another writer came in between.
    pub async fn see(
        &self,
        org: &OrgId,
        subject: &Subject,
        news: &Seen,
        calendars: &[Calendar],
    ) -> Result<Seen> {
        let key = keys::subject(org, subject);
        loop {
            let item = self.table.get(&key, Consistency::Strong).await?.unwrap_or_default();
            let known = seen(&item)?;
            let mut merged = news.clone();
            if let Some(known) = &known {
                merged.merge(known);
                if !known.worth_storing(&merged, calendars) {
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
            .table
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
            first: period::parse_instant(first)?,
            last: latest(attr::LAST)?,
            calls: decode::texts(item, attr::CALLS)
                .iter()
                .map(|call| period::parse_instant(call))
                .collect::<Option<_>>()?,
            months: MonthsOfUse::parse(decode::texts(item, attr::MONTHS).iter().map(String::as_str))?,
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
    let instant = |instant: &DateTime<Utc>| period::rfc3339(*instant);
    let mut attributes = vec![(attr::FIRST, s(instant(&seen.first))), (attr::LAST, s(instant(&seen.last)))];
    // DynamoDB has no empty sets.
    if !seen.calls.is_empty() {
        attributes.push((attr::CALLS, AttributeValue::Ss(seen.calls.iter().map(instant).collect())));
    }
    if !seen.months.is_empty() {
        attributes.push((attr::MONTHS, AttributeValue::Ss(seen.months.texts().collect())));
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
