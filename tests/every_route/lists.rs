//! Lists that are longer than a page, and larger than Lambda can return.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::events::event;
use crate::support::{Caller, Response, World, noon};

/// The largest response of a function. The local gateway refuses a larger one as well.
const LAMBDA_BYTES: usize = 6_291_556;

/// Every list that has pages: its path, the field that holds the rows, and the fields that identify a row.
const LISTS: [(&str, &str, &[&str]); 14] = [
    ("/api/agents?", "/items", &["id"]),
    ("/api/projects?", "/items", &["id"]),
    ("/api/alerts/destinations?", "/items", &["id"]),
    ("/api/agents/workforce/agents?", "", &["id"]),
    ("/api/cost-analysis/agents?", "/agents", &["id"]),
    ("/api/cost-analysis/by-model?", "/models", &["provider", "model"]),
    ("/api/cost-analysis/budget-alerts?", "/alerts", &["agentId"]),
    ("/api/cost-analysis/recommendations?", "/recommendations", &["agentId", "currentModel"]),
    ("/v1/metrics/instances?", "/instances", &["instance_id"]),
    ("/v1/metrics/models?", "/models", &["provider", "model"]),
    ("/v1/billing/usage?", "/by_instance", &["instance_id"]),
    ("/api/usage?period=daily&", "/items", &["periodStart", "projectId"]),
    ("/api/projects/site-3/usage?period=hourly&", "/items", &["periodStart"]),
    ("/api/usage/totals?", "/totals", &["projectId"]),
];

/// Reads a page. A debug build on a busy machine may need longer than a function's time-out for thousands of agents.
async fn read(caller: &Caller<'_>, path: &str) -> Response {
    for _ in 0..5 {
        let page = caller.try_get(path).await;
        if page.status != StatusCode::SERVICE_UNAVAILABLE {
            return page;
        }
    }
    caller.try_get(path).await
}

/// The pages of a list: what identifies their rows, and the pages' lengths.
async fn walk(
    caller: &Caller<'_>,
    path: &str,
    rows: &str,
    id: &[&str],
    limit: u32,
) -> (Vec<Value>, Vec<usize>) {
    let (mut ids, mut lengths, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = read(caller, &format!("{path}limit={limit}{cursor}")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let rows = page.body.pointer(rows).unwrap().as_array().unwrap();
        assert!(rows.len() <= limit as usize, "{path}");
        // As a JSON string, which is how a function returns it.
        let body = page.body.to_string();
        assert!(json!(body).to_string().len() < LAMBDA_BYTES, "{path}");
        lengths.push(rows.len());
        ids.extend(rows.iter().map(|row| id.iter().map(|field| row[field].clone()).collect()));
        let in_body = page.body["nextCursor"].as_str();
        let in_header = page.headers.get("x-next-cursor").map(|cursor| cursor.to_str().unwrap());
        match in_body.or(in_header) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (ids, lengths),
        }
    }
}

fn compute(project: u32, day: i64) -> Value {
    let from = noon() - TimeDelta::days(day) - TimeDelta::hours(3);
    let data = json!({
        "project_id": format!("site-{project}"), "instance_id": "i-1", "cpu_cores": 1, "ram_gb": 2, "disk_gb": 3,
        "from": ledger::period::rfc3339(from), "to": ledger::period::rfc3339(from + TimeDelta::hours(3)),
        "bandwidth_in_bytes": 0, "bandwidth_out_bytes": 0,
    });
    event(&format!("compute-{project}-{day}"), "compute.usage", from, data)
}

fn call(agent: &str, model: &str, requests: u32) -> Vec<Value> {
    let one = |number| {
        let data = json!({ "agent_id": agent, "provider": "openai", "model": model,
            "input_tokens": 1_000_000, "output_tokens": 100_000, "task_type": "chat" });
        event(&format!("{agent}-{model}-{number}"), "llm.call", noon() - TimeDelta::days(2), data)
    };
    (0..requests).map(one).collect()
}

/// Agents, models and projects, of which several have equal figures.
async fn fill(caller: &Caller<'_>) {
    let mut events = Vec::new();
    for number in 0..7 {
        for model in ["gpt-4o", "gpt-4.1", "o3"].iter().take(1 + number as usize % 3) {
            events.extend(call(&format!("agent-{number}"), model, 1 + number / 3));
        }
        events.extend((0..3).map(|day| compute(number, day)));
    }
    caller.record(&events).await;
    for number in 0..7 {
        caller.put(&format!("/api/agents/agent-{number}"), &json!({ "cost_budget_monthly": 1 })).await;
        let url = json!({ "url": "https://hooks.example/alerts" });
        caller.put(&format!("/api/alerts/destinations/hook-{number}"), &url).await;
    }
}

