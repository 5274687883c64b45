//! The one way to DynamoDB: no other module of this crate calls the SDK.
//!
//! What every call needs is done here once: it asks for the consumed capacity and meters it, checks the layout version
//! of each item that is read, turns a failed condition into a value rather than an error, and tells errors after which
//! the same call may succeed from those after which it never will.
//!
//! The futures of the SDK are boxed. Their types nest so deeply that the compiler gives up on futures made of them.

mod error;
mod expression;
mod query;
mod transact;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{BatchStatementError, BatchStatementRequest};
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use futures::FutureExt;
use futures::future::try_join_all;
use rand::RngExt;
use tokio::time::{Instant, sleep};

use crate::aws::ATTEMPTS;
use crate::error::{Error, Result};
use crate::keys::{Key, KeyRange, VERSION};
use crate::{Connection, Item, Meter, key_attributes, version};

use error::failed;
use expression::Placeholders;
pub use expression::{absent, absent_or, absent_or_below, absent_or_smaller, equals, exists};
pub use query::{Index, Query};
pub use transact::TransactOutcome;
pub use write::{Write, WriteOutcome};

/// The most keys in one `BatchGetItem`.
const GET_BATCH: usize = 100;
/// The longest pause before keys that a `BatchGetItem` left unprocessed are requested again.
const GET_PAUSE: Duration = Duration::from_millis(100);
/// How long unprocessed keys are requested again.
const GET_DEADLINE: Duration = Duration::from_secs(10);

/// Whether a read sees every write that was acknowledged before it. A strong read costs twice the read units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// It may miss writes of the last second or so.
    Eventual,
    /// It sees them all.
    Strong,
}

impl Consistency {
    fn is_strong(self) -> bool {
        self == Self::Strong
    }
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    connection: Connection,
    name: Arc<str>,
}

impl Table {
    pub fn new(connection: &Connection, name: &str) -> Self {
        Self { connection: Connection::clone(connection), name: name.into() }
    }

    /// The item under `key`, if there is one.
    pub async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>> {
        let item = self.get_any_version(key, consistency).await?;
        item.map(version::known).transpose()
    }

    /// Like [`Self::get`], for callers that check the version themselves.
    pub async fn get_any_version(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>> {
        let found = self
            .connection
            .client
            .get_item()
            .table_name(&*self.name)
            .set_key(Some(key_attributes(key)))
            .consistent_read(consistency.is_strong())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .boxed()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        self.connection.meter.read(found.consumed_capacity());
        Ok(found.item)
    }

    /// The items that exist under `keys`, in no order: one call for each hundred keys, all at the same time. DynamoDB
    /// rejects a call that names a key twice.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>> {
        self.get_chunks(keys, &|request| request).await
    }

    /// Like [`Self::get_many`], but strongly consistent and with only these attributes of each item, to which the version
    /// has to belong.
    pub async fn get_many_attributes(&self, keys: &[Key], attributes: &[&str]) -> Result<Vec<Item>> {
        let mut names = Placeholders::default();
        let projection = names.projection(attributes.iter().copied());
        let (names, _) = names.into_parts();
        let narrow = |mut request: KeysAndAttributes| {
            request.consistent_read = Some(true);
            request.projection_expression = Some(projection.clone());
            request.expression_attribute_names.clone_from(&names);
            request
        };
        self.get_chunks(keys, &narrow).await
    }

    async fn get_chunks(
        &self,
        keys: &[Key],
        options: &(impl Fn(KeysAndAttributes) -> KeysAndAttributes + Sync),
    ) -> Result<Vec<Item>> {
        let calls = keys.chunks(GET_BATCH).map(|keys| async move {
            let keys = keys.iter().map(key_attributes).collect();
            let request = KeysAndAttributes::builder().set_keys(Some(keys)).build();
            self.get_chunk(options(request.map_err(Error::internal)?)).await
        });
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    /// DynamoDB leaves keys unprocessed where the items are large or the table is throttled. They are requested again
    /// until the deadline, as long as some of [`ATTEMPTS`] requests in a row bring an item.
    async fn get_chunk(&self, mut left: KeysAndAttributes) -> Result<Vec<Item>> {
        let deadline = Instant::now() + GET_DEADLINE;
        let (mut items, mut idle) = (Vec::new(), 0);
        loop {
            let before = left.keys().len();
            let response = self
                .connection
                .client
                .batch_get_item()
                .request_items(&*self.name, left)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .boxed()
                .await
                .map_err(|error| failed("BatchGetItem", &error))?;
            self.connection.meter.read(response.consumed_capacity().first());
            for item in response.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                items.push(version::known(item)?);
            }
            let unprocessed = response.unprocessed_keys.unwrap_or_default().into_values().next();
            let Some(unprocessed) = unprocessed.filter(|left| !left.keys().is_empty()) else {
                return Ok(items);
            };
            idle = if unprocessed.keys().len() < before { 0 } else { idle + 1 };
            if idle == ATTEMPTS || Instant::now() >= deadline {
                return Err(Error::Unavailable("BatchGetItem leaves keys unprocessed".to_owned()));
            }
            left = unprocessed;
            sleep(full_jitter(GET_PAUSE)).await;
        }
    }

    /// A query of a range of keys of the table itself.
    pub fn query(&self, range: &KeyRange) -> Query<'_> {
        Query::new(self, None, range)
    }

    /// A query of a range of keys of an index.
    pub fn query_index(&self, index: Index, range: &KeyRange) -> Query<'_> {
        Query::new(self, Some(index), range)
    }

    /// A put of a whole item, whose version is set by the caller.
    pub fn put(&self, item: Item) -> Write<'_> {
        Write::put(self, item)
    }

    /// An update of the item under `key`, which is created if it does not exist. It sets the item's version.
    pub fn update(&self, key: &Key) -> Write<'_> {
        Write::update(self, key).set(VERSION, version::attribute())
    }

    /// An update that does not set the version, of an item that is known to exist.
    pub fn update_existing(&self, key: &Key) -> Write<'_> {
        Write::update(self, key)
    }

    /// A delete of the item under `key`, whether or not it exists.
    pub fn delete(&self, key: &Key) -> Write<'_> {
        Write::delete(self, key)
    }

    /// Runs PartiQL statements, each by itself: the error of each one that failed. A response that is missing is an
    /// error without a code.
    pub async fn execute_batch(
        &self,
        statements: Vec<BatchStatementRequest>,
    ) -> Result<Vec<Option<BatchStatementError>>> {
        let wanted = statements.len();
        let response = self
            .connection
            .client
            .batch_execute_statement()
            .set_statements(Some(statements))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .boxed()
            .await
            .map_err(|error| failed("BatchExecuteStatement", &error))?;
        self.connection.meter.write(response.consumed_capacity());
        let responses = response.responses.unwrap_or_default();
        let mut errors: Vec<_> = responses.into_iter().map(|response| response.error).collect();
        errors.resize(wanted, Some(BatchStatementError::builder().build()));
        Ok(errors)
    }

    /// The meter of all calls through the same connection.
    pub fn meter(&self) -> &Meter {
        self.connection.meter()
    }

    /// The table's name, which PartiQL statements hold.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A pause of any length up to `longest`: full jitter, so that competing writers do not collide again.
pub fn full_jitter(longest: Duration) -> Duration {
    rand::rng().random_range(Duration::ZERO..=longest)
}
