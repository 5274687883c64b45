//! Compares what an item stores about a day with what the day's raw events add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug, Display, Formatter};

use ledger::rollup::Column;
use ledger::rollup::{Rollup, UnpricedCall, UnpricedFigures, UnpricedRows};
use rust_decimal::Decimal;
use serde::Serialize;
use store::keys::columns::spell;
use store::keys::{Key, UNPRICED};

use crate::recompute::Recomputed;

/// A column whose stored value no delay can explain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pk: String,
    sk: String,
    column: String,
    stored: String,
    computed: String,
}

/// The result of comparing one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Columns that differ in a way that no delay explains.
    pub drift: Vec<Difference>,
    /// Columns that miss only events which may not be aggregated yet.
    pub behind: u64,
    /// Columns among these that hold what amendments replaced. Only a rewrite takes it out.
    pub outdated: u64,
    /// Whether something is missing that will not be aggregated any more, although that is explained.
    pub incomplete: bool,
    /// Whether any difference is explained.
    may_differ: bool,
}

impl Comparison {
    /// Whether stored and recomputed values are the same to the last digit.
    pub const fn is_equal(&self) -> bool {
        self.drift.is_empty() && self.behind == 0
    }
}

/// How far an item may lag behind the raw events without being wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// It may miss recent events.
    Recent,
    /// It is sealed, and its day is dirty: it may miss any event.
    Sealed,
    /// Calls were repriced since: it may have any other figure.
    Repriced,
}

/// Compares the columns of an item that are about a day with the day's events.
///
/// The item was read before the events, so it cannot hold an event that they do not contain: no stored value may exceed
/// the recomputed one, unless calls were repriced, or by what amendments subtract.
pub fn compare(key: &Key, stored: &Rollup, recomputed: &Recomputed, lag: Lag) -> Comparison {
    let dirty = lag != Lag::Recent;
    let (all, recent) = (&recomputed.all, &recomputed.recent);
    let mut comparison = Comparison { may_differ: lag == Lag::Repriced, ..Comparison::default() };
    for (name, column) in by_name(stored.numbers.keys().chain(all.numbers.keys())) {
        let (is, should_be) = (stored.number(column), all.number(column));
        let least = if dirty { Decimal::ZERO } else { should_be - recent.number(column) };
        let amended = if dirty { &recomputed.amended } else { &recomputed.recent_amended };
        let most = should_be - amended.number(column);
        comparison.column(key, &name, &is, &should_be, least <= is && is <= most);
    }
    let outdated = &recomputed.outdated;
    let stored_members = comparison.without_outdated(stored, all, outdated);
    comparison.sets(key, &names(stored), &names(all), &names(recent), dirty);
    comparison.sets(key, &stored_members, &all.sets, &recent.sets, dirty);
    let (is, should_be) = (Rows(&stored.unpriced), Rows(&all.unpriced));
    let least = if dirty { 0 } else { all.unpriced.requests() - recent.unpriced.requests() };
    // Rows of amended calls may be there in any number.
    let is_amended = !outdated.unpriced.is_empty();
    comparison.outdated += u64::from(is_amended && is != should_be);
    comparison.column(key, UNPRICED, &is, &should_be, is_amended || is.may_become(&should_be, least));
    comparison
}

type Sets<T> = BTreeMap<Column, BTreeSet<T>>;

/// Names as sets of one member, so that they are compared like the other sets.
fn names(sums: &Rollup) -> Sets<String> {
    sums.names.iter().map(|(column, name)| (column.clone(), BTreeSet::from([name.clone()]))).collect()
}

/// Columns by the names that they are stored under, which is the order of the report.
fn by_name<'a>(columns: impl Iterator<Item = &'a Column>) -> BTreeMap<String, &'a Column> {
    columns.map(|column| (spell(column), column)).collect()
}

impl Comparison {
    /// Compares a figure of a pack. What it misses is either only behind, or lost for a known reason, or drift.
    pub fn figure(
        &mut self,
        key: &Key,
        column: impl Fn() -> String,
        [stored, computed]: [i128; 2],
        (is_behind, is_explained): (bool, bool),
    ) {
        self.incomplete |= stored != computed && !is_behind;
        if stored != computed {
            self.column(key, &column(), &stored, &computed, is_behind || is_explained);
        }
    }

    /// The stored members without those that amendments replaced, which count as outdated.
    fn without_outdated(&mut self, stored: &Rollup, all: &Rollup, outdated: &Rollup) -> Sets<[u8; 8]> {
        let mut members = stored.sets.clone();
        for (column, of_item) in &mut members {
            let (held, replaced) = (all.set(column.clone()), outdated.set(column.clone()));
            let before = of_item.len();
            of_item.retain(|member| held.contains(member) || !replaced.contains(member));
            if of_item.len() < before {
                self.outdated += 1;
                self.behind += 1;
            }
        }
        members
    }

    fn sets<T: Ord + Clone + Debug>(
        &mut self,
        key: &Key,
        stored: &Sets<T>,
        all: &Sets<T>,
        recent: &Sets<T>,
        dirty: bool,
    ) {
        let none = BTreeSet::new();
        for (name, column) in by_name(stored.keys().chain(all.keys())) {
            let of = |sets: &Sets<T>| sets.get(column).unwrap_or(&none).clone();
            let (is, should_be, recent) = (of(stored), of(all), of(recent));
            let explained = is.is_subset(&should_be)
                && (dirty || should_be.difference(&is).all(|member| recent.contains(member)));
            self.column(key, &name, &Members(&is), &Members(&should_be), explained);
        }
    }

    fn column<T: PartialEq + ToString>(
        &mut self,
        key: &Key,
        column: &str,
        stored: &T,
        computed: &T,
        explained: bool,
    ) {
        if stored == computed {
            return;
        }
        if explained || self.may_differ {
            self.behind += 1;
            return;
        }
        self.drift.push(Difference {
            pk: key.pk.clone(),
            sk: key.sk.clone(),
            column: column.to_owned(),
            stored: stored.to_string(),
            computed: computed.to_string(),
        });
    }
}

/// A set as a report shows it: its only member, or how many it has.
#[derive(PartialEq)]
struct Members<'a, T>(&'a BTreeSet<T>);

impl<T: Debug + Ord> Display for Members<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.0.len(), self.0.first()) {
            (1, Some(only)) => write!(f, "{only:?}"),
            (count, _) => write!(f, "{count} members"),
        }
    }
}

/// Calls without a price.
#[derive(PartialEq)]
struct Rows<'a>(&'a UnpricedRows);

impl Rows<'_> {
    /// Whether these calls are some of `all`, and at least `least`.
    fn may_become(&self, all: &Self, least: u64) -> bool {
        let requests: BTreeMap<_, _> = all.0.rows().map(|(call, figures)| (call, figures.requests)).collect();
        // A row that `all` counts with the others may still be one of its own.
        let fits = |(call, figures): (&UnpricedCall, &UnpricedFigures)| {
            requests.get(call).map_or(!all.0.others().is_empty(), |all| figures.requests <= *all)
        };
        self.0.rows().all(fits) && (least..=all.0.requests()).contains(&self.0.requests())
    }
}

impl Display for Rows<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests in {} rows", self.0.requests(), self.0.rows().count())
    }
}

#[cfg(test)]
mod tests;
