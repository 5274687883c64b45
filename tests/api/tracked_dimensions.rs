//! Tracked dimensions: questions about months by them, while the list changes, when a name is forgotten, and with more
//! values than a day tells apart.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, StatusCode};
use ledger::calendar::Generation;
use ledger::dimension::Dimension;
use ledger::ids::OrgId;
use ledger::pack::{MAX_VALUES_PER_DAY, Table, View};
use ledger::period::{Day, DayRange};
use ledger::rollup::EndUser;
use reconcile::{CompactionPolicy, Reconciler};
use runtime::config::DEFAULT_EVENT_RETENTION_DAYS;
use serde_json::{Value, json};
use store::Connection;
use store::chains::Consistency;
use store::keys::Owner;
use web::auth::Scope;

use crate::every_route::routes::router;
use crate::support::events::event;
use crate::support::tables::reconcile_of;
use crate::support::{World, encoded, faults, noon, response_of};

const QUERY: &str = "/api/cost-analysis/query";
const MONTH: &str = "from=2026-08-16&to=2026-09-16";

fn call(id: &str, time: DateTime<Utc>, labels: Value) -> Value {
    let mut data = json!({ "agent_id": "nova", "provider": "openai", "model": "gpt-4o", "input_tokens": 1_000,
        "output_tokens": 10, "cost_usd": "0.25" });
    let labels = labels.as_object().unwrap().clone();
    data.as_object_mut().unwrap().extend(labels);
    event(id, "llm.call", time, data)
}

fn ago(days: i64) -> DateTime<Utc> {
    noon() - TimeDelta::days(days)
}

/// What a function answers that has cached nothing.
async fn ask(world: &World, token: &str, path: &str) -> (StatusCode, Value) {
    let connection = Connection::new(world.stack.client().clone());
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    response_of(router(world, "costs", &connection), request.body(Body::empty()).unwrap()).await
}

/// The requests by value of a dimension within a month, from all pages.
async fn requests(world: &World, token: &str, dimension: &str) -> BTreeMap<String, u64> {
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("{QUERY}?{MONTH}&groupBy={dimension}&limit=1000{cursor}");
        let (status, page) = ask(world, token, &path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for row in page["rows"].as_array().unwrap() {
            let value = row["group"][dimension].as_str().unwrap().to_owned();
            all.insert(value, row["requests"].as_u64().unwrap());
        }
        let Some(next) = page["pagination"]["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    all
}

async fn merge_pages(world: &World) {
    let eager = CompactionPolicy { bytes: 0, past_bytes: 0, block_bytes: 0, is_eager: true };
    let tables = reconcile_of(world.stack.tables());
    let reconciler = Reconciler::new(tables, world.stack.clock().clone(), DEFAULT_EVENT_RETENTION_DAYS);
    let compact = json!({ "do": "compact" });
    reconciler.with_policy(eager).handle(compact, Duration::from_mins(5)).await.unwrap();
}

fn counts<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(value, count)| (value.to_owned(), count)).into()
}

