//! Lists without pages: the rows that cost most, and one for all others, so that a sender that makes up names cannot make a
//! response larger than Lambda returns. Sums stay exact.

use std::cmp::Reverse;

use ledger::money::Usd;

/// The most rows of such a list.
pub const MAX_ROWS: usize = 1_000;

/// The rows by cost, highest first; the sort is stable. Those beyond [`MAX_ROWS`] are merged into the row of `other`.
pub fn dearest<K: PartialEq, V>(
    rows: impl IntoIterator<Item = (K, V)>,
    cost: impl Fn(&V) -> Usd,
    other: K,
    merge: impl Fn(&mut V, V),
) -> Vec<(K, V)> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(_, value)| Reverse(cost(value)));
    if rows.len() <= MAX_ROWS {
        return rows;
    }
    let mut rest = rows.split_off(MAX_ROWS - 1).into_iter().map(|(_, value)| value);
    let Some(mut others) = rest.next() else { return rows };
    rest.for_each(|value| merge(&mut others, value));
    match rows.iter_mut().find(|(key, _)| *key == other) {
        Some((_, value)) => merge(value, others),
        None => rows.push((other, others)),
    }
    rows.sort_by_key(|(_, value)| Reverse(cost(value)));
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn many_rows_become_a_thousand_with_the_same_sum(
            costs in prop::collection::vec(0..50_i64, 0..2_500),
            with_other in any::<bool>(),
        ) {
            let usd = |cost: i64| Usd::new(Decimal::new(cost, 3));
            let name = |i: usize| if with_other && i == 0 { "(other)".to_owned() } else { i.to_string() };
            let rows: Vec<_> = costs.iter().enumerate().map(|(i, cost)| (name(i), usd(*cost))).collect();
            let found = dearest(rows.clone(), |cost| *cost, "(other)".to_owned(), |one, more| *one += more);
            prop_assert_eq!(found.len(), found.len().min(MAX_ROWS));
            prop_assert!(found.is_sorted_by_key(|(_, cost)| Reverse(*cost)));
            prop_assert!(found.iter().filter(|(name, _)| name == "(other)").count() <= 1);
            let sum = |rows: &[(String, Usd)]| rows.iter().map(|(_, cost)| *cost).sum::<Usd>();
            prop_assert_eq!(sum(&found), sum(&rows));
            if rows.len() <= MAX_ROWS {
                prop_assert_eq!(found.len(), rows.len());
            }
            let mut all: Vec<_> = rows.iter().map(|(_, cost)| *cost).collect();
            all.sort_by_key(|cost| Reverse(*cost));
            let kept = found.iter().filter(|(name, _)| name != "(other)").map(|(_, cost)| *cost);
            prop_assert!(kept.min() >= all.get(MAX_ROWS).copied(), "a dearer row was merged");
        }
    }
}
