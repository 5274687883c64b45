//! A write that a crowd keeps from being carried out: whoever asked may try again, and is told so.

use std::sync::Arc;

use http::{Method, StatusCode};
use local::template::Template;
use local::{tables, token};
use runtime::clock::Clock;
use serde_json::json;
use web::auth::Scope;

use crate::simulation::engine::Engine;
use crate::simulation::service::{self, SECRET};
use crate::simulation::wire::{Answer, EXAMINER, Wire};
use crate::support::noon;

/// The status of a PUT whose transaction is canceled for these reasons.
async fn put(reasons: &[&str]) -> StatusCode {
    let engine = Arc::new(Engine::new());
    let wire = Wire::new(engine.clone());
    tables::create(&wire.client(EXAMINER), &Template::built_in().unwrap().tables).await.unwrap();
    let registry = service::registry(1, wire.client(1), Clock::fixed(noon()));
    let token = token::issue(&SECRET, "acme", &Scope::ALL, 3600).unwrap();
    let body = json!({ "monthly": 1 });
    let asked =
        tokio::spawn(async move { registry.send(Method::PUT, "/api/budget", &token, Some(&body)).await });
    while !asked.is_finished() {
        tokio::task::yield_now().await;
        let Some((number, _)) = wire.waiting().first().copied() else { continue };
        let request = wire.take(number);
        let (status, body) = if request.operation == "TransactWriteItems" {
            let reasons: Vec<_> = reasons.iter().map(|code| json!({ "Code": code })).collect();
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            (400, json!({ "__type": kind, "CancellationReasons": reasons }).to_string())
        } else {
            engine.execute(&request.operation, &request.body)
        };
        request.answer(Answer::Reply(status, body));
    }
    asked.await.unwrap().0
}

#[tokio::test]
async fn a_throttled_transaction_is_to_be_tried_again() {
    for code in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
        assert_eq!(put(&["None", code]).await, StatusCode::SERVICE_UNAVAILABLE, "{code}");
        assert_eq!(put(&[code, "ConditionalCheckFailed"]).await, StatusCode::SERVICE_UNAVAILABLE, "{code}");
    }
    assert_eq!(put(&["None", "ValidationError"]).await, StatusCode::INTERNAL_SERVER_ERROR);
}
