//! Every GET endpoint about one small organization: its responses, byte for byte, are those in `responses/`.
//!
//! After an intended change, rewrite the files and review the difference:
//!
//! ```text
//! INSTA_UPDATE=always cargo test -p system-tests -- responses
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use axum::body::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use web::auth::Scope;

use super::routes::functions;
use super::walk::post_reprice;
use crate::support::events::event;
use crate::support::pretty::pretty;
use crate::support::receiver::Receiver;
use crate::support::{Caller, World, is_file, noon};

/// The requests, each with its route.
const REQUESTS: [(&str, &str); 53] = [
    ("/api/activity", "/api/activity?limit=100"),
    ("/api/activity", "/api/activity?agentId=nova&eventType=tool_call&limit=1&offset=1"),
    ("/api/agents", "/api/agents"),
    ("/api/agents/workforce/agents", "/api/agents/workforce/agents"),
    ("/api/agents/workforce/summary", "/api/agents/workforce/summary"),
    ("/api/agents/workforce/trends", "/api/agents/workforce/trends?months=2"),
    ("/api/agents/{id+}", "/api/agents/nova"),
    ("/api/agents/{id+}", "/api/agents/team/pulse"),
    ("/api/alerts", "/api/alerts"),
    ("/api/alerts/destinations", "/api/alerts/destinations"),
    ("/api/alerts/rules", "/api/alerts/rules"),
    ("/api/alerts/rules/{id+}", "/api/alerts/rules/surprise"),
    ("/api/budget", "/api/budget"),
    ("/api/cost-analysis/agents", "/api/cost-analysis/agents"),
    ("/api/cost-analysis/budget-alerts", "/api/cost-analysis/budget-alerts"),
    ("/api/cost-analysis/by-model", "/api/cost-analysis/by-model"),
    ("/api/cost-analysis/by-provider", "/api/cost-analysis/by-provider?month=2026-08"),
    ("/api/cost-analysis/by-provider", "/api/cost-analysis/by-provider"),
    ("/api/cost-analysis/pricing", "/api/cost-analysis/pricing"),
    ("/api/cost-analysis/query", "/api/cost-analysis/query?groupBy=agent,model&compare=previous"),
    (
        "/api/cost-analysis/query",
        "/api/cost-analysis/query?groupBy=provider&granularity=week&from=2026-09-01",
    ),
    (
        "/api/cost-analysis/query",
        "/api/cost-analysis/query?groupBy=task_type,end_user&filter[agent]=nova&limit=2",
    ),
    (
        "/api/cost-analysis/query",
        "/api/cost-analysis/query?groupBy=task_type,model&from=2026-08-01&granularity=month",
    ),
    ("/api/cost-analysis/recommendations", "/api/cost-analysis/recommendations"),
    ("/api/cost-analysis/reprice", "/api/cost-analysis/reprice"),
    ("/api/cost-analysis/summary", "/api/cost-analysis/summary"),
    ("/api/cost-analysis/unpriced", "/api/cost-analysis/unpriced"),
    ("/api/erasures", "/api/erasures"),
    ("/api/exports/focus", "/api/exports/focus?from=2026-09-10"),
    ("/api/exports/ocsf", "/api/exports/ocsf?from=2026-09-10"),
    ("/api/keys", "/api/keys"),
    ("/api/organization", "/api/organization"),
    ("/api/organization/dimensions/{dimension}/backfill", "/api/organization/dimensions/project_id/backfill"),
    ("/api/projects", "/api/projects"),
    ("/api/projects/{id+}", "/api/projects/site"),
    ("/api/projects/{id+}/usage", "/api/projects/site/usage?period=monthly"),
    ("/api/sessions", "/api/sessions?order=time"),
    ("/api/sessions/{id+}", "/api/sessions/c-1"),
    ("/api/sources", "/api/sources"),
    ("/api/usage", "/api/usage?period=daily&start_date=2026-09-12T00:00:00Z"),
    ("/api/usage/totals", "/api/usage/totals"),
    ("/v1/billing", "/v1/billing"),
    ("/v1/billing/subscription", "/v1/billing/subscription"),
    ("/v1/billing/trial-status", "/v1/billing/trial-status"),
    ("/v1/billing/usage", "/v1/billing/usage"),
    ("/v1/billing/usage/chart", "/v1/billing/usage/chart?days=7"),
    ("/v1/billing/usage/chart", "/v1/billing/usage/chart?days=7&instance_id=nova"),
    ("/v1/health", "/v1/health"),
    ("/v1/metrics/instances", "/v1/metrics/instances"),
    ("/v1/metrics/models", "/v1/metrics/models"),
    ("/v1/metrics/summary", "/v1/metrics/summary"),
    ("/v1/metrics/usage", "/v1/metrics/usage?days=7"),
    ("/v1/openmetrics", "/v1/openmetrics"),
];

/// The document itself is compared with the routes by `openapi`.
const DOCUMENTS: [&str; 5] = ["/", "/console", "/console/{path+}", "/docs", "/openapi.json"];

