//! Whether the system itself finds its sums to be what its events come to.

use local::client;
use serde_json::json;

/// Has the stack at `url` compare the sums of a day with its raw events, all of them.
pub async fn assert_none(url: &str, org: &str, day: &str) {
    let event = json!({ "do": "day", "org": org, "day": day, "repair": false });
    let answer = client::invoke(url, "reconcile", &event).await.unwrap();
    // The clock stands, so every event came just now; that some are still on their way explains nothing any more.
    let found = [&answer["drift"], &answer["unreadable"], &answer["days"][0]["behind"]];
    assert_eq!(found, [0, 0, 0], "{day} has drifted: {answer:#}");
}
