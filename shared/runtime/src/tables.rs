//! The tables of a function: handles for those that its role grants, opened by the names in its environment.

use store::{Connection, Events, Registry, Sources, Usage};

use crate::config::ConfigError;

/// The tables that the environment names.
#[derive(Clone, Debug, Default)]
pub struct TableNames {
    /// Raw events: `EVENTS_TABLE`.
    pub events: Option<String>,
    /// Rollups by day and hour: `USAGE_TABLE`.
    pub usage: Option<String>,
    /// Settings and alerts: `REGISTRY_TABLE`.
    pub registry: Option<String>,
}

/// A connection, and the names of the tables that can be opened through it.
#[derive(Clone, Debug)]
pub struct Database {
    connection: Connection,
    names: TableNames,
}

/// The tables of one function: a struct with a handle for each table that its role grants, so that its type says what
/// the function may touch.
pub trait Tables: Clone + Send + Sync + 'static {
    /// Opens the tables.
    ///
    /// # Errors
    ///
    /// The environment does not name one of them.
    fn open(database: &Database) -> Result<Self, ConfigError>;

    /// Opens the connection during the init phase, if that is worth a query.
    fn warm(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Declares `Tables`, the [`Tables`] of a function, with a handle for each table that is named. `warm` names the table
/// whose connection is opened during the init phase; without it none is.
#[macro_export]
macro_rules! tables {
    ($($table:ident: $handle:ident),* $(; warm $warmed:ident)?) => {
        /// The tables that this function's role grants.
        #[derive(Clone, Debug)]
        pub struct Tables {
            $(pub $table: $handle,)*
        }

        impl $crate::tables::Tables for Tables {
            #[allow(unused_variables, reason = "a function may use no table")]
            fn open(database: &$crate::tables::Database) -> Result<Self, $crate::config::ConfigError> {
                Ok(Self { $($table: database.$table()?,)* })
            }

            $(async fn warm(&self) {
                self.$warmed.warm().await;
            })?
        }
    };
}

impl Database {
    /// The tables named `names`, through `connection`.
    pub const fn new(connection: Connection, names: TableNames) -> Self {
        Self { connection, names }
    }

    /// The tables named `names`, with the credentials and in the region of the environment.
    pub async fn from_env(names: &TableNames) -> Self {
        Self::new(Connection::from_env().await, names.clone())
    }

    /// The events table.
    pub fn events(&self) -> Result<Events, ConfigError> {
        let name = named("EVENTS_TABLE", self.names.events.as_deref())?;
        Ok(Events::open(&self.connection, name))
    }

    /// The usage table.
    pub fn usage(&self) -> Result<Usage, ConfigError> {
        let name = named("USAGE_TABLE", self.names.usage.as_deref())?;
        Ok(Usage::open(&self.connection, name))
    }

    /// The senders in the usage table.
    pub fn sources(&self) -> Result<Sources, ConfigError> {
        let name = named("USAGE_TABLE", self.names.usage.as_deref())?;
        Ok(Sources::open(&self.connection, name))
    }

    /// The registry table.
    pub fn registry(&self) -> Result<Registry, ConfigError> {
        let name = named("REGISTRY_TABLE", self.names.registry.as_deref())?;
        Ok(Registry::open(&self.connection, name))
    }
}

fn named<'a>(variable: &'static str, name: Option<&'a str>) -> Result<&'a str, ConfigError> {
    name.ok_or(ConfigError { name: variable, problem: "is not set; it is the name of a table" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_a_name_is_an_error_that_names_the_variable() {
        let only = |registry: bool| TableNames {
            registry: registry.then(|| "registry".to_owned()),
            ..TableNames::default()
        };
        let database = |registry| {
            let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest().build();
            Database::new(Connection::new(aws_sdk_dynamodb::Client::from_conf(config)), only(registry))
        };
        assert!(database(true).registry().is_ok());
        assert_eq!(database(true).usage().err().map(|error| error.name), Some("USAGE_TABLE"));
        assert_eq!(database(true).events().err().map(|error| error.name), Some("EVENTS_TABLE"));
        assert_eq!(database(false).registry().err().map(|error| error.name), Some("REGISTRY_TABLE"));
    }
}
