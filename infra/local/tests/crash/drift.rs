//! Lets the system itself compare its rollups with its raw events.

use local::client;
use serde_json::json;

/// Has the stack at `url` reconcile a day, and asserts that nothing differs.
pub async fn assert_none(url: &str, org: &str, day: &str) {
    let event = json!({ "do": "day", "org": org, "day": day, "repair": false });
    let response = client::invoke(url, "reconcile", &event).await.unwrap();
    // With a frozen clock every event has just arrived, so aggregation lag could excuse a difference. Here it must not.
    let found = [&response["drift"], &response["unreadable"], &response["days"][0]["behind"]];
    assert_eq!(found, [0, 0, 0], "{day} has drifted: {response:#}");
}
