//! Changing the registry: the change and the entry that tells of it are one transaction.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as Refusal;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::try_join;
use rand::RngExt;
use serde::Serialize;
use tokio::time::sleep;

use super::audit::Entry;
use super::{ETAG, IfMatch, SETTINGS, Setting, Stored};
use crate::error::{Error, Result};
use crate::events::RawEvent;
use crate::keys;
use crate::keys::{Key, PK, VERSION, seen};
use crate::{Store, key_attributes, s, transaction_failed, version};
use ledger::ids::{AgentId, OrgId};
use ledger::settings::{AgentBudgetSettings, OrganizationSettings};

/// The version of what was never set, where there is something to read nevertheless.
pub const UNSET: &str = "unset";
/// Attempts at one change; each further one is made since somebody else came first.
const ATTEMPTS: u32 = 20;
/// The longest pause before a further attempt.
const LONGEST_PAUSE_MS: u64 = 200;

/// Who changes something, and when.
#[derive(Clone, Debug)]
pub struct Editor {
    /// Whose registry it is.
    pub org: OrgId,
    /// Who asks: the token's subject.
    pub who: String,
    /// On what condition.
    pub if_match: IfMatch,
    /// When.
    pub now: DateTime<Utc>,
    /// Days that the entry about it is kept, as any event.
    pub retention_days: u32,
}

impl Editor {
    /// The entry about a change from `before` to `after`, ready to be stored.
    pub(crate) fn event<T: Setting>(
        &self,
        entity: &Entity<'_>,
        zone: Tz,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<RawEvent> {
        let (org, agent) = (&self.org, entity.agent);
        let entry = Entry { org, zone, time: self.now, agent, who: &self.who, what: &entity.what };
        RawEvent::new(&entry.event(before, after)?, rand::random(), self.now, self.retention_days)
    }
}

/// What is to be changed.
#[derive(Clone, Debug)]
pub struct Entity<'a> {
    /// Its item.
    pub key: Key,
    /// Its name in the activity log.
    pub what: String,
    /// The agent that it is, or none.
    pub agent: Option<&'a AgentId>,
    /// Whether it can be read even where nobody has set it.
    pub always_there: bool,
}

/// What to do, in view of what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// Nothing: it is as it should be. What changes nothing writes nothing, and leaves no entry.
    Keep,
    /// Set it to this.
    Set(T),
    /// Take it away. What its events told stays.
    Clear,
}

impl<T: PartialEq> Next<T> {
    /// Sets `wanted`, unless it is set already.
    pub fn to(wanted: T, stored: &Stored<T>) -> Self {
        if stored.settings.as_ref() == Some(&wanted) { Self::Keep } else { Self::Set(wanted) }
    }
}

impl<T> Stored<T> {
    /// The version that a condition is held against; none where there is nothing to read.
    pub fn version(&self, always_there: bool) -> Option<&str> {
        let there = self.exists() || always_there;
        there.then(|| self.etag.as_deref().unwrap_or(UNSET))
    }
}

impl Store {
    /// Changes a thing as `decide` says in view of what is there, and answers what is there then.
    ///
    /// `decide` is asked again where somebody else has changed the thing meanwhile, so the entry's `before` is always
    /// what this very change replaced, and of several with the same `If-Match` one is made.
    ///
    /// The entry's day is cut by the zone as it is read here. Should the zone change in this very moment, the entry
    /// may stand a day beside its own, which whoever lists days by instants has to look for anyway.
    pub async fn change<T: Setting>(
        &self,
        editor: &Editor,
        entity: &Entity<'_>,
        decide: impl Fn(&Stored<T>) -> Result<Next<T>>,
    ) -> Result<Stored<T>> {
        let organization = keys::organization_settings(&editor.org);
        for attempt in 1..=ATTEMPTS {
            let (stored, own) = try_join!(
                self.known::<T>(&entity.key, true),
                self.known::<OrganizationSettings>(&organization, true),
            )?;
            let decided = decide(&stored);
            // RFC 9110, 13.2.1: a condition counts only where the request would succeed without it.
            if !matches!(decided, Err(Error::NotFound(_))) {
                editor.if_match.check(stored.version(entity.always_there))?;
            }
            let next = match decided? {
                Next::Keep => return Ok(stored),
                Next::Set(settings) => Some(settings),
                Next::Clear => None,
            };
            let zone = own.settings.unwrap_or_default().timezone;
            let event = editor.event(entity, zone, stored.settings.as_ref(), next.as_ref())?;
            let etag = next.is_some().then(new_etag);
            let mut changes =
                vec![self.item_change(&entity.key, &stored, next.as_ref().zip(etag.as_deref()))?];
            changes.extend(self.budget_change(editor, entity, stored.settings.as_ref(), next.as_ref())?);
            if self.transact(changes, event).await? {
                return Ok(Stored { settings: next, etag, seen: stored.seen });
            }
            sleep(pause(attempt)).await;
        }
        Err(Error::Unavailable("others keep changing the same thing".to_owned()))
    }

