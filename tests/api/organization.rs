//! `/api/organization`: settings, and the time zone with and without usage.

use http::StatusCode;
use ledger::ids::OrgId;
use serde_json::{Value, json};

use crate::support::noon;
use crate::support::registry::{Registry, as_set, call};

const PATH: &str = "/api/organization";

fn zone(name: &str) -> Value {
    json!({
        "name": "Acme", "timezone": name, "timezone_change": null, "cross_provider_recommendations": true,
        "recommendation_allow_list": ["anthropic/claude-haiku-4-5"], "resource_attribute_tags": ["team"],
        "dimensions": ["tag.customer", "region"], "dimensions_change": null, "charge_reported_costs": true,
    })
}

#[tokio::test]
async fn it_has_defaults_and_can_be_set() {
    let registry = Registry::new().await;
    let unset = registry.get(PATH).await;
    assert_eq!(
        as_set(&unset),
        json!({
            "name": null, "timezone": "UTC", "timezone_change": null, "cross_provider_recommendations": false,
            "recommendation_allow_list": [], "resource_attribute_tags": [], "dimensions": ["project_id", "task_type"],
            "dimensions_change": null, "charge_reported_costs": false,
        })
    );
    assert_eq!(unset["id"], "acme");
    let set = registry.put(PATH, &zone("Asia/Kathmandu")).await;
    assert_eq!(as_set(&set), zone("Asia/Kathmandu"));
    assert_eq!(registry.get(PATH).await, set);
    assert_eq!(registry.try_delete(PATH).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// The zone by which figures are shown.
async fn shown(registry: &Registry) -> String {
    let org = OrgId::new("acme").unwrap();
    registry.world.stack.tables().registry.calendar(&org).await.unwrap().zone.name().to_owned()
}

#[tokio::test]
async fn without_usage_the_zone_changes_at_once() {
    let registry = Registry::new().await;
    registry.put("/api/agents/nova", &json!({})).await;
    registry.put("/api/budget", &json!({})).await;
    registry.world.stack.drain().await;
    let org = OrgId::new("acme").unwrap();
    let tables = registry.world.stack.tables();
    assert!(!tables.registry.has_usage(&tables.events, &org, noon()).await.unwrap());
    for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"] {
        let set = registry.put(PATH, &zone(name)).await;
        assert_eq!((&set["timezone"], &set["timezone_change"]), (&json!(name), &json!(null)));
        assert_eq!(shown(&registry).await, name);
    }
    assert_eq!(registry.entries("acme").await.len(), 5);
}

#[tokio::test]
async fn with_usage_the_zone_changes_in_the_background_even_before_aggregation() {
    for counted in [false, true] {
        let registry = Registry::new().await;
        let response = registry.world.caller("acme").post(&json!([call("1", "nova")])).await;
        assert_eq!(response["accepted"], 1);
        if counted {
            registry.world.stack.drain().await;
        }
        let set = registry.put(PATH, &zone("Europe/Berlin")).await;
        let change = json!({
            "state": "pending", "shown": "UTC", "days_done": null, "days_total": null,
            "requested_at": "2026-09-15T12:00:00Z",
        });
        assert_eq!((&set["timezone"], &set["timezone_change"]), (&json!("Europe/Berlin"), &change));
        assert_eq!(registry.get(PATH).await["timezone_change"], change);
        assert_eq!(shown(&registry).await, "UTC");
        // Back to the zone that is shown: nothing is left to be done.
        assert_eq!(registry.put(PATH, &zone("UTC")).await["timezone_change"], json!(null));
        // Other organizations are not affected.
        let headers = [("content-type", "application/json")];
        let other = zone("Europe/Berlin").to_string();
        let other = registry.send("other", http::Method::PUT, PATH, &headers, other).await;
        assert_eq!((other.status, &other.body["timezone_change"]), (StatusCode::OK, &json!(null)));
    }
}

#[tokio::test]
async fn a_zone_that_changes_all_the_time_is_a_conflict_for_an_hour() {
    let registry = Registry::new().await;
    registry.world.caller("acme").record(&[call("1", "nova")]).await;
    let mut refused = None;
    for nth in 0..70 {
        let name = ["Europe/Berlin", "Asia/Kathmandu"][nth % 2];
        let response = registry.try_put(PATH, &zone(name)).await;
        if response.status != StatusCode::OK {
            assert_eq!(response.status, StatusCode::CONFLICT);
            assert!(response.body["detail"].as_str().unwrap().contains("too often"));
            refused = Some(nth);
            break;
        }
    }
    assert!(refused.is_some_and(|nth| nth > 40), "{refused:?}");
    // Everything else can still be set.
    let stored = registry.get(PATH).await["timezone"].clone();
    assert_eq!(registry.put(PATH, &zone(stored.as_str().unwrap())).await["name"], "Acme");
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
