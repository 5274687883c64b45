//! Figures computed by hand.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{call, column, path, put, task};
use crate::support::{World, noon};

/// The documented example of Nova, with its two percentages corrected: 6221.60 ÷ 28.40 is 219.07.
#[tokio::test]
async fn the_documented_example_of_an_agent() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let nova = json!({
        "name": "Nova", "status": "online", "category": "Research", "department": "Strategy",
        "role_title": "Research Analyst", "model_provider": "anthropic", "model_name": "claude-haiku-3.5",
        "human_equivalent_salary": 75_000, "estimated_hours_saved": 80, "cost_budget_monthly": 100,
    });
    put(&caller, "/api/agents/550e8400-", nova).await;
    let mut events: Vec<_> =
        (0..312).map(|i| task(&format!("t{i}"), "550e8400-", noon() - TimeDelta::minutes(i))).collect();
    for i in 0..540 {
        // 568 × 0.05 dollars. Latency averages 3,840 ms over the calls that report it.
        let cost = if i < 28 { "0.10" } else { "0.05" };
        let mut call = call(&format!("c{i}"), "550e8400-", cost, noon() - TimeDelta::minutes(i64::from(i)));
        call["data"]["status"] = json!(if i < 3 { "error" } else { "ok" });
        if i < 200 {
            call["data"]["latency_ms"] = json!(if i % 2 == 0 { 3_000 } else { 4_680 });
        }
        events.push(call);
    }
    caller.record(&events).await;
    let rows = caller.get(&path("agents")).await;
    assert_eq!(
        rows,
        json!([{
            "id": "550e8400-", "name": "Nova", "status": "online", "category": "Research",
            "department": "Strategy", "role_title": "Research Analyst", "model_provider": "anthropic",
            "model_name": "claude-haiku-3.5", "human_equivalent_salary": 75_000,
            "estimated_hours_saved": 80, "hours_saved": 80, "hours_saved_basis": "estimated", "actual_cost_monthly": 28.4,
            "cost_budget_monthly": 100, "tasks_completed": 312, "invocation_count": 540, "error_count": 3,
            "avg_response_ms": 3840, "monthly_human_equivalent": 6250, "monthly_savings": 6221.6,
            "human_equivalent_to_date": 3125, "savings_to_date": 3096.6,
            "roi_percent": 21907, "cost_per_task": 0.091_026, "unpriced_requests": 0,
        }])
    );
}

/// The documented example of a fleet: 6 agents, 284.40 spent of 600.00, worth 30,000 a month.
#[tokio::test]
async fn the_documented_example_of_a_fleet() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let agents = [
        ("a", "online", json!("Operations"), 75_000, "40.00"),
        ("b", "online", json!("Operations"), 75_000, "30.00"),
        ("c", "paused", json!("Operations"), 69_600, "30.00"),
        ("d", "online", json!("Strategy"), 75_000, "28.40"),
        ("e", "online", json!(null), 65_400, "56.00"),
        ("f", "online", json!("Support"), 0, "100.00"),
    ];
    let mut calls = Vec::new();
    for (id, status, department, salary, cost) in agents {
        let settings = json!({
            "status": status, "department": department, "human_equivalent_salary": salary,
            "estimated_hours_saved": 80, "cost_budget_monthly": "100.00",
        });
        put(&caller, &format!("/api/agents/{id}"), settings).await;
        calls.push(call(id, id, cost, noon()));
    }
    caller.record(&calls).await;
    assert_eq!(
        caller.get(&path("summary")).await,
        json!({
            "total_agents": 6, "active_agents": 5, "working_agents": 6, "paused_agents": 1, "draft_agents": 0,
            "total_human_salary": 360_000, "total_agent_cost_monthly": 284.4, "total_budget_monthly": 600,
            "total_hours_saved_monthly": 480, "total_tasks_completed": 0, "total_invocations": 6,
            "total_errors": 0, "monthly_human_equivalent": 30_000, "monthly_savings": 29_715.6,
            "human_equivalent_to_date": 15_000, "savings_to_date": 14_715.6,
            "roi_percent": 10_448.5,
            "departments": [
                { "department": "Operations", "agent_count": 3, "monthly_savings": 18_200 },
                { "department": "Strategy", "agent_count": 1, "monthly_savings": 6_221.6 },
                { "department": "Unassigned", "agent_count": 1, "monthly_savings": 5_394 },
                { "department": "Support", "agent_count": 1, "monthly_savings": -100 },
            ],
            "unpriced_requests": 0,
        })
    );
}

