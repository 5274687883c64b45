//! Thresholds: which alerts a run decides.

use futures::future::join_all;
use ledger::alert::MessageId;
use serde_json::json;

use super::{TIME, Watch, at, brief, states};

#[tokio::test]
async fn an_alert_is_sent_once_at_exactly_its_percentage() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [100] })).await;
    watch.spend("nova", "99.999999999999").await;
    assert!(watch.run_and_receive().await.is_empty());
    watch.spend("vega", "0.000000000001").await;
    assert_eq!(watch.run_and_brief().await, ["acme actual 100 of 100.00: 100.00"]);
    watch.spend("nova", "100").await;
    assert!(watch.run_and_receive().await.is_empty());
    assert_eq!(states(&watch.list("").await), ["sent actual 100"]);
}

#[tokio::test]
async fn of_several_crossed_thresholds_the_highest_is_sent() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50, 80, 100, 120] })).await;
    watch.spend("nova", "105").await;
    let received = watch.run_and_receive().await;
    assert_eq!(received.iter().map(brief).collect::<Vec<_>>(), ["acme actual 100 of 100.00: 105.00"]);
    assert_eq!(received[0].json()["data"]["also_crossed_percent"], json!([50, 80]));
    assert_eq!(
        states(&watch.list("").await),
        ["sent actual 100", "superseded actual 50", "superseded actual 80"]
    );
    watch.spend("nova", "15").await;
    assert_eq!(watch.run_and_brief().await, ["acme actual 120 of 100.00: 120.00"]);
    let superseded = watch.list("?status=superseded").await;
    assert!(superseded.iter().all(|alert| alert["deliveries"] == json!([])));
    assert_eq!(watch.redeliver(superseded[0]["id"].as_str().unwrap()).await.status, 409);
}

#[tokio::test]
async fn agents_have_the_thresholds_of_the_organization_or_the_defaults() {
    let watch = Watch::new().await;
    for agent in ["nova", "org", "a/b:c@d.e"] {
        let path = format!("/api/agents/{}", agent.replace('/', "%2F"));
        watch.put(&path, &json!({ "name": format!("Agent {agent}"), "cost_budget_monthly": 10 })).await;
    }
    watch.put("/api/agents/free", &json!({ "name": "No budget" })).await;
    watch.spend("nova", "5").await;
    watch.spend("org", "8").await;
    watch.spend("a/b:c@d.e", "10").await;
    watch.spend("free", "1000").await;
    let mut received = watch.run_and_brief().await;
    received.sort();
    let expected = [
        "a/b:c@d.e actual 100 of 10.00: 10.00",
        "nova actual 50 of 10.00: 5.00",
        "org actual 80 of 10.00: 8.00",
    ];
    assert_eq!(received, expected);
    // The organization's thresholds apply to its agents too, and start a new version of each budget.
    watch.put("/api/budget", &json!({ "thresholds": [60] })).await;
    let mut received = watch.run_and_brief().await;
    received.sort();
    assert_eq!(received, ["a/b:c@d.e actual 60 of 10.00: 10.00", "org actual 60 of 10.00: 8.00"]);
}

#[tokio::test]
async fn alerts_start_over_when_the_month_turns_in_the_zone_of_the_organization() {
    // The last evening of September in Kiritimati.
    let watch = Watch::at(at("2026-09-30T09:58:00Z")).await;
    watch.put("/api/organization", &json!({ "timezone": "Pacific/Kiritimati" })).await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50], "forecast": false })).await;
    watch.spend("nova", "60").await;
    let received = watch.run_and_receive().await;
    assert_eq!(received[0].json()["data"]["period"]["month"], "2026-09");
    // October there, but not yet in UTC.
    assert!(watch.run_and_receive().await.is_empty());
    watch.spend("nova", "49.99").await;
    assert!(watch.run_and_receive().await.is_empty());
    watch.spend("nova", "0.01").await;
    let october = watch.run_and_receive().await;
    assert_eq!(brief(&october[0]), "acme actual 50 of 100.00: 50.00");
    let period = &october[0].json()["data"]["period"];
    let expected = json!({
        "month": "2026-10", "time_zone": "Pacific/Kiritimati",
        "start": "2026-09-30T10:00:00Z", "end": "2026-10-31T10:00:00Z",
    });
    assert_eq!(*period, expected);
    assert_ne!(october[0].id(), received[0].id());
}

