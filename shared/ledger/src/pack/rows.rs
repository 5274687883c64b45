//! The rows of one group, column by column.

use std::collections::HashMap;

use super::amount::{self, Amount};
use super::figure::Figure;
use super::group::Key;

/// Rows by key. A column is as long as the last row that has a value in it; most groups use few columns.
#[derive(Clone, Debug)]
pub struct Rows {
    keys: Vec<Key>,
    positions: HashMap<Key, usize>,
    columns: [Vec<Amount>; Figure::COUNT],
}

impl Default for Rows {
    fn default() -> Self {
        Self { keys: Vec::new(), positions: HashMap::new(), columns: std::array::from_fn(|_| Vec::new()) }
    }
}

impl Rows {
    /// Rows without values, which have these distinct keys.
    pub fn with_keys(keys: Vec<Key>) -> Self {
        let positions = keys.iter().enumerate().map(|(row, key)| (*key, row)).collect();
        Self { keys, positions, ..Self::default() }
    }

    /// Replaces a column.
    pub fn set_column(&mut self, figure: Figure, values: Vec<Amount>) {
        self.columns[figure as usize] = values;
    }

    /// The row with this key, which is added if it is new.
    pub fn row(&mut self, key: Key) -> usize {
        let keys = &mut self.keys;
        *self.positions.entry(key).or_insert_with(|| {
            keys.push(key);
            keys.len() - 1
        })
    }

    /// The row with this key, if there is one.
    pub fn find(&self, key: Key) -> Option<usize> {
        self.positions.get(&key).copied()
    }

    /// Adds to a figure of a row.
    pub fn add(&mut self, row: usize, figure: Figure, value: Amount) {
        if value == 0 {
            return;
        }
        let column = &mut self.columns[figure as usize];
        if column.len() <= row {
            column.resize(row + 1, 0);
        }
        amount::add(&mut column[row], value);
    }

    /// A figure of a row.
    pub fn get(&self, row: usize, figure: Figure) -> Amount {
        self.columns[figure as usize].get(row).copied().unwrap_or_default()
    }

    /// The keys, by row.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The columns that have any value, with their values by row. A column may be shorter than there are rows.
    pub fn columns(&self) -> impl Iterator<Item = (Figure, &[Amount])> {
        let columns = self.columns.iter().zip(Figure::ALL);
        columns.filter(|(column, _)| !column.is_empty()).map(|(column, figure)| (*figure, column.as_slice()))
    }

    /// Whether a row has any value.
    pub fn has_value(&self, row: usize) -> bool {
        self.columns.iter().any(|column| column.get(row).is_some_and(|value| *value != 0))
    }

    /// Adds the rows of `other` with the sign that `sign` has, their keys translated.
    pub fn merge(&mut self, other: &Self, sign: Amount, translate: impl Fn(&Key) -> Key) {
        let rows: Vec<_> = other.keys.iter().map(|key| self.row(translate(key))).collect();
        for (figure, column) in other.columns() {
            for (row, value) in rows.iter().zip(column) {
                self.add(*row, figure, sign * value);
            }
        }
    }
}
