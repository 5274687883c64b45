//! What an item holds beside what it should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use ledger::rollup::Column;
use ledger::rollup::Sums;
use rust_decimal::Decimal;
use serde::Serialize;
use store::keys::Key;

use crate::fold::Part;

/// A column that holds what it cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pk: String,
    sk: String,
    column: String,
    stored: String,
    computed: String,
}

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Columns that differ in a way that no delay explains.
    pub drift: Vec<Difference>,
    /// Columns that lack nothing but events that may still be on their way.
    pub behind: u64,
}

impl Verdict {
    /// Whether the item holds what it should, to the last digit.
    pub const fn is_equal(&self) -> bool {
        self.drift.is_empty() && self.behind == 0
    }
}

/// Compares the columns of an item with what a day's events add to it.
///
/// What was read before the events were holds no event that they do not, so nothing may be greater than computed.
/// It may lack the recent ones; an item whose day is known to be `waiting` to be computed anew may lack any.
pub fn compare(key: &Key, held: &Sums, part: &Part, waiting: bool) -> Verdict {
    let (all, recent) = (&part.all, &part.recent);
    let mut verdict = Verdict::default();
    let columns: BTreeSet<_> = held.numbers.keys().chain(all.numbers.keys()).collect();
    for column in columns {
        let (stored, computed) = (held.number(column), all.number(column));
        let least = if waiting { Decimal::ZERO } else { computed - recent.number(column) };
        verdict.take(key, column, &stored, &computed, least <= stored && stored <= computed);
    }
    let names = |sums: &Sums| -> BTreeMap<Column, BTreeSet<String>> {
        sums.names.iter().map(|(column, name)| (column.clone(), BTreeSet::from([name.clone()]))).collect()
    };
    verdict.sets(key, &names(held), &names(all), &names(recent), waiting);
    verdict.sets(key, &held.sets, &all.sets, &recent.sets, waiting);
    verdict
}

impl Verdict {
    fn sets<T: Ord + Clone + Debug>(
        &mut self,
        key: &Key,
        held: &BTreeMap<Column, BTreeSet<T>>,
        all: &BTreeMap<Column, BTreeSet<T>>,
        recent: &BTreeMap<Column, BTreeSet<T>>,
        waiting: bool,
    ) {
        let none = BTreeSet::new();
        let columns: BTreeSet<_> = held.keys().chain(all.keys()).collect();
        for column in columns {
            let of = |sets: &BTreeMap<Column, BTreeSet<T>>| sets.get(column).unwrap_or(&none).clone();
            let (stored, computed, recent) = (of(held), of(all), of(recent));
            let explained = stored.is_subset(&computed)
                && (waiting || computed.difference(&stored).all(|member| recent.contains(member)));
            self.take(key, column, &Members(&stored), &Members(&computed), explained);
        }
    }

    fn take<T: PartialEq + ToString>(
        &mut self,
        key: &Key,
        column: &Column,
        stored: &T,
        computed: &T,
        explained: bool,
    ) {
        if stored == computed {
            return;
        }
        if explained {
            self.behind += 1;
            return;
        }
        self.drift.push(Difference {
            pk: key.pk.clone(),
            sk: key.sk.clone(),
            column: column.to_string(),
            stored: stored.to_string(),
            computed: computed.to_string(),
        });
    }
}

/// A set, written so that a long one stays short.
#[derive(PartialEq)]
struct Members<'a, T>(&'a BTreeSet<T>);

impl<T: Debug + Ord> std::fmt::Display for Members<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0.len(), self.0.first()) {
            (1, Some(only)) => write!(f, "{only:?}"),
            (count, _) => write!(f, "{count} members"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(number: i64, members: &[u8]) -> Sums {
        let mut sums = Sums::default();
        sums.add(Column::TASKS, number.into());
        for member in members {
            sums.insert(Column::INSTANCES, [*member; 8]);
        }
        sums
    }

    fn verdict(held: &Sums, all: Sums, recent: Sums, waiting: bool) -> (usize, u64) {
        let key = Key { pk: "p".to_owned(), sk: "s".to_owned() };
        let verdict = compare(&key, held, &Part { all, recent }, waiting);
        assert_eq!(verdict.is_equal(), verdict == Verdict::default());
        (verdict.drift.len(), verdict.behind)
    }

    #[test]
    fn only_what_is_recent_may_be_lacking_and_nothing_may_be_too_much() {
        let recent = || sums(2, &[2]);
        for (held, wanted) in [
            (sums(5, &[1, 2]), (0, 0)),
            (sums(4, &[1, 2]), (0, 1)),
            (sums(3, &[1]), (0, 2)),
            (sums(2, &[1]), (1, 1)),
            (sums(6, &[1, 2]), (1, 0)),
            (sums(5, &[2]), (1, 0)),
            (sums(5, &[1, 2, 3]), (1, 0)),
            (Sums::default(), (2, 0)),
        ] {
            assert_eq!(verdict(&held, sums(5, &[1, 2]), recent(), false), wanted, "{held:?}");
        }
    }

    #[test]
    fn what_waits_may_lack_anything_but_hold_nothing_too_much() {
        let all = || sums(5, &[1, 2]);
        assert_eq!(verdict(&Sums::default(), all(), Sums::default(), true), (0, 2));
        assert_eq!(verdict(&sums(6, &[3]), all(), Sums::default(), true), (2, 0));
    }

    #[test]
    fn names_count_too() {
        let named = |name: &str| {
            let mut sums = Sums::default();
            sums.names.insert(Column::stored("12345678n".to_owned()), name.to_owned());
            sums
        };
        assert_eq!(verdict(&named("p#a"), named("p#a"), Sums::default(), false), (0, 0));
        assert_eq!(verdict(&named("p#b"), named("p#a"), Sums::default(), false), (1, 0));
        assert_eq!(verdict(&Sums::default(), named("p#a"), named("p#a"), false), (0, 1));
    }
}
