use std::collections::BTreeSet;

use chrono::NaiveDate;
use ledger::ids::ModelKey;
use ledger::pricing::TokenUsage;
use ledger::pricing::{Overrides, PriceBook};
use ledger::rollup::AgentModelSums;

use super::super::catalog::Catalog;
use super::*;

const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 9, 15).unwrap();
const MILLION: u64 = 1_000_000;

/// A price book. Each row: provider, id, aliases, input price, output price.
pub fn book(rows: &[(&str, &str, &str, &str, &str)]) -> PriceBook {
    let header = include_str!("../../../../../shared/ledger/data/model-prices.csv").lines().next().unwrap();
    let rows = rows.iter().map(|(p, m, a, i, o)| format!("{p},{m},{a},,,0,{i},{o},,,"));
    let lines: Vec<_> = std::iter::once(header.to_owned()).chain(rows).collect();
    PriceBook::parse(&lines.join("\n")).unwrap()
}

/// An agent that uses `p/big`: 100 calls with a million input tokens and no output, over all 30 days.
pub struct Case {
    pub sums: AgentModelSums,
    pub needed: Category,
    pub days: u32,
    pub tried: Vec<(&'static str, CallCounts)>,
    pub providers: Vec<&'static str>,
    pub overrides: Overrides,
}

impl Default for Case {
    fn default() -> Self {
        let tokens = TokenUsage { input: MILLION, ..TokenUsage::default() };
        let cost = Usd::new(Decimal::from(10));
        let sums = AgentModelSums { requests: 100, tokens, cost, ..AgentModelSums::default() };
        Self {
            sums,
            needed: Category::Economy,
            days: 30,
            tried: vec![],
            providers: vec!["p"],
            overrides: Overrides::default(),
        }
    }
}

impl Case {
    pub fn best(&self, book: &PriceBook) -> Option<(String, Saving)> {
        let catalog = Catalog::new(book, &self.overrides, DAY);
        let key = ModelKey { provider: "p".to_owned(), model: "big".to_owned() };
        let (price, model) = catalog.price_of(&key)?;
        let current = Current {
            price,
            model,
            mix: TokenMix::of(&self.sums),
            calls: CallCounts { requests: self.sums.requests, errors: self.sums.errors },
            recorded: self.sums.cost,
            days: self.days,
            needed: self.needed,
        };
        let tried = self.tried.iter().map(|(model, calls)| (("p", *model), *calls)).collect();
        let providers = self.providers.iter().map(|provider| (*provider).to_owned()).collect();
        let (offer, saving) = current.best(catalog.offers(&providers), &tried)?;
        Some((format!("{}/{}", offer.price.model.provider, offer.price.model.model), saving))
    }

    fn name(&self, book: &PriceBook) -> Option<&'static str> {
        self.best(book).map(|(name, _)| &*name.leak())
    }
}

/// `big` is flagship, `mid` standard, the rest economy.
fn usual() -> PriceBook {
    book(&[
        ("p", "big", "=large", "10", "10"),
        ("p", "mid", "", "3", "3"),
        ("p", "small", "=tiny", "1", "1"),
        ("p", "also-small", "", "1", "1"),
        ("q", "smallest", "", "0.5", "0.5"),
    ])
}

#[test]
fn the_largest_saving_wins_then_the_first_by_model() {
    let (name, saving) = Case::default().best(&usual()).unwrap();
    assert_eq!(name, "p/also-small");
    let pico = 1_000_000_000_000;
    assert_eq!(saving, Saving { cost_now: 10 * pico, saved: 9 * pico, days: 30 });
}

#[test]
fn no_tier_below_the_needed_one_is_recommended() {
    for (needed, name) in [
        (Category::Economy, Some("p/also-small")),
        (Category::Standard, Some("p/mid")),
        (Category::Flagship, None),
    ] {
        assert_eq!(Case { needed, ..Case::default() }.name(&usual()), name, "{needed:?}");
    }
    // Another flagship that costs less is recommended.
    let flagships = book(&[("p", "big", "", "10", "10"), ("p", "less", "", "5", "5")]);
    assert_eq!(Case { needed: Category::Flagship, ..Case::default() }.name(&flagships), Some("p/less"));
}

#[test]
fn other_providers_are_considered_only_if_given() {
    assert_eq!(Case { providers: vec!["p", "q"], ..Case::default() }.name(&usual()), Some("q/smallest"));
    assert_eq!(Case { providers: vec!["p", "r"], ..Case::default() }.name(&usual()), Some("p/also-small"));
}

#[test]
fn a_model_is_not_recommended_in_place_of_itself_under_an_alias() {
    let own = |model: &str, price: i64| {
        let price = ledger::pricing::Price::new(Decimal::from(price)).unwrap();
        let rates = ledger::pricing::Rates {
            input: price,
            output: price,
            cache_read: None,
            cache_write_5m: None,
            cache_write_1h: None,
        };
        ledger::pricing::Override {
            provider: "p".to_owned(),
            model: model.to_owned(),
            effective_from: DAY,
            rates,
            long_context: None,
        }
    };
    let alone = book(&[("p", "big", "=large", "10", "10")]);
    let mut case = Case { overrides: Overrides::new([own("large", 1)]), ..Case::default() };
    assert_eq!(case.name(&alone), None);
    // A model with only an own price is recommended like any other.
    case.overrides = Overrides::new([own("in-house", 2)]);
    assert_eq!(case.name(&alone), Some("p/in-house"));
}

