//! Alert destinations: their secrets are shown once, rotate, and go into no log.

use http::StatusCode;
use serde_json::{Value, json};
use shared::ids::OrgId;
use shared::store::registry::DestinationSettings;

use super::{Registry, text};
use crate::support::noon;

const PATH: &str = "/api/alerts/destinations/ops";

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
