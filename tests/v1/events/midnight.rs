//! Retries with a new time, across midnight.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{outcome, with};
use crate::support::events::call;
use crate::support::{World, noon};

/// Midnight before noon, and some seconds.
fn midnight(seconds: i64) -> DateTime<Utc> {
    noon() - TimeDelta::hours(12) + TimeDelta::seconds(seconds)
}

#[tokio::test]
async fn a_retry_with_a_time_of_the_next_day_is_a_duplicate() {
    let world = World::new().await;
    let caller = world.caller("acme");
    // In either order, within a request and across two.
    for (id, [first, second]) in [("1", [-2, 3]), ("2", [3, -2]), ("3", [-600, 299]), ("4", [-1, 0])] {
        assert_eq!(outcome(&caller, &call(id, midnight(first))).await, ["accepted"], "{id}");
        for _ in 0..2 {
            assert_eq!(outcome(&caller, &call(id, midnight(second))).await, ["duplicate"], "{id}");
        }
    }
    let twice = json!([call("5", midnight(-2)), call("5", midnight(3))]);
    let response = caller.post(&twice).await;
    assert_eq!((&response["accepted"], &response["duplicates"]), (&json!(1), &json!(1)));
    world.stack.drain().await;
    assert_eq!(caller.get("/v1/metrics/summary").await["total_requests"], 5);
}

#[tokio::test]
async fn what_differs_in_more_than_the_time_is_another_event() {
    let world = World::new().await;
    let caller = world.caller("acme");
    assert_eq!(outcome(&caller, &call("1", midnight(-2))).await, ["accepted"]);
    let other = with(call("1", midnight(3)), "/data/input_tokens", json!(999));
    assert_eq!(outcome(&caller, &other).await, ["accepted"]);
    // Ids that are used again each day are not retries.
    for (id, [first, second]) in [("2", [-450, 450]), ("3", [-3_600, 1]), ("4", [-86_400, 3])] {
        assert_eq!(outcome(&caller, &call(id, midnight(first))).await, ["accepted"], "{id}");
        assert_eq!(outcome(&caller, &call(id, midnight(second))).await, ["accepted"], "{id}");
    }
    assert_eq!(
        outcome(&caller, &with(call("1", midnight(3)), "/source", json!("/other"))).await,
        ["accepted"]
    );
}
