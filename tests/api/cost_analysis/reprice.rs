//! `/reprice`: stored calls get the cost that they have by the prices of today, and lose it again.

mod random;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{PATH, call};
use crate::support::{Caller, Response, World, faults, noon};

const MODEL: &str = "acme/in-house-1";

/// Sends a repricing request.
async fn post(caller: &Caller<'_>, body: &Value) -> Response {
    let json = [("content-type", "application/json")];
    caller.send(Method::POST, &format!("{PATH}/reprice"), &json, body.to_string()).await
}

/// Sends a repricing request and expects 200.
async fn reprice(caller: &Caller<'_>, body: &Value) -> Value {
    let response = post(caller, body).await;
    assert_eq!(response.status, StatusCode::OK, "{}", response.body);
    response.body
}

async fn withdraw(caller: &Caller<'_>, id: &str) -> StatusCode {
    caller.send(Method::DELETE, &format!("{PATH}/reprice/{id}"), &[], "").await.status
}

/// Lets reconcile carry out all entries.
async fn carry_out(world: &World) -> Value {
    let report = world.stack.invoke("reconcile", json!({ "do": "reprice" })).await.unwrap();
    assert_eq!(report["drift"], 0, "{report}");
    report
}

/// Recomputes the dirty days.
async fn recompute_dirty(world: &World) {
    let report = world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    assert_eq!(report["drift"], 0, "{report}");
}

/// The bytes of all figures that depend on costs.
async fn figures(caller: &Caller<'_>) -> Vec<String> {
    let mut figures = Vec::new();
    for path in [
        "/v1/metrics/summary?days=90",
        "/v1/metrics/usage?days=90",
        "/v1/metrics/models?days=90",
        "/v1/metrics/instances?days=90",
        "/v1/billing",
        "/v1/billing/usage",
        "/v1/billing/usage/chart?days=90",
        "/api/cost-analysis/summary",
        "/api/cost-analysis/by-model",
        "/api/cost-analysis/by-provider",
        "/api/cost-analysis/agents",
        "/api/cost-analysis/unpriced",
        "/api/agents/workforce/summary",
    ] {
        figures.push(caller.get(path).await.to_string());
    }
    figures
}

/// Two agents call an unpriced and a priced model on three days.
fn calls() -> Vec<Value> {
    let mut calls = Vec::new();
    for days in 0..3 {
        for (agent, model) in [("nova", MODEL), ("atlas", MODEL), ("nova", "anthropic/claude-haiku-4-5")] {
            let more = json!({ "output_tokens": 500_000 });
            calls.push(call(
                &format!("{agent}-{model}-{days}"),
                agent,
                model,
                noon() - TimeDelta::days(days),
                &more,
            ));
        }
    }
    calls
}

const DAYS: [&str; 2] = ["2026-09-13", "2026-09-15"];

