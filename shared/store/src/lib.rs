//! The three DynamoDB tables, through the AWS SDK. Handlers call these functions directly.

#![warn(missing_docs)]

pub mod activity;
pub mod alerts;
pub mod aws;
mod batch;
pub mod compute;
mod decode;
mod end_users;
pub mod error;
pub mod events;
pub mod keys;
mod meter;
pub mod proof;
pub mod quarantine;
pub mod registry;
pub mod sequence;
pub mod status;
pub mod usage;
mod version;

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

pub use meter::{Meter, Reading};

pub use error::{Error, Result};
use keys::{Key, KeyRange, PK, SK, VERSION};

/// An item as the SDK gives it.
pub type Item = HashMap<String, AttributeValue>;

/// Names of the three tables.
#[derive(Clone, Debug)]
pub struct TableNames {
    /// Raw events.
    pub events: String,
    /// Rollups by day and hour.
    pub usage: String,
    /// Organizations, agents, projects, plans, budgets and prices.
    pub registry: String,
}

/// The tables.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: Arc<TableNames>,
    meter: Arc<Meter>,
    settings: Arc<registry::SettingsCache>,
}

impl Store {
    /// The tables named `tables`, reached through `client`.
    pub fn new(client: Client, tables: &TableNames) -> Self {
        Self { client, tables: Arc::new(tables.clone()), meter: Arc::default(), settings: Arc::default() }
    }

    /// The tables that the function's environment points to.
    pub async fn from_env(tables: &TableNames) -> Self {
        Self::new(Client::new(&aws::config().await), tables)
    }

    /// Opens the connection, so that the first request does not wait for it. Whether the item is there is no matter,
    /// and neither is a failure: the first request will meet it again and report it.
    pub async fn warm(&self) {
        // A query, since nearly every function that answers requests may do that to the registry.
        let nothing = KeyRange { pk: "#warm".to_owned(), from: "-".to_owned(), to: "-".to_owned() };
        let _ = self.query(&self.tables.registry, &nothing).await;
    }

    /// What this store and its clones have used so far.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Every item of a stretch of keys.
    pub(crate) async fn query(&self, table: &str, range: &KeyRange) -> Result<Vec<Item>> {
        self.query_map(table, range, Ok).await
    }

    /// What `read` makes of every item of a stretch of keys, page after page: an item as the SDK gives it takes
    /// several times the memory of what it says, and no more than a page of them is held.
    pub(crate) async fn query_map<T>(
        &self,
        table: &str,
        range: &KeyRange,
        read: impl Fn(Item) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let page = self.range_query(table, (PK, SK), range).set_exclusive_start_key(start);
            let page = page.send().await.map_err(|error| failed("Query", &error))?;
            self.meter.read(page.consumed_capacity());
            start = page.last_evaluated_key;
            for item in page.items.unwrap_or_default() {
                all.push(read(version::known(item)?)?);
            }
            if start.is_none() {
                return Ok(all);
            }
        }
    }

    /// A query of a stretch of keys, which are called `pk` and `sk` in the table or in an index of it.
    pub(crate) fn range_query(
        &self,
        table: &str,
        (pk, sk): (&str, &str),
        range: &KeyRange,
    ) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(table)
            .key_condition_expression("#p = :p AND #s BETWEEN :f AND :t")
            .expression_attribute_names("#p", pk)
            .expression_attribute_names("#s", sk)
            .expression_attribute_values(":p", s(&range.pk))
            .expression_attribute_values(":f", s(&range.from))
            .expression_attribute_values(":t", s(&range.to))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    pub(crate) fn tables(&self) -> &TableNames {
        &self.tables
    }
}

/// A string attribute.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// The key attributes of an item.
pub(crate) fn key_attributes(key: &Key) -> Item {
    HashMap::from([(PK.to_owned(), s(&key.pk)), (SK.to_owned(), s(&key.sk))])
}

/// A new item, with nothing yet but its key and its version.
pub(crate) fn new_item(key: &Key) -> Item {
    let mut item = key_attributes(key);
    item.insert(VERSION.to_owned(), version::attribute());
    item
}

/// Error codes after which the same call may succeed.
const TRANSIENT: [&str; 8] = [
    "InternalServerError",
    "InternalServerErrorException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "LimitExceededException",
];

/// What an error says and what caused it, for the log: the answer itself, which the SDK's own text shows as well, may
/// hold somebody's data.
fn told<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    if let SdkError::ServiceError(service) = error {
        let (code, message) = (service.err().code(), service.err().message());
        return format!("{}: {}", code.unwrap_or("no code"), message.unwrap_or("no message"));
    }
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What a failed transaction means to whoever waits for the answer: it may succeed the next time where nothing but a
/// crowd kept it from being carried out.
pub(crate) fn transaction_failed<R: std::fmt::Debug>(error: &SdkError<TransactWriteItemsError, R>) -> Error {
    const CROWD: [&str; 5] = [
        "None",
        "ConditionalCheckFailed",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "TransactionConflict",
    ];
    let operation = "TransactWriteItems";
    if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() {
        let mut reasons = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
        if reasons.all(|code| CROWD.contains(&code)) {
            return Error::Unavailable(format!("{operation}: {}", told(error)));
        }
    }
    failed(operation, error)
}

/// What a failed call means to whoever waits for the answer.
pub(crate) fn failed<E, R>(operation: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let text = format!("{operation}: {}", told(error));
    let transient = match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(service) => service.err().code().is_some_and(|code| TRANSIENT.contains(&code)),
        _ => false,
    };
    if transient { Error::Unavailable(text) } else { Error::Internal(text) }
}