#[tokio::test]
async fn a_zero_budget_is_crossed_by_any_cost_but_not_by_zero() {
    let watch = Watch::new().await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 0 })).await;
    watch.spend("vega", "1").await;
    assert!(watch.run_and_receive().await.is_empty());
    watch.spend("nova", "0.000000000001").await;
    assert_eq!(watch.run_and_brief().await, ["nova actual 100 of 0.00: 0.000000000001"]);
}

#[tokio::test]
async fn other_settings_of_an_agent_start_no_new_alerts() {
    let watch = Watch::new().await;
    watch.put("/api/agents/nova", &json!({ "name": "Nova", "cost_budget_monthly": 10 })).await;
    watch.spend("nova", "9").await;
    assert_eq!(watch.run_and_brief().await, ["nova actual 80 of 10.00: 9.00"]);
    for changed in [
        json!({ "name": "Nova II", "status": "paused", "cost_budget_monthly": "10.00" }),
        json!({ "name": "Nova II", "human_equivalent_salary": 75_000, "cost_budget_monthly": 10 }),
    ] {
        watch.put("/api/agents/nova", &changed).await;
        assert!(watch.run_and_receive().await.is_empty());
    }
    // The budget of the organization does not affect those of its agents.
    watch.put("/api/budget", &json!({ "monthly": 1_000 })).await;
    assert!(watch.run_and_receive().await.is_empty());
    // An archived agent is still watched, since its costs still have to be paid.
    watch.delete("/api/agents/nova").await;
    watch.spend("nova", "1").await;
    assert_eq!(watch.run_and_brief().await, ["nova actual 100 of 10.00: 10.00"]);
}

#[tokio::test]
async fn a_changed_budget_starts_over() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    watch.spend("nova", "60").await;
    assert_eq!(watch.run_and_brief().await, ["acme actual 50 of 100.00: 60.00"]);
    watch.put("/api/budget", &json!({ "monthly": 90, "thresholds": [50] })).await;
    assert_eq!(watch.run_and_brief().await, ["acme actual 50 of 90.00: 60.00"]);
    // An equal budget is no change.
    watch.put("/api/budget", &json!({ "monthly": "90.00", "thresholds": [50], "forecast": true })).await;
    assert!(watch.run_and_receive().await.is_empty());
    // Going back to an earlier budget is a change.
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    assert_eq!(watch.run_and_brief().await, ["acme actual 50 of 100.00: 60.00"]);
}

#[tokio::test]
async fn concurrent_runs_decide_once_and_deliver_with_one_id() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 10 })).await;
    watch.spend("nova", "85").await;
    let functions: Vec<_> = (0..8).map(|_| watch.function()).collect();
    let runs = join_all(functions.iter().map(|function| function.handle(json!({}), TIME))).await;
    let counts: Vec<_> = runs.into_iter().map(Result::unwrap).collect();
    let sum = |name: &str| counts.iter().map(|counts| counts[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("decided"), sum("superseded"), sum("sent")), (2, 3, 2));
    let received = watch.receiver.received();
    let mut briefs: Vec<_> = received.iter().map(brief).collect();
    briefs.sort();
    assert_eq!(briefs, ["acme actual 80 of 100.00: 85.00", "nova actual 100 of 10.00: 85.00"]);
    assert!(received.iter().all(|one| one.json()["data"]["id"] == one.id()));
    let is_hash = |id: &str| id.len() == MessageId::of("x").as_str().len();
    assert!(received.iter().all(|one| is_hash(one.id())));
}
