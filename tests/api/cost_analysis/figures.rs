//! Figures computed by hand, including the documented examples.

use serde_json::{Value, json};

use super::{PATH, at, call, names, set};
use crate::support::{Caller, World, noon};

fn tokens(input: u64, output: u64) -> Value {
    json!({ "input_tokens": input, "output_tokens": output })
}

/// The usage of the documented example: 62.10, 36.30 and 44.40 dollars.
async fn example(caller: &Caller<'_>) {
    let haiku = tokens(23_000_000, 10_925_000);
    let sonnet = tokens(5_100_000, 1_400_000);
    let gpt = tokens(9_760_000, 2_000_000);
    caller
        .record(&[
            call("1", "nova", "anthropic/claude-haiku-3.5", noon(), &haiku),
            call("2", "nova", "anthropic/claude-sonnet-4-20250514", noon(), &sonnet),
            call("3", "pulse", "openai/gpt-4o", noon(), &gpt),
        ])
        .await;
}

#[tokio::test]
async fn the_documented_summary() {
    let world = World::new().await;
    let caller = world.caller("acme");
    example(&caller).await;
    set(&caller, "/api/budget", &json!({ "monthly": 500 })).await;
    for agent in ["atlas", "echo", "orion", "vega"] {
        set(&caller, &format!("/api/agents/{agent}"), &json!({ "cost_budget_monthly": 1 })).await;
    }
    set(&caller, "/api/agents/gone", &json!({ "status": "archived", "cost_budget_monthly": 9 })).await;
    assert_eq!(
        caller.get(&format!("{PATH}/summary")).await,
        json!({
            "tokenCost": {
                "total": 142.8,
                "byProvider": [
                    { "provider": "anthropic", "cost": 98.4 },
                    { "provider": "openai", "cost": 44.4 },
                ],
                "byModel": [
                    { "model": "claude-haiku-3.5", "provider": "anthropic", "cost": 62.1 },
                    { "model": "gpt-4o", "provider": "openai", "cost": 44.4 },
                    { "model": "claude-sonnet-4-20250514", "provider": "anthropic", "cost": 36.3 },
                ],
            },
            "totalSpend": 142.8,
            "budget": { "total": 500, "utilization": 0.286 },
            "agentCount": 6,
            "providerCount": 2,
            "unpricedRequests": 0,
        })
    );
}

#[tokio::test]
async fn the_documented_shares() {
    let world = World::new().await;
    let caller = world.caller("acme");
    example(&caller).await;
    assert_eq!(
        caller.get(&format!("{PATH}/by-model")).await["models"][0],
        json!({
            "model": "claude-haiku-3.5",
            "provider": "anthropic",
            "inputCost": 18.4,
            "cacheReadCost": 0,
            "cacheWriteCost": 0,
            "outputCost": 43.7,
            "unitsCost": 0,
            "totalCost": 62.1,
            "inputTokens": 23_000_000,
            "outputTokens": 10_925_000,
            "pctOfTotal": 43.5,
            "unpricedRequests": 0,
        })
    );
    assert_eq!(
        caller.get(&format!("{PATH}/by-provider")).await,
        json!({
            "providers": [
                {
                    "providerId": "anthropic",
                    "providerName": "Anthropic",
                    "totalCost": 98.4,
                    "totalTokens": 40_425_000,
                    "models": ["claude-haiku-3.5", "claude-sonnet-4-20250514"],
                    "unpricedRequests": 0,
                },
                {
                    "providerId": "openai",
                    "providerName": "OpenAI",
                    "totalCost": 44.4,
                    "totalTokens": 11_760_000,
                    "models": ["gpt-4o"],
                    "unpricedRequests": 0,
                },
            ],
            "unpricedRequests": 0,
        })
    );
}

