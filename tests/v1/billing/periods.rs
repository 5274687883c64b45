//! The days of a billing period: at the ends of months and years, on a leap day, and in several zones.

use runtime::clock::Clock;
use serde_json::{Value, json};

use super::{at, call};
use crate::support::World;

/// Sets the clock and a plan, sends a call at each time, and returns the period with its number of requests.
async fn requests(zone: &str, plan: &Value, now: &str, times: &[&str]) -> (String, String, u64) {
    let world = World::at(Clock::fixed(at(now))).await;
    let caller = world.caller("acme");
    caller.put("/api/organization", &json!({ "timezone": zone })).await;
    caller.put("/v1/billing/subscription", plan).await;
    let calls: Vec<_> = times
        .iter()
        .map(|time| call(&format!("at-{}", time.replace(':', "-")), "nova", at(time), &json!({})))
        .collect();
    caller.record(&calls).await;
    let (billing, usage) = (caller.get("/v1/billing").await, caller.get("/v1/billing/usage").await);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(billing["usage"]["total_requests"], usage["total_requests"]);
    assert_eq!(billing["plan"]["current_period_start"], usage["period_start"]);
    assert_eq!(billing["plan"]["current_period_end"], usage["period_end"]);
    let rows = usage["by_instance"].as_array().unwrap();
    let of_agents: u64 = rows.iter().map(|row| row["requests"].as_u64().unwrap()).sum();
    assert_eq!(of_agents, usage["total_requests"].as_u64().unwrap());
    (text(&usage["period_start"]), text(&usage["period_end"]), of_agents)
}

fn is(start: &str, end: &str, requests: u64) -> (String, String, u64) {
    (start.to_owned(), end.to_owned(), requests)
}

#[tokio::test]
async fn a_period_that_began_on_the_31st_ends_on_a_leap_day_and_comes_back_to_the_31st() {
    let plan = json!({
        "current_period_start": "2028-01-31T09:30:00Z", "current_period_end": "2028-02-29T09:30:00Z",
    });
    let times =
        ["2028-01-30T23:59:59Z", "2028-01-31T00:00:00Z", "2028-02-28T23:59:59.999Z", "2028-02-29T00:00:00Z"];
    // A period includes the day it begins on, but not the day it ends on.
    let before = requests("UTC", &plan, "2028-02-29T09:29:59.999Z", &times).await;
    assert_eq!(before, is("2028-01-31T09:30:00Z", "2028-02-29T09:30:00Z", 2));
    let after = requests("UTC", &plan, "2028-02-29T09:30:00Z", &times).await;
    assert_eq!(after, is("2028-02-29T09:30:00Z", "2028-03-31T09:30:00Z", 1));
}

#[tokio::test]
async fn a_year_that_begins_on_a_leap_day() {
    let plan = json!({
        "billing_cycle": "annual",
        "current_period_start": "2024-02-29T00:00:00Z", "current_period_end": "2025-02-28T00:00:00Z",
    });
    let times = ["2028-02-28T23:59:59Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"];
    assert_eq!(
        requests("UTC", &plan, "2028-03-01T12:00:00Z", &times).await,
        is("2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z", 2)
    );
}

#[tokio::test]
async fn without_a_plan_period_it_is_the_calendar_month_of_the_zone() {
    // The end of the year in UTC-11 and in UTC+14.
    let times =
        ["2026-12-31T09:59:59.999Z", "2026-12-31T10:00:00Z", "2027-01-01T10:59:59Z", "2027-01-01T11:00:00Z"];
    assert_eq!(
        requests("Pacific/Kiritimati", &json!({}), "2027-01-01T12:00:00Z", &times).await,
        is("2026-12-31T10:00:00Z", "2027-01-31T10:00:00Z", 3)
    );
    assert_eq!(
        requests("Pacific/Pago_Pago", &json!({}), "2027-01-01T12:00:00Z", &times).await,
        is("2027-01-01T11:00:00Z", "2027-02-01T11:00:00Z", 1)
    );
    // Clocks go forward within the month, so it is an hour shorter.
    let times = ["2026-08-31T11:14:59Z", "2026-08-31T11:15:00Z", "2026-09-30T10:14:59Z"];
    assert_eq!(
        requests("Pacific/Chatham", &json!({}), "2026-09-30T10:14:59.999Z", &times).await,
        is("2026-08-31T11:15:00Z", "2026-09-30T10:15:00Z", 2)
    );
}

#[tokio::test]
async fn a_future_period_is_empty_and_a_long_one_is_counted_in_full() {
    let period = |start: &str, end: &str| json!({ "current_period_start": start, "current_period_end": end });
    let (now, times) = ("2026-09-15T12:00:00Z", ["2026-09-15T11:00:00Z", "2026-08-15T11:00:00Z"]);
    let (start, end) = ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z");
    assert_eq!(requests("UTC", &period(start, end), now, &times).await, is(start, end, 0));
    let (start, end) = ("1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z");
    // This covers the whole last day.
    assert_eq!(requests("UTC", &period(start, end), now, &times).await, is(start, "9999-01-01T00:00:00Z", 2));
}
