//! How much of a rollup an item has room for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use rust_decimal::Decimal;

use crate::usage;
use ledger::rollup::{Column, Measure, ModelCode, Rollup};

/// The most bytes of the columns of an item that is written as a whole. DynamoDB stores 400 KB.
const MAX_BYTES: usize = 350 << 10;
/// Room for the columns of `(other)`.
const OTHER_BYTES: usize = 8 << 10;

/// Columns that an item has together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Model(ModelCode),
    Activity(Column),
    /// What every item has.
    Fixed,
}

fn group(column: &Column) -> Group {
    match &column.measure {
        Measure::Model(code, _)
        | Measure::LongContext(code, ..)
        | Measure::LongerInput(code, _)
        | Measure::ModelName(code) => Group::Model(*code),
        Measure::ActivityInHour(..) => Group::Activity(column.clone()),
        _ => Group::Fixed,
    }
}

/// The part of `rollup` that one item has room for, and whether that is less than all of it: the columns of `kept` and
/// what is counted most, the rest as `(other)`; of sets the first members.
pub(crate) fn fit(rollup: &Rollup, kept: &BTreeSet<Column>) -> (Rollup, bool) {
    let mut bytes: BTreeMap<Group, usize> = BTreeMap::new();
    for (column, name, value) in usage::named_columns(rollup) {
        *bytes.entry(group(column)).or_default() += name.len() + length(&value);
    }
    if bytes.values().sum::<usize>() <= MAX_BYTES {
        return (rollup.clone(), false);
    }
    let mut weights: BTreeMap<Group, Decimal> = BTreeMap::new();
    for (column, value) in &rollup.numbers {
        let weight = weights.entry(group(column)).or_default();
        *weight = (*weight).max(*value);
    }
    let had: BTreeSet<_> = kept.iter().map(group).collect();
    let mut groups: Vec<_> = bytes.into_iter().collect();
    groups.sort_by_key(|(group, _)| {
        let weight = weights.get(group).copied().unwrap_or_default();
        (*group != Group::Fixed, !had.contains(group), Reverse(weight))
    });
    let mut room = MAX_BYTES - OTHER_BYTES;
    let mut chosen = BTreeSet::new();
    for (group, bytes) in groups {
        let Some(left) = room.checked_sub(bytes) else { continue };
        room = left;
        chosen.insert(group);
    }
    let columns = rollup.columns().filter(|column| chosen.contains(&group(column))).cloned().collect();
    let mut part = rollup.within(&columns);
    for (column, members) in &rollup.sets {
        let fixed = if chosen.contains(&Group::Fixed) { members.len() } else { room / MEMBER };
        part.sets.insert(column.clone(), members.iter().copied().take(fixed).collect());
    }
    (part, true)
}

/// The bytes of a member of a set.
const MEMBER: usize = 9;

/// About the bytes that DynamoDB counts for a value, rather more than less.
fn length(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() / 2 + 3,
        AttributeValue::Bs(members) => members.len() * MEMBER,
        _ => 0,
    }
}
