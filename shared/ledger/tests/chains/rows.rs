//! What is counted here: which records are in a table, and how often. Each record has a row for the organization, and most
//! have one for an agent.

use std::collections::BTreeMap;
use std::rc::Rc;

use ledger::chain::{Family, KeyRange, Kind, Rows};

pub type Id = u32;

/// A row of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub kind: View,
    pub id: Id,
}

pub type Delta = Rc<Vec<Entry>>;

/// What packs are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    Organization,
    Agents,
}

impl View {
    pub const ALL: [Self; 2] = [Self::Organization, Self::Agents];
}

impl Kind for View {
    fn families(self) -> &'static [Family] {
        match self {
            Self::Organization => &[Family::Main],
            Self::Agents => &[Family::Main, Family::Agents],
        }
    }
}

/// Whether a record has a row of an agent.
pub fn has_agent(id: Id) -> bool {
    !id.is_multiple_of(4)
}

/// The key that rows are ordered by: eight agents.
pub fn key(id: Id) -> u32 {
    id.wrapping_mul(2_654_435_761) >> 29
}

/// Above this many rows, a chunk is halved.
pub const MAX_ROWS: usize = 60;

/// How often each record is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub BTreeMap<(u32, Id), i32>);

impl Counts {
    pub fn of(ids: impl IntoIterator<Item = Id>) -> Self {
        Self(ids.into_iter().map(|id| ((key(id), id), 1)).collect())
    }

    pub fn add(&mut self, id: Id, count: i32) {
        let entry = self.0.entry((key(id), id)).or_default();
        *entry += count;
        if *entry == 0 {
            self.0.remove(&(key(id), id));
        }
    }

    pub fn ids(&self) -> impl Iterator<Item = Id> {
        self.0.keys().map(|(_, id)| *id)
    }

    fn within(&self, range: KeyRange<u32>) -> impl Iterator<Item = (Id, i32)> {
        let end = range.to.unwrap_or(u32::MAX);
        self.0.range((range.from, 0)..(end, 0)).map(|((_, id), count)| (*id, *count))
    }
}

impl Rows for Counts {
    type Delta = Delta;
    type Kind = View;
    type Bound = u32;

    fn absorb(&mut self, delta: &Delta, kind: View, range: KeyRange<u32>) {
        let is_within = |id| key(id) >= range.from && range.to.is_none_or(|to| key(id) < to);
        for entry in delta.iter().filter(|entry| entry.kind == kind && is_within(entry.id)) {
            self.add(entry.id, 1);
        }
    }

    fn merge(&mut self, other: &Self, range: KeyRange<u32>) {
        other.within(range).for_each(|(id, count)| self.add(id, count));
    }

    fn subtract(&mut self, other: &Self, range: KeyRange<u32>) {
        other.within(range).for_each(|(id, count)| self.add(id, -count));
    }

    fn halfway(&self) -> Option<u32> {
        if self.0.len() <= MAX_ROWS {
            return None;
        }
        self.0.keys().nth(self.0.len() / 2).map(|(key, _)| *key)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
