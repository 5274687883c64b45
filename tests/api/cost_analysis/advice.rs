//! Recommendations computed by hand, including the documented one.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{PATH, at, call, names, set};
use crate::support::{Caller, World, noon};

const SONNET: &str = "anthropic/claude-sonnet-4-20250514";

/// The start of the last 30 days in UTC.
fn first_day() -> DateTime<Utc> {
    at("2026-08-17T00:00:00Z")
}

/// Calls by `nova` with 100,000 input tokens and an economy-tier task each, unless `more` says otherwise.
fn calls(prefix: &str, model: &str, time: DateTime<Utc>, count: u32, more: &Value) -> Vec<Value> {
    let mut data = json!({ "input_tokens": 100_000, "task_type": "classification" });
    for (name, value) in more.as_object().unwrap() {
        data[name] = value.clone();
    }
    (0..count).map(|i| call(&format!("{prefix}-{i}"), "nova", model, time, &data)).collect()
}

async fn advice(caller: &Caller<'_>) -> Value {
    caller.get(&format!("{PATH}/recommendations")).await
}

/// The recommended models.
async fn recommended(caller: &Caller<'_>) -> Vec<String> {
    let response = advice(caller).await;
    names(&response["recommendations"], "recommendedModel").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_documented_recommendation() {
    let world = World::new().await;
    let caller = world.caller("acme");
    set(&caller, "/api/agents/nova", &json!({ "name": "Pulse" })).await;
    // 21,909,091 tokens at 2.00 dollars a million saved.
    caller.record(&calls("a", SONNET, first_day(), 219, &json!({}))).await;
    caller.record(&calls("b", SONNET, noon(), 1, &json!({ "input_tokens": 9_091 }))).await;
    assert_eq!(recommended(&caller).await, ["claude-haiku-5-5"]);
    // The model that failed it earlier, under any alias, is not recommended again.
    let failed = json!({ "input_tokens": 1, "status": "error", "cost_usd": "0" });
    caller.record(&calls("c", "anthropic/Claude-Haiku-5.5", noon(), 1, &failed)).await;
    assert_eq!(
        advice(&caller).await,
        json!({
            "recommendations": [{
                "agentId": "nova",
                "agentName": "Pulse",
                "currentModel": "claude-sonnet-4-20250514",
                "currentProvider": "anthropic",
                "recommendedModel": "claude-haiku-4-5",
                "recommendedProvider": "anthropic",
                "reason": "saving",
                "savingsPct": 66.7,
                "estimatedMonthlySavings": 43.818_182,
                "estimatedMonthlyCostChange": -43.818_182,
                "currentInputPrice": 3,
                "recommendedInputPrice": 1,
                "currentOutputPrice": 15,
                "recommendedOutputPrice": 5,
                "currentCacheReadPrice": 0.3,
                "recommendedCacheReadPrice": 0.1,
                "currentCacheWrite5mPrice": 3.75,
                "recommendedCacheWrite5mPrice": 1.25,
                "currentCacheWrite1hPrice": 6,
                "recommendedCacheWrite1hPrice": 2,
                "basis": {
                    "since": "2026-08-17",
                    "days": 30,
                    "calls": 220,
                    "inputTokens": 21_909_091,
                    "outputTokens": 0,
                    "errorRatePct": 0,
                    "longestInputTokens": 128_000,
                    "recommendedCalls": 0,
                    "recommendedErrorRatePct": null,
                },
                "retiresOn": null,
                "successor": null,
            }],
            "totalPotentialSavings": 43.818_182,
            "unpricedRequests": 0,
        })
    );
    assert_eq!(advice(&world.caller("others")).await["recommendations"], json!([]));
}

#[tokio::test]
async fn a_recommendation_keeps_the_tier_that_the_tasks_need() {
    let world = World::new().await;
    let opus = "anthropic/claude-opus-4-1";
    for (i, (chats, others, kind, model)) in [
        (19, 1, "coding", "claude-sonnet-5-5"),
        (20, 1, "coding", "claude-haiku-5-5"),
        (19, 1, "research", "claude-opus-5-5"),
        (20, 1, "research", "claude-haiku-5-5"),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = world.caller(&format!("org-{i}"));
        caller.record(&calls("a", opus, first_day(), chats, &json!({ "task_type": "chat" }))).await;
        caller.record(&calls("b", opus, first_day(), others, &json!({ "task_type": kind }))).await;
        assert_eq!(recommended(&caller).await, [model], "{chats} {kind}");
    }
}

#[tokio::test]
async fn a_model_served_by_aws_is_replaced_by_one_of_its_developer_there() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let model = "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    // The cost is stated, since it does not matter here which prices are known at ingest.
    caller.record(&calls("a", model, first_day(), 20, &json!({ "cost_usd": "6" }))).await;
    let found = &advice(&caller).await["recommendations"][0];
    assert_eq!(found["recommendedModel"], "us.anthropic.claude-haiku-5-5");
    assert_eq!((&found["recommendedProvider"], &found["currentProvider"]), (&json!("aws"), &json!("aws")));
}

