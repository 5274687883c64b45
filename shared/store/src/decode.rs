//! Decodes attribute values by hand: numbers go from text to decimal, never through serde, whose numbers are floats.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use rust_decimal::Decimal;

use super::Item;
use super::keys::{FULL, PK, SEALED, SK, UNPRICED, VERSION, WRITES, columns, is_mark};
use crate::error::{Error, Result};
use ledger::rollup::{Column, Rollup, UnpricedRows};

/// The text of a string attribute.
pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The text of a string attribute that every such item has.
pub fn required<'a>(item: &'a Item, name: &str) -> Result<&'a str> {
    text(item, name).ok_or_else(|| Error::Internal(format!("a stored item has no {name}")))
}

/// A number, without any loss of digits.
pub fn number(value: &AttributeValue) -> Option<Decimal> {
    ledger::money::parse_exact(value.as_n().ok()?)
}

/// The members of a string set; none if there is no such attribute.
pub fn texts(item: &Item, name: &str) -> Vec<String> {
    item.get(name).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default()
}

/// The members of a set of 8-byte hashes.
pub fn hashes(value: &AttributeValue) -> Option<BTreeSet<[u8; 8]>> {
    value.as_bs().ok()?.iter().map(|member| member.as_ref().try_into().ok()).collect()
}

/// The columns of a rollup item, including those of events of neighboring days.
pub fn sums(item: &Item) -> Result<Rollup> {
    let mut merged = Rollup::default();
    each_column(item, |column, value| {
        let column = Column::from(column.measure);
        match value {
            Value::Number(number) => merged.add(column, number),
            Value::Name(name) => drop(merged.names.insert(column, name)),
            Value::Set(members) => merged.sets.entry(column).or_default().extend(members),
        }
    })?;
    merged.unpriced = unpriced(item)?;
    Ok(merged)
}

/// The columns of a rollup item as they are stored. Unlike [`sums`], this keeps zeros and the days that columns are of.
pub fn columns(item: &Item) -> Result<Rollup> {
    let mut sums = Rollup::default();
    each_column(item, |column, value| match value {
        Value::Number(number) => drop(sums.numbers.insert(column, number)),
        Value::Name(name) => drop(sums.names.insert(column, name)),
        Value::Set(members) => drop(sums.sets.insert(column, members)),
    })?;
    sums.unpriced = unpriced(item)?;
    Ok(sums)
}

/// The calls without a price that a rollup item holds.
pub fn unpriced(item: &Item) -> Result<UnpricedRows> {
    let rows = text(item, UNPRICED).map_or_else(|| Ok(UnpricedRows::default()), serde_json::from_str);
    rows.map_err(|fault| Error::Internal(format!("a rollup item has malformed rows: {fault}")))
}

/// The value of a column.
enum Value {
    Number(Decimal),
    Name(String),
    Set(BTreeSet<[u8; 8]>),
}

fn each_column(item: &Item, mut take: impl FnMut(Column, Value)) -> Result<()> {
    for (name, value) in item {
        if is_system(name) {
            continue;
        }
        let malformed = || Error::Internal(format!("a rollup item has a malformed column {name}"));
        let value = match value {
            AttributeValue::N(_) => Value::Number(number(value).ok_or_else(malformed)?),
            AttributeValue::S(model) => Value::Name(model.clone()),
            AttributeValue::Bs(_) => Value::Set(hashes(value).ok_or_else(malformed)?),
            _ => return Err(malformed()),
        };
        take(columns::parse(name).ok_or_else(malformed)?, value);
    }
    Ok(())
}

/// Whether an attribute of a rollup item is not a column.
fn is_system(name: &str) -> bool {
    [PK, SK, VERSION, WRITES, SEALED, FULL, UNPRICED].contains(&name) || is_mark(name)
}
