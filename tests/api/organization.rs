//! `/api/organization`: the time zone is fixed by the first event.

use http::StatusCode;
use ledger::ids::OrgId;
use serde_json::{Value, json};

use crate::support::noon;
use crate::support::registry::{Registry, as_set, call};

const PATH: &str = "/api/organization";

fn zone(name: &str) -> Value {
    json!({
        "name": "Acme", "timezone": name, "cross_provider_recommendations": true,
        "recommendation_allow_list": ["anthropic/claude-haiku-4-5"], "resource_attribute_tags": ["team"],
    })
}

#[tokio::test]
async fn it_has_defaults_and_can_be_set() {
    let registry = Registry::new().await;
    let unset = registry.get(PATH).await;
    assert_eq!(
        as_set(&unset),
        json!({
            "name": null, "timezone": "UTC", "cross_provider_recommendations": false, "recommendation_allow_list": [],
            "resource_attribute_tags": [],
        })
    );
    assert_eq!(unset["id"], "acme");
    let set = registry.put(PATH, &zone("Asia/Kathmandu")).await;
    assert_eq!(as_set(&set), zone("Asia/Kathmandu"));
    assert_eq!(registry.get(PATH).await, set);
    assert_eq!(registry.try_delete(PATH).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_zone_can_change_as_long_as_there_is_no_usage() {
    let registry = Registry::new().await;
    registry.put("/api/agents/nova", &json!({})).await;
    registry.put("/api/budget", &json!({})).await;
    registry.world.stack.drain().await;
    let org = OrgId::new("acme").unwrap();
    let tables = registry.world.stack.tables();
    assert!(!tables.registry.has_usage(&tables.events, &org, noon()).await.unwrap());
    for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"] {
        assert_eq!(registry.put(PATH, &zone(name)).await["timezone"], name);
    }
    // An audit entry lies on a day of the zone that was set before.
    let days: Vec<_> = registry.entries("acme").await.iter().map(|event| event.day.to_string()).collect();
    assert_eq!(days.len(), 5);
    assert_eq!(days.iter().filter(|day| *day == "2026-09-16").count(), 1, "{days:?}");
}

#[tokio::test]
async fn the_zone_is_fixed_by_the_first_event_even_before_aggregation() {
    for counted in [false, true] {
        let registry = Registry::new().await;
        let response = registry.world.caller("acme").post(&json!([call("1", "nova")])).await;
        assert_eq!(response["accepted"], 1);
        if counted {
            registry.world.stack.drain().await;
        }
        let response = registry.try_put(PATH, &zone("Europe/Berlin")).await;
        assert_eq!(response.status, StatusCode::CONFLICT, "{}", response.body);
        assert!(response.body["detail"].is_string());
        // Everything else can still be set, and other organizations are not affected.
        assert_eq!(registry.put(PATH, &zone("UTC")).await["name"], "Acme");
        let headers = [("content-type", "application/json")];
        let other = zone("Europe/Berlin").to_string();
        let other = registry.send("other", http::Method::PUT, PATH, &headers, other).await;
        assert_eq!(other.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn usage_is_found_anywhere_in_the_window() {
    for (days_back, expected) in [(0, true), (35, true), (36, false)] {
        let registry = Registry::new().await;
        let mut event = call("1", "nova");
        let time = noon() - chrono::TimeDelta::days(days_back);
        event["time"] = json!(ledger::period::rfc3339(time));
        let response = registry.world.caller("acme").post(&json!([event])).await;
        assert_eq!(response["accepted"] == 1, expected, "{response}");
        let org = OrgId::new("acme").unwrap();
        let tables = registry.world.stack.tables();
        assert_eq!(tables.registry.has_usage(&tables.events, &org, noon()).await.unwrap(), expected);
    }
}
