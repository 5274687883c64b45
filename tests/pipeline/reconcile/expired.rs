//! A change of the time zone where the raw events of the first days have expired: those days are copied, and nothing is
//! lost or counted twice where the two calendars meet.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use http::Request;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange, rfc3339};
use reconcile::Reconciler;
use runtime::clock::Clock;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use store::{Connection, keys};
use web::auth::Scope;

use crate::every_route::routes::router;
use crate::support::events::{call, event};
use crate::support::tables::{names, reconcile_of};
use crate::support::{World, response_of};

const RETENTION_DAYS: u32 = 70;
const START: &str = "2026-06-02T00:30:00Z";
const NOW: &str = "2026-09-15T12:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A call every five hours, the nth of which costs n cents, and now and then a sample.
fn events() -> Vec<(DateTime<Utc>, Value)> {
    let times = std::iter::successors(Some(at(START)), |time| Some(*time + TimeDelta::hours(5)));
    let times: Vec<_> = times.take_while(|time| *time < at(NOW)).collect();
    let mut all = Vec::new();
    for (nth, time) in times.into_iter().enumerate() {
        let mut one = call(&format!("call-{nth}"), time);
        one["data"]["cost_usd"] = json!(format!("{}.{:02}", nth / 100, nth % 100));
        all.push((time, one));
        if nth % 3 == 0 {
            let data = json!({
                "project_id": "site", "instance_id": "i", "from": rfc3339(time - TimeDelta::hours(9)),
                "to": rfc3339(time), "cpu_cores": 1, "ram_gb": 1, "disk_gb": 1, "bandwidth_in_bytes": nth,
                "bandwidth_out_bytes": 1,
            });
            all.push((time, event(&format!("sample-{nth}"), "compute.usage", time, data)));
        }
    }
    all
}

/// Sends the events at their times, and lets those expire that are older than the retention.
async fn world() -> World {
    let world = World::at(Clock::fixed(at(START))).await;
    let all = events();
    for month in
        all.chunk_by(|(a, _), (b, _)| (*a - at(START)).num_days() / 30 == (*b - at(START)).num_days() / 30)
    {
        world.stack.clock().set(month.last().unwrap().0);
        let events: Vec<_> = month.iter().map(|(_, event)| event.clone()).collect();
        world.caller("acme").record(&events).await;
    }
    world.stack.clock().set(at(NOW));
    let org = OrgId::new("acme").unwrap();
    let first = Day::of(at(START), Tz::UTC);
    let last = Day::of(at(NOW), Tz::UTC).minus(RETENTION_DAYS);
    for (day, lane) in
        (DayRange { first, last }).days().flat_map(|day| (0..keys::LANES).map(move |lane| (day, lane)))
    {
        let text = |text: String| AttributeValue::S(text);
        let query =
            world.stack.client().query().table_name(names().events).key_condition_expression("pk = :p");
        let found = query
            .expression_attribute_values(":p", text(keys::lane_key(&org, day, lane)))
            .send()
            .await
            .unwrap();
        for item in found.items() {
            let delete = world.stack.client().delete_item().table_name(names().events);
            delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
        }
    }
    world.stack.drain().await;
    world
}

/// The response of a function that has cached nothing.
async fn get(world: &World, binary: &str, path: &str) -> Value {
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let connection = Connection::new(world.stack.client().clone());
    let request = request.body(Body::empty()).unwrap();
    response_of(router(world, binary, &connection), request).await.1
}

/// The cost of each day of the last 90, in cents.
async fn costs(world: &World) -> BTreeMap<NaiveDate, u64> {
    let usage = get(world, "metrics", "/v1/metrics/usage?days=90").await;
    let cents = |point: &Value| {
        let dollars: Decimal = point["estimated_cost_usd"].as_str().unwrap().parse().unwrap();
        u64::try_from(dollars * Decimal::ONE_HUNDRED).unwrap()
    };
    let points = usage["points"].as_array().unwrap().iter();
    points.map(|point| (point["date"].as_str().unwrap().parse().unwrap(), cents(point))).collect()
}