#[tokio::test]
async fn the_documented_agents_and_alerts() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let haiku = "anthropic/claude-haiku-3.5";
    caller
        .record(&[
            call("1", "nova", haiku, noon(), &json!({ "cost_usd": "28.40" })),
            call(
                "2",
                "atlas",
                "anthropic/claude-sonnet-4-20250514",
                noon(),
                &json!({ "cost_usd": "124.80" }),
            ),
            call("3", "on-the-dot", haiku, noon(), &json!({ "cost_usd": "50" })),
            call("4", "unlimited", "acme/in-house", noon(), &json!({})),
        ])
        .await;
    let nova = json!({ "name": "Nova", "cost_budget_monthly": 100, "model_name": "registered" });
    set(&caller, "/api/agents/nova", &nova).await;
    set(&caller, "/api/agents/atlas", &json!({ "name": "Atlas", "cost_budget_monthly": 100 })).await;
    set(&caller, "/api/agents/on-the-dot", &json!({ "status": "paused", "cost_budget_monthly": 50 })).await;
    set(&caller, "/api/agents/idle", &json!({ "status": "draft" })).await;
    set(&caller, "/api/agents/gone", &json!({ "status": "archived" })).await;
    let row = |id: &str, name: &str, model: &str, cost: Value, budget: Value, utilization: Value| {
        json!({
            "id": id, "name": name, "modelName": model, "actualCost": cost, "budget": budget,
            "utilization": utilization, "overBudget": false, "status": "online", "unpricedRequests": 0,
        })
    };
    let mut expected = json!([
        row("atlas", "Atlas", "claude-sonnet-4-20250514", json!(124.8), json!(100), json!(1.248)),
        row("on-the-dot", "on-the-dot", "claude-haiku-3.5", json!(50), json!(50), json!(1)),
        row("nova", "Nova", "registered", json!(28.4), json!(100), json!(0.284)),
        row("idle", "idle", "", json!(0), Value::Null, json!(0)),
        row("unlimited", "unlimited", "in-house", json!(0), Value::Null, json!(0)),
    ]);
    expected[0]["overBudget"] = json!(true);
    expected[1]["status"] = json!("paused");
    expected[3]["status"] = json!("draft");
    expected[4]["unpricedRequests"] = json!(1);
    let agents = caller.get(&format!("{PATH}/agents")).await;
    assert_eq!(agents, json!({ "agents": expected, "unpricedRequests": 1 }));
    assert_eq!(
        caller.get(&format!("{PATH}/budget-alerts")).await,
        json!({
            "alertCount": 1,
            "alerts": [{
                "agentId": "atlas",
                "agentName": "Atlas",
                "modelName": "claude-sonnet-4-20250514",
                "actualCost": 124.8,
                "budget": 100,
                "overage": 24.8,
                "overagePct": 24.8,
                "unpricedRequests": 0,
            }],
            "unpricedRequests": 1,
        })
    );
    // Without its own budget, the organization has the sum of its agents' budgets.
    let summary = caller.get(&format!("{PATH}/summary")).await;
    assert_eq!(summary["budget"], json!({ "total": 250, "utilization": 0.813 }));
}

