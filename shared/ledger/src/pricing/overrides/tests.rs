use super::*;
use crate::pricing::Price;
use rust_decimal::Decimal;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn rates(input: u32, output: u32) -> Rates {
    let [input, output] = [input, output].map(|usd| Price::new(Decimal::from(usd)).unwrap());
    Rates { input, output, cache_read: None, cache_write_5m: None, cache_write_1h: None }
}

fn own(provider: &str, model: &str, from: &str, input: u32) -> Override {
    let (provider, model) = (provider.into(), model.into());
    Override { provider, model, effective_from: day(from), rates: rates(input, 1), long_context: None }
}

/// A book of base rows: provider, model, aliases, first and last day.
fn book(rows: &[[&str; 5]]) -> PriceBook {
    let header = include_str!("../../../data/model-prices.csv").lines().next().unwrap();
    let lines = rows.iter().map(|row| format!("{},0,1,2,,,\n", row.join(",")));
    PriceBook::parse(&format!("{header}\n{}", lines.collect::<String>())).unwrap()
}

#[test]
fn an_own_price_wins_from_its_day_on() {
    // 2.00 until 2026-09-01, then 3.00; with own prices from days around it, given out of order.
    let overrides = Overrides::new([
        own("anthropic", "claude-sonnet-5", "2026-10-01", 9),
        own("anthropic", "claude-sonnet-5", "2026-08-01", 7),
        own("anthropic", "claude-sonnet-5", "2026-08-15", 1),
        own("anthropic", "claude-sonnet-5", "2026-08-15", 8),
    ]);
    let prices = Prices::new(PriceBook::builtin(), &overrides);
    for (at, input, stamp) in [
        ("2026-07-31T23:59:59Z", 2, "anthropic/claude-sonnet-5@-"),
        ("2026-08-01T00:00:00Z", 7, "anthropic/claude-sonnet-5@2026-08-01+org"),
        ("2026-08-14T23:59:59Z", 7, "anthropic/claude-sonnet-5@2026-08-01+org"),
        ("2026-08-15T00:00:00Z", 8, "anthropic/claude-sonnet-5@2026-08-15+org"),
        // The book's change on 2026-09-01 is no longer seen.
        ("2026-09-30T23:59:59Z", 8, "anthropic/claude-sonnet-5@2026-08-15+org"),
        ("2026-10-01T00:00:00Z", 9, "anthropic/claude-sonnet-5@2026-10-01+org"),
    ] {
        let price = prices.resolve("anthropic", "CLAUDE-Sonnet-5", time(at)).unwrap();
        assert_eq!(price.rates(0).input.per_million(), Decimal::from(input), "{at}");
        assert_eq!(price.stamp(0), stamp);
        assert_eq!(
            prices.list(time(at).date_naive()).iter().find(|row| row.model == price.model),
            Some(&price)
        );
    }
}

#[test]
fn an_own_price_of_a_model_holds_for_its_aliases_and_one_of_an_alias_for_that_alone() {
    let overrides = Overrides::new([
        own("anthropic", "Claude-3-5-Haiku-latest", "2026-01-01", 7),
        own("anthropic", "claude-haiku-3.5", "2026-02-01", 8),
        own("ANTHROPIC", "claude-3-5-haiku-20241022", "2026-03-01", 9),
        own("anthropic", "house-model", "2026-02-01", 10),
        own("house", "m", "2026-02-01", 11),
    ]);
    let prices = Prices::new(PriceBook::builtin(), &overrides);
    let haiku = "anthropic/claude-3-5-haiku-latest";
    for (provider, id, at, stamp) in [
        ("anthropic", "claude-3-5-haiku-latest", "2025-12-31", Some(format!("{haiku}@-"))),
        ("anthropic", "claude-3-5-haiku-latest", "2026-03-01", Some(format!("{haiku}@2026-01-01+org"))),
        ("anthropic", "claude-3.5-haiku", "2026-03-01", Some(format!("{haiku}@2026-01-01+org"))),
        // Not yet an own price of its own: that of the model.
        ("anthropic", "claude-haiku-3.5", "2026-01-31", Some(format!("{haiku}@2026-01-01+org"))),
        (
            "anthropic",
            "Claude-Haiku-3.5",
            "2026-02-01",
            Some("anthropic/claude-haiku-3.5@2026-02-01+org".into()),
        ),
        (
            "anthropic",
            "claude-3-5-haiku-20241022",
            "2026-03-01",
            Some("anthropic/claude-3-5-haiku-20241022@2026-03-01+org".into()),
        ),
        // Models that the book does not know; and no match across providers.
        ("anthropic", "house-model", "2026-01-31", None),
        ("anthropic", "house-model", "2026-02-01", Some("anthropic/house-model@2026-02-01+org".into())),
        ("openai", "house-model", "2026-02-01", None),
        ("House", "M", "2026-02-01", Some("house/m@2026-02-01+org".into())),
        ("aws", "claude-haiku-3.5", "2026-03-01", None),
    ] {
        let found = prices.resolve(provider, id, time(&format!("{at}T00:00:00Z")));
        assert_eq!(found.map(|price| price.stamp(0)), stamp, "{provider}/{id} {at}");
    }
}

#[test]
fn an_own_price_replaces_the_long_context_rows_of_the_book_too() {
    let long = LongContext { above_input_tokens: 50, rates: rates(5, 6) };
    let [plain, stepped] = ["2026-01-01", "2026-02-01"].map(|from| own("openai", "gpt-5.4", from, 1));
    let overrides = Overrides::new([plain, Override { long_context: Some(long.clone()), ..stepped }]);
    let prices = Prices::new(PriceBook::builtin(), &overrides);
    let at = |date: &str| prices.resolve("openai", "gpt-5.4", time(&format!("{date}T00:00:00Z"))).unwrap();
    assert_eq!(at("2025-12-31").stamp(272_001), "openai/gpt-5.4@-+long272000");
    assert_eq!(at("2026-01-01").stamp(272_001), "openai/gpt-5.4@2026-01-01+org");
    assert_eq!(at("2026-02-01").stamp(50), "openai/gpt-5.4@2026-02-01+org");
    assert_eq!(at("2026-02-01").stamp(51), "openai/gpt-5.4@2026-02-01+org+long50");
    assert_eq!(at("2026-02-01").rates(51), &long.rates);
}

#[test]
fn the_list_of_a_day_is_sorted_and_has_each_price_once() {
    let book = book(&[
        ["p", "b", "=b2", "", "2026-01-01"],
        ["p", "b", "=b2", "2026-02-01", ""],
        ["p", "a", "", "", ""],
        ["a", "z", "", "", "2026-01-01"],
    ]);
    let overrides = Overrides::new([
        own("p", "B2", "2026-03-01", 3),
        own("P", "A", "2026-03-01", 3),
        own("o", "new", "2026-03-01", 3),
        own("a", "z", "2026-03-01", 3),
    ]);
    let prices = Prices::new(&book, &overrides);
    for (date, stamps) in [
        ("2025-12-31", &["a/z@-", "p/a@-", "p/b@-"][..]),
        ("2026-01-01", &["p/a@-"]),
        ("2026-02-28", &["p/a@-", "p/b@2026-02-01"]),
        (
            "2026-03-01",
            &[
                "a/z@2026-03-01+org",
                "o/new@2026-03-01+org",
                "p/B2@2026-03-01+org",
                "p/a@2026-03-01+org",
                "p/b@2026-02-01",
            ],
        ),
    ] {
        let list: Vec<_> = prices.list(day(date)).iter().map(|price| price.stamp(0)).collect();
        assert_eq!(list, stamps, "{date}");
    }
}
