//! The parameter `month`, where months begin and end, and an organization without any data.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;

use super::{PATH, at, call, set};
use crate::support::{World, faults};

const OF_A_PERIOD: [&str; 5] = ["summary", "by-provider", "by-model", "agents", "budget-alerts"];

#[tokio::test]
async fn a_month_has_a_four_digit_year_and_a_two_digit_month() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for path in OF_A_PERIOD {
        for good in ["", "?month=2026-09", "?month=0000-01", "?month=9999-12", "?unknown=1"] {
            caller.get(&format!("{PATH}/{path}{good}")).await;
        }
        for bad in ["", "2026", "2026-00", "2026-13", "2026-9", "-026-01", "2026-09-01", "x", "2026%2F09"] {
            let response = caller.try_get(&format!("{PATH}/{path}?month={bad}")).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {bad}");
            assert_eq!(faults(&response.body["detail"]), ["query.month month_parsing"]);
        }
        let response = caller.try_get(&format!("{PATH}/{path}?month=2026-09&month=2026-09")).await;
        assert_eq!(faults(&response.body["detail"]), ["query.month repeated"]);
    }
}

#[tokio::test]
async fn an_empty_organization_has_zeros() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for month in ["", "?month=1999-12", "?month=2999-12"] {
        let get = async |path: &str| caller.get(&format!("{PATH}/{path}{month}")).await;
        assert_eq!(
            get("summary").await,
            json!({
                "tokenCost": { "total": 0, "byProvider": [], "byModel": [] },
                "totalSpend": 0,
                "budget": { "total": 0, "utilization": 0 },
                "agentCount": 0,
                "providerCount": 0,
                "unpricedRequests": 0,
            })
        );
        assert_eq!(get("by-provider").await, json!({ "providers": [], "unpricedRequests": 0 }));
        assert_eq!(get("by-model").await, json!({ "models": [], "unpricedRequests": 0 }));
        assert_eq!(get("agents").await, json!({ "agents": [], "unpricedRequests": 0 }));
        let alerts = json!({ "alertCount": 0, "alerts": [], "unpricedRequests": 0 });
        assert_eq!(get("budget-alerts").await, alerts);
    }
    let none = json!({ "recommendations": [], "totalPotentialSavings": 0, "unpricedRequests": 0 });
    assert_eq!(caller.get(&format!("{PATH}/recommendations")).await, none);
}

/// A zone, a month, its first instant and the first instant after it.
const MONTHS: [(&str, &str, &str, &str); 10] = [
    ("UTC", "2028-02", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
    ("UTC", "2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ("Asia/Kathmandu", "2028-02", "2028-01-31T18:15:00Z", "2028-02-29T18:15:00Z"),
    ("Asia/Kathmandu", "2026-12", "2026-11-30T18:15:00Z", "2026-12-31T18:15:00Z"),
    // +13:45 in summer time, which begins on 27 September 2026; +12:45 before.
    ("Pacific/Chatham", "2026-09", "2026-08-31T11:15:00Z", "2026-09-30T10:15:00Z"),
    ("Pacific/Chatham", "2026-12", "2026-11-30T10:15:00Z", "2026-12-31T10:15:00Z"),
    // Summer time ends during the first day of the month.
    ("America/New_York", "2026-11", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
    ("America/Havana", "2026-11", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
    ("America/St_Johns", "2027-03", "2027-03-01T03:30:00Z", "2027-04-01T02:30:00Z"),
    ("Australia/Lord_Howe", "2026-10", "2026-09-30T13:30:00Z", "2026-10-31T13:00:00Z"),
];

#[tokio::test]
async fn a_month_begins_and_ends_where_the_zone_says() {
    let world = World::new().await;
    for (i, (zone, month, first, after)) in MONTHS.into_iter().enumerate() {
        let caller = world.caller(&format!("org-{i}"));
        set(&caller, "/api/organization", &json!({ "timezone": zone })).await;
        let (first, after) = (at(first), at(after));
        let moment = TimeDelta::milliseconds(1);
        let model = "anthropic/claude-haiku-3.5";
        // Powers of two, so that the total shows which calls it includes.
        for (id, time, cost) in
            [("1", first - moment, "1"), ("2", first, "2"), ("3", after - moment, "4"), ("4", after, "8")]
        {
            world.stack.clock().set(time);
            caller.record(&[call(id, "nova", model, time, &json!({ "cost_usd": cost }))]).await;
        }
        for (now, cost) in [(first - moment, 1), (first, 6), (after - moment, 6), (after, 8)] {
            world.stack.clock().set(now);
            // Twice, since the zone may not be cached for the first request.
            for _ in 0..2 {
                let summary = caller.get(&format!("{PATH}/summary")).await;
                assert_eq!(summary["totalSpend"], cost, "{zone} at {now}");
            }
            let agents = caller.get(&format!("{PATH}/agents")).await;
            assert_eq!(agents["agents"][0]["actualCost"], cost, "{zone} at {now}");
            for path in OF_A_PERIOD {
                let response = caller.get(&format!("{PATH}/{path}?month={month}")).await;
                let of_month = match path {
                    "summary" => &response["totalSpend"],
                    "by-provider" => &response["providers"][0]["totalCost"],
                    "by-model" => &response["models"][0]["totalCost"],
                    "agents" => &response["agents"][0]["actualCost"],
                    _ => continue,
                };
                assert_eq!(*of_month, 6, "{zone} {path}");
            }
        }
    }
}
