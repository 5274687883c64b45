//! Requests to all routes: their paths, bodies for those that change settings, and an organization with data of every
//! kind.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use web::route::Endpoint;

use super::routes::functions;
use crate::support::events::event;
use crate::support::{Caller, noon};

/// Part of every name in the organization that others must not see.
pub const MARK: &str = "zebra";

pub fn routes(method: &Method) -> Vec<Endpoint> {
    let all = functions().into_iter().flat_map(|(_, routes)| routes);
    all.filter(|route| route.method == *method && route.scope.is_some()).collect()
}

/// The path of a route with `name` for each parameter.
pub fn path(route: &str, name: &str) -> String {
    let fill = |part: &str| match part {
        "{dimension}" => "project_id".to_owned(),
        _ if part.starts_with('{') => name.to_owned(),
        _ => part.to_owned(),
    };
    route.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// A body for a route that changes settings.
pub fn settings(route: &str) -> Value {
    if route.starts_with("/api/cost-analysis/pricing/") {
        json!({ "effectiveFrom": "2026-09-01", "inputPricePerMillion": 1, "outputPricePerMillion": 2 })
    } else if route.starts_with("/api/alerts/destinations/") {
        json!({ "url": format!("https://{MARK}.example/hook") })
    } else if route.starts_with("/api/alerts/rules/") {
        json!({ "type": "limit", "period": "month", "amount": "0.01" })
    } else if route.ends_with("/backfill") {
        json!({ "from": "2026-09-01" })
    } else if route == "/api/budget" {
        json!({ "monthly": "0.01" })
    } else if route == "/v1/billing/subscription" {
        json!({ "plan_name": MARK })
    } else {
        json!({ "name": MARK })
    }
}

/// Records usage of every kind and sets everything that can be set, with [`MARK`] for every name.
pub async fn fill(caller: &Caller<'_>) {
    let call = json!({
        "agent_id": MARK, "provider": MARK, "model": MARK, "input_tokens": 424_242, "output_tokens": 7,
        "cost_usd": "4.242424", "end_user": MARK, "task_type": "chat", "hostname": MARK,
    });
    let compute = json!({
        "project_id": MARK, "instance_id": MARK, "from": "2026-09-15T09:00:00Z", "to": "2026-09-15T11:00:00Z",
        "cpu_cores": 3, "ram_gb": 5, "disk_gb": 7, "bandwidth_in_bytes": 11, "bandwidth_out_bytes": 13,
    });
    let entry = json!({ "agent_id": MARK, "event_type": MARK, "details": { "secret": MARK } });
    caller
        .record(&[
            event(MARK, "llm.call", noon(), call.clone()),
            event(&format!("{MARK}-2"), "llm.call", noon() - TimeDelta::days(20), call),
            event(
                &format!("{MARK}-3"),
                "task.completed",
                noon(),
                json!({ "agent_id": MARK, "minutes_saved": 3 }),
            ),
            event(&format!("{MARK}-4"), "agent.activity", noon(), entry),
            event(&format!("{MARK}-5"), "compute.usage", noon(), compute),
            event(
                &format!("{MARK}-6"),
                "host.report",
                noon(),
                json!({ "node_id": MARK, "hosted_sites": 17 }),
            ),
        ])
        .await;
    for route in routes(&Method::PUT) {
        let response = put(caller, &path(route.path, MARK), &settings(route.path)).await;
        assert_eq!(response, StatusCode::OK, "{}", route.path);
    }
}

/// Requests a repricing. The id of the entry is random, so [`fill`] requests none.
pub async fn post_reprice(caller: &Caller<'_>, body: &Value) -> StatusCode {
    let json = [("content-type", "application/json")];
    caller.send(Method::POST, "/api/cost-analysis/reprice", &json, body.to_string()).await.status
}

pub async fn put(caller: &Caller<'_>, path: &str, body: &Value) -> StatusCode {
    caller.send(Method::PUT, path, &[("content-type", "application/json")], body.to_string()).await.status
}