/// Sets what can be set, with one threshold, since alerts decided at the same time have a random order. Between two changes a second passes, so that their audit entries have an order.
async fn set_up(world: &World, caller: &Caller<'_>, receiver: &Receiver) {
    let nova = json!({
        "name": "Nova", "hostname": "eu-1", "status": "online", "category": "Research", "department": "Strategy",
        "role_title": "Research Analyst", "model_provider": "anthropic", "model_name": "claude-haiku-3.5",
        "human_equivalent_salary": 75_000, "estimated_hours_saved": 80.5, "cost_budget_monthly": "2.50",
    });
    let subscription = json!({
        "plan_name": "Pro", "product_name": "Fleet", "status": "trialing", "tier_id": "t-1", "tier_slug": "pro",
        "billing_cycle": "monthly", "price_cents": 9_900, "token_allowance": 5_000_000, "api_call_limit": 1_000,
        "conversation_limit": 200, "instance_limit": 3, "max_sites_per_node": 4,
        "current_period_start": "2026-08-20T00:00:00Z", "current_period_end": "2026-09-20T00:00:00Z",
        "trial_ends_at": "2026-10-01T09:30:00.250Z", "subscribed_tier_ids": ["t-1"],
    });
    let price = json!({ "effectiveFrom": "2026-09-01", "inputPricePerMillion": "0.123456", "outputPricePerMillion": 2 });
    let secret = format!("whsec_{}", "A".repeat(32));
    for (path, body) in [
        ("/api/organization", json!({ "name": "Acme é", "timezone": "Europe/Berlin" })),
        ("/api/agents/nova", nova),
        ("/api/agents/atlas", json!({ "name": "Atlas", "status": "paused", "cost_budget_monthly": 1_000 })),
        ("/api/projects/site", json!({ "name": "Site" })),
        ("/api/budget", json!({ "monthly": "20.00", "thresholds": [100] })),
        ("/v1/billing/subscription", subscription),
        ("/api/cost-analysis/pricing/acme/in-house-1", price),
        ("/api/alerts/destinations/ops", json!({ "url": receiver.url(), "secret": secret })),
        ("/api/alerts/rules/surprise", json!({ "type": "spike", "factor": 3, "minimum": 100 })),
    ] {
        caller.put(path, &body).await;
        world.stack.clock().set(world.stack.clock().now() + TimeDelta::seconds(1));
    }
}

/// Calls to priced, long-context, own-priced and unpriced models.
fn calls() -> Vec<Value> {
    let call = |id: &str, days: i64, data: Value| event(id, "llm.call", noon() - TimeDelta::days(days), data);
    vec![
        call(
            "c1",
            0,
            json!({ "agent_id": "nova", "provider": "anthropic", "model": "claude-haiku-3.5",
            "input_tokens": 1_234_567, "output_tokens": 76_543, "cache_read_tokens": 400_001, "latency_ms": 1_234,
            "end_user": "ada", "task_type": "chat", "hostname": "eu-2", "conversation_id": "c-1" }),
        ),
        call(
            "c2",
            1,
            json!({ "agent_id": "nova", "provider": "anthropic", "model": "claude-sonnet-4-5",
            "input_tokens": 250_000, "output_tokens": 1_001, "cache_write_5m_tokens": 77, "latency_ms": 765,
            "end_user": "bob", "task_type": "coding" }),
        ),
        call(
            "c3",
            3,
            json!({ "agent_id": "nova", "provider": "anthropic", "model": "claude-sonnet-4-5",
            "input_tokens": 1_500, "output_tokens": 90, "status": "error", "end_user": "ada" }),
        ),
        call(
            "c4",
            4,
            json!({ "agent_id": "atlas", "provider": "acme", "model": "in-house-1",
            "input_tokens": 700_000, "output_tokens": 300_000, "key_source": "byok" }),
        ),
        call(
            "c5",
            5,
            json!({ "agent_id": "team/pulse", "provider": "acme", "model": "in-house-2",
            "input_tokens": 42, "output_tokens": 7 }),
        ),
        call(
            "c6",
            20,
            json!({ "agent_id": "atlas", "provider": "openai", "model": "gpt-4o",
            "input_tokens": 99_999, "output_tokens": 11_111, "cost_usd": "0.000000000001" }),
        ),
    ]
}

