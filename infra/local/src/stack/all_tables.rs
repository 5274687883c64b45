//! All tables, for access without the restrictions of a function's role.

use runtime::config::ConfigError;
use runtime::tables::{Database, TableNames, Tables};
use store::{Events, Registry, Usage};

use crate::aws::tables::table_name;

/// A handle for every table.
#[derive(Clone, Debug)]
pub struct AllTables {
    pub events: Events,
    pub usage: Usage,
    pub registry: Registry,
}

impl Tables for AllTables {
    fn open(database: &Database) -> Result<Self, ConfigError> {
        Ok(Self { events: database.events()?, usage: database.usage()?, registry: database.registry()? })
    }
}

/// The names of all tables in the local stack.
pub fn all_names() -> TableNames {
    TableNames {
        events: Some(table_name("EventsTable")),
        usage: Some(table_name("UsageTable")),
        registry: Some(table_name("RegistryTable")),
    }
}