#[tokio::test]
async fn a_dimension_that_is_tracked_later_has_its_past() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let (path, organization) = ("/api/organization/dimensions/tag.customer/backfill", "/api/organization");
    let tagged = |id: &str, days: i64, customer: &str| {
        call(id, ago(days), json!({ "tags": { "customer": customer }, "project_id": "site" }))
    };
    caller.record(&[tagged("1", 25, "a"), tagged("2", 12, "b"), tagged("3", 0, "a")]).await;
    world.stack.drain().await;
    let question = format!("{QUERY}?{MONTH}&groupBy=tag.customer");
    let (_, refused) = ask(&world, &token, &question).await;
    assert_eq!(faults(&refused["detail"]), ["query.from range_too_long"]);
    let text = refused["detail"][0]["msg"].as_str().unwrap();
    assert!(text.contains("'tag.customer', which is not tracked") && text.contains("'project_id'"), "{text}");
    assert_eq!(caller.try_get(path).await.status, StatusCode::NOT_FOUND);

    let set = caller.put(organization, &json!({ "dimensions": ["tag.customer", "project_id"] })).await;
    let change = &set["dimensions_change"];
    assert_eq!(
        (&change["state"], &change["shown"]),
        (&json!("pending"), &json!(["project_id", "task_type"]))
    );
    assert_eq!(set["timezone_change"], json!(null));
    let pending = caller.get(path).await;
    assert_eq!((&pending["state"], &pending["days"]), (&json!("pending"), &json!(null)));
    // What was tracked before goes on to be answered, and what was not is not answered in part.
    caller.record(&[tagged("4", 1, "b")]).await;
    world.stack.drain().await;
    assert_eq!(requests(&world, &token, "project_id").await, counts([("site", 4)]));
    assert_eq!(ask(&world, &token, &question).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    world.stack.invoke("reconcile", json!({ "do": "calendars" })).await.unwrap();
    world.stack.clock().set(noon() + TimeDelta::minutes(1));
    assert_eq!(caller.get(organization).await["dimensions_change"], json!(null));
    let body = json!({ "from": "2026-09-01" }).to_string();
    let json_body = [("content-type", "application/json")];
    let done = caller.send(Method::POST, path, &json_body, body).await;
    let expected = json!({ "dimension": "tag.customer", "from": "2026-09-01", "state": "done", "daysDone": 15, "days": 15 });
    assert_eq!((done.status, done.body), (StatusCode::ACCEPTED, expected));
    caller.record(&[tagged("5", 0, "a")]).await;
    world.stack.drain().await;
    world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    assert_eq!(requests(&world, &token, "tag.customer").await, counts([("a", 3), ("b", 2)]));
    assert_eq!(requests(&world, &token, "project_id").await, counts([("site", 5)]));
    // The same list in another order starts nothing.
    let same = caller.put(organization, &json!({ "dimensions": ["project_id", "tag.customer"] })).await;
    assert_eq!(same["dimensions_change"], json!(null));
    for (path, body, fault) in [
        ("agent", json!({ "from": "2026-09-01" }), "path.dimension enum"),
        ("tag.customer", json!({ "from": "yesterday" }), "body.from date_parsing"),
        ("region", json!({}), "body.from missing"),
    ] {
        let path = format!("{organization}/dimensions/{path}/backfill");
        let response = caller.send(Method::POST, &path, &json_body, body.to_string()).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(faults(&response.body["detail"]), [fault], "{path}");
    }
}

/// The stored rows of tracked dimensions on a day.
async fn stored(world: &World, day: Day) -> Table {
    let owner = Owner::new(&OrgId::new("acme").unwrap(), Generation::FIRST);
    let (usage, days) = (&world.stack.tables().usage, DayRange { first: day, last: day });
    let stored = usage.stored_agents(&owner, days, &[View::Tracked], Consistency::Strong).await.unwrap();
    stored.views(day).unwrap().remove(0)
}

