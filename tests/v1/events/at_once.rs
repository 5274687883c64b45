//! A setting holds for every event that is posted after the response to its change, on every warm instance of ingest.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use web::auth::Scope;

use crate::support::events::event;
use crate::support::{World, noon, response_of};

const PRICE: &str = "/api/cost-analysis/pricing/acme/in-house-1";

/// Two warm instances of ingest, as Lambda would have them.
struct Instances {
    world: World,
    routers: [Router; 2],
    /// Provider and model of the calls.
    model: (&'static str, &'static str),
    posted: usize,
}

impl Instances {
    async fn warm(model: (&'static str, &'static str)) -> Self {
        let world = World::new().await;
        let router = || world.app(world.stack.client().clone()).router(ingest::routes());
        let routers = [router(), router()];
        let mut instances = Self { world, routers, model, posted: 0 };
        instances.cost().await;
        instances
    }

    /// Posts a call of a million input tokens to each instance. Returns what both cost together.
    async fn cost(&mut self) -> String {
        let token = self.world.stack.token("acme", &Scope::ALL).unwrap();
        let before = self.total().await;
        for router in &self.routers {
            self.posted += 1;
            let data = json!({
                "agent_id": "nova", "provider": self.model.0, "model": self.model.1,
                "input_tokens": 1_000_000, "output_tokens": 0,
            });
            let call = event(&self.posted.to_string(), "llm.call", noon(), data);
            let request = Request::post("/v1/events")
                .header("content-type", "application/json")
                .header("authorization", format!("Bearer {token}"));
            let request = request.body(Body::from(json!([call]).to_string())).unwrap();
            let (status, response) = response_of(router.clone(), request).await;
            assert_eq!((status, &response["accepted"]), (StatusCode::OK, &json!(1)));
        }
        self.world.stack.drain().await;
        (self.total().await - before).to_string()
    }

    /// The cost of all calls in cents.
    async fn total(&self) -> u64 {
        let summary = self.world.caller("acme").get("/v1/metrics/summary").await;
        summary["estimated_cost_usd"].as_str().unwrap().replace('.', "").parse().unwrap()
    }

    async fn change(&self, method: Method, path: &str, body: &Value) {
        let json = [("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.world.caller("acme").send(method, path, &json, body).await;
        assert!(response.status.is_success(), "{path}: {}", response.body);
    }
}

#[tokio::test]
async fn a_price_holds_on_every_instance_once_its_change_is_answered() {
    let mut instances = Instances::warm(("acme", "in-house-1")).await;
    let dated = format!("{PRICE}?effectiveFrom=2026-09-01");
    for dollars in 1..=3_u64 {
        let price = json!({
            "effectiveFrom": "2026-09-01", "inputPricePerMillion": dollars, "outputPricePerMillion": 0,
        });
        instances.change(Method::PUT, PRICE, &price).await;
        assert_eq!(instances.cost().await, (2 * 100 * dollars).to_string());
        instances.change(Method::DELETE, &dated, &Value::Null).await;
        assert_eq!(instances.cost().await, "0");
    }
}

#[tokio::test]
async fn a_multiplier_and_an_alias_hold_as_soon() {
    let mut instances = Instances::warm(("anthropic", "our-haiku")).await;
    for (model, kind, value, cents) in
        [("our-haiku", "alias", "claude-haiku-3.5", "160"), ("*", "multiplier", "0.5", "80")]
    {
        let path = format!("/api/cost-analysis/pricing/anthropic/{model}");
        let price = json!({ "effectiveFrom": "2026-09-01", kind: value });
        instances.change(Method::PUT, &path, &price).await;
        assert_eq!(instances.cost().await, cents, "{path}");
    }
}