#[test]
fn prices_are_compared_on_the_agents_own_tokens() {
    let book = book(&[("p", "big", "", "5", "5"), ("p", "odd", "", "3", "12")]);
    assert_eq!(Case::default().name(&book), Some("p/odd"));
    let mut case = Case::default();
    case.sums.tokens.output = MILLION;
    assert_eq!(case.name(&book), None);
}

#[test]
fn a_model_that_cannot_take_the_longest_input_is_ruled_out() {
    let mut case = Case::default();
    case.sums.requests = 8;
    assert_eq!(case.name(&usual()), Some("p/also-small"), "125,000 tokens per call");
    case.sums.requests = 7;
    assert_eq!(case.name(&usual()), None, "142,858 tokens per call");
    case.sums.requests = 100;
    case.sums.long_context[1].input = 250_000;
    assert_eq!(case.name(&usual()), None, "one call of 250,000 tokens");
}

#[test]
fn a_model_that_failed_this_agent_before_is_not_recommended_to_it() {
    let calls = |requests, errors| CallCounts { requests, errors };
    let mut case = Case::default();
    case.sums.errors = 3;
    for (small, also_small, name) in [
        // 5 % is exactly 2 points worse, which is allowed.
        (calls(100, 5), calls(100, 5), "p/also-small"),
        (calls(100, 5), calls(100, 6), "p/small"),
        (calls(1000, 51), calls(1000, 51), "p/mid"),
        (calls(1000, 50), calls(1, 1), "p/small"),
        (calls(1, 0), calls(1, 1), "p/small"),
    ] {
        case.tried = vec![("small", small), ("also-small", also_small)];
        assert_eq!(case.name(&usual()), Some(name), "{small:?} {also_small:?}");
    }
}

#[test]
fn a_saving_is_shown_from_ten_percent_and_one_dollar_a_month() {
    for (price, tokens, days, shown) in [
        ("9", MILLION, 30, true),
        ("9.000001", MILLION, 30, false),
        ("9", MILLION - 1, 30, false),
        // After one day a thirtieth of a dollar suffices; after 29 days slightly less than a dollar.
        ("9", 33_334, 1, true),
        ("9", 33_333, 1, false),
        ("9", 966_667, 29, true),
        ("9", 966_666, 29, false),
    ] {
        let mut case = Case { days, ..Case::default() };
        case.sums.tokens.input = tokens;
        let book = book(&[("p", "big", "", "10", "10"), ("p", "less", "", price, price)]);
        assert_eq!(case.name(&book).is_some(), shown, "{price} {tokens} {days}");
    }
}

#[test]
fn the_current_cost_is_the_lower_of_recorded_cost_and_cost_at_todays_prices() {
    for (recorded, cost_now) in [("10", "10"), ("4", "4"), ("40", "10"), ("3.0000000000001", "3")] {
        let mut case = Case::default();
        case.sums.cost = Usd::new(recorded.parse().unwrap());
        let (_, saving) = case.best(&usual()).unwrap();
        assert_eq!(saving.cost_now, pico(Usd::new(cost_now.parse().unwrap())), "{recorded}");
    }
}

#[test]
fn savings_are_extrapolated_to_thirty_days() {
    let saving = |saved, days| Saving { cost_now: saved, saved, days };
    for (savings, total) in [
        (vec![], "0.00"),
        (vec![saving(1_000_000_000_000, 30)], "1.00"),
        (vec![saving(1_000_000_000_000, 7)], "4.285714"),
        (vec![saving(1_000_000_000_000, 1)], "30.00"),
        // A third and a sixth of the last decimal place are exactly half of it, which rounds to even.
        (vec![saving(10_000_000, 9), saving(500_000, 30)], "0.000034"),
        (vec![saving(500_000, 30)], "0.00"),
        (vec![saving(1_500_000, 30)], "0.000002"),
        (vec![saving(200_000, 18), saving(100_000, 18)], "0.00"),
        (vec![saving(200_000, 18), saving(100_000, 18), saving(1_000_000, 30)], "0.000002"),
    ] {
        assert_eq!(total_per_month(savings.clone()).to_string(), total, "{savings:?}");
    }
    assert!((1..=i128::from(DAYS)).all(|days| COMMON % days == 0));
}

#[test]
fn offers_come_from_the_given_providers() {
    let (book, overrides) = (usual(), Overrides::default());
    let catalog = Catalog::new(&book, &overrides, DAY);
    let names = |providers: &[&str]| {
        let providers: BTreeSet<_> = providers.iter().map(|provider| (*provider).to_owned()).collect();
        catalog.offers(&providers).map(|offer| offer.price.model.model.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["q"]), ["smallest"]);
    assert_eq!(names(&["p", "q"]), ["also-small", "big", "mid", "small", "smallest"]);
    assert!(names(&["nobody"]).is_empty());
}
