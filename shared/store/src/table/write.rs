//! Writing one item, alone or as part of a transaction.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use futures::FutureExt;

use super::Table;
use super::error::{failed, is_too_large};
use super::expression::{Condition, Placeholders};
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::{Item, key_attributes};

/// A write of one item, which is applied only if all of its conditions hold.
#[derive(Clone, Debug)]
#[must_use = "a write is nothing until it is sent"]
pub struct Write<'a> {
    pub(super) table: &'a Table,
    action: Action,
    conditions: Vec<Condition>,
    placeholders: Placeholders,
    return_old: bool,
}

#[derive(Clone, Debug)]
enum Action {
    Put(Item),
    Update { key: Item, clauses: Clauses },
    Delete { key: Item },
}

/// The clauses of an update expression.
#[derive(Clone, Debug, Default)]
struct Clauses {
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
}

impl Clauses {
    fn expression(&self) -> String {
        let clauses =
            [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add), ("DELETE", &self.delete)];
        let clauses = clauses.iter().filter(|(_, parts)| !parts.is_empty());
        let clauses = clauses.map(|(keyword, parts)| format!("{keyword} {}", parts.join(",")));
        clauses.collect::<Vec<_>>().join(" ")
    }
}

/// The outcome of one write.
#[derive(Clone, Debug)]
pub enum WriteOutcome {
    Applied,
    /// A condition did not hold: the stored item, if [`Write::return_old`] asked for it and it exists.
    ConditionFailed(Option<Item>),
    /// A transaction was writing the item at the same time.
    Conflict,
    /// The item would exceed the 400 KB that DynamoDB stores. The same write never succeeds.
    TooLarge,
}

impl WriteOutcome {
    /// Whether the write was applied; not, where a condition failed. All else is an error.
    pub fn applied(self) -> Result<bool> {
        match self {
            Self::Applied => Ok(true),
            Self::ConditionFailed(_) => Ok(false),
            Self::Conflict => Err(Error::Unavailable("a transaction is writing the same item".to_owned())),
            Self::TooLarge => Err(Error::Internal("an item would exceed 400 KB".to_owned())),
        }
    }
}

impl<'a> Write<'a> {
    fn new(table: &'a Table, action: Action) -> Self {
        Self {
            table,
            action,
            conditions: Vec::new(),
            placeholders: Placeholders::default(),
            return_old: false,
        }
    }

    pub(super) fn put(table: &'a Table, item: Item) -> Self {
        Self::new(table, Action::Put(item))
    }

    pub(super) fn update(table: &'a Table, key: &Key) -> Self {
        Self::new(table, Action::Update { key: key_attributes(key), clauses: Clauses::default() })
    }

    pub(super) fn delete(table: &'a Table, key: &Key) -> Self {
        Self::new(table, Action::Delete { key: key_attributes(key) })
    }

