//! Calls as providers, gateways and SDKs report them, priced as their bills.

use chrono::{DateTime, Utc};
use ledger::event::Data;
use ledger::pricing::Unpriced;
use runtime::clock::Clock;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{outcome, stored, with};
use crate::support::events::{call, event};
use crate::support::{World, noon};

/// A call without the fields that every call has, its cost in dollars (none: unpriced) and the number of warnings.
type Case = (&'static str, &'static str, Value, Option<&'static str>, usize);

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    vec![
        // Bedrock: geography, date and version are no part of the name; a cache write of an hour is twice the input.
        (
            "aws",
            "eu.anthropic.claude-sonnet-4-6",
            json!({"input_tokens": 100_000, "output_tokens": 10_000}),
            Some("0.495"),
            0,
        ),
        (
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            json!({"input_tokens": 100_000, "output_tokens": 10_000}),
            Some("0.495"),
            0,
        ),
        (
            "aws.bedrock",
            "global.anthropic.claude-opus-4-8-v1:0",
            json!({"cache_write_1h_tokens": 8882}),
            Some("0.08882"),
            0,
        ),
        // Other names of providers.
        (
            "azure",
            "gpt-4o-2024-08-06",
            json!({"input_tokens": 10_000, "output_tokens": 1_000}),
            Some("0.035"),
            0,
        ),
        (
            "vertex_ai",
            "gemini-2.5-pro",
            json!({"input_tokens": 1_000, "output_tokens": 1_000}),
            Some("0.01125"),
            0,
        ),
        (
            "gcp.gemini",
            "models/gemini-2.5-pro",
            json!({"input_tokens": 1_000, "output_tokens": 1_000}),
            Some("0.01125"),
            0,
        ),
        (
            "anthropic",
            "claude-opus-4-7[1m]",
            json!({"input_tokens": 1_000_000, "output_tokens": 1_000_000}),
            Some("30"),
            0,
        ),
        (
            "openai",
            "gpt-4o-2024-05-13",
            json!({"input_tokens": 1_000_000, "output_tokens": 100_000}),
            Some("6.5"),
            0,
        ),
        // Tiers, regions and the length of the input.
        (
            "openai",
            "gpt-5-nano",
            json!({"input_tokens": 1_000_000, "output_tokens": 1_000_000, "service_tier": "Flex"}),
            Some("0.225"),
            0,
        ),
        (
            "anthropic",
            "claude-haiku-4-5",
            json!({"input_tokens": 1_000_000, "service_tier": "flex"}),
            None,
            0,
        ),
        (
            "anthropic",
            "claude-sonnet-4-6",
            json!({"input_tokens": 23, "output_tokens": 10, "region": "us"}),
            Some("0.0002409"),
            0,
        ),
        (
            "google",
            "gemini-3.1-pro-preview",
            json!({"input_tokens": 199_000, "output_tokens": 1_000, "cache_read_tokens": 1_000}),
            Some("0.4102"),
            0,
        ),
        (
            "google",
            "gemini-3.1-pro-preview",
            json!({"input_tokens": 199_001, "output_tokens": 1_000, "cache_read_tokens": 1_000}),
            Some("0.814404"),
            0,
        ),
        // Units and modalities.
        (
            "anthropic",
            "claude-sonnet-4-5",
            json!({"input_tokens": 9_548, "output_tokens": 528, "units": {"web_search": 2}}),
            Some("0.056564"),
            0,
        ),
        (
            "anthropic",
            "claude-sonnet-4-5",
            json!({"input_tokens": 9_548, "output_tokens": 528, "units": {"web_search": "0"}}),
            Some("0.036564"),
            0,
        ),
        (
            "openai",
            "gpt-audio-mini",
            json!({"input_tokens": 15, "output_tokens": 47, "output_audio_tokens": 34}),
            Some("0.0007202"),
            0,
        ),
        // A cost that the sender knows, in any notation.
        ("x", "y", json!({"input_tokens": 1, "cost_usd": "5.549999999999999e-06"}), Some("0.00000555"), 0),
        ("x", "y", json!({"input_tokens": 1, "cost_usd": 0.25}), Some("0.25"), 0),
        ("x", "y", json!({"input_tokens": 1}), None, 0),
        // Labels take no money with them.
        (
            "openai",
            "gpt-4o",
            json!({"input_tokens": 1_000_000, "end_user": "jane+test@example.com", "task_type": "code review"}),
            Some("2.5"),
            0,
        ),
        (
            "openai",
            "gpt-4o",
            json!({"input_tokens": 1_000_000, "end_user": "josé\u{0}", "hostname": "", "conversation_id": 7}),
            Some("2.5"),
            3,
        ),
        (
            "openai",
            "gpt-4o",
            json!({"input_tokens": 1_000_000, "feature": "search", "task_typ": "chat"}),
            Some("2.5"),
            2,
        ),
        ("openai", "gpt-5", json!({"output_tokens": 102, "reasoning_tokens": 109}), Some("0.00102"), 1),
    ]
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn calls_are_priced_as_their_bills() {
    let world = World::at(Clock::fixed(at("2026-11-27T12:00:00Z"))).await;
    for (nth, (provider, model, data, cost, warnings)) in cases().into_iter().enumerate() {
        let caller = world.caller(&format!("org-{nth}"));
        let mut call = json!({
            "agent_id": "nova", "provider": provider, "model": model, "input_tokens": 0, "output_tokens": 0,
        });
        call.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        let response =
            caller.post(&json!([event("1", "llm.call", at("2026-11-27T10:00:00Z"), call.clone())])).await;
        assert_eq!(response["accepted"], 1, "{call}: {response}");
        assert_eq!(response["warnings"].as_array().map_or(0, Vec::len), warnings, "{call}: {response}");
        world.stack.drain().await;
        let summary = caller.get("/v1/metrics/summary?days=7").await;
        let spent: Decimal = summary["estimated_cost_usd"].as_str().unwrap().parse().unwrap();
        assert_eq!(spent, cost.unwrap_or("0").parse().unwrap(), "{call}");
        assert_eq!(summary["unpriced_requests"], u64::from(cost.is_none()), "{call}");
    }
}

#[tokio::test]
async fn the_nearest_known_field_is_suggested() {
    let world = World::at(Clock::fixed(at("2026-11-27T12:00:00Z"))).await;
    let call = json!({
        "agent_id": "nova", "provider": "openai", "model": "gpt-4o", "input_tokens": 0, "output_tokens": 0,
        "cache_reads_tokens": 7, "zzz": 1,
    });
    let response =
        world.caller("acme").post(&json!([event("1", "llm.call", at("2026-11-27T10:00:00Z"), call)])).await;
    let warning = |nth: usize| response["warnings"][nth]["msg"].as_str().unwrap().to_owned();
    assert_eq!(response["warnings"][0]["loc"], json!(["body", 0, "data", "cache_reads_tokens"]));
    assert_eq!(warning(0), "Field is not known and was left out; did you mean 'cache_read_tokens'?");
    assert_eq!(warning(1), "Field is not known and was left out");
}

/// A tier that cannot be read may be one with another price.
#[tokio::test]
async fn an_unusable_tier_is_never_the_standard_tier() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let unusable = [json!("x".repeat(300)), json!("a\u{1}b")];
    let standard = [json!(null), json!(""), json!(" standard\n"), json!("Default")];
    for (nth, tier) in unusable.iter().chain(&standard).enumerate() {
        let event = with(call(&nth.to_string(), noon()), "/data/service_tier", tier.clone());
        assert_eq!(outcome(&caller, &event).await[0], "accepted", "{tier}");
    }
    let events = stored(&world).await;
    let unpriced = events.iter().filter(|event| match &event.data {
        Data::LlmCall(call) => call.cost.unpriced == Some(Unpriced::NoPriceForTier),
        _ => false,
    });
    let mut unpriced: Vec<_> = unpriced.map(|event| event.id.to_string()).collect();
    unpriced.sort();
    assert_eq!(unpriced, ["0", "1"]);
}
