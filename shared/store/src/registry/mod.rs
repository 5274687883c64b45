//! The registry table: the settings of organizations, agents, projects and nodes, and what their events reported.
//!
//! One item holds both: the settings as one map under [`SETTINGS`], with the [`ETAG`] of their version, and what events
//! reported under attributes of its own. Writing the one never touches the other.

mod api_keys;
mod audit;
mod calendar;
mod change;
mod if_match;
mod read;
pub(super) mod seen;
mod settings;
mod used;
mod zone;

pub use api_keys::StoredKey;
pub use audit::Setting;
pub use calendar::StoredCalendars;
pub use change::{Editor, Entity, Next, UNSET};
pub use if_match::IfMatch;
pub(super) use read::stored;
pub use read::{Node, Project, Stored};
pub(super) use settings::SettingsCache;

use serde::de::DeserializeOwned;

use super::Item;
use crate::error::{Error, Result};

/// The attribute that holds the settings.
pub const SETTINGS: &str = "settings";
/// The attribute that holds the version of the settings.
pub const ETAG: &str = "etag";

/// The settings that an item holds, if it holds any.
pub(crate) fn set<T: DeserializeOwned>(item: &Item) -> Result<Option<T>> {
    let settings = item.get(SETTINGS).cloned();
    settings.map(|settings| serde_dynamo::from_attribute_value(settings).map_err(Error::internal)).transpose()
}
