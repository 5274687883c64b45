//! Reads from the API the figures that `expected` computes.

use serde_json::Value;

use crate::event::CLOCK;
use crate::expected::Figures;
use crate::sender::ApiClient;

/// The values of `names` in `object` as one line. Numbers and strings look the same.
fn line(object: &Value, names: &[&str]) -> String {
    let value = |name: &&str| match &object[*name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("{name}: {other}"),
    };
    names.iter().map(value).collect::<Vec<_>>().join(" ")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

const COMPUTE: [&str; 7] = [
    "cpuCoreHours",
    "ramGbHours",
    "diskGbHours",
    "instanceHours",
    "bandwidthInBytes",
    "bandwidthOutBytes",
    "instanceCount",
];

const BILLING: [&str; 9] = [
    "total_requests",
    "total_tokens",
    "total_cost_usd",
    "platform_cost_usd",
    "unpriced_requests",
    "active_instances",
    "unique_end_users",
    "webhost_nodes",
    "total_hosted_sites",
];

/// All figures that are not zero.
pub async fn figures(client: &ApiClient) -> Figures {
    let mut figures = Figures::new();
    for part in [metrics(client).await, work(client).await, activity(client).await, compute(client).await] {
        figures.extend(part);
    }
    figures.insert("billing".to_owned(), line(&client.get("/v1/billing").await["usage"], &BILLING));
    figures
}

async fn metrics(client: &ApiClient) -> Figures {
    let mut figures = Figures::new();
    let summary = client.get("/v1/metrics/summary").await;
    let names =
        ["total_requests", "total_tokens_in", "total_tokens_out", "estimated_cost_usd", "unpriced_requests"];
    figures.insert("summary".to_owned(), line(&summary, &names));
    let names = ["requests", "tokens_in", "tokens_out", "estimated_cost_usd", "unpriced_requests"];
    for point in list(&client.get("/v1/metrics/usage").await["points"]).filter(|point| point["requests"] != 0)
    {
        figures.insert(format!("day {}", line(point, &["date"])), line(point, &names));
    }
    let names = ["request_count", "tokens_in", "tokens_out", "estimated_cost_usd", "unpriced_requests"];
    for model in list(&client.get("/v1/metrics/models").await["models"]) {
        let name = format!("model {}/{}", line(model, &["provider"]), line(model, &["model"]));
        figures.insert(name, line(model, &names));
    }
    let names = ["request_count", "total_tokens", "estimated_cost_usd", "unpriced_requests"];
    for agent in list(&client.get("/v1/metrics/instances").await["instances"]) {
        figures.insert(format!("agent {}", line(agent, &["instance_id"])), line(agent, &names));
    }
    figures
}

async fn work(client: &ApiClient) -> Figures {
    let agents = client.get("/api/agents/workforce/agents").await;
    // Agents without any work are listed as well.
    let worked = list(&agents).filter(|agent| {
        ["tasks_completed", "error_count", "invocation_count"].iter().any(|name| agent[name] != 0)
    });
    let names = ["tasks_completed", "error_count", "hours_saved"];
    worked.map(|agent| (format!("work {}", line(agent, &["id"])), line(agent, &names))).collect()
}

async fn activity(client: &ApiClient) -> Figures {
    let mut figures = Figures::new();
    let total = async |filter: &str| {
        line(&client.get(&format!("/api/activity?limit=1{filter}")).await["pagination"], &["total"])
    };
    figures.insert("activity".to_owned(), total("").await);
    for agent in 0..4 {
        for kind in ["tool_call", "session_start", "cron_execution"] {
            let count = total(&format!("&agentId=agent-{agent}&eventType={kind}")).await;
            if count != "0" {
                figures.insert(format!("activity agent-{agent} {kind}"), count);
            }
        }
    }
    figures
}

async fn compute(client: &ApiClient) -> Figures {
    let mut figures = Figures::new();
    let range = format!("start_date=2026-09-09T00:00:00Z&end_date={CLOCK}");
    for period in ["hourly", "daily"] {
        let report = client.get(&format!("/api/usage?period={period}&{range}")).await;
        for row in list(&report["items"]) {
            let name = format!("{period} {}", line(row, &["periodStart", "projectId"]));
            figures.insert(name, line(row, &COMPUTE));
        }
    }
    for row in list(&client.get(&format!("/api/usage/totals?{range}")).await["totals"]) {
        figures.insert(format!("total {}", line(row, &["projectId"])), line(row, &COMPUTE));
    }
    figures
}
