//! Alerts that no longer apply are resolved, once.

use serde_json::{Value, json};

use super::{Watch, brief, states};

#[tokio::test]
async fn raising_a_budget_resolves_the_alerts_below_their_threshold_once() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    let first = watch.run_and_receive().await;
    watch.spend("nova", "50").await;
    let second = watch.run_and_receive().await;
    assert_eq!(brief(&second[0]), "acme actual 100 of 100.00: 110.00");
    // At 73 %, 50 % is crossed for the new budget, and 100 % is resolved. The alert about 50 % of the old budget still
    // applies.
    watch.put("/api/budget", &json!({ "monthly": 150 })).await;
    let raised = watch.run_and_receive().await;
    let briefs: Vec<_> = raised.iter().map(brief).collect();
    assert_eq!(briefs, ["not acme actual 100 of 150.00: 110.00", "acme actual 50 of 150.00: 110.00"]);
    let resolves = &raised[0].json()["data"]["resolves"];
    assert_eq!(*resolves, json!([{ "id": second[0].id(), "kind": "actual", "threshold_percent": 100 }]));
    assert!(watch.run_and_receive().await.is_empty());
    watch.put("/api/budget", &json!({ "monthly": 10_000 })).await;
    let again = watch.run_and_receive().await;
    assert_eq!(again.iter().map(brief).collect::<Vec<_>>(), ["not acme actual 50 of 10000.00: 110.00"]);
    let mut ids: Vec<Value> = again[0].json()["data"]["resolves"].as_array().unwrap().clone();
    ids.sort_by_key(ToString::to_string);
    let mut expected = [first[0].id(), raised[1].id()]
        .map(|id| json!({ "id": id, "kind": "actual", "threshold_percent": 50 }));
    expected.sort_by_key(ToString::to_string);
    assert_eq!(ids, expected);
    assert!(watch.run_and_receive().await.is_empty());
    let expected = [
        "resolved actual 100",
        "resolved actual 50",
        "resolved actual 50",
        "sent actual 100",
        "sent actual 50",
        "superseded actual 80",
    ];
    assert_eq!(states(&watch.list("").await), expected);
    let resolved = watch.list("?status=resolved").await;
    assert!(resolved.len() == 3 && resolved.iter().all(|alert| alert["resolved_at"].is_string()));
    // Lowering it again starts over.
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    assert_eq!(watch.run_and_brief().await, ["acme actual 100 of 100.00: 110.00"]);
}

#[tokio::test]
async fn deleting_a_budget_resolves_all_of_its_alerts() {
    let watch = Watch::new().await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 10 })).await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    assert_eq!(watch.run_and_receive().await.len(), 2);
    watch.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    assert_eq!(watch.run_and_brief().await, ["not nova actual 100 of -: 60.00"]);
    watch.delete("/api/budget").await;
    assert_eq!(watch.run_and_brief().await, ["not acme actual 50 of -: 60.00"]);
    assert!(watch.run_and_receive().await.is_empty());
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    assert_eq!(watch.run_and_brief().await, ["acme actual 50 of 100.00: 60.00"]);
    watch.delete("/api/budget").await;
    assert_eq!(watch.run_and_brief().await, ["not acme actual 50 of -: 60.00"]);
}

#[tokio::test]
async fn alerts_of_the_previous_month_are_not_resolved() {
    let watch = Watch::at(super::at("2026-09-30T23:50:00Z")).await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    assert_eq!(watch.run_and_receive().await.len(), 1);
    watch.wait(chrono::TimeDelta::hours(1));
    watch.put("/api/budget", &json!({ "monthly": 1_000 })).await;
    assert!(watch.run_and_receive().await.is_empty());
    assert_eq!(states(&watch.list("").await), ["sent actual 50"]);
}
