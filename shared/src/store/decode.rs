//! Attribute values by hand: numbers go from text to decimal, never through serde, whose numbers are floats.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use rust_decimal::Decimal;

use super::Item;
use super::keys::{Column, PK, SK, VERSION, is_mark};
use crate::error::{Error, Result};
use crate::rollup::Sums;

/// The text of an attribute.
pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// An attribute that has to be there.
pub fn required<'a>(item: &'a Item, name: &str) -> Result<&'a str> {
    text(item, name).ok_or_else(|| Error::Internal(format!("a stored item has no {name}")))
}

/// A number, every digit of it.
pub fn number(value: &AttributeValue) -> Option<Decimal> {
    crate::money::parse_exact(value.as_n().ok()?)
}

/// The members of a set of texts.
pub fn texts(item: &Item, name: &str) -> Vec<String> {
    item.get(name).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default()
}

/// The members of a set of 8-byte hashes.
pub fn hashes(value: &AttributeValue) -> Option<BTreeSet<[u8; 8]>> {
    value.as_bs().ok()?.iter().map(|member| member.as_ref().try_into().ok()).collect()
}

/// The columns of an item of the usage table.
pub fn sums(item: &Item) -> Result<Sums> {
    let mut sums = Sums::default();
    for (name, value) in item {
        if name == PK || name == SK || name == VERSION || is_mark(name) {
            continue;
        }
        let column = Column::stored(name.clone());
        let odd = || Error::Internal(format!("a usage item has an odd column {name}"));
        match value {
            AttributeValue::N(_) => sums.add(column, number(value).ok_or_else(odd)?),
            AttributeValue::S(model) => {
                sums.names.insert(column, model.clone());
            }
            AttributeValue::Bs(_) => {
                sums.sets.insert(column, hashes(value).ok_or_else(odd)?);
            }
            _ => return Err(odd()),
        }
    }
    Ok(sums)
}
