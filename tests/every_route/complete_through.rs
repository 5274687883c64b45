//! Responses with figures state up to which instant these are complete.

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use ledger::ids::OrgId;
use ledger::period;
use serde_json::{Value, json};

use super::walk::{MARK, fill, path, routes};
use crate::support::events::call;
use crate::support::{World, noon};

/// What states it by itself, because it may be made of raw events.
const STATED: [&str; 3] = ["/api/cost-analysis/query", "/api/sessions", "/api/sessions/{id+}"];

/// What no figure depends on the aggregator in: settings, logs, and files of raw events.
const WITHOUT: [&str; 20] = [
    "/api/activity",
    "/api/agents",
    "/api/agents/{id+}",
    "/api/alerts",
    "/api/alerts/destinations",
    "/api/alerts/rules",
    "/api/alerts/rules/{id+}",
    "/api/budget",
    "/api/cost-analysis/pricing",
    "/api/cost-analysis/reprice",
    "/api/erasures",
    "/api/exports/ocsf",
    "/api/keys",
    "/api/organization",
    "/api/organization/dimensions/{dimension}/backfill",
    "/api/projects",
    "/api/projects/{id+}",
    "/api/sources",
    "/v1/billing/subscription",
    "/v1/billing/trial-status",
];

/// The routes among these that state it themselves.
const STATING: [&str; 3] = ["/api/cost-analysis/query", "/api/sessions", "/api/sessions/{id+}"];

async fn measure(world: &World) -> Value {
    world.stack.invoke("completeness", json!({})).await.unwrap()
}

async fn through(world: &World, org: &str) -> Option<DateTime<Utc>> {
    world.stack.tables().usage.completeness().await.unwrap().of(&OrgId::new(org).unwrap())
}

#[tokio::test]
async fn every_response_with_figures_says_how_complete_they_are() {
    let world = World::new().await;
    let owner = world.caller("owner");
    fill(&owner).await;
    world.stack.drain().await;
    measure(&world).await;
    let complete = period::rfc3339(noon() - TimeDelta::seconds(10));
    let mut without = Vec::new();
    for route in routes(&Method::GET) {
        let path = path(route.path, MARK);
        let response = owner.send_raw(Method::GET, &path).await;
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let of = (header("fleetledger-as-of"), header("fleetledger-complete-through"));
        if STATED.contains(&route.path) {
            assert_eq!(of.0.is_some(), response.status() == 200, "{path}");
            continue;
        }
        if !route.has_figures {
            // Those that raw events may answer state it themselves.
            let states = STATING.contains(&route.path) && response.status() == 200;
            assert_eq!(of.0.is_some(), states, "{path}");
            without.push(route.path);
            continue;
        }
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(of, (Some(period::rfc3339(noon())), Some(complete.clone())), "{path}");
        // As a table too, whose rows say nothing of it.
        let table = owner.send_raw(Method::GET, &format!("{path}?format=csv")).await;
        let header = table.headers().get("fleetledger-complete-through");
        assert_eq!(header.map(|value| value.to_str().unwrap()), Some(&*complete), "{path}");
    }
    without.sort_unstable();
    without.dedup();
    assert_eq!(without, WITHOUT);
    let query = owner.send_raw(Method::GET, "/api/cost-analysis/query?groupBy=agent").await;
    let headers = ["fleetledger-as-of", "fleetledger-complete-through"].map(|name| &query.headers()[name]);
    assert_eq!(headers, ["2026-09-15T12:00:00Z", &complete]);
}

#[tokio::test]
async fn an_event_that_waits_holds_figures_back_and_idleness_does_not() {
    let world = World::new().await;
    let caller = world.caller("acme");
    assert_eq!(through(&world, "acme").await, None);
    caller.record(&[call("counted", noon())]).await;
    world.stack.clock().set(noon() + TimeDelta::minutes(10));
    assert_eq!(measure(&world).await["waiting"], 0);
    let at = |minutes| Some(noon() + TimeDelta::minutes(minutes) - TimeDelta::seconds(10));
    assert_eq!(through(&world, "acme").await, at(10));
    caller.post(&json!([call("waits", noon())])).await;
    world.stack.clock().set(noon() + TimeDelta::minutes(30));
    let report = measure(&world).await;
    assert_eq!((&report["waiting"], &report["stored"]), (&json!(1), &json!(true)));
    assert_eq!(through(&world, "acme").await, at(10));
    world.stack.drain().await;
    measure(&world).await;
    assert_eq!(through(&world, "acme").await, at(30));
}

#[tokio::test]
async fn a_day_to_be_recomputed_holds_only_its_organization_back() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[call("first", noon())]).await;
    world.caller("other").record(&[call("first", noon())]).await;
    measure(&world).await;
    let seal = json!({ "do": "day", "org": "acme", "day": "2026-09-15", "seal": true });
    world.stack.invoke("reconcile", seal).await.unwrap();
    caller.record(&[call("late", noon())]).await;
    world.stack.clock().set(noon() + TimeDelta::minutes(10));
    assert_eq!(measure(&world).await["held"], 1);
    let at = |minutes| Some(noon() + TimeDelta::minutes(minutes) - TimeDelta::seconds(10));
    assert_eq!((through(&world, "acme").await, through(&world, "other").await), (at(0), at(10)));
    world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    measure(&world).await;
    assert_eq!(through(&world, "acme").await, at(10));
}
