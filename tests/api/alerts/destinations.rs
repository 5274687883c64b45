//! `/api/alerts/destinations`: secrets are shown once, rotate, and are never logged; and test messages.

use http::{Method, StatusCode};
use ledger::ids::OrgId;
use ledger::settings::{DestinationSettings, MAX_DESTINATIONS};
use serde_json::{Value, json};

use crate::support::receiver::{Receiver, Reply};
use crate::support::registry::{Registry, text};
use crate::support::{World, faults, noon};

const PATH: &str = "/api/alerts/destinations/ops";

/// A registry configured as on a developer's machine, where receivers may be local.
async fn local() -> Registry {
    Registry::of(World::new().await, |config| config.allow_local_webhooks = true)
}

async fn secrets(registry: &Registry, hours: i64) -> Vec<String> {
    let org = OrgId::new("acme").unwrap();
    let all = registry.world.stack.tables().registry.destinations(&org).await.unwrap();
    let of = |settings: &DestinationSettings| {
        let now = noon() + chrono::TimeDelta::hours(hours);
        settings.secrets_at(now).map(str::to_owned).collect::<Vec<_>>()
    };
    all.iter().flat_map(|(_, settings)| of(settings)).collect()
}

#[tokio::test]
async fn a_generated_secret_is_shown_once_and_signs_for_a_day_after_rotation() {
    let registry = Registry::new().await;
    let body = json!({ "url": "https://hooks.example/services/T0/token" });
    let response = registry.try_put(PATH, &body).await;
    assert_eq!(response.headers["cache-control"], "no-store");
    let made = text(&response.body["secret"]).to_owned();
    assert!(made.starts_with("whsec_"));
    assert_eq!(secrets(&registry, 1_000).await, [made.as_str()]);
    let shown = registry.get("/api/alerts/destinations").await;
    assert_eq!(
        shown,
        json!({ "items": [{ "id": "ops", "url": body["url"], "etag": response.body["etag"] }] })
    );

    let own = format!("whsec_{}", "A".repeat(32));
    let body = json!({ "url": "https://hooks.example/other", "secret": own });
    let response = registry.put(PATH, &body).await;
    assert_eq!(response["secret"], Value::Null, "only a generated secret is shown");
    assert_eq!(secrets(&registry, 23).await, [own.as_str(), made.as_str()]);
    assert_eq!(secrets(&registry, 24).await, [own.as_str()]);
    assert_eq!(registry.put(PATH, &body).await, response);

    let log = Value::from(registry.changes().await).to_string();
    assert_eq!(registry.changes().await.len(), 2);
    for secret in [&made, &own, &made[6..].to_owned(), &"token".to_owned()] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }
    registry.delete(PATH).await;
    assert_eq!(registry.try_delete(PATH).await.status, StatusCode::NOT_FOUND);
    assert!(secrets(&registry, 0).await.is_empty());
    assert_eq!(registry.get("/api/alerts/destinations").await, json!({ "items": [] }));
}

