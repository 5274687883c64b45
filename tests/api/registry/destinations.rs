//! Alert destinations: their secrets are shown once, rotate, and go into no log; and what a test of one tells.

use http::{Method, StatusCode};
use ledger::ids::OrgId;
use ledger::settings::{DestinationSettings, MAX_DESTINATIONS};
use serde_json::{Value, json};

use super::{Registry, text};
use crate::support::receiver::{Receiver, Reply};
use crate::support::{World, faults, noon};

const PATH: &str = "/api/alerts/destinations/ops";

/// A registry on a developer's machine, where receivers are on the same machine.
async fn local() -> Registry {
    Registry::of(World::new().await, |config| config.allow_local_webhooks = true)
}

async fn secrets(registry: &Registry, hours: i64) -> Vec<String> {
    let org = OrgId::new("acme").unwrap();
    let all = registry.world.stack.store().destinations(&org).await.unwrap();
    let of = |settings: &DestinationSettings| {
        let now = noon() + chrono::TimeDelta::hours(hours);
        settings.secrets_at(now).map(str::to_owned).collect::<Vec<_>>()
    };
    all.iter().flat_map(|(_, settings)| of(settings)).collect()
}

#[tokio::test]
async fn a_secret_is_made_shown_once_and_replaced_within_a_day() {
    let registry = Registry::new().await;
    let body = json!({ "url": "https://hooks.example/services/T0/token" });
    let answer = registry.try_put(PATH, &body).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let made = text(&answer.body["secret"]).to_owned();
    assert!(made.starts_with("whsec_"));
    assert_eq!(secrets(&registry, 1_000).await, [made.as_str()]);
    let shown = registry.get("/api/alerts/destinations").await;
    assert_eq!(shown, json!({ "items": [{ "id": "ops", "url": body["url"], "etag": answer.body["etag"] }] }));

    let own = format!("whsec_{}", "A".repeat(32));
    let body = json!({ "url": "https://hooks.example/other", "secret": own });
    let answer = registry.put(PATH, &body).await;
    assert_eq!(answer["secret"], Value::Null, "only a secret that was made is shown");
    assert_eq!(secrets(&registry, 23).await, [own.as_str(), made.as_str()]);
    assert_eq!(secrets(&registry, 24).await, [own.as_str()]);
    assert_eq!(registry.put(PATH, &body).await, answer);

    let told = Value::from(registry.changes().await).to_string();
    assert_eq!(registry.changes().await.len(), 2);
    for secret in [&made, &own, &made[6..].to_owned(), &"token".to_owned()] {
        assert!(!told.contains(secret.as_str()), "{told}");
    }
    registry.delete(PATH).await;
    assert_eq!(registry.try_delete(PATH).await.status, StatusCode::NOT_FOUND);
    assert!(secrets(&registry, 0).await.is_empty());
    assert_eq!(registry.get("/api/alerts/destinations").await, json!({ "items": [] }));
}

