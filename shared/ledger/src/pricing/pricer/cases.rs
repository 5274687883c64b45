//! Calls from public bug reports of other tools, each with its right price.

use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::Value;

use super::super::data::Rate;
use super::super::usage::TokenUsage;
use super::*;

#[test]
fn calls_of_public_bug_reports_cost_what_they_should() {
    let own = OwnPrices::default();
    let pricer = Pricer::new(Book::builtin(), &own);
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    for case in &cases {
        let (mut cost, mut unpriced) = (0, 0);
        for call in case["calls"].as_array().unwrap() {
            let text = |name: &str| call[name].as_str().unwrap_or_default();
            let count = |name: &str| call[name].as_u64().unwrap_or(0);
            let units: Vec<_> = call["units"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, count)| {
                    (Rate::from_name(name).unwrap(), Decimal::from_str(&count.to_string()).unwrap())
                })
                .collect();
            let price = pricer.price(&Call {
                provider: text("provider"),
                model: text("model"),
                at: text("time").parse().unwrap(),
                service_tier: text("service_tier"),
                region: text("region"),
                tokens: TokenUsage {
                    input: count("input_tokens"),
                    cache_read: count("cache_read_tokens"),
                    cache_write_5m: count("cache_write_5m_tokens"),
                    cache_write_1h: count("cache_write_1h_tokens"),
                    output: count("output_tokens"),
                    output_audio: count("output_audio_tokens"),
                    ..TokenUsage::default()
                },
                units: &units,
            });
            cost += price.parts.total();
            unpriced += u64::from(price.unpriced.is_some());
        }
        let right = Decimal::from_str(case["cost_usd"].as_str().unwrap()).unwrap();
        assert_eq!(Decimal::from_i128_with_scale(cost, 12), right, "{}", case["what"]);
        assert_eq!(unpriced, case["unpriced"].as_u64().unwrap(), "{}", case["what"]);
    }
}