#[tokio::test]
async fn an_organization_has_at_most_fifty_destinations() {
    let registry = Registry::new().await;
    let body = json!({ "url": "https://hooks.example/", "secret": format!("whsec_{}", "A".repeat(32)) });
    let path = |nth: usize| format!("/api/alerts/destinations/d{nth:02}");
    for nth in 0..MAX_DESTINATIONS {
        registry.put(&path(nth), &body).await;
    }
    let refused = registry.try_put(&path(MAX_DESTINATIONS), &body).await;
    assert_eq!((refused.status, text(&refused.body["detail"]).contains("50")), (StatusCode::CONFLICT, true));
    // An existing one can still be changed, and a new one can take the place of a deleted one.
    registry.put(&path(7), &json!({ "url": "https://hooks.example/7" })).await;
    registry.delete(&path(7)).await;
    registry.put(&path(MAX_DESTINATIONS), &body).await;
    assert_eq!(registry.try_put(&path(7), &body).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_test_message_is_signed_and_its_delivery_reported() {
    let registry = local().await;
    let receiver = Receiver::start().await;
    let made = text(&registry.put(PATH, &json!({ "url": receiver.url() })).await["secret"]).to_owned();
    let response = registry.try_post(&format!("{PATH}/test")).await;
    assert_eq!(response.status, StatusCode::OK);
    let taken = json!({ "delivered": true, "status": 204, "detail": "The receiver answered 204" });
    assert_eq!(response.body, taken);
    let received = receiver.only();
    assert!(received.is_signed_by(&made));
    let data = json!({ "organization": "acme", "destination": "ops" });
    let timestamp = "2026-09-15T12:00:00Z";
    let message = json!({ "type": "alert.test", "version": 1, "timestamp": timestamp, "data": data });
    assert_eq!(received.json(), message);
    assert_eq!(received.header("webhook-timestamp"), noon().timestamp().to_string());

    // During rotation both secrets sign. Each test is a new message.
    let own = format!("whsec_{}", "A".repeat(32));
    registry.put(PATH, &json!({ "url": receiver.url(), "secret": own })).await;
    assert_eq!(registry.try_post(&format!("{PATH}/test")).await.body, taken);
    let second = receiver.received()[1].clone();
    assert!(second.is_signed_by(&made) && second.is_signed_by(&own));
    assert_ne!(second.id(), received.id());
    assert_eq!(registry.changes().await.len(), 2, "a test changes no setting");
}

#[tokio::test]
async fn a_failed_test_reports_the_cause_without_secrets() {
    let registry = local().await;
    let receiver = Receiver::start().await;
    let made = text(&registry.put(PATH, &json!({ "url": receiver.url() })).await["secret"]).to_owned();
    let mut results = Vec::new();
    for reply in [Reply::With(500, vec![], "out of\norder".to_owned()), Reply::Status(410), Reply::Close] {
        receiver.answers(reply);
        let response = registry.try_post(&format!("{PATH}/test")).await;
        assert_eq!((response.status, &response.body["delivered"]), (StatusCode::OK, &json!(false)));
        results.push((response.body["status"].clone(), text(&response.body["detail"]).to_owned()));
    }
    assert_eq!(results[0], (json!(500), "The receiver answered 500: out of order".to_owned()));
    assert_eq!(results[1], (json!(410), "The receiver answered 410".to_owned()));
    assert_eq!(results[2].0, Value::Null);
    assert!(results[2].1.starts_with("The connection broke"), "{}", results[2].1);
    assert!(results.iter().all(|(_, detail)| !detail.contains("sesame") && !detail.contains(&made)));
}

#[tokio::test]
async fn only_an_existing_destination_is_tested() {
    let registry = local().await;
    let receiver = Receiver::start().await;
    for id in ["ops", "a%2Fb"] {
        registry.put(&format!("/api/alerts/destinations/{id}"), &json!({ "url": receiver.url() })).await;
        let response = registry.try_post(&format!("/api/alerts/destinations/{id}/test")).await;
        assert_eq!(response.body["delivered"], true, "{id}");
        let destination = receiver.received().last().unwrap().json()["data"]["destination"].clone();
        assert_eq!(destination, id.replace("%2F", "/"));
    }
    // Behind API Gateway its path would be that of a test.
    let reserved =
        registry.try_put("/api/alerts/destinations/ops%2Ftest", &json!({ "url": receiver.url() })).await;
    assert_eq!(
        (reserved.status, &reserved.body["detail"][0]["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("reserved"))
    );
    let count = receiver.received().len();
    let nowhere = json!({ "detail": "Destination not found" });
    let theirs = registry.send("other", Method::POST, &format!("{PATH}/test"), &[], "").await;
    let none = registry.try_post("/api/alerts/destinations/x/test").await;
    for response in [theirs, none] {
        assert_eq!((response.status, &response.body), (StatusCode::NOT_FOUND, &nowhere));
    }
    for path in [PATH, "/api/alerts/destinations/test", "/api/alerts/destinations/ops/tests"] {
        let response = registry.try_post(path).await;
        assert_eq!(
            (response.status, response.headers["allow"].to_str().unwrap()),
            (StatusCode::METHOD_NOT_ALLOWED, "PUT,DELETE"),
            "{path}"
        );
    }
    assert_eq!(receiver.received().len(), count);
}

#[tokio::test]
async fn a_deployed_registry_does_not_send_to_its_own_machine() {
    let receiver = Receiver::start().await;
    let here = local().await;
    here.put(PATH, &json!({ "url": receiver.url() })).await;
    let deployed = Registry::of(here.world, |_| {});
    // A stored URL is checked again before each message.
    let response = deployed.try_post(&format!("{PATH}/test")).await.body;
    assert_eq!((&response["delivered"], &response["status"]), (&json!(false), &Value::Null));
    assert!(text(&response["detail"]).starts_with("Not sent: "), "{response}");
    for (url, fault) in [
        (receiver.url(), "body.url url_scheme"),
        (receiver.url().replace("http:", "https:"), "body.url url_address"),
        ("https://localhost/".to_owned(), "body.url url_address"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "body.url url_address"),
        ("https://0xa.1/".to_owned(), "body.url url_address"),
    ] {
        let response = deployed.try_put("/api/alerts/destinations/x", &json!({ "url": url })).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        assert_eq!(faults(&response.body["detail"]), [fault], "{url}");
    }
    // A host name is accepted as it is: it is resolved and checked before each message.
    deployed.put("/api/alerts/destinations/x", &json!({ "url": "https://10.0.0.1.nip.example/" })).await;
    assert_eq!(receiver.connections(), 0);
}
