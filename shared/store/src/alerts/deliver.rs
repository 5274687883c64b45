//! What becomes of an alert once it is decided.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, ReturnConsumedCapacity, TransactWriteItem, Update};
use chrono::{DateTime, Utc};

use super::{Alert, json, number};
use crate::error::{Error, Result};
use crate::keys::{VERSION, alerts as attr};
use crate::registry::came_second;
use crate::{Store, failed, key_attributes, s, transaction_failed, version};
use ledger::alert::{AlertKey, Status};
use ledger::ids::OrgId;
use ledger::period;

/// What an update is refused with where somebody else has written the item, or is about to.
const SECOND: [&str; 2] = ["ConditionalCheckFailedException", "TransactionConflictException"];

/// What a write of an alert does to the list of those that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Kept,
    /// It is due no more.
    Done,
    /// It is due again.
    Again,
}

impl Store {
    /// The alerts that there are under `keys`, oldest first, and those that cannot be read.
    pub async fn alerts_under(&self, org: &OrgId, keys: &[AlertKey]) -> Result<(Vec<Alert>, Vec<Error>)> {
        // A call that names a key twice is refused.
        let keys: BTreeSet<_> = keys.iter().collect();
        let keys: Vec<_> = keys.into_iter().map(|key| attr::alert(org, key)).collect();
        let (mut alerts, mut faults) = (Vec::new(), Vec::new());
        for item in self.get_all(&self.tables().registry, &keys).await? {
            match Alert::parse(org, &item) {
                Ok(alert) => alerts.push(alert),
                Err(fault) => faults.push(fault),
            }
        }
        alerts.sort_by(|a, b| (a.decided, &a.key).cmp(&(b.decided, &b.key)));
        Ok((alerts, faults))
    }

    /// Writes an alert's deliveries and lease over what was read, and with it whether it is due. Whether it did: not
    /// where somebody else has written it meanwhile, or where it was this very write whose answer was lost.
    pub async fn write_alert(&self, alert: &mut Alert, change: Change) -> Result<bool> {
        let update = self.alert_update(alert)?;
        let written = match self.due_change(alert, change)? {
            None => self.write_alone(update).await?,
            Some(due) => self.write_both(update, due).await?,
        };
        alert.writes += u64::from(written);
        Ok(written)
    }

    async fn write_alone(&self, update: Update) -> Result<bool> {
        let done = self
            .client
            .update_item()
            .table_name(update.table_name)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values)
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
                let second = error.code().is_some_and(|code| SECOND.contains(&code));
                if second { Ok(false) } else { Err(failed("UpdateItem", &error)) }
            }
        }
    }

    async fn write_both(&self, update: Update, due: TransactWriteItem) -> Result<bool> {
        let done = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(update).build())
            .transact_items(due)
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

    /// The write of an alert over what was read.
    pub(super) fn alert_update(&self, alert: &Alert) -> Result<Update> {
        let update = Update::builder()
            .table_name(&self.tables().registry)
            .set_key(Some(key_attributes(&attr::alert(&alert.org, &alert.key))))
            .condition_expression("#w = :w")
            .update_expression("SET #o = :o, #st = :st, #l = :l, #w = :n")
            .expression_attribute_names("#o", attr::DELIVERIES)
            .expression_attribute_names("#st", attr::STATUS)
            .expression_attribute_names("#l", attr::LEASE)
            .expression_attribute_names("#w", attr::WRITES)
            .expression_attribute_values(":o", json(&alert.deliveries)?)
            .expression_attribute_values(":st", s(Status::of(&alert.deliveries).as_str()))
            .expression_attribute_values(":l", lease(alert.lease))
            .expression_attribute_values(":w", number(alert.writes))
            .expression_attribute_values(":n", number(alert.writes + 1));
        update.build().map_err(Error::internal)
    }

    /// The entry among those that are due.
    pub(super) fn due_change(&self, alert: &Alert, change: Change) -> Result<Option<TransactWriteItem>> {
        let (table, key) = (&self.tables().registry, key_attributes(&attr::due(&alert.org, &alert.key)));
        let item = TransactWriteItem::builder();
        Ok(match change {
            Change::Kept => None,
            Change::Done => {
                let delete = Delete::builder().table_name(table).set_key(Some(key)).build();
                Some(item.delete(delete.map_err(Error::internal)?).build())
            }
            Change::Again => {
                // An update, not a put: whoever asks for this may change items, and put none.
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .update_expression("SET #t = :t, #v = :v")
                    .expression_attribute_names("#v", VERSION)
                    .expression_attribute_values(":v", version::attribute())
                    .expression_attribute_names("#t", attr::DECIDED)
                    .expression_attribute_values(":t", s(period::rfc3339(alert.decided)));
                Some(item.update(update.build().map_err(Error::internal)?).build())
            }
        })
    }
}

/// None is a null, since an update that removes an attribute is spelled another way.
fn lease(until: Option<DateTime<Utc>>) -> AttributeValue {
    until.map_or(AttributeValue::Null(true), |until| s(period::rfc3339(until)))
}
