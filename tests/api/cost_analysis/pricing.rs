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
            "units": { "web_search": 0.01, "web_fetch": 0, "code_execution_hours": 0.05 },
            "aliases": ["claude-3-5-haiku", "claude-3.5-haiku", "claude-haiku-3.5"],
            "overridden": false,
            "mode": "chat",
            "contextTokens": 200_000,
            "released": "2024-11-04",
            "retiresOn": "2026-02-19",
            "retired": true,
        })
    );
    let sonnet = find(&book, "anthropic", "claude-sonnet-4-0");
    assert_eq!((&sonnet["category"], &sonnet["inputPricePerMillion"]), (&json!("flagship"), &json!(3)));
    let long = &find(&book, "google", "gemini-1.5-pro")["longContext"];
    assert_eq!(
        (&long[0]["aboveInputTokens"], &long[0]["inputPricePerMillion"]),
        (&json!(128_000), &json!(2.5))
    );
}

#[tokio::test]
async fn pages_and_filters() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let all = caller.get(&format!("{PATH}/pricing?provider=anthropic")).await;
    let page = caller.get(&format!("{PATH}/pricing?provider=anthropic&limit=3")).await;
    let cursor = page["nextCursor"].as_str().unwrap();
    let rest = caller.get(&format!("{PATH}/pricing?provider=anthropic&cursor={cursor}")).await;
    let joined: Vec<_> =
        [&page, &rest].into_iter().flat_map(|page| page["models"].as_array().unwrap()).collect();
    assert_eq!(json!(joined), all["models"]);
    assert_eq!(rest["nextCursor"], Value::Null);
    for (query, fault) in [
        ("limit=0", "query.limit greater_than_equal"),
        ("mode=talk", "query.mode enum"),
        ("cursor=abc", "query.cursor cursor"),
    ] {
        let response = caller.try_get(&format!("{PATH}/pricing?{query}")).await;
        assert_eq!(faults(&response.body["detail"]), [fault], "{query}");
    }
}

/// The rows of a data file without conditions that are in effect on `day`, read by splitting lines.
fn rows_on(provider: &str, day: &str) -> Vec<Vec<String>> {
    let path = format!("{}/../shared/ledger/data/prices/{provider}.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let holds = |row: &Vec<String>| *row[1] <= *day && (row[2].is_empty() || *day < *row[2]);
    rows.filter(|row| holds(row) && row[3..6].iter().all(String::is_empty)).collect()
}

#[tokio::test]
async fn every_row_of_the_book_is_shown_on_its_day() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let names = [
        ("input", "inputPricePerMillion"),
        ("output", "outputPricePerMillion"),
        ("cache_read", "cacheReadPricePerMillion"),
        ("cache_write_5m", "cacheWrite5mPricePerMillion"),
        ("cache_write_1h", "cacheWrite1hPricePerMillion"),
        ("input_audio", "inputAudioPricePerMillion"),
    ];
    for day in ["2025-06-09", "2025-06-10", "2026-08-31", "2026-12-31", "2027-01-01"] {
        for provider in ["anthropic", "openai", "google", "x-ai"] {
            let book = caller.get(&format!("{PATH}/pricing?at={day}&provider={provider}")).await;
            for row in rows_on(provider, day) {
                let model = find(&book, provider, &row[0]);
                let prices = match row[6].parse::<u64>() {
                    Err(_) => model,
                    Ok(above) => {
                        let long = model["longContext"].as_array().unwrap();
                        long.iter().find(|long| long["aboveInputTokens"] == above).unwrap()
                    }
                };
                for (name, field) in names {
                    let stated = row[7].split(' ').find_map(|rate| rate.strip_prefix(&format!("{name}=")));
                    let Some(stated) = stated else { continue };
                    let stated: Value = serde_json::from_str(stated).unwrap();
                    assert_eq!(prices[field].as_f64(), stated.as_f64(), "{row:?} {name}");
                }
                if row[6].is_empty() {
                    let from = if row[1].is_empty() { Value::Null } else { json!(row[1]) };
                    assert_eq!(model["effectiveFrom"], from, "{row:?}");
                }
            }
        }
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
    // A price that is left out follows the list price in the proportion of the input prices, 0.123456 of 1.
    let book = caller.get(&format!("{PATH}/pricing")).await;
    assert_eq!(find(&book, "anthropic", "claude-haiku-4-5")["cacheReadPricePerMillion"], 0.012_346);
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