/// Tasks, activity, compute samples and a host report.
fn other_events() -> Vec<Value> {
    let at = |hours: i64| -> DateTime<Utc> { noon() - TimeDelta::hours(hours) };
    let sample = |id: &str, project: &str, hours: i64| {
        let data = json!({
            "project_id": project, "instance_id": "i-1", "from": at(hours + 3) + TimeDelta::minutes(10), "to": at(hours),
            "cpu_cores": "0.25", "ram_gb": 2, "disk_gb": "10.5", "bandwidth_in_bytes": 1_000_003,
            "bandwidth_out_bytes": 77,
        });
        event(id, "compute.usage", at(hours), data)
    };
    vec![
        event(
            "t1",
            "task.completed",
            at(1),
            json!({ "agent_id": "nova", "minutes_saved": "12.345", "duration_ms": 900 }),
        ),
        event(
            "t2",
            "task.completed",
            at(50),
            json!({ "agent_id": "atlas", "success": false, "task_type": "chat" }),
        ),
        event(
            "a1",
            "agent.activity",
            at(2),
            json!({ "agent_id": "nova", "event_type": "tool_call",
            "details": { "tool": "search", "hits": 1.50 } }),
        ),
        event(
            "a2",
            "agent.activity",
            at(30),
            json!({ "agent_id": "nova", "event_type": "tool_call", "details": {} }),
        ),
        event(
            "a3",
            "agent.activity",
            at(70),
            json!({ "agent_id": "team/pulse", "event_type": "session_start",
            "details": {} }),
        ),
        sample("s1", "site", 5),
        sample("s2", "shop", 60),
        event("h1", "host.report", at(6), json!({ "node_id": "node-1", "hosted_sites": 3 })),
    ]
}

/// The response to a GET, with its status.
async fn response(world: &World, path: &str) -> String {
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request =
        Request::builder().method(Method::GET).uri(path).header("authorization", format!("Bearer {token}"));
    let response = world.stack.call(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let text = str::from_utf8(response.body()).unwrap();
    if is_file(path) { text.trim_end().replace('\r', "") } else { pretty(text) }
}

/// Hides what differs between runs or releases: random ids, ids of messages, versions of settings, cursors, the port of the
/// receiver and the version of the system.
fn without_changing_parts(text: &str, receiver: &Receiver) -> String {
    let text = text.replace(&format!("127.0.0.1:{}", receiver.port()), "127.0.0.1:[port]");
    let text = text
        .replace(concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\""), "\"version\": \"[version]\"");
    let hidden = |line: &str| {
        let (name, value) = line.split_once(": \"")?;
        let value = value.trim_end_matches([',', '"']);
        let is_random_id = value.len() == 32 && value.chars().all(|c| c.is_ascii_hexdigit());
        let is_message_id = value.starts_with("msg_");
        let repricing = value.strip_prefix("repricing ").unwrap_or(value);
        let is_of_repricing = (name.ends_with("\"id\"") || repricing.len() < value.len())
            && repricing.len() == 22
            && repricing[13..].starts_with('-');
        let is_signed = name.ends_with("\"etag\"") || name.ends_with("ursor\"");
        (is_signed || is_random_id || is_message_id || is_of_repricing)
            .then(|| line.replace(value, "[random]"))
    };
    let lines = text.lines().map(|line| hidden(line).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}

/// The list of prices without most of the price book, which changes often.
fn without_most_prices(text: &str) -> String {
    let parts: Vec<_> = text.split_inclusive("\n    },\n").collect();
    let is_kept =
        |part: &&&str| part.contains("\"provider\": \"acme\"") || part.contains("\"claude-haiku-3.5\"");
    let (last, others) = parts.split_last().unwrap();
    let (first, _) = parts[0].split_once("    {").unwrap();
    let kept: Vec<_> = others.iter().filter(is_kept).map(|part| part.trim_start_matches(first)).collect();
    format!("{first}{}    …{}", kept.concat(), &last[last.find("\n    }\n").unwrap() + "\n    }".len()..])
}

#[tokio::test]
async fn every_get_endpoint_responds_as_recorded() {
    let routes = functions().into_iter().flat_map(|(_, routes)| routes);
    let all: BTreeSet<_> =
        routes.filter(|route| route.method == Method::GET).map(|route| route.path).collect();
    let requested = REQUESTS.into_iter().map(|(route, _)| route).chain(DOCUMENTS);
    assert_eq!(requested.collect::<BTreeSet<_>>(), all);

    let world = World::new().await;
    let (caller, receiver) = (world.caller("acme"), Receiver::start().await);
    set_up(&world, &caller, &receiver).await;
    caller.record(&calls()).await;
    caller.record(&other_events()).await;
    let entry = json!({ "from": "2026-09-01", "to": "2026-09-02", "model": "in-house-1", "dryRun": false });
    assert_eq!(post_reprice(&caller, &entry).await, 200);
    world.stack.invoke("budget-alerts", json!({})).await.unwrap();
    world.stack.drain().await;

    let mut groups: BTreeMap<&str, String> = BTreeMap::new();
    for (route, path) in REQUESTS {
        let (group, _) =
            functions().into_iter().find(|(_, routes)| routes.iter().any(|r| r.path == route)).unwrap();
        let mut text = without_changing_parts(&response(&world, path).await, &receiver);
        if route == "/api/cost-analysis/pricing" {
            text = without_most_prices(&text);
        }
        writeln!(groups.entry(group).or_default(), "GET {path}\n{text}\n").unwrap();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("responses");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (group, text) in groups {
            insta::assert_snapshot!(group, text);
        }
    });
}
