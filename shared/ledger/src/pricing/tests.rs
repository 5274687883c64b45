use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::*;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A book of base rows: provider, model, aliases, first and last day.
fn book(rows: &[[&str; 5]]) -> PriceBook {
    let header = include_str!("../../data/model-prices.csv").lines().next().unwrap();
    let lines = rows.iter().map(|row| format!("{},0,1,2,,,\n", row.join(",")));
    PriceBook::parse(&format!("{header}\n{}", lines.collect::<String>())).unwrap()
}

#[test]
fn every_row_of_the_built_in_book_is_found_by_its_own_id_on_each_of_its_days() {
    let book = PriceBook::builtin();
    let mut rows = 0;
    for model in &book.models {
        for version in &model.versions {
            rows += 1 + version.long_context.len();
            let first = version.effective_from.unwrap_or_default();
            let last = version.effective_to.map_or(day("2999-12-31"), |to| to.pred_opt().unwrap());
            let expected = PriceRef { model, version, overridden: false };
            for (date, clock) in [(first, "00:00:00"), (last, "23:59:59.999")] {
                let at = time(&format!("{date}T{clock}Z"));
                assert_eq!(book.resolve(&model.provider, &model.model, at), Some(expected));
                let upper = (model.provider.to_uppercase(), model.model.to_uppercase());
                assert_eq!(book.resolve(&upper.0, &upper.1, at), Some(expected));
            }
            assert_eq!(expected.rates(0), &version.base);
            for long in &version.long_context {
                assert_eq!(expected.rates(long.above_input_tokens + 1), &long.rates);
                assert!(expected.stamp(u64::MAX).ends_with(&format!("+long{}", long.above_input_tokens)));
            }
        }
    }
    assert_eq!((rows, book.models.len()), (541, 506));
}

#[test]
fn every_alias_of_the_built_in_book_means_its_model_or_the_id_of_another() {
    let book = PriceBook::builtin();
    for model in &book.models {
        for alias in &model.aliases {
            let found = book.identify(&model.provider, &alias[1..]).unwrap();
            assert!(found == model || found.model.eq_ignore_ascii_case(&alias[1..]), "{alias}");
        }
    }
}

#[test]
fn a_dated_snapshot_that_the_book_does_not_list_costs_what_its_model_costs() {
    let book = PriceBook::builtin();
    let model = |provider, id| book.identify(provider, id).map(|found| found.model.as_str());
    for id in ["claude-haiku-4-5-20251001", "Claude-Haiku-4-5@20251001", "claude-haiku-4-5-2025-10-01"] {
        assert_eq!(model("anthropic", id), Some("claude-haiku-4-5"), "{id}");
    }
    // Listed ids and aliases stand as they are; what is no date, or no model before it, stays unknown.
    assert_eq!(model("anthropic", "claude-opus-4-20250514"), Some("claude-opus-4-0"));
    for id in [
        "claude-haiku-4-5-2025100",
        "claude-haiku-4-5-20251301",
        "claude-haiku-4-5-19991001",
        "nobody-20251001",
    ] {
        assert_eq!(model("anthropic", id), None, "{id}");
    }
    for id in ["", "-", "-20251001", "@20251001", "-2025-10-01", "é-2025-10-01"] {
        assert_eq!(model("anthropic", id), None, "{id}");
    }
}

#[test]
fn an_id_is_looked_for_among_ids_then_aliases_then_prefixes() {
    let book = book(&[
        ["p", "short", "^ab|=abc", "", ""],
        ["p", "long", "^abc|=ABX", "", ""],
        ["p", "ABCD", "=short|=abc1", "", ""],
        ["q", "abcd", "", "", ""],
    ]);
    for (provider, id, model) in [
        // An id beats the alias `=short`, and `abcd` beats the prefix `^abc`.
        ("p", "short", Some("short")),
        ("p", "abcd", Some("ABCD")),
        ("P", "AbCd", Some("ABCD")),
        // An exact alias beats a longer prefix.
        ("p", "abc", Some("short")),
        ("p", "abc1", Some("ABCD")),
        ("p", "aBx", Some("long")),
        // The longest prefix.
        ("p", "abcde", Some("long")),
        ("p", "ab", Some("short")),
        ("p", "abd", Some("short")),
        // An id is no prefix, and no provider answers for another.
        ("p", "shorter", None),
        ("p", "a", None),
        ("q", "abc", None),
        ("r", "abcd", None),
    ] {
        assert_eq!(book.identify(provider, id).map(|model| &*model.model), model, "{provider}/{id}");
    }
}

