//! The message of an alert, byte for byte.

use chrono::TimeDelta;
use serde_json::json;

use super::{Watch, call};
use crate::support::events::event;
use crate::support::noon;

/// Days of this organization begin at 18:30 UTC.
async fn fill(watch: &Watch) {
    watch.put("/api/organization", &json!({ "name": "Acme \"Ltd\" é", "timezone": "Asia/Kolkata" })).await;
    watch.put("/api/budget", &json!({ "monthly": "1000.50", "thresholds": [10, 60] })).await;
    watch.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    let mut events = Vec::new();
    for day in 0..9 {
        events.push(call(&format!("n{day}"), noon() - TimeDelta::days(day), "nova", "20.000000000001"));
    }
    // Just within the last 24 hours, just outside them, and in the future, as sent by a clock that runs ahead.
    let moment = TimeDelta::milliseconds(1);
    events.push(call("v", noon() - TimeDelta::hours(24) + moment, "vega", "5"));
    events.push(call("w", noon() - TimeDelta::hours(24), "wega", "6"));
    events.push(call("x", noon() + moment, "xeno", "7"));
    let data = json!({ "agent_id": "zeta", "provider": "acme", "model": "in-house", "input_tokens": 1, "output_tokens": 1 });
    events.push(event("u", "llm.call", noon(), data));
    watch.world.caller("acme").record(&events).await;
}

#[tokio::test]
async fn the_message_of_a_crossed_threshold() {
    let watch = Watch::new().await;
    fill(&watch).await;
    let received = watch.run_and_receive().await;
    assert_eq!(received.len(), 1);
    let expected = json!({
        "type": "budget.threshold_crossed",
        "version": 1,
        "timestamp": "2026-09-15T12:00:00Z",
        "data": {
            "id": received[0].id(),
            "summary": "Acme \"Ltd\" é: the organization has cost at least 198.00 USD in 2026-09: 19.8 % of its \
                        budget of 1000.50 USD (threshold 10 %).",
            "organization": { "id": "acme", "name": "Acme \"Ltd\" é" },
            "subject": { "type": "organization", "id": "acme", "name": "Acme \"Ltd\" é" },
            "kind": "actual",
            "threshold_percent": 10,
            "also_crossed_percent": [],
            "budget": "1000.50",
            "cost": "198.000000000009",
            "utilization_percent": 19.8,
            "forecast": {
                "cost": "521.571428571453",
                "utilization_percent": 52.1,
                "days_left": 15,
                "basis": { "days": 7, "from": "2026-09-08", "to": "2026-09-14", "mean_daily_cost": "21.57142857143" },
            },
            "period": {
                "month": "2026-09", "time_zone": "Asia/Kolkata",
                "start": "2026-08-31T18:30:00Z", "end": "2026-09-30T18:30:00Z",
            },
            "top": {
                "window": { "from": "2026-09-14T12:00:00Z", "to": "2026-09-15T12:00:00Z" },
                "agents": [
                    { "id": "nova", "name": "Nova", "cost": "20.000000000001" },
                    { "id": "vega", "name": null, "cost": "5.00" },
                ],
                "models": [{ "provider": "anthropic", "model": "claude-haiku-3.5", "cost": "25.000000000001" }],
            },
            "unpriced_requests": 1,
            "is_lower_bound": true,
            "resolves": [],
        },
    });
    assert_eq!(received[0].json(), expected);
}

#[tokio::test]
async fn the_message_is_signed_with_the_secret_of_its_destination() {
    let watch = Watch::new().await;
    let secret = format!("whsec_{}", "A".repeat(32));
    let body = json!({ "url": watch.receiver.url(), "secret": secret });
    watch.put("/api/alerts/destinations/ops", &body).await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    let received = watch.run_and_receive().await;
    assert!(received[0].is_signed_by(&secret));
    assert_eq!(received[0].header("webhook-timestamp"), noon().timestamp().to_string());
}