#[tokio::test]
async fn a_forgotten_end_user_is_in_no_rollup_either() {
    const NAME: &str = "ada@example.com";
    let world = World::new().await;
    let caller = world.caller("acme");
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    caller.put("/api/organization", &json!({ "dimensions": ["end_user"] })).await;
    // Without usage the list holds at once, and is known to be complete a little later.
    world.stack.drain().await;
    world.stack.clock().set(noon() + TimeDelta::minutes(20));
    world.stack.invoke("reconcile", json!({ "do": "calendars" })).await.unwrap();
    let by = |id: &str, days: i64, user: &str| call(id, ago(days), json!({ "end_user": user }));
    caller.record(&[by("1", 20, NAME), by("2", 20, "bob"), by("3", 1, NAME), by("4", 1, NAME)]).await;
    world.stack.drain().await;
    let dirty = world.stack.tables().usage.dirty_days().await.unwrap();
    assert!(dirty.is_empty(), "{dirty:?}");
    merge_pages(&world).await;
    let pseudonym = |name: &str| EndUser::pseudonym(&OrgId::new("acme").unwrap(), name);
    let (ada, bob) = (pseudonym(NAME), pseudonym("bob"));
    let limited = world.stack.token("acme", &[Scope::CostsRead]).unwrap();
    let reader = world.bearer(&limited);
    for token in [&token, &limited] {
        assert_eq!(requests(&world, token, "end_user").await, counts([(&ada, 3), (&bob, 1)]));
    }
    // Those who see names filter by them.
    let filter = format!("{QUERY}?{MONTH}&groupBy=end_user&filter[end_user]={}", encoded(NAME));
    assert_eq!(caller.get(&filter).await["rows"][0]["group"]["end_user"], NAME);
    assert_eq!(reader.get(&filter).await["rows"], json!([]));
    let totals = caller.get(&format!("{QUERY}?{MONTH}&groupBy=end_user")).await["totals"].clone();

    caller.send(Method::DELETE, &format!("/api/end-users/{}", encoded(NAME)), &[], "").await;
    let mut steps = Vec::new();
    for minutes in [20, 23, 26] {
        world.stack.clock().set(noon() + TimeDelta::minutes(minutes));
        world.stack.drain().await;
        steps.push(world.stack.invoke("completeness", json!({})).await.unwrap());
        steps.push(world.stack.invoke("reconcile", json!({ "do": "erase" })).await.unwrap());
    }
    let erasures = caller.get("/api/erasures").await;
    assert_eq!(erasures["items"][0]["status"], "done", "{erasures} after {steps:?}");
    let report = world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    assert_eq!(report["drift"], 0, "{report}");
    let after = requests(&world, &token, "end_user").await;
    let mut counts: Vec<_> = after.values().copied().collect();
    counts.sort_unstable();
    assert_eq!((counts, after.get(&bob), after.get(&ada)), (vec![1, 3], Some(&1), None));
    assert_eq!(caller.get(&format!("{QUERY}?{MONTH}&groupBy=end_user")).await["totals"], totals);
    for days in [20, 1] {
        let rows = stored(&world, Day::of(ago(days), chrono_tz::UTC)).await;
        let mut values = rows.tracked_rows(&Dimension::EndUser);
        assert!(values.all(|row| row.value != ada));
    }
    // Nothing is left to be done: the days equal their raw events.
    for day in ["2026-08-26", "2026-09-14"] {
        let compare = json!({ "do": "day", "org": "acme", "day": day, "repair": true });
        let report = world.stack.invoke("reconcile", compare).await.unwrap();
        assert_eq!((&report["drift"], &report["repaired"]), (&json!(0), &json!(0)), "{report}");
    }
}

#[tokio::test]
async fn values_beyond_what_a_day_tells_apart_are_others_and_nothing_is_missing() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let more = MAX_VALUES_PER_DAY + 300;
    let of = |nth: usize| call(&nth.to_string(), ago(2), json!({ "task_type": format!("task-{nth}") }));
    let all: Vec<_> = (0..more).map(of).collect();
    let mut seen = None;
    for (recorded, part) in [(more / 2, &all[..more / 2]), (more, &all[more / 2..])] {
        caller.record(part).await;
        world.stack.drain().await;
        if recorded < more {
            merge_pages(&world).await;
        }
        let found = requests(&world, &token, "task_type").await;
        assert_eq!(found.values().sum::<u64>(), recorded as u64);
        assert_eq!(found.len(), recorded.min(MAX_VALUES_PER_DAY + 1));
        assert_eq!(found.get("(other)").copied(), (recorded == more).then_some(300));
        seen = Some(found);
    }
    // Merged, then recomputed and sealed: the same values are told apart.
    for sealed in [false, true] {
        world.stack.clock().set(noon() + TimeDelta::hours(1));
        merge_pages(&world).await;
        if sealed {
            let seal = json!({ "do": "day", "org": "acme", "day": "2026-09-13", "seal": true });
            let report = world.stack.invoke("reconcile", seal).await.unwrap();
            assert_eq!(report["drift"], 0, "{report}");
        }
        assert_eq!(Some(requests(&world, &token, "task_type").await), seen, "sealed: {sealed}");
    }
    // One more of a value that is told apart, and one more of the others.
    let others = |nth: &usize| !seen.as_ref().unwrap().contains_key(&format!("task-{nth}"));
    let other = (0..more).find(others).unwrap();
    let told = (0..more).find(|nth| !others(nth)).unwrap();
    let again = |id: &str, nth: usize| call(id, ago(2), json!({ "task_type": format!("task-{nth}") }));
    caller.record(&[again("x", other), again("y", told)]).await;
    world.stack.drain().await;
    let report = world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    assert_eq!(report["drift"], 0, "{report}");
    let found = requests(&world, &token, "task_type").await;
    assert_eq!((found["(other)"], found[&format!("task-{told}")]), (301, 2));
    assert_eq!(found.values().sum::<u64>(), more as u64 + 2);
}