/// Core-hours and bytes over all days.
async fn compute(world: &World) -> (Value, Value) {
    let path = "/api/usage?period=daily&start_date=2026-05-30T00:00:00Z&end_date=2026-09-17T00:00:00Z";
    let totals = get(world, "usage", path).await["totals"].clone();
    assert!(totals["cpuCoreHours"].as_f64() > Some(0.0), "{totals}");
    (totals["cpuCoreHours"].clone(), totals["bandwidthInBytes"].clone())
}

/// What all months show together.
async fn trends(world: &World) -> (Decimal, u64) {
    let trends = get(world, "workforce", "/api/agents/workforce/trends?months=6").await;
    let rows = trends["trends"].as_array().unwrap();
    let cost = rows.iter().map(|row| row["total_cost"].to_string().parse::<Decimal>().unwrap()).sum();
    (cost, rows.iter().map(|row| row["invocations"].as_u64().unwrap()).sum())
}

async fn check(zone: Tz) {
    let world = world().await;
    let caller = world.caller("acme");
    let (before, before_compute, before_trends) =
        (costs(&world).await, compute(&world).await, trends(&world).await);
    caller.put("/api/organization", &json!({ "timezone": zone.name() })).await;
    let reconciler = || {
        let clock = world.stack.clock().clone();
        Reconciler::new(reconcile_of(world.stack.tables()), clock, RETENTION_DAYS)
    };
    let calendars = async || {
        let event = json!({ "do": "calendars" });
        reconciler().handle(event, Duration::from_mins(15)).await.unwrap()
    };
    let report = calendars().await;
    assert!(report["days_built"].as_u64() > Some(100), "{report}");
    assert_eq!(caller.get("/api/organization").await["timezone_change"], json!(null));
    world.stack.clock().set(at(NOW) + TimeDelta::hours(2));
    calendars().await;

    let org = OrgId::new("acme").unwrap();
    let calendar = world.stack.tables().registry.calendar(&org).await.unwrap();
    let since = calendar.since.unwrap();
    assert_eq!(since.day, Day::of(at(NOW), Tz::UTC).minus(RETENTION_DAYS - 4));
    let usage = &world.stack.tables().usage;
    let days =
        DayRange { first: Day::of(at(START), Tz::UTC).minus(2), last: Day::of(at(NOW), Tz::UTC).next() };
    let shown = usage.org_days(&org, calendar.generation, days).await.unwrap();
    let cents = |cost: ledger::money::Usd| u64::try_from(cost.dollars() * Decimal::ONE_HUNDRED).unwrap();
    let mut expected: BTreeMap<Day, u64> = BTreeMap::new();
    for (nth, (time, _)) in events().iter().filter(|(_, event)| event["type"] == "llm.call").enumerate() {
        let day =
            if *time < since.instant { Day::of(*time, Tz::UTC) } else { Day::of(*time, zone).max(since.day) };
        *expected.entry(day).or_default() += nth as u64;
    }
    expected.retain(|_, cents| *cents > 0);
    let shown: BTreeMap<_, _> =
        shown.iter().map(|(day, of_day)| (*day, cents(of_day.total().cost()))).collect();
    let shown: BTreeMap<_, _> = shown.into_iter().filter(|(_, cents)| *cents > 0).collect();
    assert_eq!(shown, expected, "{zone}");
    for (date, cents) in before.iter().filter(|(date, _)| **date < since.day.date()) {
        assert_eq!(shown.get(&Day::new(*date)).copied().unwrap_or_default(), *cents, "{zone} {date}");
    }
    assert_eq!(compute(&world).await, before_compute, "{zone}");
    assert_eq!(trends(&world).await, before_trends, "{zone}");
    // The first days that can still be recomputed are right.
    for nth in 0..3 {
        let day = (0..nth).fold(since.day, |day, _| day.next());
        let event = json!({ "do": "day", "org": "acme", "day": day.to_string() });
        let report = reconciler().handle(event, Duration::from_mins(15)).await.unwrap();
        assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
    }
}

#[tokio::test]
async fn days_without_raw_events_are_copied_if_the_new_zone_is_behind() {
    Box::pin(check(Tz::America__Santiago)).await;
}

#[tokio::test]
async fn days_without_raw_events_are_copied_if_the_new_zone_is_ahead() {
    Box::pin(check(Tz::Pacific__Kiritimati)).await;
}
