//! Keys of what is known about senders: an item for each source and day, in the usage table.

use super::escape::{IN_KEY, escape, unescape};
use super::{AFTER_SEPARATOR, Key, KeyRange, SEPARATOR};
use ledger::ids::{ModelKey, OrgId};
use ledger::period::{Day, DayRange};

/// Attributes of a source's day.
pub mod source {
    /// The format that it sends.
    pub const KIND: &str = "k";
    /// Its version, as it stated last.
    pub const VERSION: &str = "n";
    /// The arrival of its first request: RFC 3339.
    pub const FIRST: &str = "f";
    /// The arrival of its last request: RFC 3339.
    pub const LAST: &str = "l";
    /// When the item may be deleted: seconds since 1970. The table's TTL attribute.
    pub const EXPIRES: &str = "x";
    /// Precedes the reason in the name of the counter of what was refused for it.
    pub const REFUSED: &str = "r_";
    /// Precedes the name of a time series in which the source counts its calls itself.
    pub const SERIES: &str = "c_";
    /// Precedes a model in the name of the number of its calls whose reported cost differs from their cost.
    pub const DIFFERENT_CALLS: &str = "dn_";
    /// The same for the cost that was reported.
    pub const DIFFERENT_REPORTED: &str = "dr_";
    /// The same for the cost that was charged.
    pub const DIFFERENT_CHARGED: &str = "dc_";
}

/// A model in the name of an attribute.
pub fn model_attribute(prefix: &str, model: &ModelKey) -> String {
    format!("{prefix}{}{SEPARATOR}{}", escape(&model.provider, IN_KEY), model.model)
}

/// The model in what follows the prefix of an attribute's name.
pub fn parse_model_attribute(name: &str) -> Option<ModelKey> {
    let (provider, model) = name.split_once(SEPARATOR)?;
    Some(ModelKey { provider: unescape(provider, IN_KEY)?.into_owned(), model: model.to_owned() })
}

fn sources_key(org: &OrgId) -> String {
    format!("{org}#S")
}

/// A day of a source, UTC.
pub fn source_day(org: &OrgId, day: Day, source: &str) -> Key {
    Key { pk: sources_key(org), sk: format!("{day}{SEPARATOR}{source}") }
}

/// The days of all sources.
pub fn source_days(org: &OrgId, days: DayRange) -> KeyRange {
    let (from, to) = (format!("{}{SEPARATOR}", days.first), format!("{}{AFTER_SEPARATOR}", days.last));
    KeyRange { pk: sources_key(org), from, to }
}

/// The source of a source's day.
pub fn parse_source_day(sk: &str) -> Option<&str> {
    sk.split_once(SEPARATOR).map(|(_, source)| source)
}
