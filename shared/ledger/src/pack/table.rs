//! A table: rows of several groups, their names, and sets.

use std::collections::{BTreeMap, BTreeSet};

use super::amount::Amount;
use super::figure::Figure;
use super::group::{Domain, Group, Key, Part};
use super::names::Names;
use super::rows::Rows;

/// A set of hashes, to count distinct members.
pub type Hashes = BTreeSet<[u8; 8]>;

/// What events add up to. Merging is commutative and associative, and exact.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub(super) names: [Names; Domain::ALL.len()],
    pub(super) groups: BTreeMap<Group, Rows>,
    pub(super) sets: BTreeMap<(Group, Key), Hashes>,
}

impl Table {
    /// The position of a name, which is added if it is new.
    pub fn name(&mut self, domain: Domain, name: &str) -> i32 {
        self.names[domain as usize].position(name)
    }

    /// The name at a position; none for [`NONE`](super::NONE).
    pub fn name_at(&self, domain: Domain, position: i32) -> Option<&str> {
        self.names[domain as usize].get(position)
    }

    /// The position of a name, if any key may have it.
    pub fn find_name(&self, domain: Domain, name: &str) -> Option<i32> {
        self.names[domain as usize].find(name)
    }

    /// Adds figures to the row with this key.
    pub fn add(&mut self, group: Group, key: Key, figures: impl IntoIterator<Item = (Figure, Amount)>) {
        let rows = self.groups.entry(group).or_default();
        let row = rows.row(key);
        for (figure, value) in figures {
            rows.add(row, figure, value);
        }
    }

    /// Adds a member to a set.
    pub fn insert(&mut self, group: Group, key: Key, member: [u8; 8]) {
        self.sets.entry((group, key)).or_default().insert(member);
    }

    /// A figure of a row; 0 where there is no such row.
    pub fn get(&self, group: Group, key: Key, figure: Figure) -> Amount {
        let rows = self.groups.get(&group);
        rows.and_then(|rows| Some(rows.get(rows.find(key)?, figure))).unwrap_or_default()
    }

    /// The members of a set; empty where there is none.
    pub fn set(&self, group: Group, key: Key) -> Hashes {
        self.sets.get(&(group, key)).cloned().unwrap_or_default()
    }

    /// The rows of a group that have any value, in no particular order: their keys, and their figures other than 0.
    pub fn rows(&self, group: Group) -> impl Iterator<Item = (Key, Row<'_>)> {
        let rows = self.groups.get(&group);
        rows.into_iter().flat_map(|rows| {
            let keys = rows.keys().iter().enumerate().filter(|(row, _)| rows.has_value(*row));
            keys.map(|(row, key)| (*key, Row { rows, row }))
        })
    }

    /// The sets of a group, with their keys.
    pub fn sets(&self, group: Group) -> impl Iterator<Item = (Key, &Hashes)> {
        self.sets.iter().filter(move |((of, _), _)| *of == group).map(|((_, key), members)| (*key, members))
    }

    /// Whether there is no value and no member.
    pub fn is_empty(&self) -> bool {
        self.sets.values().all(BTreeSet::is_empty)
            && self.groups.values().all(|rows| !(0..rows.keys().len()).any(|row| rows.has_value(row)))
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        let translation = self.accumulate(other, 1);
        for ((group, key), members) in &other.sets {
            let key = translation.key(*group, key);
            self.sets.entry((*group, key)).or_default().extend(members);
        }
    }

    /// Subtracts the rows of `other`: undoes that it was merged. Sets stay as they are, since another event may have
    /// added the same member; a pack that days are subtracted from has none.
    pub fn subtract(&mut self, other: &Self) {
        self.accumulate(other, -1);
    }

    fn accumulate(&mut self, other: &Self, sign: Amount) -> Translation {
        let translation = Translation(Domain::ALL.map(|domain| {
            let names = other.names[domain as usize].iter();
            names.map(|name| self.names[domain as usize].position(name)).collect()
        }));
        for (group, rows) in &other.groups {
            let of_group = self.groups.entry(*group).or_default();
            of_group.merge(rows, sign, |key| translation.key(*group, key));
        }
        translation
    }
}

