//! The registry table: what is set of organisations, agents, projects and nodes, and what was seen of them.
//!
//! An item holds both: what was set as one map under [`SETTINGS`], with the [`ETAG`] of that version, and what events
//! told under names of its own. Neither ever touches the other.

mod audit;
mod if_match;
mod read;
pub(super) mod seen;
mod settings;
mod used;
mod write;

pub use audit::Setting;
pub use if_match::IfMatch;
pub(super) use read::stored;
pub use read::{Node, Project, Stored};
pub(super) use settings::SettingsCache;
pub(super) use write::came_second;
pub use write::{Editor, Entity, Next, UNSET};

use serde::de::DeserializeOwned;

use super::Item;
use crate::error::{Error, Result};

/// The attribute that holds what was set through the registry, beside what events filled in.
pub const SETTINGS: &str = "settings";
/// The attribute that names the version of the settings.
pub const ETAG: &str = "etag";

/// What was set on an item through the registry.
pub(super) fn set<T: DeserializeOwned>(item: &Item) -> Result<Option<T>> {
    let settings = item.get(SETTINGS).cloned();
    settings.map(|settings| serde_dynamo::from_attribute_value(settings).map_err(Error::internal)).transpose()
}
