//! Whether the system itself finds its sums to be what its events come to.

use local::client;
use serde_json::json;

/// Whether `reconcile` says yet how far a day has drifted.
const SAYS_DRIFT: bool = false;

/// Has the stack at `url` compare the sums of a day with its raw events, all of them.
pub async fn assert_none(url: &str, org: &str, day: &str) {
    let event = json!({ "do": "day", "org": org, "day": day, "repair": false });
    let answer = client::invoke(url, "reconcile", &event).await.unwrap();
    if SAYS_DRIFT {
        assert!(answer["drift"].is_number(), "reconcile does not say how far {day} has drifted: {answer}");
        assert_eq!(answer["drift"], 0, "{day} has drifted: {answer:#}");
    }
}