#[tokio::test]
async fn there_are_fifty_at_most() {
    let registry = Registry::new().await;
    let body = json!({ "url": "https://hooks.example/", "secret": format!("whsec_{}", "A".repeat(32)) });
    let path = |nth: usize| format!("/api/alerts/destinations/d{nth:02}");
    for nth in 0..MAX_DESTINATIONS {
        registry.put(&path(nth), &body).await;
    }
    let refused = registry.try_put(&path(MAX_DESTINATIONS), &body).await;
    assert_eq!((refused.status, text(&refused.body["detail"]).contains("50")), (StatusCode::CONFLICT, true));
    // One that is there may still be changed, and another may take the place of one that goes.
    registry.put(&path(7), &json!({ "url": "https://hooks.example/7" })).await;
    registry.delete(&path(7)).await;
    registry.put(&path(MAX_DESTINATIONS), &body).await;
    assert_eq!(registry.try_put(&path(7), &body).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_test_message_is_sent_signed_and_told_of() {
    let registry = local().await;
    let receiver = Receiver::start().await;
    let made = text(&registry.put(PATH, &json!({ "url": receiver.url() })).await["secret"]).to_owned();
    let answer = registry.try_post(&format!("{PATH}/test")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let taken = json!({ "delivered": true, "status": 204, "detail": "The receiver answered 204" });
    assert_eq!(answer.body, taken);
    let received = receiver.only();
    assert!(received.is_signed_by(&made));
    let data = json!({ "organization": "acme", "destination": "ops" });
    let timestamp = "2026-09-15T12:00:00Z";
    let message = json!({ "type": "alert.test", "version": 1, "timestamp": timestamp, "data": data });
    assert_eq!(received.json(), message);
    assert_eq!(received.header("webhook-timestamp"), noon().timestamp().to_string());

    // While a secret is replaced, both sign; and each test is a message of its own.
    let own = format!("whsec_{}", "A".repeat(32));
    registry.put(PATH, &json!({ "url": receiver.url(), "secret": own })).await;
    assert_eq!(registry.try_post(&format!("{PATH}/test")).await.body, taken);
    let second = receiver.received()[1].clone();
    assert!(second.is_signed_by(&made) && second.is_signed_by(&own));
    assert_ne!(second.id(), received.id());
    assert_eq!(registry.changes().await.len(), 2, "a test changes nothing");
}

#[tokio::test]
async fn what_went_wrong_is_told() {
    let registry = local().await;
    let receiver = Receiver::start().await;
    let made = text(&registry.put(PATH, &json!({ "url": receiver.url() })).await["secret"]).to_owned();
    let mut told = Vec::new();
    for reply in [Reply::With(500, vec![], "out of\norder".to_owned()), Reply::Status(410), Reply::Close] {
        receiver.answers(reply);
        let answer = registry.try_post(&format!("{PATH}/test")).await;
        assert_eq!((answer.status, &answer.body["delivered"]), (StatusCode::OK, &json!(false)));
        told.push((answer.body["status"].clone(), text(&answer.body["detail"]).to_owned()));
    }
    assert_eq!(told[0], (json!(500), "The receiver answered 500: out of order".to_owned()));
    assert_eq!(told[1], (json!(410), "The receiver answered 410".to_owned()));
    assert_eq!(told[2].0, Value::Null);
    assert!(told[2].1.starts_with("The connection broke"), "{}", told[2].1);
    assert!(told.iter().all(|(_, detail)| !detail.contains("sesame") && !detail.contains(&made)));
}

#[tokio::test]
async fn only_a_destination_that_is_there_is_tested() {
    let registry = local().await;
    let receiver = Receiver::start().await;
    // Ids may hold slashes, and even end like the path of a test.
    for id in ["ops", "a%2Fb", "ops%2Ftest"] {
        registry.put(&format!("/api/alerts/destinations/{id}"), &json!({ "url": receiver.url() })).await;
        let answer = registry.try_post(&format!("/api/alerts/destinations/{id}/test")).await;
        assert_eq!(answer.body["delivered"], true, "{id}");
        let destination = receiver.received().last().unwrap().json()["data"]["destination"].clone();
        assert_eq!(destination, id.replace("%2F", "/"));
    }
    let count = receiver.received().len();
    let nowhere = json!({ "detail": "Destination not found" });
    let theirs = registry.send("other", Method::POST, &format!("{PATH}/test"), &[], "").await;
    let none = registry.try_post("/api/alerts/destinations/x/test").await;
    for answer in [theirs, none] {
        assert_eq!((answer.status, &answer.body), (StatusCode::NOT_FOUND, &nowhere));
    }
    for path in [PATH, "/api/alerts/destinations/test", "/api/alerts/destinations/ops/tests"] {
        let answer = registry.try_post(path).await;
        assert_eq!(
            (answer.status, answer.body),
            (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" })),
            "{path}"
        );
    }
    assert_eq!(receiver.received().len(), count);
}

#[tokio::test]
async fn a_deployed_registry_keeps_off_this_machine() {
    let receiver = Receiver::start().await;
    let here = local().await;
    here.put(PATH, &json!({ "url": receiver.url() })).await;
    let deployed = Registry::of(here.world, |_| {});
    // What was taken once is looked at again when something is sent.
    let answer = deployed.try_post(&format!("{PATH}/test")).await.body;
    assert_eq!((&answer["delivered"], &answer["status"]), (&json!(false), &Value::Null));
    assert!(text(&answer["detail"]).starts_with("Not sent: "), "{answer}");
    for (url, fault) in [
        (receiver.url(), "body.url url_scheme"),
        (receiver.url().replace("http:", "https:"), "body.url url_address"),
        ("https://localhost/".to_owned(), "body.url url_address"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "body.url url_address"),
        ("https://0xa.1/".to_owned(), "body.url url_address"),
    ] {
        let answer = deployed.try_put("/api/alerts/destinations/x", &json!({ "url": url })).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        assert_eq!(faults(&answer.body["detail"]), [fault], "{url}");
    }
    // A name is taken as it is: what it stands for is looked up when something is sent.
    deployed.put("/api/alerts/destinations/x", &json!({ "url": "https://10.0.0.1.nip.example/" })).await;
    assert_eq!(receiver.connections(), 0);
}
