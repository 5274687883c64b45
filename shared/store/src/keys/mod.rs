//! Every key, index and attribute name of the three tables, one file per table. Nothing is written under a name that is
//! not defined here.
//!
//! Attribute names of the usage table are short because each of an item's hundreds of columns repeats its name, and
//! every started 1,024 bytes of an item cost a write unit.

pub mod alerts;
pub mod chains;
pub mod columns;
mod erasure;
mod escape;
mod events;
mod mark;
#[cfg(test)]
mod proptests;
pub mod registry;
mod repricing;
mod sources;
pub mod status;
#[cfg(test)]
mod tests;
mod usage;

use chrono::{DateTime, Utc};

pub use chains::Owner;
pub use erasure::{ERASURE, ERASURES_DUE, due_erasure, due_erasures, erasure};
pub use events::{
    LANES, activity, activity_of, activity_place, activity_places, after_activity_place, amended_sk,
    amendment_key, event, event_and_amendments, event_key, events_except_registry_entries, lane_events,
    lane_key, lane_of, parse_activity_place, parse_event_key, parse_event_sk,
};
pub use mark::{is_mark, mark_column};
pub use registry::{
    ORGANIZATIONS, agent, agent_budget, alert_rule, all_of, api_key, budget, calendar, destination,
    is_of_settings, node, organization, organization_settings, organizations, plan, price, project, seen,
    settings, settings_version, subject, unsettled_calendar, unsettled_calendars,
};
pub use repricing::{
    REPRICING, REPRICINGS_DUE, all_cost_pages, cost_page, cost_pages, due_repricing, due_repricings,
    parse_cost_page, repriced_day, repriced_days, repricing,
};
pub use sources::{
    model_attribute, parse_model_attribute, parse_source_day, source, source_day, source_days,
};
pub use usage::{
    DIRTY, END_USER_BUCKETS, END_USERS, FULL, Keyed, MAX_END_USERS, SEALED, UNPRICED, WRITES, activity_days,
    compute_days, compute_hours, dirty_day, dirty_days, end_users, generation_days, in_generation, org_days,
    own_day, parse_compute_bucket, parse_dirty_day, reconcile_progress, unpriced_days,
};

/// Separates the parts of a key.
pub const SEPARATOR: char = '#';
/// The character after [`SEPARATOR`]: `{prefix}$` is greater than every key that begins with `{prefix}#`.
const AFTER_SEPARATOR: char = '$';

/// The partition key of every table.
pub const PK: &str = "pk";
/// The sort key of every table.
pub const SK: &str = "sk";
/// The version of an item's layout.
pub const VERSION: &str = "v";

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

/// A range of sort keys in one partition, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The partition key.
    pub pk: String,
    /// The first sort key.
    pub from: String,
    /// The last sort key.
    pub to: String,
}

/// The last millisecond that [`newest_first`] can express, in the year 2286.
const END_OF_TIME: i64 = 9_999_999_999_999;

/// The milliseconds from `instant` to the end of time: sorts the newest first.
fn newest_first(instant: DateTime<Utc>) -> String {
    format!("{:013}", END_OF_TIME - instant.timestamp_millis().clamp(0, END_OF_TIME))
}

/// The instant of a text that [`newest_first`] made.
fn parse_newest_first(text: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(END_OF_TIME.checked_sub(text.parse().ok()?)?)
}