#[tokio::test]
async fn a_model_that_retires_soon_is_advised_on_without_a_saving() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let more = json!({ "task_type": "research", "input_tokens": 1_000 });
    caller.record(&calls("a", "anthropic/claude-sonnet-4-5", first_day(), 1, &more)).await;
    let response = advice(&caller).await;
    let found = &response["recommendations"][0];
    for (field, value) in [
        ("reason", json!("retiring")),
        ("recommendedModel", json!("claude-sonnet-5-5")),
        ("successor", json!("claude-sonnet-5-5")),
        ("retiresOn", json!("2026-11-30")),
        // A thousand tokens at 2.00 rather than 3.00: no reason to change by itself.
        ("savingsPct", json!(33.3)),
        ("estimatedMonthlySavings", json!(0.001)),
        ("estimatedMonthlyCostChange", json!(-0.001)),
    ] {
        assert_eq!(found[field], value, "{field}");
    }
}

#[tokio::test]
async fn only_models_on_the_allow_list_are_recommended() {
    let world = World::new().await;
    for (i, (list, model)) in [
        (json!(["anthropic/claude-haiku-4.5"]), &["claude-haiku-4-5"][..]),
        (json!(["claude-sonnet-5"]), &["claude-sonnet-5"]),
        (json!(["openai/gpt-5"]), &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = world.caller(&format!("org-{i}"));
        set(&caller, "/api/organization", &json!({ "recommendation_allow_list": list })).await;
        caller.record(&calls("a", SONNET, first_day(), 20, &json!({}))).await;
        assert_eq!(recommended(&caller).await, model, "{list}");
    }
}

#[tokio::test]
async fn other_providers_are_recommended_if_allowed_and_already_used() {
    let world = World::new().await;
    for (i, (allows, uses, model)) in
        [(false, true, "claude-haiku-5-5"), (true, false, "claude-haiku-5-5"), (true, true, "gpt-6-luna")]
            .into_iter()
            .enumerate()
    {
        let caller = world.caller(&format!("org-{i}"));
        let organization = json!({ "cross_provider_recommendations": allows });
        set(&caller, "/api/organization", &organization).await;
        caller.record(&calls("a", SONNET, first_day(), 20, &json!({}))).await;
        if uses {
            let other = json!({ "input_tokens": 1 });
            caller.record(&[call("b", "pulse", "OpenAI/gpt-4.1", noon(), &other)]).await;
        }
        assert_eq!(recommended(&caller).await, [model], "{allows} {uses}");
    }
}

#[tokio::test]
async fn own_prices_are_taken_into_account() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let discount = json!({ "effectiveFrom": "2026-09-15", "multiplier": "0.05" });
    set(&caller, &format!("{PATH}/pricing/anthropic/claude-haiku-4-5"), &discount).await;
    // A model of the organization's own is of no family, however cheap it is.
    let price = json!({ "inputPricePerMillion": "0.01", "outputPricePerMillion": "0.01" });
    set(&caller, &format!("{PATH}/pricing/anthropic/in-house"), &price).await;
    caller.record(&calls("a", SONNET, first_day(), 20, &json!({}))).await;
    let found = &advice(&caller).await["recommendations"][0];
    assert_eq!(
        (&found["recommendedModel"], &found["recommendedInputPrice"]),
        (&json!("claude-haiku-4-5"), &json!(0.05))
    );
}

