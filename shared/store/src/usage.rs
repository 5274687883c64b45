//! The usage table: sums by day and hour.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use futures::future::try_join_all;

use super::keys::{self, Key, Keyed, SEALED, VERSION, WRITES};
use super::sequence::SequenceNumber;
use super::{Item, Store, decode, failed, key_attributes, s, version};
use crate::error::{Error, Result};
use ledger::ids::{AgentId, OrgId};
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentDay, OrgDay, Sums, Target};

/// The version of the layout of usage items.
const LAYOUT: &str = version::LAYOUT;

/// The columns that one update may name. DynamoDB takes 4 KB of expression; a column needs at most 11 bytes of it.
pub const MAX_COLUMNS: usize = 250;

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sums are in, and the mark stands at the batch's last record.
    Applied,
    /// Nothing was done: the item already holds this shard's records up to and including the given one.
    AlreadyAt(SequenceNumber),
    /// Nothing was done, and never will be: the item would pass the 400 KB that DynamoDB keeps.
    TooLarge,
    /// Nothing was done, and never will be: the item was computed from raw events. Its day has to be
    /// [marked dirty](Store::mark_dirty), so that it is computed anew.
    Sealed,
}

/// A stretch of one shard's records that are added to an item together.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The shard's mark column, see [`keys::mark_column`].
    pub mark: &'a str,
    /// The smallest sequence number among the records.
    pub first: SequenceNumber,
    /// The greatest.
    pub last: SequenceNumber,
}

impl Store {
    /// Adds `sums` to an item, once: only where the item has had none of the batch's records.
    ///
    /// The condition compares the mark with the batch's *first* record. Compared with the last, a batch that a retry
    /// cut longer than before would pass, and what it shares with the one before would count twice.
    pub async fn add(&self, key: &Key, sums: &Sums, batch: Batch<'_>) -> Result<Outcome> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(key)))
            .condition_expression(
                "attribute_not_exists(#z) AND (attribute_not_exists(#m) OR #m < :f) \
                 AND (attribute_not_exists(#v) OR #v = :v)",
            )
            .expression_attribute_names("#m", batch.mark)
            .expression_attribute_names("#w", WRITES)
            .expression_attribute_names("#z", SEALED)
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":f", sequence_attribute(batch.first))
            .expression_attribute_values(":m", sequence_attribute(batch.last))
            .expression_attribute_values(":v", AttributeValue::N(LAYOUT.to_owned()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let (mut add, mut set) =
            (vec!["#w :one".to_owned()], vec!["#m = :m".to_owned(), "#v = :v".to_owned()]);
        for (i, (column, value)) in columns(sums).enumerate() {
            update = update
                .expression_attribute_names(format!("#{i}"), column)
                .expression_attribute_values(format!(":{i}"), value.clone());
            match value {
                AttributeValue::S(_) => set.push(format!("#{i} = :{i}")),
                _ => add.push(format!("#{i} :{i}")),
            }
        }
        let expression = format!("SET {} ADD {}", set.join(","), add.join(","));
        match update.update_expression(expression).send().await {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                Ok(Outcome::Applied)
            }
            Err(error) => {
                self.meter.write(None);
                match error.as_service_error() {
                    Some(refused) if refused.is_conditional_check_failed_exception() => {
                        already_at(refused, batch.mark)
                    }
                    Some(refused) if is_too_large(refused) => Ok(Outcome::TooLarge),
                    _ => Err(failed("UpdateItem", &error)),
                }
            }
        }
    }

    /// Adds end users to their bucket. A set holds a member once, so this needs no mark. Whether there was room for
    /// them: a bucket takes some 50,000.
    pub async fn add_end_users(&self, key: &Key, users: &BTreeSet<[u8; 8]>) -> Result<bool> {
        self.update_end_users(key, "ADD #u :u", users).await
    }

    /// Takes end users out of their bucket.
    pub async fn remove_end_users(&self, key: &Key, users: &BTreeSet<[u8; 8]>) -> Result<()> {
        self.update_end_users(key, "DELETE #u :u", users).await.map(drop)
    }

