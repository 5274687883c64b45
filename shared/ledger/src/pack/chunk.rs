//! Tables as what chunks of packs hold.

use super::group::{Domain, Group, Key, Part};
use super::table::Table;
use super::view::View;
use crate::chain::{Family, KeyRange, Kind, Rows};

/// A chunk is halved above this many bytes. An item may have 400 KB, its cover and what is absorbed at once included.
const MAX_CHUNK: usize = 300 << 10;
/// Bytes that a value takes at most, as a rule: smaller tables need not be encoded to know that they fit.
const VALUE: usize = 6;

impl Kind for View {
    fn families(self) -> &'static [Family] {
        match self {
            Self::Agents | Self::AgentModels | Self::Whole => &Family::ALL,
            Self::Organization
            | Self::Activity
            | Self::Compute
            | Self::EndUsers
            | Self::Tracked
            | Self::Hours => &[Family::Main],
        }
    }
}

/// Rows are ordered by a hash of the first part of their key, so that all rows of an agent are together, and no key is
/// longer than another.
impl Rows for Table {
    type Delta = Self;
    type Kind = View;
    type Bound = u64;

    fn absorb(&mut self, delta: &Self, kind: View, range: KeyRange<u64>) {
        if is_whole(range) {
            self.merge_view(delta, kind);
        } else {
            self.merge(&delta.view(kind).within(range));
        }
    }

    fn merge(&mut self, other: &Self, range: KeyRange<u64>) {
        if is_whole(range) {
            Self::merge(self, other);
        } else {
            Self::merge(self, &other.within(range));
        }
    }

    fn subtract(&mut self, other: &Self, range: KeyRange<u64>) {
        if is_whole(range) {
            Self::subtract(self, other);
        } else {
            Self::subtract(self, &other.within(range));
        }
    }

    fn halfway(&self) -> Option<u64> {
        if self.values() * VALUE + self.name_bytes() <= MAX_CHUNK || self.encode().len() <= MAX_CHUNK {
            return None;
        }
        let mut bounds = self.bounds();
        bounds.sort_unstable();
        bounds.get(bounds.len() / 2).copied()
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

const fn is_whole(range: KeyRange<u64>) -> bool {
    range.from == 0 && range.to.is_none()
}

impl Table {
    /// The rows and sets with keys of a range.
    fn within(&self, range: KeyRange<u64>) -> Self {
        let is_within = |group: Group, key: &Key| {
            let bound = self.bound(group, key);
            bound >= range.from && range.to.is_none_or(|to| bound < to)
        };
        let mut part = Self { names: self.names.clone(), ..Self::default() };
        for group in self.groups.keys() {
            for (key, row) in self.rows(*group).filter(|(key, _)| is_within(*group, key)) {
                part.add(*group, key, row.figures());
            }
        }
        let sets = self.sets.iter().filter(|((group, key), _)| is_within(*group, key));
        part.sets = sets.map(|(key, members)| (*key, members.clone())).collect();
        part
    }

    fn bounds(&self) -> Vec<u64> {
        let groups = self.groups.keys();
        let rows = groups.flat_map(|group| self.rows(*group).map(|(key, _)| self.bound(*group, &key)));
        // A set weighs as much as its members.
        let sets = self
            .sets
            .iter()
            .flat_map(|((group, key), members)| std::iter::repeat_n(self.bound(*group, key), members.len()));
        rows.chain(sets).collect()
    }

    fn bound(&self, group: Group, key: &Key) -> u64 {
        match group.parts().first() {
            None => 0,
            Some(Part::Number) => hash(&key[0].to_le_bytes()),
            Some(Part::Name(domain)) => hash(self.name_at(*domain, key[0]).unwrap_or_default().as_bytes()),
        }
    }

    fn values(&self) -> usize {
        let members: usize = self.sets.values().map(|members| 2 * members.len()).sum();
        let rows = self.groups.values().map(|rows| rows.keys().len() * rows.columns().count());
        members + rows.sum::<usize>()
    }

    fn name_bytes(&self) -> usize {
        Domain::ALL.iter().flat_map(|domain| self.names[*domain as usize].iter()).map(str::len).sum()
    }
}

/// FNV-1a, its bits mixed. The order of rows in chunks that are stored depends on it, so it never changes.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pack::tests::events::{events, table};

    proptest! {
        #[test]
        fn ranges_share_no_row_and_leave_none_out(events in events(30), at in any::<u64>()) {
            let whole = table(&events).view(View::Whole);
            let (low, high) = (KeyRange { from: 0, to: Some(at) }, KeyRange { from: at, to: None });
            let mut merged = whole.within(low);
            prop_assert!(merged.within(high).is_empty());
            Rows::merge(&mut merged, &whole, high);
            prop_assert_eq!(&merged, &whole);
            let mut absorbed = Table::default();
            absorbed.absorb(&table(&events), View::Whole, high);
            absorbed.absorb(&table(&events), View::Whole, low);
            prop_assert_eq!(absorbed, whole);
        }
    }

    #[test]
    fn hashes_never_change() {
        assert_eq!([hash(b""), hash(b"nova")], [9_615_434_041_927_672_947, 15_460_809_310_193_512_356]);
    }

    #[test]
    fn only_large_tables_are_halved() {
        let mut table = Table::default();
        let mut number = 1_u64;
        for agent in 0..60_000 {
            let agent = table.name(Domain::Agents, &format!("agent-{agent}"));
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            table.add(
                Group::Agents,
                [agent, 0, 0, 0, 0],
                [(super::super::Figure::Cost, (number >> 8).into())],
            );
            if agent == 100 {
                assert_eq!(table.halfway(), None);
            }
        }
        let at = table.halfway().unwrap();
        let upper = table.within(KeyRange { from: at, to: None });
        assert!(upper.encode().len() > table.encode().len() * 2 / 5);
    }
}
