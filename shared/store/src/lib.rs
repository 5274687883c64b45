//! The three DynamoDB tables: [`Events`], [`Usage`] and [`Registry`]. Handlers call their functions directly; there is no
//! layer between them.
//!
//! A Lambda function opens only the tables that its role grants, so that its types say what it may touch. What concerns
//! two tables is a function of the one that it is about, and takes the other as an argument.

#![warn(missing_docs)]

pub mod activity;
pub mod agent_costs;
mod agent_days;
mod agent_parts;
mod agent_sums;
mod agent_uses;
pub mod alerts;
pub mod aws;
pub mod blocks;
pub mod chains;
pub mod completeness;
pub mod compute;
mod decode;
mod end_users;
pub mod erasure;
pub mod error;
pub mod events;
pub mod exported;
mod hours;
pub mod keys;
mod meter;
pub mod quarantine;
pub mod raw_events;
pub mod reconcile;
pub mod registry;
pub mod repricing;
mod room;
pub mod sequence;
pub mod sources;
pub mod status;
mod table;
mod tracked;
pub mod usage;
mod version;

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

pub use error::{Error, Result};
pub use meter::{Meter, Reading};
pub use sources::Sources;

use keys::{Key, KeyRange, PK, SK, VERSION};
use table::Table;

/// An item in the SDK's form: attribute values by name.
pub type Item = HashMap<String, AttributeValue>;

/// A client of DynamoDB, and the meter of all calls that are made through it. Clones share both.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    meter: Arc<Meter>,
}

impl Connection {
    /// A connection through `client`, with a meter of its own.
    pub fn new(client: Client) -> Self {
        Self { client, meter: Arc::default() }
    }

    /// A connection with the credentials and in the region of the environment.
    pub async fn from_env() -> Self {
        Self::new(Client::new(aws::config().await))
    }

    /// The round trips and capacity units of all tables that were opened through this connection.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }
}

/// The events table: raw events, and with them the activity log.
#[derive(Clone, Debug)]
pub struct Events {
    table: Table,
}

impl Events {
    /// The events table named `name`.
    pub fn open(connection: &Connection, name: &str) -> Self {
        Self { table: Table::new(connection, name) }
    }

    /// The meter of the connection, which all tables that were opened through it share.
    pub fn meter(&self) -> &Meter {
        self.table.meter()
    }
}

/// The usage table: rollups by day and hour, and the state of the pipeline.
#[derive(Clone, Debug)]
pub struct Usage {
    table: Table,
}

impl Usage {
    /// The usage table named `name`.
    pub fn open(connection: &Connection, name: &str) -> Self {
        Self { table: Table::new(connection, name) }
    }

    /// The meter of the connection, which all tables that were opened through it share.
    pub fn meter(&self) -> &Meter {
        self.table.meter()
    }
}

/// The registry table: the settings of organizations, agents, projects, prices and budgets, and alerts. Clones share a
/// cache of settings.
#[derive(Clone, Debug)]
pub struct Registry {
    table: Table,
    settings: Arc<registry::SettingsCache>,
}

impl Registry {
    /// The registry table named `name`.
    pub fn open(connection: &Connection, name: &str) -> Self {
        Self { table: Table::new(connection, name), settings: Arc::default() }
    }

    /// The meter of the connection, which all tables that were opened through it share.
    pub fn meter(&self) -> &Meter {
        self.table.meter()
    }

    /// Opens the connection during the init phase, so that the first request does not wait for the TLS handshake. A
    /// failure is ignored: the first request will meet and report it.
    pub async fn warm(&self) {
        // A query of the registry, since nearly every function that answers requests is granted that.
        let nothing = KeyRange { pk: "#warm".to_owned(), from: "-".to_owned(), to: "-".to_owned() };
        let _ = self.table.query(&nothing).page().await;
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
