//! What a run once found: an event that is given twice, was stored before, and cannot be looked up at once.

use std::time::Duration;

use http::{Method, StatusCode};
use runtime::clock::Clock;
use serde_json::json;

use super::run::Run;
use super::service;
use super::wire::{Answer, EXAMINER};
use crate::support::{events, noon};

/// Attempts of the SDK at the call that fails.
const LOST: u32 = 3;

#[tokio::test(start_paused = true)]
async fn an_event_that_is_given_twice_is_a_duplicate_even_if_looking_it_up_fails_at_first() {
    let run = Run::new(1, None);
    run.set_up().await;
    let call = events::call("twice", noon());
    let send = |process, events| {
        let service = service::ingest(process, run.wire.client(process), Clock::fixed(noon()));
        let token = run.tokens[0].clone();
        async move { service.send(Method::POST, "/v1/events", &token, Some(&events)).await }
    };
    let (_, stored) = send(EXAMINER, json!([call])).await;
    assert_eq!(stored["accepted"], 1);

    let again = tokio::spawn(send(1, json!([call, call, events::call("new", noon())])));
    let mut lost = 0;
    while !again.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        for request in run.wire.take_all(1) {
            if request.operation == "BatchGetItem" && lost < LOST {
                lost += 1;
                request.answer(Answer::Broken);
            } else {
                let (status, body) = run.engine.execute(&request.operation, &request.body);
                request.answer(Answer::Reply(status, body));
            }
        }
    }
    let (status, answer) = again.await.unwrap();
    assert_eq!((status, lost), (StatusCode::OK, LOST));
    assert_eq!(answer, json!({ "accepted": 1, "duplicates": 2, "rejected": [] }));
}
