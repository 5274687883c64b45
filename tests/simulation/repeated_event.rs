//! A regression: an event that is repeated within a request, was stored before, and cannot be looked up at first.

use std::time::Duration;

use http::{Method, StatusCode};
use runtime::clock::Clock;
use serde_json::json;

use super::run::Run;
use super::service;
use super::wire::{DIRECT, SdkResponse};
use crate::support::{events, noon};

/// Attempts of the SDK that fail.
const LOST: u32 = 3;

#[tokio::test(start_paused = true)]
async fn a_repeated_event_is_a_duplicate_even_if_its_look_up_fails_at_first() {
    let run = Run::new(1, None);
    run.set_up().await;
    let call = events::call("twice", noon());
    let send = |process, events| {
        let service = service::ingest(process, run.wire.client(process), Clock::fixed(noon()));
        let token = run.tokens[0].clone();
        async move { service.send(Method::POST, "/v1/events", &token, Some(&events)).await }
    };
    let (_, stored) = send(DIRECT, json!([call])).await;
    assert_eq!(stored["accepted"], 1);

    let again = tokio::spawn(send(1, json!([call, call, events::call("new", noon())])));
    let mut lost = 0;
    while !again.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        for request in run.wire.take_all(1) {
            if request.operation == "BatchGetItem" && lost < LOST {
                lost += 1;
                request.respond(SdkResponse::Broken);
            } else {
                let (status, body) = run.engine.execute(&request.operation, &request.body);
                request.respond(SdkResponse::Http(status, body));
            }
        }
    }
    let (status, response) = again.await.unwrap();
    assert_eq!((status, lost), (StatusCode::OK, LOST));
    assert_eq!(response, json!({ "accepted": 1, "duplicates": 2, "rejected": [] }));
}
