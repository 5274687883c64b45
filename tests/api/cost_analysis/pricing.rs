//! `/api/cost-analysis/pricing`: the price book.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{PATH, at, names, set};
use crate::support::{World, faults};

fn find<'a>(book: &'a Value, provider: &str, id: &str) -> &'a Value {
    let models = book["models"].as_array().unwrap();
    models.iter().find(|model| model["provider"] == provider && model["id"] == id).unwrap()
}

#[tokio::test]
async fn the_documented_rows_and_additional_fields() {
    let world = World::new().await;
    let book = world.caller("acme").get(&format!("{PATH}/pricing")).await;
    let models = book["models"].as_array().unwrap();
    let key = |model: &Value| (model["provider"].to_string(), model["id"].to_string());
    assert!(models.is_sorted_by_key(key));
    assert_eq!(
        *find(&book, "anthropic", "claude-3-5-haiku-latest"),
        json!({
            "id": "claude-3-5-haiku-latest",
            "provider": "anthropic",
            "category": "economy",
            "inputPricePerMillion": 0.8,
            "outputPricePerMillion": 4,
            "cacheReadPricePerMillion": 0.08,
            "cacheWrite5mPricePerMillion": 1,
            "cacheWrite1hPricePerMillion": 1.6,
            "longContext": [],
            "effectiveFrom": null,
            "aliases": ["claude-haiku-3.5", "claude-3-5-haiku*", "claude-3.5-haiku*"],
            "overridden": false,
        })
    );
    let sonnet = find(&book, "anthropic", "claude-sonnet-4-0");
    assert_eq!((&sonnet["category"], &sonnet["inputPricePerMillion"]), (&json!("flagship"), &json!(3)));
    assert_eq!(
        find(&book, "google", "gemini-1.5-pro")["longContext"],
        json!([{
            "aboveInputTokens": 128_000,
            "inputPricePerMillion": 2.5,
            "outputPricePerMillion": 10,
            "cacheReadPricePerMillion": null,
            "cacheWrite5mPricePerMillion": null,
            "cacheWrite1hPricePerMillion": null,
        }])
    );
}

/// The rows of the data file in effect on `day`, read by splitting lines.
fn rows_on(day: &str) -> Vec<Vec<String>> {
    let text = include_str!("../../../shared/ledger/data/model-prices.csv");
    let rows = text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let holds = |row: &Vec<String>| *row[3] <= *day && (row[4].is_empty() || *day < *row[4]);
    rows.filter(holds).collect()
}

#[tokio::test]
async fn every_row_of_the_book_is_shown_on_its_day() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for day in
        ["2025-06-09", "2025-06-10", "2026-08-31", "2026-09-01", "2026-12-31", "2027-01-01", "1970-01-01"]
    {
        let book = caller.get(&format!("{PATH}/pricing?at={day}")).await;
        let rows = rows_on(day);
        let mut base = 0;
        for row in &rows {
            let model = find(&book, &row[0], &row[1]);
            let prices = if row[5] == "0" {
                base += 1;
                model
            } else {
                let long = model["longContext"].as_array().unwrap();
                long.iter().find(|long| long["aboveInputTokens"] == row[5].parse::<u64>().unwrap()).unwrap()
            };
            let names = ["input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h"];
            for (name, price) in names.iter().zip(&row[6..]) {
                let price = if price.is_empty() { "null" } else { price };
                let price: Value = serde_json::from_str(price).unwrap();
                let shown = &prices[format!("{name}PricePerMillion")];
                assert_eq!(shown.as_f64(), price.as_f64(), "{row:?} {name}");
            }
            let from = if row[3].is_empty() { Value::Null } else { json!(row[3]) };
            assert_eq!(model["effectiveFrom"], from, "{row:?}");
        }
        assert_eq!(book["models"].as_array().unwrap().len(), base, "{day}");
    }
}

#[tokio::test]
async fn own_prices_replace_the_book_from_their_day_on_for_their_organization() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let haiku = format!("{PATH}/pricing/anthropic/claude-haiku-4-5");
    let shown = async |query: &str| {
        let book = caller.get(&format!("{PATH}/pricing{query}")).await;
        let row = find(&book, "anthropic", "claude-haiku-4-5");
        (row["inputPricePerMillion"].clone(), row["overridden"].clone(), row["effectiveFrom"].clone())
    };
    let of_book = (json!(1), json!(false), Value::Null);
    assert_eq!(shown("").await, of_book);
    let price = |from: &str, input: &str| json!({ "effectiveFrom": from, "inputPricePerMillion": input, "outputPricePerMillion": 4 });
    set(&caller, &haiku, &price("2026-09-01", "0.5")).await;
    set(&caller, &haiku, &price("2026-09-16", "0.123456")).await;
    // Visible immediately.
    assert_eq!(shown("").await, (json!(0.5), json!(true), json!("2026-09-01")));
    assert_eq!(shown("?at=2026-08-31").await, of_book);
    assert_eq!(shown("?at=2026-09-01").await.0, 0.5);
    assert_eq!(shown("?at=2026-09-16").await, (json!(0.123_456), json!(true), json!("2026-09-16")));
    // Prices take effect by UTC days.
    set(&caller, "/api/organization", &json!({ "timezone": "Asia/Kathmandu" })).await;
    world.stack.clock().set(at("2026-09-15T23:59:59Z"));
    assert_eq!(shown("").await.0, 0.5);
    world.stack.clock().set(at("2026-09-16T00:00:00Z"));
    assert_eq!(shown("").await.0, 0.123_456);
    // A price that is left out is not taken from the book.
    let book = caller.get(&format!("{PATH}/pricing")).await;
    assert_eq!(find(&book, "anthropic", "claude-haiku-4-5")["cacheReadPricePerMillion"], Value::Null);
    set(&caller, &format!("{PATH}/pricing/in-house/our-own"), &price("2026-09-01", "1")).await;
    let book = caller.get(&format!("{PATH}/pricing")).await;
    assert_eq!(find(&book, "in-house", "our-own")["category"], "economy");
    let others = world.caller("others").get(&format!("{PATH}/pricing")).await;
    assert!(!names(&others["models"], "provider").contains(&"in-house"));
    assert_eq!(find(&others, "anthropic", "claude-haiku-4-5")["inputPricePerMillion"], 1);

    let response = caller.send(Method::DELETE, &format!("{haiku}?effectiveFrom=2026-09-16"), &[], "").await;
    assert_eq!(response.status, StatusCode::NO_CONTENT);
    assert_eq!(shown("").await.0, 0.5);
}

#[tokio::test]
async fn a_day_must_be_a_full_date() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for good in ["0000-01-01", "2024-02-29", "9999-12-31"] {
        caller.get(&format!("{PATH}/pricing?at={good}")).await;
    }
    for bad in ["", "2023-02-29", "2026-09", "20260901", "today"] {
        let response = caller.try_get(&format!("{PATH}/pricing?at={bad}")).await;
        assert_eq!(faults(&response.body["detail"]), ["query.at date_parsing"], "{bad}");
    }
}
