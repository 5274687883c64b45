//! What events told of a subject, kept beside what was set of it.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::error::{Error, Result};
use crate::keys::{self, PK, SK, VERSION, seen as attr};
use crate::{Item, Store, decode, failed, key_attributes, s, version};
use ledger::ids::OrgId;
use ledger::period;
use ledger::period::{Day, Month};
use ledger::rollup::{Latest, Seen, Subject};

impl Store {
    /// Notes what was seen of a subject, and answers what is known of it then.
    ///
    /// Facts only grow, so this reads, merges and writes back if nobody else wrote in between, and does it again if
    /// somebody did.
    pub async fn see(&self, org: &OrgId, subject: &Subject, news: &Seen) -> Result<Seen> {
        let key = key_attributes(&keys::subject(org, subject));
        loop {
            let found = self
                .client
                .get_item()
                .table_name(&self.tables().registry)
                .set_key(Some(key.clone()))
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| failed("GetItem", &error))?;
            self.meter.read(found.consumed_capacity());
            let item = version::known(found.item.unwrap_or_default())?;
            let known = seen(&item)?;
            let mut merged = news.clone();
            if let Some(known) = &known {
                merged.merge(known);
                if !known.worth_storing(&merged) {
                    return Ok(known.clone());
                }
            }
            if self.write_seen(key.clone(), &merged, writes(&item)).await? {
                return Ok(merged);
            }
        }
    }

    /// Stores what was seen, where `writes` still counts the writes so far. Whether it does.
    async fn write_seen(&self, key: Item, seen: &Seen, writes: u64) -> Result<bool> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables().registry)
            .set_key(Some(key))
            .condition_expression("attribute_not_exists(#w) OR #w = :w")
            .expression_attribute_names("#w", attr::WRITES)
            .expression_attribute_values(":w", AttributeValue::N(writes.to_string()))
            .expression_attribute_values(":n", AttributeValue::N((writes + 1).to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        update = update
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":v", version::attribute());
        let mut set = vec!["#w = :n".to_owned(), "#v = :v".to_owned()];
        for (i, (name, value)) in seen_attributes(seen).into_iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#{i}"), name)
                .expression_attribute_values(format!(":{i}"), value);
            set.push(format!("#{i} = :{i}"));
        }
        match update.update_expression(format!("SET {}", set.join(","))).send().await {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                Ok(true)
            }
            Err(error) => {
                self.meter.write(None);
                match error.as_service_error() {
                    Some(refused) if refused.is_conditional_check_failed_exception() => Ok(false),
                    _ => Err(failed("UpdateItem", &error)),
                }
            }
        }
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
    let what = || format!("what was seen of {:?} {:?} cannot be read", item.get(PK), item.get(SK));
    parse().map(Some).ok_or_else(|| Error::Internal(what()))
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
        attributes.push((attr::SITES, AttributeValue::N(sites.value.to_string())));
        attributes.push((attr::SITES_AT, s(period::rfc3339(sites.at))));
    }
    attributes
}