    async fn update_end_users(&self, key: &Key, update: &str, users: &BTreeSet<[u8; 8]>) -> Result<bool> {
        let done = self
            .client
            .update_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(key)))
            .update_expression(format!("SET #v = :v {update}"))
            .condition_expression("attribute_not_exists(#v) OR #v = :v")
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":v", version::attribute())
            .expression_attribute_names("#u", keys::END_USERS)
            .expression_attribute_values(":u", hash_set(users))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match done {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                Ok(true)
            }
            Err(error) => {
                self.meter.write(None);
                match error.as_service_error() {
                    Some(refused) if is_too_large(refused) => Ok(false),
                    _ => Err(failed("UpdateItem", &error)),
                }
            }
        }
    }

    /// The organisation's days within `days` that saw any event, oldest first: one query.
    pub async fn org_days(&self, org: &OrgId, days: DayRange) -> Result<BTreeMap<Day, OrgDay>> {
        let items = self.query(&self.tables().usage, &keys::org_days(org, days.first, days.last)).await?;
        items
            .iter()
            .map(|item| {
                let day = decode::required(item, keys::SK)?.strip_prefix("D#").and_then(Day::parse);
                let day =
                    day.ok_or_else(|| Error::Internal("an organisation's day has no date".to_owned()))?;
                Ok((day, OrgDay::from(&decode::sums(item)?)))
            })
            .collect()
    }

    /// All agents' days within `days`: one query for each month, at the same time.
    pub async fn agent_days(&self, org: &OrgId, days: DayRange) -> Result<Vec<(Day, AgentId, AgentDay)>> {
        let months = days.by_month().map(|(month, part)| async move {
            let range = keys::agent_days(org, month, part.first, part.last);
            self.query_map(&self.tables().usage, &range, |item| agent_day(&item)).await
        });
        Ok(try_join_all(months).await?.into_iter().flatten().collect())
    }

    /// One agent's days within `days`, by its own keys: what all others did is not read.
    pub async fn agent_days_of(
        &self,
        org: &OrgId,
        agent: &AgentId,
        days: DayRange,
    ) -> Result<BTreeMap<Day, AgentDay>> {
        let target = |day| Target::AgentDay(org.clone(), day, agent.clone());
        let keys: Vec<_> = days.days().map(|day| target(day).key()).collect();
        let items = self.get_all(&self.tables().usage, &keys).await?;
        items.iter().map(|item| agent_day(item).map(|(day, _, sums)| (day, sums))).collect()
    }

    /// The sums that an item holds; nothing where there is none.
    pub async fn sums(&self, key: &Key) -> Result<Sums> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(key)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        self.meter.read(found.consumed_capacity());
        found.item.map_or_else(|| Ok(Sums::default()), |item| decode::sums(&version::known(item)?))
    }
}

fn agent_day(item: &Item) -> Result<(Day, AgentId, AgentDay)> {
    let (day, agent) = keys::parse_agent_day(decode::required(item, keys::SK)?)
        .ok_or_else(|| Error::Internal("an agent's day has an odd key".to_owned()))?;
    Ok((day, agent, AgentDay::from(&decode::sums(item)?)))
}

pub(super) fn columns(sums: &Sums) -> impl Iterator<Item = (String, AttributeValue)> {
    let numbers =
        sums.numbers.iter().map(|(column, n)| (column, AttributeValue::N(n.normalize().to_string())));
    let names = sums.names.iter().map(|(column, name)| (column, s(name)));
    let sets = sums.sets.iter().map(|(column, members)| (column, hash_set(members)));
    numbers.chain(names).chain(sets).map(|(column, value)| (keys::columns::spell(column), value))
}

pub(super) fn hash_set(members: &BTreeSet<[u8; 8]>) -> AttributeValue {
    AttributeValue::Bs(members.iter().map(|member| Blob::new(*member)).collect())
}

fn sequence_attribute(number: SequenceNumber) -> AttributeValue {
    AttributeValue::B(Blob::new(*number.as_bytes()))
}

/// DynamoDB has no error of its own for this, only words.
pub(super) fn is_too_large(refused: &impl ProvideErrorMetadata) -> bool {
    refused.code() == Some("ValidationException")
        && refused.message().is_some_and(|words| words.to_ascii_lowercase().contains("item size"))
}

fn already_at(
    refused: &aws_sdk_dynamodb::operation::update_item::UpdateItemError,
    mark: &str,
) -> Result<Outcome> {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
    let UpdateItemError::ConditionalCheckFailedException(refused) = refused else {
        return Err(Error::Internal("not a failed condition".to_owned()));
    };
    let item = refused.item();
    if let Some(item) = item {
        version::check(item)?;
    }
    if item.is_some_and(|item| item.contains_key(SEALED)) {
        return Ok(Outcome::Sealed);
    }
    let number = item
        .and_then(|item| item.get(mark))
        .and_then(|value| value.as_b().ok())
        .and_then(|bytes| SequenceNumber::from_bytes(bytes.as_ref()));
    number
        .map(Outcome::AlreadyAt)
        .ok_or_else(|| Error::Internal("a refused update did not come back with its mark".to_owned()))
}