fn request(more: &Value) -> Value {
    let mut body = json!({ "from": DAYS[0], "to": DAYS[1] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn set_price(caller: &Caller<'_>) {
    let price =
        json!({ "effectiveFrom": "2026-09-14", "inputPricePerMillion": 2, "outputPricePerMillion": "8" });
    caller.put(&format!("{PATH}/pricing/{MODEL}"), &price).await;
}

#[tokio::test]
async fn a_model_gets_its_cost_once_its_price_is_known_and_loses_it_with_the_entry() {
    let world = World::new().await;
    let acme = world.caller("acme");
    acme.record(&calls()).await;
    let before = figures(&acme).await;

    // No price is known yet.
    let found = reprice(&acme, &request(&json!({ "model": "IN-HOUSE-1" }))).await;
    let nothing = json!({ "requests": 6, "stampedUnpricedRequests": 6, "unpricedRequests": 6, "stampedCost": 0,
        "repricedCost": 0, "difference": 0 });
    assert_eq!(
        (&found["dryRun"], &found["total"], &found["nextCursor"]),
        (&json!(true), &nothing, &Value::Null)
    );

    // Valid from the 14th on: 2 + 4 dollars a call.
    set_price(&acme).await;
    let found = reprice(&acme, &request(&json!({}))).await;
    let row = |day: &str, calls: u64, unpriced: u64, cost: u64| {
        json!({ "day": day, "provider": "acme", "model": "in-house-1", "requests": calls,
            "stampedUnpricedRequests": calls, "unpricedRequests": unpriced, "stampedCost": 0, "repricedCost": cost,
            "difference": cost })
    };
    let rows: Vec<_> =
        found["days"].as_array().unwrap().iter().filter(|row| row["provider"] == "acme").cloned().collect();
    assert_eq!(rows, [row("2026-09-13", 2, 2, 0), row("2026-09-14", 2, 0, 12), row("2026-09-15", 2, 0, 12)]);
    // 1 + 2.5 dollars for each call of the priced model, before and after.
    assert_eq!(
        found["total"],
        json!({ "requests": 9, "stampedUnpricedRequests": 6, "unpricedRequests": 2, "stampedCost": 10.5,
            "repricedCost": 34.5, "difference": 24 })
    );
    assert_eq!(figures(&acme).await, before, "a dry run changes nothing");

    let entry =
        reprice(&acme, &request(&json!({ "provider": "acme", "dryRun": false, "why": "new contract" })))
            .await;
    assert_eq!(
        (&entry["status"], &entry["appliedThrough"], &entry["why"]),
        (&json!("pending"), &Value::Null, &json!("new contract"))
    );
    assert_eq!(figures(&acme).await, before);
    assert_eq!(carry_out(&world).await["repricings"], 1);

    let list = acme.get(&format!("{PATH}/reprice")).await;
    let applied = &list["items"][0];
    assert_eq!(
        (&applied["id"], &applied["status"], &applied["appliedThrough"]),
        (&entry["id"], &json!("applied"), &json!(DAYS[1]))
    );
    assert_eq!(
        applied["result"],
        json!({ "requests": 6, "stampedUnpricedRequests": 6, "unpricedRequests": 2, "stampedCost": 0,
            "repricedCost": 24, "difference": 24 })
    );
    let summary = acme.get(&format!("{PATH}/summary")).await;
    assert_eq!((&summary["totalSpend"], &summary["unpricedRequests"]), (&json!(34.5), &json!(2)));
    let unpriced = acme.get(&format!("{PATH}/unpriced")).await;
    assert_eq!((&unpriced["unpriced"][0]["requests"], &unpriced["unpricedRequests"]), (&json!(2), &json!(2)));

    assert_eq!(withdraw(&acme, entry["id"].as_str().unwrap()).await, StatusCode::NO_CONTENT);
    assert_eq!(acme.get(&format!("{PATH}/reprice")).await["items"][0]["status"], "withdrawing");
    carry_out(&world).await;
    assert_eq!(acme.get(&format!("{PATH}/reprice")).await, json!({ "items": [] }));
    assert_eq!(figures(&acme).await, before);
    for day in ["2026-09-13", "2026-09-14", "2026-09-15"] {
        let compare = json!({ "do": "day", "org": "acme", "day": day, "repair": true });
        let report = world.stack.invoke("reconcile", compare).await.unwrap();
        assert_eq!((&report["drift"], &report["repaired"]), (&json!(0), &json!(0)), "{report}");
    }
}

#[tokio::test]
async fn a_redelivery_and_later_calls_do_not_undo_a_repricing() {
    let world = World::new().await;
    let acme = world.caller("acme");
    acme.record(&calls()).await;
    set_price(&acme).await;
    reprice(&acme, &request(&json!({ "dryRun": false }))).await;
    carry_out(&world).await;
    let after = figures(&acme).await;
    world.stack.redeliver().await;
    assert_eq!(figures(&acme).await, after);
    // The items of the day are sealed; those of a new agent are not.
    acme.record(&[call("late", "newcomer", MODEL, noon() - TimeDelta::days(2), &json!({}))]).await;
    world.stack.redeliver().await;
    recompute_dirty(&world).await;
    let summary = acme.get(&format!("{PATH}/summary")).await;
    assert_eq!((&summary["totalSpend"], &summary["unpricedRequests"]), (&json!(34.5), &json!(3)));
    for day in ["2026-09-13", "2026-09-14", "2026-09-15"] {
        let seal = json!({ "do": "day", "org": "acme", "day": day, "seal": true });
        assert_eq!(world.stack.invoke("reconcile", seal).await.unwrap()["drift"], 0);
    }
    assert_eq!(acme.get(&format!("{PATH}/summary")).await, summary);
}

/// The aggregator adds stamped costs, so it must not add a repriced call any more, to a missing rollup neither.
#[tokio::test]
async fn calls_that_are_not_aggregated_yet_are_repriced_as_well() {
    let world = World::new().await;
    let acme = world.caller("acme");
    assert_eq!(acme.post(&json!(calls())).await["accepted"], 9);
    set_price(&acme).await;
    let entry = reprice(&acme, &request(&json!({ "dryRun": false }))).await;
    carry_out(&world).await;
    world.stack.drain().await;
    recompute_dirty(&world).await;
    let summary = acme.get(&format!("{PATH}/summary")).await;
    assert_eq!((&summary["totalSpend"], &summary["unpricedRequests"]), (&json!(34.5), &json!(2)));
    let after = figures(&acme).await;
    world.stack.redeliver().await;
    recompute_dirty(&world).await;
    assert_eq!(figures(&acme).await, after);
    assert_eq!(withdraw(&acme, entry["id"].as_str().unwrap()).await, StatusCode::NO_CONTENT);
    carry_out(&world).await;
    let summary = acme.get(&format!("{PATH}/summary")).await;
    assert_eq!((&summary["totalSpend"], &summary["unpricedRequests"]), (&json!(10.5), &json!(6)));
}

#[tokio::test]
async fn requests_and_withdrawals_are_audited() {
    let world = World::new().await;
    let acme = world.caller("acme");
    let entry = reprice(&acme, &request(&json!({ "dryRun": false, "why": "audit" }))).await;
    reprice(&acme, &request(&json!({}))).await;
    let id = entry["id"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(withdraw(&acme, id).await, StatusCode::NO_CONTENT);
    }
    world.stack.drain().await;
    let log = acme.get("/api/activity?eventType=config_change").await;
    let mut changes: Vec<_> =
        log["data"].as_array().unwrap().iter().map(|entry| entry["details"].clone()).collect();
    changes.sort_by_key(|change| change["before"].is_object());
    let settings = json!({
        "from": DAYS[0], "to": DAYS[1], "zone": "UTC", "why": "audit", "who": "local", "at": "2026-09-15T12:00:00Z",
    });
    let what = format!("repricing {id}");
    assert_eq!(
        changes,
        [
            json!({ "who": "local", "what": what, "before": null, "after": settings }),
            json!({ "who": "local", "what": what, "before": settings, "after": null }),
        ]
    );
    carry_out(&world).await;
    assert_eq!(withdraw(&acme, id).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_dry_run_is_read_page_by_page() {
    let world = World::new().await;
    let acme = world.caller("acme");
    let events: Vec<_> = (0..60)
        .map(|i| call(&i.to_string(), "nova", MODEL, noon() - TimeDelta::hours(i), &json!({})))
        .collect();
    acme.record(&events).await;
    set_price(&acme).await;
    let whole = reprice(&acme, &request(&json!({}))).await;
    assert_eq!(whole["total"]["requests"], 60);
    for limit in [1, 7, 20, 59, 60] {
        let (mut requests, mut cost, mut pages) = (0, 0, 0);
        let mut body = request(&json!({ "limit": limit }));
        loop {
            let page = reprice(&acme, &body).await;
            pages += 1;
            requests += page["total"]["requests"].as_u64().unwrap();
            cost += page["total"]["repricedCost"].as_u64().unwrap();
            assert!(page["total"]["requests"].as_u64().unwrap() <= limit);
            if page["nextCursor"].is_null() {
                break;
            }
            body["cursor"] = page["nextCursor"].clone();
        }
        assert_eq!((requests, cost), (60, whole["total"]["repricedCost"].as_u64().unwrap()), "{limit}");
        assert!(pages >= 60_u64.div_ceil(limit), "{pages} pages of {limit}");
    }
}

#[tokio::test]
async fn a_long_range_without_calls_ends() {
    let world = World::new().await;
    let acme = world.caller("acme");
    let mut body = json!({ "from": "2025-09-01", "to": "2026-12-31" });
    let mut pages = 0;
    loop {
        let page = reprice(&acme, &body).await;
        pages += 1;
        assert_eq!((&page["days"], &page["to"]), (&json!([]), &json!("2026-09-16")));
        body["cursor"] = page["nextCursor"].clone();
        if body["cursor"].is_null() {
            break;
        }
    }
    assert_eq!(pages, 4);
    body["dryRun"] = json!(false);
    let entry = reprice(&acme, &body).await;
    carry_out(&world).await;
    let list = acme.get(&format!("{PATH}/reprice")).await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["status"]), (&entry["id"], &json!("applied")));
    let report = world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    assert_eq!(report["days_proved"], 0);
}

#[tokio::test]
async fn invalid_requests_are_rejected() {
    let world = World::new().await;
    let acme = world.caller("acme");
    for (body, fault) in [
        (json!({}), &["body.from missing", "body.to missing"][..]),
        (json!({ "from": "2026-09-02", "to": "2026-09-01" }), &["body.to range"]),
        (json!({ "from": "2026-09-17", "to": "2026-09-18" }), &["body.from in_future"]),
        (json!({ "from": "2025-01-01", "to": "2026-09-18" }), &["body.from too_old"]),
        (json!({ "from": "2026-09-01", "to": "2026-09-02", "cursor": "x" }), &["body.cursor cursor"]),
        (
            json!({ "from": "2026-09-01", "to": "2026-09-02", "dryrun": false }),
            &["body.dryrun extra_forbidden"],
        ),
    ] {
        let response = post(&acme, &body).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(faults(&response.body["detail"]), fault, "{body}");
    }
    let entry = reprice(&acme, &request(&json!({ "dryRun": false }))).await;
    let path = format!("{PATH}/reprice/{}", entry["id"].as_str().unwrap());
    let stale = acme.send(Method::DELETE, &path, &[("if-match", "\"x\"")], "").await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let other = world.caller("bolt");
    assert_eq!(other.send(Method::DELETE, &path, &[], "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.get(&format!("{PATH}/reprice")).await, json!({ "items": [] }));
    carry_out(&world).await;
    // Once events of its days may have expired, the figures cannot be recomputed.
    world.stack.clock().set(noon() + TimeDelta::days(400));
    let acme = world.caller("acme");
    assert_eq!(acme.send(Method::DELETE, &path, &[], "").await.status, StatusCode::CONFLICT);
}
