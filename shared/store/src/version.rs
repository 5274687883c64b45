//! The version of an item's layout, which every item carries.
//!
//! One number counts for all tables. It goes up when the meaning of an attribute changes, or when an attribute is added
//! without which an item would be misread; `tests/deployed/versions.rs` lists the steps.

use aws_sdk_dynamodb::types::AttributeValue;

use super::Item;
use super::keys::{PK, VERSION};
use crate::error::{Error, Result};

/// The version that is written.
pub const LAYOUT: &str = "1";

/// The version attribute of an item that is written.
pub fn attribute() -> AttributeValue {
    AttributeValue::N(LAYOUT.to_owned())
}

/// The item, if its version is known.
pub fn known(item: Item) -> Result<Item> {
    check(&item).map(|()| item)
}

/// Refuses an item that a newer release wrote rather than misread it: after a rollback this fails until that release is
/// back.
pub fn check(item: &Item) -> Result<()> {
    let version = item.get(VERSION).and_then(|version| version.as_n().ok());
    if version.map(String::as_str) == Some(LAYOUT) {
        return Ok(());
    }
    let version = version.map_or("none", String::as_str);
    let place = item.get(PK).and_then(|pk| pk.as_s().ok()).map_or("another item", String::as_str);
    Err(Error::Internal(format!("an item in {place} has version {version}, this release reads {LAYOUT}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s;

    #[test]
    fn only_the_version_that_is_written_is_read() {
        let item = |version: Option<AttributeValue>| {
            let mut item = Item::from([(PK.to_owned(), s("acme"))]);
            item.extend(version.map(|version| (VERSION.to_owned(), version)));
            known(item).map_err(|error| format!("{error:?}"))
        };
        assert!(item(Some(attribute())).is_ok());
        for (version, text) in [
            (None, "version none"),
            (Some(AttributeValue::N("2".to_owned())), "an item in acme has version 2, this release reads 1"),
            (Some(s("1")), "version none"),
        ] {
            assert!(item(version).unwrap_err().contains(text));
        }
    }
}