    /// Applies the write only if this holds too.
    pub fn only_if(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Sets an attribute. In a put, too.
    pub fn set(mut self, attribute: &str, value: AttributeValue) -> Self {
        match &mut self.action {
            Action::Put(item) => drop(item.insert(attribute.to_owned(), value)),
            Action::Update { clauses, .. } => {
                let (name, value) = (self.placeholders.name(attribute), self.placeholders.value(value));
                clauses.set.push(format!("{name}={value}"));
            }
            Action::Delete { .. } => {}
        }
        self
    }

    /// Adds to a number or a set; in an update only.
    pub fn add(mut self, attribute: &str, value: AttributeValue) -> Self {
        if let Action::Update { clauses, .. } = &mut self.action {
            let (name, value) = (self.placeholders.name(attribute), self.placeholders.value(value));
            clauses.add.push(format!("{name} {value}"));
        }
        self
    }

    /// Removes members from a set; in an update only.
    pub fn delete_members(mut self, attribute: &str, members: AttributeValue) -> Self {
        if let Action::Update { clauses, .. } = &mut self.action {
            let (name, members) = (self.placeholders.name(attribute), self.placeholders.value(members));
            clauses.delete.push(format!("{name} {members}"));
        }
        self
    }

    /// Removes an attribute; in an update only.
    pub fn remove(mut self, attribute: &str) -> Self {
        if let Action::Update { clauses, .. } = &mut self.action {
            clauses.remove.push(self.placeholders.name(attribute));
        }
        self
    }

    /// Returns the stored item where a condition fails; in an update only.
    pub fn return_old(mut self) -> Self {
        self.return_old = true;
        self
    }

    /// Sends the write by itself.
    pub async fn send(self) -> Result<WriteOutcome> {
        let Self { table, action, conditions, mut placeholders, return_old } = self;
        let condition = placeholders.all(conditions);
        let (names, values) = placeholders.into_parts();
        match action {
            Action::Put(item) => {
                let put = table.connection.client.put_item().table_name(&*table.name).set_item(Some(item));
                let put = put
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                let done = put.send().boxed().await.map(|done| done.consumed_capacity);
                table.outcome("PutItem", done, |_| None)
            }
            Action::Update { key, clauses } => {
                let update =
                    table.connection.client.update_item().table_name(&*table.name).set_key(Some(key));
                let on_failure = return_old.then_some(OnFailure::AllOld);
                let update = update
                    .update_expression(clauses.expression())
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                let done = update.send().boxed().await.map(|done| done.consumed_capacity);
                table.outcome("UpdateItem", done, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(failed) => failed.item.clone(),
                    _ => None,
                })
            }
            Action::Delete { key } => {
                let delete =
                    table.connection.client.delete_item().table_name(&*table.name).set_key(Some(key));
                let delete = delete
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                let done = delete.send().boxed().await.map(|done| done.consumed_capacity);
                table.outcome("DeleteItem", done, |_| None)
            }
        }
    }

    /// Sends a write that has no conditions.
    pub async fn send_unconditionally(self) -> Result<()> {
        if self.send().await?.applied()? { Ok(()) } else { Err(Error::internal("a condition failed")) }
    }

    /// The write as one item of a transaction.
    pub(super) fn into_transact_item(self) -> Result<TransactWriteItem> {
        let Self { table, action, conditions, mut placeholders, .. } = self;
        let condition = placeholders.all(conditions);
        let (names, values) = placeholders.into_parts();
        let item = TransactWriteItem::builder();
        let item = match action {
            Action::Put(new) => {
                let put = Put::builder().table_name(&*table.name).set_item(Some(new));
                let put = put
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.put(put.build().map_err(Error::internal)?)
            }
            Action::Update { key, clauses } => {
                let update = Update::builder().table_name(&*table.name).set_key(Some(key));
                let update = update
                    .update_expression(clauses.expression())
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.update(update.build().map_err(Error::internal)?)
            }
            Action::Delete { key } => {
                let delete = Delete::builder().table_name(&*table.name).set_key(Some(key));
                let delete = delete
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.delete(delete.build().map_err(Error::internal)?)
            }
        };
        Ok(item.build())
    }
}

impl Table {
    fn outcome<E, R>(
        &self,
        operation: &str,
        done: Result<Option<ConsumedCapacity>, SdkError<E, R>>,
        old: impl Fn(&E) -> Option<Item>,
    ) -> Result<WriteOutcome>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let error = match done {
            Ok(capacity) => {
                self.connection.meter.write(&capacity);
                return Ok(WriteOutcome::Applied);
            }
            Err(error) => error,
        };
        self.connection.meter.write(None);
        let refused = error.as_service_error();
        match refused.and_then(ProvideErrorMetadata::code) {
            Some("ConditionalCheckFailedException") => {
                Ok(WriteOutcome::ConditionFailed(refused.and_then(old)))
            }
            Some("TransactionConflictException") => Ok(WriteOutcome::Conflict),
            _ if refused.is_some_and(is_too_large) => Ok(WriteOutcome::TooLarge),
            _ => Err(failed(operation, &error)),
        }
    }
}