/// For each domain and each position in one table, the position of the same name in another.
pub(super) struct Translation(pub [Vec<i32>; Domain::ALL.len()]);

impl Translation {
    /// The key that means the same in the other table.
    pub fn key(&self, group: Group, key: &Key) -> Key {
        let mut translated = *key;
        for (part, position) in group.parts().iter().zip(&mut translated) {
            if let Part::Name(domain) = part
                && let Ok(index) = usize::try_from(*position)
            {
                *position = self.0[*domain as usize][index];
            }
        }
        translated
    }
}

/// A row of a table.
#[derive(Clone, Copy)]
pub struct Row<'t> {
    rows: &'t Rows,
    row: usize,
}

impl<'t> Row<'t> {
    /// A figure.
    pub fn get(self, figure: Figure) -> Amount {
        self.rows.get(self.row, figure)
    }

    /// The figures that are not 0.
    pub fn figures(self) -> impl Iterator<Item = (Figure, Amount)> + 't {
        let columns = self.rows.columns();
        columns
            .filter_map(move |(figure, column)| Some((figure, *column.get(self.row)?)))
            .filter(|(_, value)| *value != 0)
    }
}

/// Equal are tables of equal values and members, whatever the order of their rows and names.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Table {}

impl Table {
    /// The values in one order that depends on nothing else, without empty rows and unused names.
    pub(super) fn canonical(&self) -> Canonical<'_> {
        let mut used: [BTreeMap<&str, i32>; Domain::ALL.len()] = Default::default();
        let mut note = |group: Group, key: &Key| {
            for (part, position) in group.parts().iter().zip(key) {
                if let Part::Name(domain) = part
                    && let Some(name) = self.name_at(*domain, *position)
                {
                    used[*domain as usize].insert(name, *position);
                }
            }
        };
        for group in self.groups.keys() {
            self.rows(*group).for_each(|(key, _)| note(*group, &key));
        }
        let sets = || self.sets.iter().filter(|(_, members)| !members.is_empty());
        sets().for_each(|((group, key), _)| note(*group, key));

        let translation = Translation(Domain::ALL.map(|domain| {
            let mut ranks = vec![super::NONE; self.names[domain as usize].len()];
            for (rank, position) in used[domain as usize].values().enumerate() {
                ranks[usize::try_from(*position).unwrap_or_default()] =
                    i32::try_from(rank).unwrap_or(i32::MAX);
            }
            ranks
        }));
        let groups = self.groups.keys().filter_map(|group| {
            let mut rows: Vec<_> =
                self.rows(*group).map(|(key, row)| (translation.key(*group, &key), row)).collect();
            rows.sort_unstable_by_key(|(key, _)| *key);
            (!rows.is_empty()).then(|| CanonicalGroup::new(*group, &rows))
        });
        Canonical {
            names: used.map(|names| names.into_keys().collect()),
            groups: groups.collect(),
            sets: sets()
                .map(|((group, key), members)| ((*group, translation.key(*group, key)), members))
                .collect(),
        }
    }
}

/// See [`Table::canonical`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Canonical<'t> {
    pub names: [Vec<&'t str>; Domain::ALL.len()],
    pub groups: Vec<CanonicalGroup>,
    pub sets: BTreeMap<(Group, Key), &'t Hashes>,
}

/// The rows of a group, by ascending key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CanonicalGroup {
    pub group: Group,
    pub keys: Vec<Key>,
    /// The columns that are not all 0.
    pub columns: Vec<(Figure, Vec<Amount>)>,
}

impl CanonicalGroup {
    fn new(group: Group, rows: &[(Key, Row<'_>)]) -> Self {
        let column = |figure: &Figure| -> Option<(Figure, Vec<Amount>)> {
            let column: Vec<_> = rows.iter().map(|(_, row)| row.get(*figure)).collect();
            column.iter().any(|value| *value != 0).then_some((*figure, column))
        };
        Self {
            group,
            keys: rows.iter().map(|(key, _)| *key).collect(),
            columns: Figure::ALL.iter().filter_map(column).collect(),
        }
    }
}
