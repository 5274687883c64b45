//! `/api/budget`.

use std::sync::Arc;

use http::{Method, StatusCode};
use local::template::Template;
use local::{tables, token};
use runtime::clock::Clock;
use serde_json::json;
use web::auth::Scope;

use crate::simulation::engine::Engine;
use crate::simulation::service::{self, SECRET};
use crate::simulation::wire::{DIRECT, SdkResponse, Wire};
use crate::support::registry::{Registry, as_set};
use crate::support::{faults, noon};

#[tokio::test]
async fn a_deleted_budget_returns_to_the_defaults() {
    let registry = Registry::new().await;
    let path = "/api/budget";
    let unset = json!({ "monthly": null, "thresholds": [50, 80, 100], "forecast": true });
    let before = registry.get(path).await;
    assert_eq!(as_set(&before), unset);
    let given = json!({ "monthly": "500.10", "thresholds": [120, 90], "forecast": false });
    let set = registry.put(path, &given).await;
    assert_eq!(as_set(&set), json!({ "monthly": 500.1, "thresholds": [90, 120], "forecast": false }));
    assert_eq!(registry.get(path).await, set);
    assert_eq!(registry.put(path, &set).await, set);
    registry.delete(path).await;
    registry.delete(path).await;
    assert_eq!(registry.get(path).await, before);
    assert_eq!(registry.changes().await.len(), 2);
}

#[tokio::test]
async fn an_invalid_body_is_rejected_with_all_faults() {
    let registry = Registry::new().await;
    let send = async |body: String, kind: &str| {
        registry.send("acme", Method::PUT, "/api/budget", &[("content-type", kind)], body).await
    };
    let response = send("{".to_owned(), "application/json").await;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(faults(&response.body["detail"]), ["body body_unreadable"]);
    assert_eq!(send("{}".to_owned(), "text/plain").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let padded = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
    assert_eq!(send(padded(64 << 10), "application/json").await.status, StatusCode::OK);
    assert_eq!(send(padded((64 << 10) + 1), "application/json").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Above axum's own limit for bodies.
    assert_eq!(send(padded(3 << 20), "application/json").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let response =
        send(r#"{"monthly":-1,"thresholds":[1,1],"extra":{}}"#.to_owned(), "application/json").await;
    let expected =
        ["body.monthly greater_than_equal", "body.thresholds duplicate", "body.extra extra_forbidden"];
    assert_eq!(faults(&response.body["detail"]), expected);
}

/// The status of a PUT whose transaction is canceled for these reasons.
async fn put(reasons: &[&str]) -> StatusCode {
    let engine = Arc::new(Engine::new());
    let wire = Wire::new(engine.clone());
    tables::create(&wire.client(DIRECT), &Template::built_in().unwrap().tables).await.unwrap();
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
        request.respond(SdkResponse::Http(status, body));
    }
    asked.await.unwrap().0
}

#[tokio::test]
async fn a_throttled_transaction_is_a_503() {
    for code in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
        assert_eq!(put(&["None", code]).await, StatusCode::SERVICE_UNAVAILABLE, "{code}");
        assert_eq!(put(&[code, "ConditionalCheckFailed"]).await, StatusCode::SERVICE_UNAVAILABLE, "{code}");
    }
    assert_eq!(put(&["None", "ValidationError"]).await, StatusCode::INTERNAL_SERVER_ERROR);
}
