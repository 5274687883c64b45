//! The three DynamoDB tables: raw events, usage rollups and the registry. Handlers call these functions directly; there
//! is no layer between them.

#![warn(missing_docs)]

pub mod activity;
pub mod alerts;
pub mod aws;
pub mod compute;
mod decode;
mod end_users;
pub mod error;
pub mod events;
pub mod keys;
mod meter;
pub mod quarantine;
pub mod raw_events;
pub mod reconcile;
pub mod registry;
pub mod sequence;
pub mod status;
mod table;
pub mod usage;
mod version;

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

pub use error::{Error, Result};
pub use meter::{Meter, Reading};

use keys::{Key, KeyRange, PK, SK, VERSION};
use table::{Connection, Table};

/// An item in the SDK's form: attribute values by name.
pub type Item = HashMap<String, AttributeValue>;

/// Names of the three tables.
#[derive(Clone, Debug)]
pub struct TableNames {
    /// Raw events.
    pub events: String,
    /// Rollups by day and hour.
    pub usage: String,
    /// Settings of organizations, agents, projects, prices and budgets, and alerts.
    pub registry: String,
}

/// The tables, one meter for all of them, and a cache of settings. Clones share all of it.
#[derive(Clone, Debug)]
pub struct Store {
    events: Table,
    usage: Table,
    registry: Table,
    meter: Arc<Meter>,
    settings: Arc<registry::SettingsCache>,
}

impl Store {
    /// The tables named `names`, reached through `client`.
    pub fn new(client: Client, names: &TableNames) -> Self {
        let connection = Connection { client, meter: Arc::default() };
        Self {
            events: connection.table(&names.events),
            usage: connection.table(&names.usage),
            registry: connection.table(&names.registry),
            meter: connection.meter,
            settings: Arc::default(),
        }
    }

    /// The tables named `names`, reached with the credentials and in the region of the environment.
    pub async fn from_env(names: &TableNames) -> Self {
        Self::new(Client::new(&aws::config().await), names)
    }

    /// Opens the connection during the init phase, so that the first request does not wait for the TLS handshake. A
    /// failure is ignored: the first request will meet and report it.
    pub async fn warm(&self) {
        // A query of the registry, since nearly every function that answers requests is granted that.
        let nothing = KeyRange { pk: "#warm".to_owned(), from: "-".to_owned(), to: "-".to_owned() };
        let _ = self.registry.query(&nothing).page().await;
    }

    /// The round trips and capacity units that this store and its clones have used.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }
}

/// A string attribute.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute.
pub(crate) fn n(number: impl std::fmt::Display + Copy) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The key attributes of an item.
pub(crate) fn key_attributes(key: &Key) -> Item {
    HashMap::from([(PK.to_owned(), s(&key.pk)), (SK.to_owned(), s(&key.sk))])
}

/// A new item with only its key and its version.
pub(crate) fn new_item(key: &Key) -> Item {
    let mut item = key_attributes(key);
    item.insert(VERSION.to_owned(), version::attribute());
    item
}