    /// The conditional change of an item: it applies to the version that was read, and to no other.
    fn item_change<T: Setting>(
        &self,
        key: &Key,
        stored: &Stored<T>,
        next: Option<(&T, &str)>,
    ) -> Result<TransactWriteItem> {
        let table = &self.tables().registry;
        let unchanged = if stored.etag.is_some() { "#e = :old" } else { "attribute_not_exists(#e)" };
        let old = stored.etag.as_ref().map(|etag| [(":old".to_owned(), s(etag))].into());
        let item = TransactWriteItem::builder();
        // An item that would be left without anything goes. Should an event name it in this very moment, it stays.
        if next.is_none() && stored.seen.is_none() {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(key_attributes(key)))
                .condition_expression(format!("{unchanged} AND attribute_not_exists(#f)"))
                .expression_attribute_names("#e", ETAG)
                .expression_attribute_names("#f", seen::FIRST)
                .set_expression_attribute_values(old);
            return Ok(item.delete(delete.build().map_err(Error::internal)?).build());
        }
        let mut update = Update::builder()
            .table_name(table)
            .set_key(Some(key_attributes(key)))
            .condition_expression(unchanged)
            .expression_attribute_names("#s", SETTINGS)
            .expression_attribute_names("#e", ETAG)
            .set_expression_attribute_values(old);
        update = match next {
            Some((settings, etag)) => update
                .update_expression("SET #s = :s, #e = :e, #v = :v")
                .expression_attribute_names("#v", VERSION)
                .expression_attribute_values(":v", version::attribute())
                .expression_attribute_values(":s", attribute(settings)?)
                .expression_attribute_values(":e", s(etag)),
            None => update.update_expression("REMOVE #s, #e"),
        };
        Ok(item.update(update.build().map_err(Error::internal)?).build())
    }

    /// The change of an agent's budget in its own item. It has a version of its own, which no other setting of the
    /// agent changes.
    fn budget_change<T: Setting>(
        &self,
        editor: &Editor,
        entity: &Entity<'_>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Option<TransactWriteItem>> {
        let budget = |set: Option<&T>| set.and_then(T::agent_budget);
        let (Some(agent), after) = (entity.agent, budget(after)) else { return Ok(None) };
        if budget(before) == after {
            return Ok(None);
        }
        let (table, key) = (&self.tables().registry, key_attributes(&keys::agent_budget(&editor.org, agent)));
        let item = TransactWriteItem::builder();
        let Some(monthly) = after else {
            let delete = Delete::builder().table_name(table).set_key(Some(key)).build();
            return Ok(Some(item.delete(delete.map_err(Error::internal)?).build()));
        };
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key))
            .update_expression("SET #s = :s, #e = :e, #v = :v")
            .expression_attribute_names("#s", SETTINGS)
            .expression_attribute_names("#e", ETAG)
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":v", version::attribute())
            .expression_attribute_values(":s", attribute(&AgentBudgetSettings { monthly })?)
            .expression_attribute_values(":e", s(new_etag()));
        Ok(Some(item.update(update.build().map_err(Error::internal)?).build()))
    }

    /// Makes changes and stores the entry about them, all or none. Whether it did: not where somebody came first.
    pub(crate) async fn transact(&self, changes: Vec<TransactWriteItem>, entry: RawEvent) -> Result<bool> {
        let put = Put::builder()
            .table_name(&self.tables().events)
            .set_item(Some(entry.into_item()))
            .condition_expression("attribute_not_exists(#p)")
            .expression_attribute_names("#p", PK);
        let put = TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build();
        let done = self
            .client
            .transact_write_items()
            .set_transact_items(Some(changes.into_iter().chain([put]).collect()))
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
                if came_second(&error) { Ok(false) } else { Err(transaction_failed(&error)) }
            }
        }
    }
}

/// A pause of any length up to one that grows with the attempts, so that those who met once do not meet again.
fn pause(attempt: u32) -> Duration {
    let longest = LONGEST_PAUSE_MS.min(10 * u64::from(attempt));
    Duration::from_millis(rand::rng().random_range(0..=longest))
}

/// Whether a transaction failed for no other reason than that another was there first.
pub(crate) fn came_second<R>(error: &SdkError<Refusal, R>) -> bool {
    let Some(Refusal::TransactionCanceledException(canceled)) = error.as_service_error() else {
        return false;
    };
    let mut reasons = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    reasons.all(|code| ["None", "ConditionalCheckFailed", "TransactionConflict"].contains(&code))
}

fn attribute<T: Serialize>(settings: &T) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(settings).map_err(Error::internal)
}

/// A version never seen before. Random, since a hash of the settings would let one test guesses at a secret.
fn new_etag() -> String {
    BASE64.encode(rand::random::<[u8; 12]>())
}