#[tokio::test]
async fn the_pages_of_every_list_are_the_list() {
    let world = World::new().await;
    let caller = world.caller("acme");
    fill(&caller).await;
    for (path, rows, id) in LISTS {
        let (all, _) = walk(&caller, path, rows, id, 10_000).await;
        assert!(all.len() > 2, "{path} {all:?}");
        for limit in 1..=3 {
            let (found, pages) = walk(&caller, path, rows, id, limit).await;
            assert_eq!(found, all, "{path} {limit}");
            assert_eq!(pages.len(), all.len().div_ceil(limit as usize), "{path} {limit}");
        }
        for bad in ["limit=0", "limit=10001", "cursor=", "cursor=x"] {
            let response = caller.try_get(&format!("{path}{bad}")).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}{bad}");
        }
    }
}

#[tokio::test]
async fn a_large_fleet_is_answered_in_pages_that_lambda_can_return() {
    const AGENTS: usize = 3_500;
    let world = World::new().await;
    let caller = world.caller("acme");
    // Each quotation mark takes four bytes in what a function returns.
    let id = |number: usize| format!("{number:06}{}", "\"".repeat(250));
    let task = |number: usize| {
        let call = json!({ "agent_id": id(number), "provider": "openai", "model": "gpt-4o", "input_tokens": 1,
            "output_tokens": 1 });
        event(&format!("t-{number}"), "llm.call", noon(), call)
    };
    caller.record(&(0..AGENTS).map(task).collect::<Vec<_>>()).await;
    for (path, rows, id_fields) in LISTS {
        if !["/api/agents", "workforce", "/cost-analysis/agents", "instances", "billing"]
            .iter()
            .any(|part| path.contains(part))
        {
            continue;
        }
        let (found, pages) = walk(&caller, path, rows, id_fields, 10_000).await;
        let expected: Vec<_> = (0..AGENTS).map(|number| json!([id(number)])).collect();
        assert_eq!(found, expected, "{path}");
        // All but the registry show the id twice.
        assert!(pages.len() > 1 || path == "/api/agents?", "{path} {pages:?}");
        // Without a limit a fleet of a thousand comes whole.
        let first = read(&caller, path.trim_end_matches('?')).await;
        assert_eq!(first.body.pointer(rows).unwrap().as_array().unwrap().len(), 1_000, "{path}");
    }
}

#[tokio::test]
async fn a_page_of_large_activity_entries_ends_before_the_limit_of_lambda() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let details = json!({ "text": "\\".repeat(4_080) });
    let entry = |number: usize| {
        let data = json!({ "agent_id": "nova", "event_type": "tool_call", "details": details });
        event(&format!("e-{number:03}"), "agent.activity", noon() - TimeDelta::minutes(1), data)
    };
    for first in (0..500).step_by(50) {
        caller.record(&(first..first + 50).map(entry).collect::<Vec<_>>()).await;
    }
    let (mut ids, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = caller.get(&format!("/api/activity?limit=500{cursor}")).await;
        assert!(json!(page.to_string()).to_string().len() < LAMBDA_BYTES);
        ids.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["id"].clone()));
        pages += 1;
        let pagination = &page["pagination"];
        assert_eq!(pagination["total"], 500);
        assert_eq!(pagination["hasMore"], ids.len() < 500);
        match pagination["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (0..500).map(|number| json!(format!("e-{number:03}"))).collect();
    assert_eq!((ids, pages > 1), (expected, true));
}

#[tokio::test]
async fn the_faults_of_many_events_fit_into_a_response() {
    let world = World::new().await;
    // Each has five faults: a bad agent, and four fields that are missing.
    let event = |number: usize| event(&format!("e-{number}"), "llm.call", noon(), json!({ "agent_id": "" }));
    let events: Vec<_> = (0..500).map(event).collect();
    let response = world.caller("acme").try_post(&json!(events)).await;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    let rejected = response.body["rejected"].as_array().unwrap();
    let faults: Vec<_> = rejected.iter().map(|one| one["detail"].as_array().unwrap().len()).collect();
    assert_eq!((faults.len(), faults.iter().sum::<usize>()), (500, 1_000));
    assert!(faults.iter().all(|count| *count > 0));
}
