//! `POST /v1/events`.

mod amendments;
mod at_once;
mod attribution;
mod backfill;
mod bodies;
mod duplicates;
mod fields;
mod midnight;
mod prices;
mod work;

use futures::TryStreamExt;
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period::Day;
use serde_json::{Value, json};
use store::keys::LANES;

use crate::support::{Caller, World, faults, noon};

/// The raw events of `acme` today, except audit entries, by lane and key.
pub async fn stored(world: &World) -> Vec<Event> {
    let events = &world.stack.tables().events;
    let (org, day) = (OrgId::new("acme").unwrap(), Day::of(noon(), chrono_tz::UTC));
    let mut all = Vec::new();
    for lane in 0..LANES {
        let pages: Vec<_> = Box::pin(events.raw_events(&org, day, lane)).try_collect().await.unwrap();
        all.extend(pages.into_iter().flatten().map(|stored| stored.event.unwrap()));
    }
    all.retain(Event::is_usage);
    all
}

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
