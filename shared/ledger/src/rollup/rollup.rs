//! A rollup: columns of numbers, which are added, and of names and sets, in which repetition changes nothing; and rows of
//! calls without a price, whose number is bounded.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::{Column, UnpricedRows};
use crate::ids::ModelKey;
use crate::money::exact_add;

/// The columns of an item, or what one or more events add to it. Addition is commutative and exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// Counters and amounts. A zero is absent.
    pub numbers: BTreeMap<Column, Decimal>,
    /// Names behind codes. A code always has the same name.
    pub names: BTreeMap<Column, String>,
    /// Sets of hashes, to count distinct members.
    pub sets: BTreeMap<Column, BTreeSet<[u8; 8]>>,
    /// Calls without a price; only in an item of its own, see [`RollupId::UnpricedDay`](super::RollupId::UnpricedDay).
    pub unpriced: UnpricedRows,
}

/// Separates provider and model in a name; escaped in the provider.
const NAME_SEPARATOR: char = '#';

impl Rollup {
    /// Adds `value` to a column.
    pub fn add(&mut self, column: impl Into<Column>, value: Decimal) {
        let column = column.into();
        if value.is_zero() {
            return;
        }
        let sum = self.numbers.get(&column).copied().unwrap_or_default();
        let sum = exact_add(sum, value);
        // The columns of a void call are those of no call.
        if sum.is_zero() {
            self.numbers.remove(&column);
        } else {
            self.numbers.insert(column, sum);
        }
    }

    /// Stores the model behind a code.
    pub fn name(&mut self, column: impl Into<Column>, model: &ModelKey) {
        self.names.insert(column.into(), model_name(&model.provider, &model.model));
    }

    /// Adds a member to a set.
    pub fn insert(&mut self, column: impl Into<Column>, member: [u8; 8]) {
        self.sets.entry(column.into()).or_default().insert(member);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (column, value) in &other.numbers {
            self.add(column.clone(), *value);
        }
        self.names.extend(other.names.iter().map(|(column, name)| (column.clone(), name.clone())));
        for (column, members) in &other.sets {
            self.sets.entry(column.clone()).or_default().extend(members);
        }
        self.unpriced.merge(&other.unpriced);
    }

    /// The same rollup, of events that happened `days` after the day of the item that it is added to.
    #[must_use]
    pub fn offset(self, days: i64) -> Self {
        if days == 0 {
            return self;
        }
        let moved = |column: Column| Column { days_after: column.days_after + days, ..column };
        Self {
            numbers: self.numbers.into_iter().map(|(column, value)| (moved(column), value)).collect(),
            names: self.names.into_iter().map(|(column, name)| (moved(column), name)).collect(),
            sets: self.sets.into_iter().map(|(column, members)| (moved(column), members)).collect(),
            // They are counted on the day of the event, in every zone.
            unpriced: self.unpriced,
        }
    }

    /// The part that comes from events that happened `days` after the item's day.
    #[must_use]
    pub fn part(&self, days: i64) -> Self {
        let of_day = |column: &Column| column.days_after == days;
        Self {
            numbers: self.numbers.iter().filter(|(column, _)| of_day(column)).map(owned).collect(),
            names: self.names.iter().filter(|(column, _)| of_day(column)).map(owned).collect(),
            sets: self.sets.iter().filter(|(column, _)| of_day(column)).map(owned).collect(),
            unpriced: if days == 0 { self.unpriced.clone() } else { UnpricedRows::default() },
        }
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.names.is_empty() && self.sets.is_empty() && self.unpriced.is_empty()
    }

    /// The number in a column; zero where there is none.
    pub fn number(&self, column: impl Into<Column>) -> Decimal {
        self.numbers.get(&column.into()).copied().unwrap_or_default()
    }

    /// The members of a set; empty where there is none.
    pub fn set(&self, column: impl Into<Column>) -> BTreeSet<[u8; 8]> {
        self.sets.get(&column.into()).cloned().unwrap_or_default()
    }

    /// Every column.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.numbers.keys().chain(self.names.keys()).chain(self.sets.keys())
    }
}

fn owned<T: Clone>((column, value): (&Column, &T)) -> (Column, T) {
    (column.clone(), value.clone())
}

/// The name of a model, by which it can be told from every other.
pub(crate) fn model_name(provider: &str, model: &str) -> String {
    if provider.contains(['%', NAME_SEPARATOR]) {
        let provider = provider.replace('%', "%p").replace(NAME_SEPARATOR, "%h");
        return [&provider, "#", model].concat();
    }
    [provider, "#", model].concat()
}

/// The model that a name names.
pub(crate) fn model_of(name: &str) -> Option<ModelKey> {
    let (provider, model) = name.split_once(NAME_SEPARATOR)?;
    let provider = provider.replace("%h", "#").replace("%p", "%");
    Some(ModelKey { provider, model: model.to_owned() })
}

/// The first 8 bytes of a SHA-256 over `parts`, each followed by a byte that no identifier contains.
pub(super) fn short_hash(parts: &[&str]) -> [u8; 8] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hash: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| hash[i])
}
