use ledger::rollup::{Measure, ModelCode};

use super::*;

fn sums(number: i64, members: &[u8]) -> Rollup {
    let mut sums = Rollup::default();
    sums.add(Measure::Tasks, number.into());
    for member in members {
        sums.insert(Measure::Instances, [*member; 8]);
    }
    sums
}

fn compared(stored: &Rollup, all: Rollup, recent: Rollup, dirty: bool) -> (usize, u64) {
    let key = Key { pk: "p".to_owned(), sk: "s".to_owned() };
    let lag = if dirty { Lag::Sealed } else { Lag::Recent };
    let comparison = compare(
        &key,
        stored,
        &Recomputed { all: all.clone(), recent: recent.clone(), ..Recomputed::default() },
        lag,
    );
    let repriced = compare(&key, stored, &Recomputed { all, recent, ..Recomputed::default() }, Lag::Repriced);
    assert_eq!(repriced.drift, []);
    assert_eq!(repriced.behind, comparison.drift.len() as u64 + comparison.behind);
    assert_eq!(comparison.is_equal(), comparison == Comparison::default());
    (comparison.drift.len(), comparison.behind)
}

#[test]
fn only_recent_events_may_be_missing_and_nothing_may_be_in_excess() {
    let recent = || sums(2, &[2]);
    for (stored, expected) in [
        (sums(5, &[1, 2]), (0, 0)),
        (sums(4, &[1, 2]), (0, 1)),
        (sums(3, &[1]), (0, 2)),
        (sums(2, &[1]), (1, 1)),
        (sums(6, &[1, 2]), (1, 0)),
        (sums(5, &[2]), (1, 0)),
        (sums(5, &[1, 2, 3]), (1, 0)),
        (Rollup::default(), (2, 0)),
    ] {
        assert_eq!(compared(&stored, sums(5, &[1, 2]), recent(), false), expected, "{stored:?}");
    }
}

#[test]
fn a_dirty_item_may_miss_anything_but_hold_no_excess() {
    let all = || sums(5, &[1, 2]);
    assert_eq!(compared(&Rollup::default(), all(), Rollup::default(), true), (0, 2));
    assert_eq!(compared(&sums(6, &[3]), all(), Rollup::default(), true), (2, 0));
}

#[test]
fn names_are_compared_too() {
    let named = |name: &str| {
        let mut sums = Rollup::default();
        sums.names.insert(Measure::ModelName(ModelCode::from_bytes([1; 6])).into(), name.to_owned());
        sums
    };
    assert_eq!(compared(&named("p#a"), named("p#a"), Rollup::default(), false), (0, 0));
    assert_eq!(compared(&named("p#b"), named("p#a"), Rollup::default(), false), (1, 0));
    assert_eq!(compared(&Rollup::default(), named("p#a"), named("p#a"), false), (0, 1));
}
