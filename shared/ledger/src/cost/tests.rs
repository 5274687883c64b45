use super::*;
use crate::pricing::{LongContext, Override, Overrides, Price, PriceBook};

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn dollars(text: &str) -> Usd {
    Usd::new(dec(text))
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// From input, output, cache reads, cache writes for 5 minutes and for an hour.
fn counts([input, output, cache_read, five, hour]: [u64; 5]) -> TokenCounts {
    TokenCounts { input, output, cache_read, cache_write_5m: five, cache_write_1h: hour }
}

fn priced(input: &str, output: &str, row: &str) -> CallCost {
    CallCost::Priced { input: dollars(input), output: dollars(output), row: row.into() }
}

/// By the built-in book alone, on a day when none of the tested prices changes.
fn by_book(provider: &str, model: &str, tokens: [u64; 5], own: Option<&str>) -> CallCost {
    let overrides = Overrides::default();
    let prices = Prices::new(PriceBook::builtin(), &overrides);
    price_call(prices, provider, model, time("2026-06-15T12:00:00Z"), &counts(tokens), own.map(dollars))
}

#[test]
fn the_documented_example() {
    let cost = by_book("anthropic", "claude-haiku-3.5", [23_000_000, 10_925_000, 0, 0, 0], None);
    assert_eq!(cost, priced("18.40", "43.70", "anthropic/claude-3-5-haiku-latest@-"));
    assert_eq!(cost.total(), Some(dollars("62.10")));
}

#[test]
fn a_long_call_is_one_above_the_threshold_whatever_bucket_its_input_is_in() {
    const BASE: &str = "anthropic/claude-sonnet-4-5@-";
    const LONG: &str = "anthropic/claude-sonnet-4-5@-+long200000";
    for (tokens, input, output, row) in [
        ([200_000, 1_000_000, 0, 0, 0], "0.60", "15.00", BASE),
        ([200_001, 1_000_000, 0, 0, 0], "1.200006", "22.50", LONG),
        // 50,000 of each input bucket: 0.15 + 0.015 + 0.1875 + 0.30.
        ([50_000, 0, 50_000, 50_000, 50_000], "0.6525", "0", BASE),
        ([50_000, 0, 50_001, 50_000, 50_000], "1.3050006", "0", LONG),
        ([50_000, 0, 50_000, 50_001, 50_000], "1.3050075", "0", LONG),
        ([50_000, 0, 50_000, 50_000, 50_001], "1.305012", "0", LONG),
        // Output does not make a call long.
        ([200_000, 1_000_000_000, 0, 0, 0], "0.60", "15000", BASE),
    ] {
        let cost = by_book("anthropic", "claude-sonnet-4-5", tokens, None);
        assert_eq!(cost, priced(input, output, row), "{tokens:?}");
    }
}

#[test]
fn a_bucket_without_a_price_costs_what_input_costs() {
    // A cache read price of 1.25, none for writes; 2.50 in, 10.00 out.
    let cost = by_book("openai", "gpt-4o", [1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000], None);
    assert_eq!(cost, priced("8.75", "10.00", "openai/gpt-4o@-"));
}

#[test]
fn an_unknown_model_is_unpriced_and_a_free_call_is_not() {
    assert_eq!(by_book("anthropic", "gpt-4o", [1, 1, 0, 0, 0], None), CallCost::Unpriced);
    assert_eq!(by_book("nobody", "claude-opus-5", [1, 1, 0, 0, 0], None), CallCost::Unpriced);
    assert_eq!(CallCost::Unpriced.total(), None);
    assert_eq!(by_book("openai", "gpt-4o", [0; 5], None), priced("0", "0", "openai/gpt-4o@-"));
    assert_eq!(
        by_book("voyageai", "voyage-2", [0, 9, 0, 0, 0], None),
        priced("0", "0", "voyageai/voyage-2@-")
    );
}

#[test]
fn the_price_is_that_of_the_time_of_the_call() {
    const UNIT: u64 = 1_000_000;
    let overrides = Overrides::default();
    let prices = Prices::new(PriceBook::builtin(), &overrides);
    for (provider, model, at, input, output, row) in [
        ("anthropic", "claude-sonnet-5", "2026-08-31T23:59:59.999Z", "2", "10", "claude-sonnet-5@-"),
        ("anthropic", "claude-sonnet-5", "2026-09-01T00:00:00Z", "3", "15", "claude-sonnet-5@2026-09-01"),
        // Already September where it was sent, not yet in UTC.
        ("anthropic", "claude-sonnet-5", "2026-09-01T01:59:59+02:00", "2", "10", "claude-sonnet-5@-"),
        ("openai", "o3", "2025-06-09T23:59:59Z", "10", "40", "o3@-"),
        ("openai", "o3", "2025-06-10T00:00:00Z", "2", "8", "o3@2025-06-10"),
        (
            "anthropic",
            "claude-opus-4-6",
            "2026-03-12T23:59:59Z",
            "10",
            "37.5",
            "claude-opus-4-6@-+long200000",
        ),
        ("anthropic", "claude-opus-4-6", "2026-03-13T00:00:00Z", "5", "25", "claude-opus-4-6@2026-03-13"),
        ("google", "gemini-3.6-flash", "2026-12-31T23:59:59Z", "0.75", "3.75", "gemini-3.6-flash@-"),
        ("google", "gemini-3.6-flash", "2027-01-01T00:00:00Z", "1.5", "7.5", "gemini-3.6-flash@2027-01-01"),
    ] {
        let cost = price_call(prices, provider, model, time(at), &counts([UNIT, UNIT, 0, 0, 0]), None);
        assert_eq!(cost, priced(input, output, &format!("{provider}/{row}")), "{model} {at}");
    }
}

#[test]
fn the_providers_own_figure_is_kept_and_split_as_the_book_would() {
    const SONNET: &str = "cost_usd:anthropic/claude-sonnet-4-6@2026-03-13";
    for (model, tokens, own, input, output, row) in [
        // The book: 3 in, 15 out.
        ("claude-sonnet-4-6", [1_000_000, 1_000_000, 0, 0, 0], "12", "2", "10", SONNET),
        (
            "claude-sonnet-4-6",
            [1_000_000, 1_000_000, 0, 0, 0],
            "1",
            "0.166666666667",
            "0.833333333333",
            SONNET,
        ),
        // Cache reads at 0.30 are input.
        ("claude-sonnet-4-6", [0, 20_000, 1_000_000, 0, 0], "1", "0.5", "0.5", SONNET),
        ("claude-sonnet-4-6", [5, 1, 0, 0, 0], "0.000000000001", "0", "0.000000000001", SONNET),
        ("claude-sonnet-4-6", [5, 1, 0, 0, 0], "0.000000000003", "0.000000000002", "0.000000000001", SONNET),
        ("claude-sonnet-4-6", [7, 0, 0, 0, 0], "0.07", "0.07", "0", SONNET),
        ("claude-sonnet-4-6", [0, 7, 0, 0, 0], "0.07", "0", "0.07", SONNET),
        ("claude-sonnet-4-6", [1, 1, 0, 0, 0], "0", "0", "0", SONNET),
        // The book makes it nothing, or knows nothing.
        ("claude-sonnet-4-6", [0; 5], "0.07", "0", "0.07", "cost_usd"),
        ("no-such-model", [1, 1, 0, 0, 0], "0.07", "0", "0.07", "cost_usd"),
        ("no-such-model", [1, 1, 0, 0, 0], "0", "0", "0", "cost_usd"),
        // Nothing that ingest lets in, and still no digit is lost.
        ("claude-sonnet-4-6", [1, 1, 0, 0, 0], "-1", "0", "-1", "cost_usd"),
        ("claude-sonnet-4-6", [1, 1, 0, 0, 0], "0.0000000000001", "0", "0.0000000000001", "cost_usd"),
        ("claude-sonnet-4-6", [1, 1, 0, 0, 0], "80000000000000000", "0", "80000000000000000", "cost_usd"),
        (
            "claude-sonnet-4-6",
            [1, 1, 0, 0, 0],
            "60000000000000000",
            "10000000000000000",
            "50000000000000000",
            SONNET,
        ),
    ] {
        assert_eq!(
            by_book("anthropic", model, tokens, Some(own)),
            priced(input, output, row),
            "{own} {tokens:?}"
        );
    }
}

#[test]
fn the_largest_call_at_the_highest_price_is_exact() {
    let [dear, odd] = ["1000000", "999999.999999"].map(|usd| Price::new(dec(usd)).unwrap());
    let rates =
        |input, output| Rates { input, output, cache_read: None, cache_write_5m: None, cache_write_1h: None };
    let long = LongContext { above_input_tokens: 3_999_999_999, rates: rates(odd, dear) };
    let overrides = Overrides::new([Override {
        provider: "p".into(),
        model: "m".into(),
        effective_from: "2026-01-01".parse().unwrap(),
        rates: rates(dear, odd),
        long_context: Some(long),
    }]);
    let prices = Prices::new(PriceBook::builtin(), &overrides);
    let price = |tokens| price_call(prices, "p", "m", time("2026-01-01T00:00:00Z"), &counts(tokens), None);
    let all = 1_000_000_000;
    let cost = price([all; 5]);
    assert_eq!(cost, priced("3999999999.996", "1000000000", "p/m@2026-01-01+org+long3999999999"));
    let cost = price([all - 1, all - 1, all, all, all]);
    // (10⁹ − 1) × 999999.999999 / 10⁶: all of the 12 decimals are used.
    assert_eq!(cost, priced("3999999999", "999999998.999000000001", "p/m@2026-01-01+org"));
}

#[test]
fn the_stored_form_is_stable() {
    let cost = priced("18.4", "0.000000000001", "anthropic/claude-opus-5@-");
    let text = r#"{"priced":{"input":"18.40","output":"0.000000000001","row":"anthropic/claude-opus-5@-"}}"#;
    assert_eq!(serde_json::to_string(&cost).unwrap(), text);
    assert_eq!(serde_json::from_str::<CallCost>(text).unwrap(), cost);
    assert_eq!(serde_json::to_string(&CallCost::Unpriced).unwrap(), r#""unpriced""#);
    assert_eq!(serde_json::from_str::<CallCost>(r#""unpriced""#).unwrap(), CallCost::Unpriced);

    let short = r#"{"input_tokens":1,"output_tokens":2}"#;
    let long = r#","cache_read_tokens":3,"cache_write_5m_tokens":4,"cache_write_1h_tokens":5}"#;
    let long = short.replace('}', long);
    for (tokens, text) in [([1, 2, 0, 0, 0], short), ([1, 2, 3, 4, 5], &long)] {
        assert_eq!(serde_json::to_string(&counts(tokens)).unwrap(), text);
        assert_eq!(serde_json::from_str::<TokenCounts>(text).unwrap(), counts(tokens));
    }
    assert_eq!(counts([1, 2, 4, 8, 16]).whole_input(), 29);
    assert_eq!(counts([1, 2, 4, 8, 16]).total(), 31);
}

#[test]
fn scaling_rounds_half_to_even_and_survives_a_product_of_more_than_128_bits() {
    for (value, part, whole, scaled) in [
        (1, 1, 2, 0),
        (3, 1, 2, 2),
        (5, 1, 2, 2),
        (7, 1, 2, 4),
        // A half that no decimal fraction of 1/6 would show.
        (3, 1, 6, 0),
        (9, 1, 6, 2),
        (2, 1, 3, 1),
        (1, 1, 3, 0),
        (0, 1, 3, 0),
        (9, 0, 3, 0),
        (1 << 96, (1 << 100) - 1, 1 << 100, 1 << 96),
        (1 << 96, (1 << 100) - 16, 1 << 100, (1 << 96) - 1),
        (u128::MAX, (1 << 126) - 1, (1 << 126) - 1, u128::MAX),
    ] {
        assert_eq!(scale_half_even(value, part, whole), scaled, "{value} × {part} / {whole}");
    }
}
