//! Months: where they begin and end, and how many are shown.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use runtime::clock::Clock;
use serde_json::json;

use super::{call, column, path, put, task};
use crate::support::{World, faults};

fn at(text: &str) -> DateTime<Utc> {
    ledger::period::parse_instant(text).unwrap()
}

#[tokio::test]
async fn months_run_from_1_to_24() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for (query, months, first) in [
        ("", 6, "2026-04"),
        ("?months=1", 1, "2026-09"),
        ("?months=24", 24, "2024-10"),
        ("?months=9&unknown=1", 9, "2026-01"),
        ("?months=10", 10, "2025-12"),
    ] {
        let trends = caller.get(&path(&format!("trends{query}"))).await;
        assert_eq!(trends["months"], months);
        let periods = column(&trends["trends"], "period");
        assert_eq!((periods.len(), &periods[0]), (months, &json!(first)), "{query}");
        assert_eq!(periods[months - 1], "2026-09");
    }
    for (bad, kind) in [
        ("months=0", "greater_than_equal"),
        ("months=25", "less_than_equal"),
        ("months=x", "int_parsing"),
        ("months=6&months=6", "repeated"),
    ] {
        let response = caller.try_get(&path(&format!("trends?{bad}"))).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert_eq!(faults(&response.body["detail"]), [format!("query.months {kind}")]);
    }
}

/// In each zone, events on both sides of the instant at which a month begins there.
#[tokio::test]
async fn a_month_begins_where_its_zone_says() {
    for (zone, border, before, after) in [
        ("UTC", "2024-03-01T00:00:00Z", "2024-02", "2024-03"),
        ("Asia/Kathmandu", "2026-12-31T18:15:00Z", "2026-12", "2027-01"),
        ("Pacific/Chatham", "2026-09-30T10:15:00Z", "2026-09", "2026-10"),
        ("America/New_York", "2026-11-01T04:00:00Z", "2026-10", "2026-11"),
        ("Asia/Beirut", "2026-02-28T22:00:00Z", "2026-02", "2026-03"),
    ] {
        let border = at(border);
        let world = World::at(Clock::fixed(border + TimeDelta::hours(1))).await;
        let caller = world.caller("acme");
        put(&caller, "/api/organization", json!({ "timezone": zone })).await;
        let ms = TimeDelta::milliseconds(1);
        caller
            .record(&[
                call("1", "nova", "1", border - ms),
                call("2", "nova", "2", border),
                task("3", "pulse", border - ms),
                call("4", "atlas", "4", border),
            ])
            .await;
        let get = async |endpoint: &str| caller.get(&path(endpoint)).await;
        assert_eq!(get("summary").await["total_agent_cost_monthly"], 6, "{zone}");
        let rows = get("agents").await;
        assert_eq!(column(&rows, "actual_cost_monthly"), [4, 2, 0], "{zone}");
        let trends = get("trends?months=2").await["trends"].clone();
        assert_eq!(column(&trends, "period"), [before, after]);
        assert_eq!(column(&trends, "total_cost"), [1, 6], "{zone}");
        assert_eq!(column(&trends, "tasks_completed"), [1, 0], "{zone}");
        assert_eq!(column(&trends, "active_agents"), [2, 2], "{zone}");
        // A millisecond before, it is still the previous month, and the later event lies in the future.
        world.stack.clock().set(border - ms);
        assert_eq!(get("summary").await["total_agent_cost_monthly"], 1, "{zone}");
        let trends = get("trends?months=1").await["trends"].clone();
        assert_eq!(
            (column(&trends, "period"), column(&trends, "total_cost")),
            (vec![json!(before)], vec![json!(1)])
        );
    }
}
