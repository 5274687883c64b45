//! Events that are older than 35 days, which the scope `events:backfill` allows.

use chrono::TimeDelta;
use serde_json::json;
use web::auth::Scope;

use super::outcome;
use crate::support::events::call;
use crate::support::{World, noon};

/// Events are kept for 400 days. Backfilling ends 5 days before the oldest of them expire.
#[tokio::test]
async fn events_as_old_as_those_that_are_kept_need_a_scope() {
    let world = World::new().await;
    let token = world.stack.token("acme", &[Scope::EventsWrite, Scope::EventsBackfill]).unwrap();
    let (caller, backfiller) = (world.caller("acme"), world.bearer(&token));
    let ago = |days: i64, seconds: i64| noon() - TimeDelta::days(days) - TimeDelta::seconds(seconds);
    let too_old = ["too_old", "body.0.time too_old"];
    assert_eq!(outcome(&caller, &call("1", ago(35, 1))).await, too_old);
    assert_eq!(outcome(&backfiller, &call("1", ago(35, 1))).await, ["accepted"]);
    assert_eq!(outcome(&backfiller, &call("2", ago(395, 0))).await, ["accepted"]);
    assert_eq!(outcome(&backfiller, &call("3", ago(395, 1))).await, too_old);
}

/// A backfilled event to a sealed day marks it as dirty, and the next run, within 15 minutes, counts it.
#[tokio::test]
async fn backfilled_events_show_in_their_month_also_on_sealed_days() {
    let world = World::new().await;
    let token = world.stack.token("acme", &[Scope::EventsWrite, Scope::EventsBackfill]).unwrap();
    let (caller, backfiller) = (world.caller("acme"), world.bearer(&token));
    let old = noon() - TimeDelta::days(100);
    let month = "/api/cost-analysis/summary?month=2026-06";
    backfiller.record(&[call("1", old)]).await;
    let one = caller.get(month).await["totalSpend"].as_f64().unwrap();
    assert!(one > 0.0);
    world.stack.clock().set(noon() + TimeDelta::minutes(16));
    let seal = json!({ "do": "day", "org": "acme", "day": "2026-06-07", "seal": true });
    let report = world.stack.invoke("reconcile", seal).await.unwrap();
    assert_eq!(
        (&report["drift"], report["days"][0]["sealed"].as_u64() > Some(0)),
        (&json!(0), true),
        "{report}"
    );
    backfiller.record(&[call("2", old)]).await;
    assert_eq!(caller.get(month).await["totalSpend"].as_f64(), Some(one), "the day is sealed");
    let report = world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    assert_eq!(report["drift"], 0, "{report}");
    assert_eq!(caller.get(month).await["totalSpend"].as_f64(), Some(2.0 * one));
}
