//! `/v1/openmetrics`.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::json;

use crate::api::cost_analysis::call;
use crate::support::{World, noon};

#[tokio::test]
async fn counters_have_the_figures_of_the_month_and_keys_may_scrape() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let haiku = "anthropic/claude-haiku-3.5";
    let last_month = noon() - TimeDelta::days(20);
    let more = json!({ "output_tokens": 7, "cache_read_tokens": 3, "status": "error" });
    caller
        .record(&[
            call("1", "nova", haiku, noon(), &more),
            call("2", "atlas", haiku, noon(), &json!({})),
            call("3", "nova", "acme/in \"house\"", noon(), &json!({})),
            call("4", "nova", haiku, last_month, &json!({})),
        ])
        .await;
    caller.put("/api/budget", &json!({ "monthly": 8 })).await;
    let key = json!({ "name": "prometheus", "scopes": ["metrics:read"] }).to_string();
    let key = caller.send(Method::POST, "/api/keys", &[("content-type", "application/json")], key).await;
    let scraper = world.bearer(key.body["key"].as_str().unwrap());
    let response = scraper.try_get("/v1/openmetrics").await;
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(
        response.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = response.body.as_str().unwrap();
    let labels = r#"{provider="anthropic",model="claude-haiku-3.5"}"#;
    let output = r#"{provider="anthropic",model="claude-haiku-3.5",class="output"}"#;
    for line in [
        format!("fleetledger_cost_usd_total{labels} 1.60002824"),
        format!("fleetledger_cost_usd_created{labels} 1788220800"),
        format!("fleetledger_tokens_total{output} 7"),
        format!("fleetledger_requests_total{labels} 2"),
        format!("fleetledger_errors_total{labels} 1"),
        r#"fleetledger_unpriced_requests_total{provider="acme",model="in \"house\""} 1"#.to_owned(),
        "fleetledger_budget_usd 8".to_owned(),
        "fleetledger_budget_used_ratio 0.200004".to_owned(),
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