#[tokio::test]
async fn an_empty_organization_has_zeros() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let zeros = json!({
        "total_agents": 0, "active_agents": 0, "working_agents": 0, "paused_agents": 0, "draft_agents": 0, "total_human_salary": 0,
        "total_agent_cost_monthly": 0, "total_budget_monthly": 0, "total_hours_saved_monthly": 0,
        "total_tasks_completed": 0, "total_invocations": 0, "total_errors": 0, "monthly_human_equivalent": 0,
        "monthly_savings": 0, "human_equivalent_to_date": 0, "savings_to_date": 0, "roi_percent": 0, "departments": [], "unpriced_requests": 0,
    });
    assert_eq!(caller.get(&path("summary")).await, zeros);
    assert_eq!(caller.get(&path("agents")).await, json!([]));
    let trends = caller.get(&path("trends?months=2")).await;
    let month = |period: &str| {
        json!({
            "period": period, "tasks_completed": 0, "invocations": 0, "total_tokens": 0, "total_cost": 0,
            "errors": 0, "avg_response_ms": 0, "active_agents": 0, "unpriced_requests": 0,
        })
    };
    assert_eq!(trends, json!({ "months": 2, "trends": [month("2026-08"), month("2026-09")] }));
}

#[tokio::test]
async fn an_unregistered_agent_has_a_row_with_the_model_it_called_most() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let with_model = |id: &str, model: &str| {
        let mut call = call(id, "wild", "0.5", noon());
        call["data"]["model"] = json!(model);
        call
    };
    let unpriced = json!({ "provider": "acme", "model": "b", "cost_usd": null });
    let mut last = with_model("4", "b");
    unpriced.as_object().unwrap().iter().for_each(|(name, value)| last["data"][name] = value.clone());
    caller.record(&[with_model("1", "b"), with_model("2", "a"), with_model("3", "a"), last]).await;
    let rows = caller.get(&path("agents")).await;
    let expected = json!({
        "id": "wild", "name": "wild", "status": "online", "category": "", "department": "Unassigned",
        "role_title": "", "model_provider": "anthropic", "model_name": "a", "human_equivalent_salary": 0,
        "estimated_hours_saved": 0, "hours_saved": 0, "hours_saved_basis": "estimated", "actual_cost_monthly": 1.5, "cost_budget_monthly": 0,
        "tasks_completed": 0, "invocation_count": 4, "error_count": 0, "avg_response_ms": 0,
        "monthly_human_equivalent": 0, "monthly_savings": -1.5, "human_equivalent_to_date": 0, "savings_to_date": -1.5, "roi_percent": -100, "cost_per_task": 0,
        "unpriced_requests": 1,
    });
    assert_eq!(rows, json!([expected]));
    assert_eq!(caller.get(&path("summary")).await["unpriced_requests"], 1);
    assert_eq!(caller.get(&path("trends")).await["trends"][5]["unpriced_requests"], 1);
}

