//! Forecasts, which need seven full days of history.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Watch, at, brief};
use crate::support::noon;

async fn spend_daily(watch: &Watch, agent: &str, days: i64, cost: &str) {
    for day in 1..=days {
        watch.spend_at(watch.now() - TimeDelta::days(day), agent, cost).await;
    }
}

#[tokio::test]
async fn a_forecast_takes_seven_full_days_of_history() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 1000, "thresholds": [20] })).await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 1000 })).await;
    spend_daily(&watch, "nova", 6, "10").await;
    assert!(watch.run_and_receive().await.is_empty());
    // The seventh day.
    watch.spend_at(noon() - TimeDelta::days(7), "nova", "10").await;
    let received = watch.run_and_receive().await;
    let mut briefs: Vec<_> = received.iter().map(brief).collect();
    briefs.sort();
    assert_eq!(briefs, ["acme forecast 20 of 1000.00: 70.00", "nova forecast 20 of 1000.00: 70.00"]);
    let expected = json!({
        "cost": "220.00", "utilization_percent": 22, "days_left": 15,
        "basis": { "days": 7, "from": "2026-09-08", "to": "2026-09-14", "mean_daily_cost": "10.00" },
    });
    assert!(received.iter().all(|one| one.json()["data"]["forecast"] == expected));
    assert_eq!(received[0].json()["data"]["utilization_percent"], 7);
    assert!(watch.run_and_receive().await.is_empty());
}

#[tokio::test]
async fn history_may_have_days_without_usage() {
    let watch = Watch::at(at("2026-09-03T12:00:00Z")).await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    for agent in ["old", "young"] {
        watch.put(&format!("/api/agents/{agent}"), &json!({ "cost_budget_monthly": 100 })).await;
    }
    // Two days of history, and one call from long before the days that are read.
    spend_daily(&watch, "young", 2, "7").await;
    spend_daily(&watch, "old", 2, "7").await;
    watch.spend_at(watch.now() - TimeDelta::days(30), "old", "0.01").await;
    let mut received = watch.run_and_brief().await;
    received.sort();
    // 28 dollars in the last seven days are 4 a day, with 27 days left; half of that is the agent's.
    assert_eq!(received, ["acme forecast 50 of 100.00: 28.00", "old forecast 50 of 100.00: 14.00"]);
    let alerts = watch.list("").await;
    let of = |id: &str| {
        alerts.iter().find(|alert| alert["subject"]["id"] == id).unwrap()["forecast"]["cost"].clone()
    };
    assert_eq!((of("acme"), of("old")), (json!(136), json!(68)));
}

#[tokio::test]
async fn the_seven_days_may_reach_into_the_previous_month() {
    let watch = Watch::at(at("2026-09-03T12:00:00Z")).await;
    watch.put("/api/budget", &json!({ "monthly": 300, "thresholds": [100] })).await;
    spend_daily(&watch, "nova", 10, "10").await;
    watch.spend("nova", "11").await;
    let received = watch.run_and_receive().await;
    // Two full days and today in September, then 27 more days: 31 + 270.
    assert_eq!(received.iter().map(brief).collect::<Vec<_>>(), ["acme forecast 100 of 300.00: 31.00"]);
    assert_eq!(received[0].json()["data"]["forecast"]["cost"], "301.00");
    assert_eq!(received[0].json()["data"]["forecast"]["basis"]["from"], "2026-08-27");
}

#[tokio::test]
async fn no_forecast_alert_is_sent_where_it_is_switched_off() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 300, "thresholds": [50], "forecast": false })).await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 300 })).await;
    spend_daily(&watch, "nova", 10, "10").await;
    assert!(watch.run_and_receive().await.is_empty());
    watch.spend("nova", "50").await;
    let received = watch.run_and_receive().await;
    assert_eq!(received.len(), 2);
    // Other alerts still contain the forecast.
    assert!(
        received.iter().all(|one| one.json()["data"]["forecast"]["cost"] == "300.00"),
        "{:?}",
        received[0].json()
    );
    assert_eq!(received[0].json()["data"]["kind"], Value::from("actual"));
}