#[tokio::test]
async fn an_archived_agent_keeps_its_costs_and_loses_its_budget() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[call("1", "gone", "openai/gpt-4o", noon(), &json!({}))]).await;
    set(&caller, "/api/agents/gone", &json!({ "status": "archived", "cost_budget_monthly": 2 })).await;
    let agents = caller.get(&format!("{PATH}/agents")).await;
    assert_eq!(
        (&agents["agents"][0]["status"], &agents["agents"][0]["actualCost"]),
        (&json!("archived"), &json!(2.5))
    );
    assert_eq!(caller.get(&format!("{PATH}/budget-alerts")).await["alertCount"], 1);
    let summary = caller.get(&format!("{PATH}/summary")).await;
    assert_eq!((&summary["agentCount"], &summary["budget"]["total"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_zero_budget_is_exceeded_by_any_cost() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[call("1", "nova", "aws/amazon.nova-micro-v1:0", noon(), &tokens(1, 0))]).await;
    set(&caller, "/api/agents/nova", &json!({ "cost_budget_monthly": 0 })).await;
    set(&caller, "/api/agents/idle", &json!({ "cost_budget_monthly": 0 })).await;
    // 35 picodollars round to zero in the response, but are more than nothing.
    let alerts = caller.get(&format!("{PATH}/budget-alerts")).await;
    assert_eq!(names(&alerts["alerts"], "agentId"), ["nova"]);
    assert_eq!((&alerts["alerts"][0]["overage"], &alerts["alerts"][0]["overagePct"]), (&json!(0), &json!(0)));
    let agents = caller.get(&format!("{PATH}/agents")).await;
    assert_eq!(
        (&agents["agents"][0]["overBudget"], &agents["agents"][0]["utilization"]),
        (&json!(true), &json!(0))
    );
}

#[tokio::test]
async fn an_agent_at_its_budget_is_not_over_it_but_is_reported() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[call("1", "nova", "b/y", noon(), &json!({ "cost_usd": "2.5" }))]).await;
    set(&caller, "/api/agents/nova", &json!({ "cost_budget_monthly": 2.5 })).await;
    let agents = caller.get(&format!("{PATH}/agents")).await;
    let nova = &agents["agents"][0];
    assert_eq!((&nova["utilization"], &nova["overBudget"]), (&json!(1), &json!(false)));
    assert_eq!(caller.get(&format!("{PATH}/budget-alerts")).await["alertCount"], 0);
    // The threshold of 100 % is reached.
    world.stack.invoke("budget-alerts", json!({})).await.unwrap();
    let alerts = caller.get("/api/alerts").await;
    let is_at_100 = |alert: &Value| alert["threshold_percent"] == 100;
    assert!(alerts["items"].as_array().unwrap().iter().any(is_at_100), "{alerts}");
}

#[tokio::test]
async fn ties_are_sorted_by_id() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let events: Vec<_> = ["b/y", "b/x", "a/z", "c/x"]
        .iter()
        .enumerate()
        .map(|(i, model)| {
            let cost = json!({ "cost_usd": if *model == "c/x" { "2" } else { "1" } });
            call(&i.to_string(), &format!("agent-{}", 9 - i), model, noon(), &cost)
        })
        .collect();
    caller.record(&events).await;
    for agent in ["agent-6", "agent-7", "agent-8", "agent-9"] {
        set(&caller, &format!("/api/agents/{agent}"), &json!({ "cost_budget_monthly": "0.5" })).await;
    }
    let summary = caller.get(&format!("{PATH}/summary")).await;
    assert_eq!(names(&summary["tokenCost"]["byProvider"], "provider"), ["b", "c", "a"]);
    assert_eq!(names(&summary["tokenCost"]["byModel"], "model"), ["x", "z", "x", "y"]);
    let providers = caller.get(&format!("{PATH}/by-provider")).await;
    assert_eq!(providers["providers"][0]["models"], json!(["x", "y"]));
    assert_eq!(providers["providers"][2]["providerName"], "a");
    let agents = caller.get(&format!("{PATH}/agents")).await;
    let order = ["agent-6", "agent-7", "agent-8", "agent-9"];
    assert_eq!(names(&agents["agents"], "id"), order);
    let alerts = caller.get(&format!("{PATH}/budget-alerts")).await;
    assert_eq!(names(&alerts["alerts"], "agentId"), order);
}

#[tokio::test]
async fn agents_without_calls_cost_nothing_and_have_no_row() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let task = json!({ "agent_id": "atlas", "minutes_saved": 5 });
    caller
        .record(&[crate::support::events::event("1", "task.completed", at("2026-09-15T11:00:00Z"), task)])
        .await;
    assert_eq!(caller.get(&format!("{PATH}/agents")).await["agents"], json!([]));
    assert_eq!(caller.get(&format!("{PATH}/summary")).await["agentCount"], 1);
}