#[test]
fn what_the_built_in_book_makes_of_well_known_ids() {
    for (provider, id, stamp) in [
        ("anthropic", "claude-haiku-3.5", Some("anthropic/claude-3-5-haiku-latest@-")),
        ("Anthropic", "Claude-Haiku-3.5", Some("anthropic/claude-3-5-haiku-latest@-")),
        ("anthropic", "claude-3-5-haiku-20241022", Some("anthropic/claude-3-5-haiku-latest@-")),
        ("anthropic", "claude-sonnet-4-20250514", Some("anthropic/claude-sonnet-4-0@-")),
        (
            "aws",
            "regional.anthropic.claude-opus-4-6-v1:0",
            Some("aws/regional.anthropic.claude-opus-4-6-v1:0@-"),
        ),
        ("aws", "claude-opus-4-6", Some("aws/regional.anthropic.claude-opus-4-6-v1:0@-")),
        ("anthropic", "regional.anthropic.claude-opus-4-6-v1:0", None),
        ("azure", "o3", Some("azure/o3-2025-04-16@-")),
        ("together", "qwen/qwen1.5-7b-chat", Some("together/Qwen/Qwen1.5-7B@-")),
        ("openai", "mistral-large", None),
    ] {
        let found = PriceBook::builtin().resolve(provider, id, time("2026-06-15T00:00:00Z"));
        assert_eq!(found.map(|price| price.stamp(0)).as_deref(), stamp, "{provider}/{id}");
    }
}

#[test]
fn the_model_is_decided_before_the_day() {
    // `^m` would have a price in 2027; but `m1` means the model that has none any more.
    let book = book(&[
        ["p", "m1", "", "", "2026-01-01"],
        ["p", "m", "^m", "", ""],
        ["p", "n", "", "2026-03-01", ""],
    ]);
    assert!(book.resolve("p", "m1", time("2025-12-31T23:59:59Z")).is_some());
    assert_eq!(book.resolve("p", "m1", time("2026-01-01T00:00:00Z")), None);
    assert_eq!(book.resolve("p", "n", time("2026-02-28T23:59:59Z")), None);
    assert!(book.identify("p", "m1").is_some());
}

#[test]
fn the_highest_threshold_that_is_exceeded_counts() {
    let header = include_str!("../../data/model-prices.csv").lines().next().unwrap();
    let rows = "p,m,,,,0,1,2,,,\np,m,,,,1000,3,4,,,\np,m,,,,5000,5,6,,,\n";
    let book = PriceBook::parse(&format!("{header}\n{rows}")).unwrap();
    let price = book.resolve("p", "m", time("2026-01-01T00:00:00Z")).unwrap();
    for (whole_input, input, stamp) in [
        (0, 1, "p/m@-"),
        (1000, 1, "p/m@-"),
        (1001, 3, "p/m@-+long1000"),
        (5000, 3, "p/m@-+long1000"),
        (5001, 5, "p/m@-+long5000"),
    ] {
        assert_eq!(price.rates(whole_input).input.per_million(), Decimal::from(input), "{whole_input}");
        assert_eq!(price.stamp(whole_input), stamp);
    }
}

#[test]
fn the_built_in_list_has_the_categories_of_the_documented_example() {
    let overrides = Overrides::default();
    let list = Prices::new(PriceBook::builtin(), &overrides).list(day("2026-06-15"));
    assert_eq!(list.len(), 506);
    let category = |id| list.iter().find(|price| price.model.model == id).unwrap().category();
    assert_eq!(category("claude-3-5-haiku-latest"), Category::Economy);
    assert_eq!(category("claude-haiku-4-5"), Category::Economy);
    assert_eq!(category("claude-sonnet-4-0"), Category::Flagship);
    assert_eq!(category("claude-sonnet-5"), Category::Standard);
    let haiku = list.iter().find(|price| price.model.model == "claude-3-5-haiku-latest").unwrap();
    assert_eq!(haiku.model.aliases, ["=claude-haiku-3.5", "^claude-3-5-haiku", "^claude-3.5-haiku"]);
}
