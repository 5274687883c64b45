//! `POST /v1/events`.

mod at_once;
mod bodies;
mod duplicates;
mod fields;
mod prices;

use serde_json::{Value, json};

use crate::support::{Caller, faults};

/// `event` with the field at `at` set to `value`; null removes the field.
pub fn with(mut event: Value, at: &str, value: Value) -> Value {
    let (parent, name) = at.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value);
    }
    event
}

/// Sends one event and returns `accepted`, `duplicate`, or the code followed by the faults.
pub async fn outcome(caller: &Caller<'_>, event: &Value) -> Vec<String> {
    let response = caller.post(&json!([event])).await;
    let Some(rejected) = response["rejected"].get(0) else {
        return vec![if response["accepted"] == 1 { "accepted" } else { "duplicate" }.to_owned()];
    };
    assert_eq!((&rejected["index"], &rejected["retryable"]), (&json!(0), &json!(false)));
    let mut lines = vec![rejected["code"].as_str().unwrap().to_owned()];
    lines.extend(faults(&rejected["detail"]));
    lines
}
