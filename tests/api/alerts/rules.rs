//! Alert rules: limits of a day, week or month, spikes, and calls without a price.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Watch, brief, states};
use crate::support::events::event;
use crate::support::noon;

async fn call(watch: &Watch, id: &str, agent: &str, model: &str, cost: Option<&str>) {
    let mut data = json!({ "agent_id": agent, "provider": "openai", "model": model, "input_tokens": 10,
        "output_tokens": 1 });
    if let Some(cost) = cost {
        data["cost_usd"] = json!(cost);
    }
    watch.world.caller("acme").record(&[event(id, "llm.call", watch.now(), data)]).await;
}

fn summary(message: &Value) -> &str {
    message["data"]["summary"].as_str().unwrap()
}

#[tokio::test]
async fn a_limit_notifies_once_in_its_period_and_again_in_the_next() {
    let watch = Watch::new().await;
    for (id, period, dimension, value) in [
        ("day", "day", "model", "gpt-4o"),
        ("week", "week", "provider", "openai"),
        ("month", "month", "agent", "nova"),
        ("department", "day", "department", "Support"),
    ] {
        let rule = json!({ "type": "limit", "period": period, "amount": 10, "dimension": dimension, "value": value });
        watch.put(&format!("/api/alerts/rules/{id}"), &rule).await;
    }
    watch.put("/api/agents/nova", &json!({ "name": "Nova", "department": "Support" })).await;
    call(&watch, "1", "nova", "gpt-4o", Some("9.99")).await;
    call(&watch, "2", "vega", "gpt-4.1", Some("0.01")).await;
    assert_eq!(watch.run_and_brief().await, ["week actual 100 of 10.00: 10.00"]);
    call(&watch, "3", "nova", "gpt-4o", Some("0.01")).await;
    let mut received = watch.run_and_brief().await;
    received.sort();
    let all = [
        "day actual 100 of 10.00: 10.00",
        "department actual 100 of 10.00: 10.00",
        "month actual 100 of 10.00: 10.00",
    ];
    assert_eq!(received, all);
    assert!(watch.run_and_receive().await.is_empty());
    // The next day of the same week and month.
    watch.wait(TimeDelta::days(1));
    call(&watch, "4", "nova", "gpt-4o", Some("12")).await;
    let mut received = watch.run_and_brief().await;
    received.sort();
    assert_eq!(received, ["day actual 100 of 10.00: 12.00", "department actual 100 of 10.00: 12.00"]);
    // A changed rule is another one.
    let rule =
        json!({ "type": "limit", "period": "month", "amount": 20, "dimension": "agent", "value": "nova" });
    watch.put("/api/alerts/rules/month", &rule).await;
    assert_eq!(watch.run_and_brief().await, ["month actual 100 of 20.00: 22.00"]);
    watch.delete("/api/alerts/rules/day").await;
    watch.wait(TimeDelta::days(1));
    call(&watch, "5", "vega", "gpt-4o", Some("50")).await;
    assert!(watch.run_and_receive().await.is_empty());
    assert_eq!(states(&watch.list("").await).len(), 7);
}

#[tokio::test]
async fn a_spike_names_its_cause() {
    let watch = Watch::new().await;
    let rule = json!({ "type": "spike", "factor": 3, "days": 4, "minimum": "10", "name": "Surprise" });
    watch.put("/api/alerts/rules/surprise", &rule).await;
    watch.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    for day in 0..4 {
        call(&watch, &format!("old-{day}"), "vega", "gpt-4.1", Some("6")).await;
        // Far above the mean so far, but there is no history.
        call(&watch, &format!("new-{day}"), "nova", "gpt-4o", Some(if day == 0 { "16" } else { "0" })).await;
        assert!(watch.run_and_receive().await.is_empty());
        watch.world.stack.clock().set(noon() + TimeDelta::days(day + 1));
    }
    // The mean is 10 USD: three times as much is not more than three times as much.
    call(&watch, "1", "vega", "gpt-4.1", Some("7")).await;
    call(&watch, "2", "nova", "gpt-4o", Some("23")).await;
    assert!(watch.run_and_receive().await.is_empty());
    call(&watch, "3", "nova", "gpt-4o", Some("0.000001")).await;
    let received = watch.run_and_receive().await;
    let message = received[0].json();
    assert_eq!((received.len(), &message["type"]), (1, &json!("rule.triggered")));
    assert_eq!(
        summary(&message),
        "acme: the organization has cost 30.00 USD on 2026-09-19, more than 3 times the mean of 10.00 USD of the 4 days \
         before. Most of the increase comes from gpt-4o: 23.00 USD after a mean of 4.00, called most by Nova."
    );
    let subject = json!({ "type": "rule", "id": "surprise", "name": "Surprise" });
    assert_eq!(message["data"]["subject"], subject);
    assert_eq!(message["data"]["rule"]["cause"]["model"], "gpt-4o");
    call(&watch, "4", "nova", "gpt-4o", Some("100")).await;
    assert!(watch.run_and_receive().await.is_empty());
}

#[tokio::test]
async fn calls_without_a_price_are_notified() {
    let watch = Watch::new().await;
    watch.put("/api/alerts/rules/unpriced", &json!({ "type": "unpriced", "requests": 2 })).await;
    call(&watch, "1", "nova", "made-up", None).await;
    call(&watch, "2", "nova", "gpt-4o", Some("5")).await;
    assert!(watch.run_and_receive().await.is_empty());
    call(&watch, "3", "vega", "made-up", None).await;
    let received = watch.run_and_receive().await;
    assert_eq!(received.iter().map(brief).collect::<Vec<_>>(), ["unpriced unpriced 100 of -: 5.00"]);
    let message = received[0].json();
    assert_eq!(
        summary(&message),
        "acme: the organization has calls on 2026-09-15 without a price, so its real cost is higher. Most of them are 2 \
         calls of made-up."
    );
    let listed = watch.list("").await;
    assert_eq!((&listed[0]["kind"], &listed[0]["rule"]), (&json!("unpriced"), &message["data"]["rule"]));
}

#[tokio::test]
async fn rules_are_limited_and_shown_as_they_were_set() {
    let watch = Watch::new().await;
    let caller = watch.world.caller("acme");
    let rule =
        json!({ "type": "spike", "factor": "2.50", "minimum": 1, "dimension": "model", "value": "gpt-4o" });
    watch.put("/api/alerts/rules/a%2Fb", &rule).await;
    let mut shown = caller.get("/api/alerts/rules/a%2Fb").await;
    assert_eq!(caller.get("/api/alerts/rules").await["items"], json!([shown]));
    shown.as_object_mut().unwrap().remove("etag");
    let expected = json!({ "id": "a/b", "name": null, "type": "spike", "dimension": "model", "value": "gpt-4o",
        "factor": 2.5, "days": 7, "minimum": 1 });
    assert_eq!(shown, expected);
    for number in 1..50 {
        watch.put(&format!("/api/alerts/rules/{number}"), &json!({ "type": "unpriced" })).await;
    }
    let json = [("content-type", "application/json")];
    let more = caller.send(Method::PUT, "/api/alerts/rules/more", &json, r#"{"type":"unpriced"}"#).await;
    assert_eq!(more.status, StatusCode::CONFLICT);
    watch.put("/api/alerts/rules/1", &json!({ "type": "unpriced", "requests": 5 })).await;
}
