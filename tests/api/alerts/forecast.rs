//! Forecasts: from seven full days of history on.

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
async fn six_days_of_history_are_too_few_and_seven_are_enough() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 1000, "thresholds": [20] })).await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 1000 })).await;
    spend_daily(&watch, "nova", 6, "10").await;
    assert!(watch.told().await.is_empty());
    // The day before these six.
    watch.spend_at(noon() - TimeDelta::days(7), "nova", "10").await;
    let told = watch.told().await;
    let mut briefs: Vec<_> = told.iter().map(brief).collect();
    briefs.sort();
    assert_eq!(briefs, ["acme forecast 20 of 1000.00: 70.00", "nova forecast 20 of 1000.00: 70.00"]);
    let expected = json!({
        "cost": "220.00", "utilization_percent": 22, "days_left": 15,
        "basis": { "days": 7, "from": "2026-09-08", "to": "2026-09-14", "mean_daily_cost": "10.00" },
    });
    assert!(told.iter().all(|one| one.json()["data"]["forecast"] == expected));
    assert_eq!(told[0].json()["data"]["utilization_percent"], 7);
    assert!(watch.told().await.is_empty());
}

#[tokio::test]
async fn history_is_known_where_nothing_was_used_seven_days_ago() {
    let watch = Watch::at(at("2026-09-03T12:00:00Z")).await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    for agent in ["old", "young"] {
        watch.put(&format!("/api/agents/{agent}"), &json!({ "cost_budget_monthly": 100 })).await;
    }
    // Two days of history, but for one call long before the days that are read.
    spend_daily(&watch, "young", 2, "7").await;
    spend_daily(&watch, "old", 2, "7").await;
    watch.spend_at(watch.now() - TimeDelta::days(30), "old", "0.01").await;
    let mut told = watch.told_briefly().await;
    told.sort();
    // 28 dollars in the last seven days are 4 a day, and 27 days are left; of the one agent half of that.
    assert_eq!(told, ["acme forecast 50 of 100.00: 28.00", "old forecast 50 of 100.00: 14.00"]);
    let alerts = watch.list("").await;
    let of = |id: &str| {
        alerts.iter().find(|alert| alert["subject"]["id"] == id).unwrap()["forecast"]["cost"].clone()
    };
    assert_eq!((of("acme"), of("old")), (json!(136), json!(68)));
}

#[tokio::test]
async fn the_last_full_days_reach_into_the_month_before() {
    let watch = Watch::at(at("2026-09-03T12:00:00Z")).await;
    watch.put("/api/budget", &json!({ "monthly": 300, "thresholds": [100] })).await;
    spend_daily(&watch, "nova", 10, "10").await;
    watch.spend("nova", "11").await;
    let told = watch.told().await;
    // Two days and today of September, 27 days to come: 31 + 270.
    assert_eq!(told.iter().map(brief).collect::<Vec<_>>(), ["acme forecast 100 of 300.00: 31.00"]);
    assert_eq!(told[0].json()["data"]["forecast"]["cost"], "301.00");
    assert_eq!(told[0].json()["data"]["forecast"]["basis"]["from"], "2026-08-27");
}

#[tokio::test]
async fn nothing_is_forecast_where_nobody_wants_it() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 300, "thresholds": [50], "forecast": false })).await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 300 })).await;
    spend_daily(&watch, "nova", 10, "10").await;
    assert!(watch.told().await.is_empty());
    watch.spend("nova", "50").await;
    let told = watch.told().await;
    assert_eq!(told.len(), 2);
    // It is said all the same, where something else is.
    assert!(
        told.iter().all(|one| one.json()["data"]["forecast"]["cost"] == "300.00"),
        "{:?}",
        told[0].json()
    );
    assert_eq!(told[0].json()["data"]["kind"], Value::from("actual"));
}