#[tokio::test]
async fn savings_are_projected_from_the_first_use_within_30_days() {
    let world = World::new().await;
    for (i, (days_ago, saved, monthly)) in
        [(0, 5, 150.0), (1, 5, 75.0), (6, 5, 21.428_571), (29, 5, 5.0)].into_iter().enumerate()
    {
        let caller = world.caller(&format!("org-{i}"));
        caller.record(&calls("a", SONNET, noon() - TimeDelta::days(days_ago), 20, &json!({}))).await;
        let response = advice(&caller).await;
        assert_eq!(response["totalPotentialSavings"], monthly, "{saved} in {days_ago} days");
        assert_eq!(response["recommendations"][0]["savingsPct"], 83.3);
    }
    // A day too early, and tomorrow as sent by a clock that runs ahead: both are outside these 30 days.
    let caller = world.caller("acme");
    caller.record(&calls("a", SONNET, first_day() - TimeDelta::milliseconds(1), 20, &json!({}))).await;
    world.stack.clock().set(at("2026-09-15T23:59:00Z"));
    caller.record(&calls("b", SONNET, at("2026-09-16T00:00:00Z"), 20, &json!({}))).await;
    assert_eq!(recommended(&caller).await, [""; 0]);
}

#[tokio::test]
async fn a_model_that_cannot_take_the_inputs_is_not_recommended_and_long_context_prices_count() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let allow_list = json!(["claude-haiku-4-5", "claude-sonnet-5-5"]);
    set(&caller, "/api/organization", &json!({ "recommendation_allow_list": allow_list })).await;
    let long = json!({ "input_tokens": 250_000 });
    caller.record(&calls("a", "anthropic/claude-sonnet-4-5", first_day(), 20, &long)).await;
    let found = &advice(&caller).await["recommendations"][0];
    // 5,000,000 tokens at 6.00 a million. Haiku does not take inputs this long, and the next Sonnet has one price for
    // all, 2.00.
    assert_eq!(found["recommendedModel"], "claude-sonnet-5-5");
    assert_eq!((&found["savingsPct"], &found["estimatedMonthlySavings"]), (&json!(66.7), &json!(20)));
    assert_eq!((&found["currentInputPrice"], &found["recommendedInputPrice"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn unpriced_models_and_archived_agents_get_no_recommendation() {
    let world = World::new().await;
    let caller = world.caller("acme");
    set(&caller, "/api/agents/gone", &json!({ "status": "archived" })).await;
    let more = json!({ "cost_usd": "99", "task_type": "chat" });
    caller
        .record(&[
            call("1", "gone", SONNET, noon(), &json!({ "input_tokens": 100_000, "task_type": "chat" })),
            call("2", "nova", "anthropic/in-house", noon(), &json!({})),
            call("3", "nova", "anthropic/in-house", noon(), &more),
        ])
        .await;
    let none = json!({ "recommendations": [], "totalPotentialSavings": 0, "unpricedRequests": 1 });
    assert_eq!(advice(&caller).await, none);
}

#[tokio::test]
async fn recommendations_are_per_model_and_sorted_by_savings() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&calls("a", SONNET, first_day(), 10, &json!({}))).await;
    caller.record(&calls("b", "x-ai/grok-3", first_day(), 20, &json!({}))).await;
    caller.record(&calls("c", "anthropic/claude-opus-4-1", first_day(), 1, &json!({}))).await;
    let response = advice(&caller).await;
    let models = names(&response["recommendations"], "currentModel");
    assert_eq!(models, ["grok-3", "claude-sonnet-4-20250514", "claude-opus-4-1"]);
    // 2,000,000 × 1.75, 1,000,000 × 2.50 and 100,000 × 14.50, per million.
    assert_eq!(response["totalPotentialSavings"], 7.45);
}
