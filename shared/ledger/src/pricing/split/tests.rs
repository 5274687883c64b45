use proptest::prelude::*;

use super::*;

#[test]
fn a_figure_is_split_in_proportion_and_adds_up() {
    let parts = CostParts { input: 100, cache_read: 50, cache_write: 0, output: 300, units: 50 };
    let split_of = |figure| split(figure, &parts);
    assert_eq!(
        split_of(1000),
        CostParts { input: 200, cache_read: 100, cache_write: 0, output: 600, units: 100 }
    );
    assert_eq!(split_of(0), CostParts::default());
    // Half a picodollar goes to the even neighbor; the output takes the rest.
    assert_eq!(split_of(5), CostParts { input: 1, cache_read: 0, cache_write: 0, output: 4, units: 0 });
}

#[test]
fn a_figure_that_cannot_be_split_is_output() {
    let all_output = |figure| CostParts { output: figure, ..CostParts::default() };
    assert_eq!(split(7, &CostParts::default()), all_output(7));
    assert_eq!(split(-7, &CostParts { input: 1, ..CostParts::default() }), all_output(-7));
}

#[test]
fn a_part_that_costs_nothing_gets_nothing() {
    let parts = CostParts { input: 3, cache_read: 3, ..CostParts::default() };
    assert_eq!(split(3, &parts), CostParts { input: 2, cache_read: 1, ..CostParts::default() });
}

proptest! {
    #[test]
    fn parts_always_add_up(figure in 0..i128::from(u64::MAX), parts in prop::array::uniform5(0..i128::from(u64::MAX))) {
        let [input, cache_read, cache_write, output, units] = parts;
        let parts = CostParts { input, cache_read, cache_write, output, units };
        let split = split(figure, &parts);
        prop_assert_eq!(split.total(), figure);
        let each = [split.input, split.cache_read, split.cache_write, split.output, split.units];
        prop_assert!(each.iter().all(|part| *part >= 0));
    }
}
