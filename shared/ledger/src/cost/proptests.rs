//! The cost against a second, naive computation straight from the data file.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;

use super::*;
use crate::pricing::{Overrides, PriceBook};

fn price(provider: &str, model: &str, at: &str, tokens: [u64; 5], own: Option<Usd>) -> CallCost {
    let overrides = Overrides::default();
    let [input, output, cache_read, five, hour] = tokens;
    let tokens = TokenCounts { input, output, cache_read, cache_write_5m: five, cache_write_1h: hour };
    price_call(
        Prices::new(PriceBook::builtin(), &overrides),
        provider,
        model,
        at.parse().unwrap(),
        &tokens,
        own,
    )
}

/// The data file read again, by hand, one line at a time.
struct Line {
    fields: Vec<&'static str>,
}

impl Line {
    fn all() -> Vec<Self> {
        let lines = include_str!("../../data/model-prices.csv").lines().skip(1);
        lines.map(|line| Self { fields: line.split(',').collect() }).collect()
    }

    fn above(&self) -> u64 {
        self.fields[5].parse().unwrap()
    }

    /// Dates as text: it sorts as the dates do.
    fn holds_on(&self, day: &str) -> bool {
        let [from, to] = [self.fields[3], self.fields[4]];
        from <= day && (to.is_empty() || day < to)
    }

    /// Millionths of a dollar, digit by digit.
    fn micros(&self, column: usize) -> i128 {
        let text = if self.fields[column].is_empty() { self.fields[6] } else { self.fields[column] };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{decimals:0<6}").parse().unwrap()
    }
}

/// The cost in picodollars of a call of the very model that `lines[at]` names.
fn naively(lines: &[Line], at: usize, day: &str, tokens: [u64; 5]) -> (i128, i128) {
    let [input, output, read, five, hour] = tokens.map(i128::from);
    let whole_input = input + read + five + hour;
    let line = lines
        .iter()
        .filter(|line| line.fields[..2] == lines[at].fields[..2] && line.holds_on(day))
        .filter(|line| line.above() == 0 || whole_input > i128::from(line.above()))
        .max_by_key(|line| line.above())
        .unwrap();
    let cost = |(count, column)| count * line.micros(column);
    ([(input, 6), (read, 8), (five, 9), (hour, 10)].map(cost).iter().sum(), cost((output, 7)))
}

/// Counts around every threshold, and up to the largest.
fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..1_000_u64, 0..300_000_u64, 0..=1_000_000_000_u64]
}

/// A line of the file; half the time one of a model that has several.
fn any_line() -> impl Strategy<Value = usize> {
    let lines = Line::all();
    let several = |at: &usize| {
        let same = lines.iter().filter(|line| line.fields[..2] == lines[*at].fields[..2]);
        same.count() > 1
    };
    prop_oneof![0..lines.len(), prop::sample::select((0..lines.len()).filter(several).collect::<Vec<_>>())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_cost_is_that_of_a_naive_computation_over_the_file(
        tokens in prop::array::uniform5(any_count()),
        place in any_line(),
        day in 0..1_000_u64,
        shout in any::<bool>(),
    ) {
        let lines = Line::all();
        let day = (NaiveDate::from_yo_opt(2025, 1).unwrap() + Days::new(day)).to_string();
        let (input, output) = naively(&lines, place, &day, tokens);
        let model = lines[place].fields[1];
        let model = if shout { model.to_uppercase() } else { model.into() };
        let cost = price(lines[place].fields[0], &model, &format!("{day}T23:59:59Z"), tokens, None);
        let CallCost::Priced { input: i, output: o, .. } = &cost else { panic!("unpriced") };
        prop_assert_eq!(i.dollars(), Decimal::from_i128_with_scale(input, 12));
        prop_assert_eq!(o.dollars(), Decimal::from_i128_with_scale(output, 12));
        prop_assert!(i.dollars().scale() <= 12 && o.dollars().scale() <= 12);
        prop_assert_eq!(cost.total().unwrap().dollars(), Decimal::from_i128_with_scale(input + output, 12));
    }

    #[test]
    fn the_parts_of_a_figure_add_up_to_it_and_keep_the_proportion(
        tokens in prop::array::uniform5(any_count()),
        place in any_line(),
        figure in prop_oneof![0..100_i128, 0..10_i128.pow(13), 0..10_i128.pow(19)],
    ) {
        let lines = Line::all();
        let (part, rest) = naively(&lines, place, "2026-06-15", tokens);
        let own = Usd::new(Decimal::from_i128_with_scale(figure, 12));
        let [provider, model] = [0, 1].map(|column| lines[place].fields[column]);
        let cost = price(provider, model, "2026-06-15T12:00:00Z", tokens, Some(own));
        let CallCost::Priced { input, output, .. } = cost else { panic!("unpriced") };
        prop_assert_eq!(input + output, own);
        let [input, output] = [input, output].map(Usd::dollars);
        prop_assert!(input.scale() <= 12 && output.scale() <= 12);
        prop_assert!(!input.is_sign_negative() && !output.is_sign_negative());
        if part + rest == 0 {
            prop_assert!(input.is_zero());
        } else if let Some(product) = figure.checked_mul(part) {
            let pico = input.mantissa() * 10_i128.pow(12 - input.scale());
            let distance = (pico * (part + rest) - product).abs() * 2;
            prop_assert!(distance < part + rest || distance == part + rest && pico % 2 == 0);
        }
    }
}
