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
use super::expression::{Condition, Names, Placeholders, Values};
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::meter::halves;
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

/// The condition of a write, and the names and values of all its expressions.
struct Expressions {
    condition: Option<String>,
    names: Option<Names>,
    values: Option<Values>,
}

impl Expressions {
    fn new(conditions: Vec<Condition>, mut placeholders: Placeholders) -> Self {
        let condition = placeholders.all(conditions);
        let (names, values) = placeholders.into_parts();
        Self { condition, names, values }
    }
}

/// Sets the condition, names and values of an SDK builder. The builders have the same methods, but no common trait.
macro_rules! expressions {
    ($builder:expr, $expressions:expr) => {
        $builder
            .set_condition_expression($expressions.condition)
            .set_expression_attribute_names($expressions.names)
            .set_expression_attribute_values($expressions.values)
    };
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

    /// Appends to a list; in an update only.
    pub fn append(mut self, attribute: &str, list: AttributeValue) -> Self {
        if let Action::Update { clauses, .. } = &mut self.action {
            let (name, list) = (self.placeholders.name(attribute), self.placeholders.value(list));
            clauses.set.push(format!("{name}=list_append({name},{list})"));
        }
        self
    }

    /// Sets an attribute that does not exist yet; in an update only.
    pub fn set_if_absent(mut self, attribute: &str, value: AttributeValue) -> Self {
        if let Action::Update { clauses, .. } = &mut self.action {
            let (name, value) = (self.placeholders.name(attribute), self.placeholders.value(value));
            clauses.set.push(format!("{name}=if_not_exists({name},{value})"));
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
        Ok(self.send_metered().await?.0)
    }

    /// Sends the write by itself. Also returns the write units that it took if it was applied, in halves: one unit for
    /// each started kilobyte of the item.
    pub async fn send_metered(self) -> Result<(WriteOutcome, u64)> {
        let Self { table, action, conditions, placeholders, return_old } = self;
        let expressions = Expressions::new(conditions, placeholders);
        let client = &table.connection.client;
        match action {
            Action::Put(item) => {
                let put = expressions!(client.put_item().table_name(&*table.name), expressions);
                let put = put.set_item(Some(item)).return_consumed_capacity(ReturnConsumedCapacity::Total);
                let done = put.send().boxed().await.map(|done| done.consumed_capacity);
                table.outcome("PutItem", done, |_| None)
            }
            Action::Update { key, clauses } => {
                let update = expressions!(client.update_item().table_name(&*table.name), expressions);
                let update = update
                    .set_key(Some(key))
                    .update_expression(clauses.expression())
                    .set_return_values_on_condition_check_failure(return_old.then_some(OnFailure::AllOld))
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                let done = update.send().boxed().await.map(|done| done.consumed_capacity);
                table.outcome("UpdateItem", done, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(failed) => failed.item.clone(),
                    _ => None,
                })
            }
            Action::Delete { key } => {
                let delete = expressions!(client.delete_item().table_name(&*table.name), expressions);
                let delete =
                    delete.set_key(Some(key)).return_consumed_capacity(ReturnConsumedCapacity::Total);
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
        let Self { table, action, conditions, placeholders, .. } = self;
        let expressions = Expressions::new(conditions, placeholders);
        let item = TransactWriteItem::builder();
        let item = match action {
            Action::Put(new) => {
                let put = expressions!(Put::builder().table_name(&*table.name), expressions);
                item.put(put.set_item(Some(new)).build().map_err(Error::internal)?)
            }
            Action::Update { key, clauses } => {
                let update = expressions!(Update::builder().table_name(&*table.name), expressions);
                let update = update.set_key(Some(key)).update_expression(clauses.expression());
                item.update(update.build().map_err(Error::internal)?)
            }
            Action::Delete { key } => {
                let delete = expressions!(Delete::builder().table_name(&*table.name), expressions);
                item.delete(delete.set_key(Some(key)).build().map_err(Error::internal)?)
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
    ) -> Result<(WriteOutcome, u64)>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let error = match done {
            Ok(capacity) => {
                self.connection.meter.write(&capacity);
                return Ok((WriteOutcome::Applied, halves(capacity.as_ref())));
            }
            Err(error) => error,
        };
        self.connection.meter.write(None);
        let refused = error.as_service_error();
        let outcome = match refused.and_then(ProvideErrorMetadata::code) {
            Some("ConditionalCheckFailedException") => WriteOutcome::ConditionFailed(refused.and_then(old)),
            Some("TransactionConflictException") => WriteOutcome::Conflict,
            _ if refused.is_some_and(is_too_large) => WriteOutcome::TooLarge,
            _ => return Err(failed(operation, &error)),
        };
        Ok((outcome, 0))
    }
}