#[tokio::test]
async fn hours_come_from_tasks_or_else_from_the_estimate() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for agent in ["estimated", "failed", "none", "reported"] {
        put(&caller, &format!("/api/agents/{agent}"), json!({ "estimated_hours_saved": "80.25" })).await;
    }
    let with = |id: &str, agent: &str, more: Value| {
        let mut task = task(id, agent, noon());
        more.as_object().unwrap().iter().for_each(|(name, value)| task["data"][name] = value.clone());
        task
    };
    caller
        .record(&[
            with("1", "reported", json!({ "minutes_saved": 12.5 })),
            with("2", "reported", json!({ "minutes_saved": "7.5" })),
            with("3", "reported", json!({})),
            with("4", "estimated", json!({})),
            // A failed task saves nothing, whatever it reports.
            with("5", "failed", json!({ "minutes_saved": 600, "success": false })),
            with("6", "none", json!({ "minutes_saved": 0 })),
        ])
        .await;
    let rows = caller.get(&path("agents")).await;
    assert_eq!(column(&rows, "id"), ["estimated", "failed", "none", "reported"]);
    assert_eq!(column(&rows, "hours_saved"), [json!(80.25), json!(80.25), json!(0), json!(0.333_333)]);
    assert_eq!(
        column(&rows, "hours_saved_basis"),
        ["estimated", "estimated", "reported", "reported"].map(Value::from)
    );
    assert_eq!(column(&rows, "tasks_completed"), [1, 0, 1, 3]);
    assert_eq!(column(&rows, "error_count"), [0, 1, 0, 0]);
    let summary = caller.get(&path("summary")).await;
    assert_eq!(summary["total_hours_saved_monthly"], json!(160.833_333));
    assert_eq!((&summary["total_tasks_completed"], &summary["total_errors"]), (&json!(5), &json!(1)));
}

#[tokio::test]
async fn an_archived_agent_counts_only_with_what_it_did_this_month() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for agent in ["idle", "talked", "worked", "offline", "draft"] {
        let status = if agent == "draft" { "draft" } else { "offline" };
        let settings = json!({ "status": status, "human_equivalent_salary": 12 });
        put(&caller, &format!("/api/agents/{agent}"), settings).await;
    }
    let last_month = noon() - TimeDelta::days(20);
    let entry = json!({ "agent_id": "talked", "event_type": "tool_call" });
    let talk = crate::support::events::event("3", "agent.activity", noon(), entry);
    caller.record(&[call("1", "idle", "5", last_month), call("2", "worked", "5", noon()), talk]).await;
    for agent in ["idle", "talked", "worked"] {
        let response = caller.send(Method::GET, &format!("/api/agents/{agent}"), &[], "").await;
        assert_eq!(response.status, StatusCode::OK);
        put(&caller, &format!("/api/agents/{agent}"), json!({ "status": "archived" })).await;
    }
    let rows = caller.get(&path("agents")).await;
    assert_eq!(column(&rows, "id"), ["draft", "offline", "worked"]);
    let summary = caller.get(&path("summary")).await;
    assert_eq!((&summary["total_agents"], &summary["draft_agents"]), (&json!(3), &json!(1)));
    assert_eq!((&summary["active_agents"], &summary["paused_agents"]), (&json!(0), &json!(0)));
    assert_eq!(summary["total_agent_cost_monthly"], 5);
    // Its history stays.
    let trends = caller.get(&path("trends?months=2")).await;
    assert_eq!(column(&trends["trends"], "active_agents"), [1, 1]);
    assert_eq!(column(&trends["trends"], "total_cost"), [5, 5]);
}

#[tokio::test]
async fn no_organization_sees_another() {
    let world = World::new().await;
    world.caller("acme").record(&[call("1", "nova", "5", noon())]).await;
    put(&world.caller("acme"), "/api/agents/pulse", json!({ "human_equivalent_salary": 12 })).await;
    for other in ["acm", "acme2", "acme/x"] {
        let caller = world.caller(other);
        assert_eq!(caller.get(&path("agents")).await, json!([]));
        assert_eq!(caller.get(&path("summary")).await["total_agents"], 0);
        let trends = caller.get(&path("trends")).await;
        assert_eq!(column(&trends["trends"], "active_agents"), [0; 6]);
    }
}
