//! The work that a request causes is bounded.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::events::{call, event};
use crate::support::{Caller, World, noon};

/// A sample of a day, of a project of its own.
fn day_of(project: u32) -> Value {
    let data = json!({
        "project_id": format!("p{project}"), "instance_id": "i", "cpu_cores": 1, "ram_gb": 1, "disk_gb": 1,
        "from": ledger::period::rfc3339(noon() - TimeDelta::hours(24)), "to": ledger::period::rfc3339(noon()),
        "bandwidth_in_bytes": 0, "bandwidth_out_bytes": 0,
    });
    event(&project.to_string(), "compute.usage", noon(), data)
}

/// The rollups by hour that are there.
async fn hours(caller: &Caller<'_>) -> usize {
    let mut hours = 0;
    let mut cursor = String::new();
    loop {
        let page =
            caller.get(&format!("/api/usage?start_date=2026-09-13T12:00:00Z&limit=10000{cursor}")).await;
        hours += page["items"].as_array().unwrap().len();
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return hours,
        }
    }
}

#[tokio::test]
async fn a_request_of_long_samples_causes_no_more_work_than_one_of_calls() {
    let world = World::new().await;
    let heavy = world.caller("heavy");
    let samples: Vec<_> = (0..500).map(day_of).collect();
    let response = heavy.post(&json!(samples)).await;
    assert_eq!(response["accepted"], 41, "{response}");
    for rejected in response["rejected"].as_array().unwrap() {
        assert_eq!((&rejected["code"], &rejected["retryable"]), (&json!("unavailable"), &json!(true)));
        assert_eq!(rejected["detail"][0]["type"], "too_much_compute");
    }
    // What is behind the request in the stream waits for this many writes, and not for 12,000.
    let other = world.caller("other");
    other.record(&[call("1", noon())]).await;
    assert_eq!(other.get("/v1/metrics/summary").await["total_requests"], 1);
    assert_eq!(hours(&heavy).await, 41 * 24);
}

#[tokio::test]
async fn a_request_that_is_repeated_gets_further_each_time() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let samples: Vec<_> = (0..100).map(day_of).collect();
    let mut accepted = Vec::new();
    for _ in 0..4 {
        let response = caller.post(&json!(samples)).await;
        accepted.push((response["accepted"].as_u64().unwrap(), response["duplicates"].as_u64().unwrap()));
    }
    assert_eq!(accepted, [(41, 0), (41, 41), (18, 82), (0, 100)]);
}

#[tokio::test]
async fn many_instances_of_a_project_and_samples_of_an_hour_are_taken_at_once() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let of_one_project = (0..250).map(|id| {
        let mut sample = day_of(id);
        sample["data"]["project_id"] = json!("shared");
        sample["data"]["instance_id"] = json!(format!("i{id}"));
        sample
    });
    let of_an_hour = (250..500).map(|id| {
        let mut sample = day_of(id);
        sample["data"]["from"] = json!(ledger::period::rfc3339(noon() - TimeDelta::minutes(90)));
        sample["data"]["to"] = json!(ledger::period::rfc3339(noon() - TimeDelta::minutes(30)));
        sample
    });
    let all: Vec<_> = of_one_project.chain(of_an_hour).collect();
    assert_eq!(caller.post(&json!(all)).await["accepted"], 500);
}
