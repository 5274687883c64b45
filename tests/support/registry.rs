//! Requests to the registry function, and the audit entries of its changes.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http::{Method, Request, StatusCode};
use ledger::event::{Data, Event, REGISTRY_SOURCE};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use local::gateway::Gateway;
use local::tables::table_name;
use local::template::{Function, Route};
use runtime::config::Config;
use serde_json::{Value, json};
use store::events;
use store::keys::{self, Key};
use web::auth::Scope;
use web::gateway_path::gateway_paths;

use super::{Response, World, noon};

/// The system, with the registry function behind a gateway of its own.
pub struct Registry {
    pub world: World,
    gateway: Gateway,
}

impl Registry {
    pub async fn new() -> Self {
        Self::of(World::new().await, |_| {})
    }

    /// A registry with a changed configuration.
    pub fn of(world: World, configure: impl FnOnce(&mut Config)) -> Self {
        let routes = registry::routes();
        let deployed = |route: &web::route::Route<registry::Tables>| {
            gateway_paths(route.path).into_iter().map(|path| Route { method: "ANY".to_owned(), path })
        };
        let function = Function {
            id: "RegistryFunction".to_owned(),
            binary: "registry".to_owned(),
            timeout: Duration::from_secs(10),
            variables: [].into(),
            routes: routes.iter().flat_map(deployed).collect(),
            schedules: Vec::new(),
        };
        let mut app = world.app(world.stack.client().clone());
        configure(Arc::make_mut(&mut app.config));
        let router = app.router(routes);
        Self { gateway: Gateway::new([(function, router)]), world }
    }

    /// Sends a request as a caller of `org` with every scope. A response without a body reads as null.
    pub async fn send(
        &self,
        org: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response {
        let token = self.world.stack.token(org, &Scope::ALL).unwrap();
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.gateway.call(request.body(body.into()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = if parts.status == StatusCode::NO_CONTENT {
            assert!(body.is_empty());
            Value::Null
        } else {
            assert_eq!(parts.headers["content-type"], "application/json", "{path}");
            serde_json::from_slice(&body).unwrap()
        };
        Response { status: parts.status, headers: parts.headers, body }
    }

    pub async fn try_put(&self, path: &str, body: &Value) -> Response {
        let json = [("content-type", "application/json")];
        self.send("acme", Method::PUT, path, &json, body.to_string()).await
    }

    pub async fn try_post(&self, path: &str) -> Response {
        self.send("acme", Method::POST, path, &[], "").await
    }

    pub async fn try_get(&self, path: &str) -> Response {
        self.send("acme", Method::GET, path, &[], "").await
    }

    pub async fn try_delete(&self, path: &str) -> Response {
        self.send("acme", Method::DELETE, path, &[], "").await
    }

    /// Puts and expects 200 with a matching `etag`.
    pub async fn put(&self, path: &str, body: &Value) -> Value {
        let response = self.try_put(path, body).await;
        assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.body);
        assert_eq!(
            response.headers["etag"].to_str().unwrap(),
            format!("\"{}\"", text(&response.body["etag"]))
        );
        response.body
    }

    /// Gets and expects 200.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.try_get(path).await;
        assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.body);
        response.body
    }

    /// Deletes and expects 204.
    pub async fn delete(&self, path: &str) {
        let response = self.try_delete(path).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT, "{path}: {}", response.body);
    }

    /// The audit entries among the raw events of `org`, on the days around noon.
    pub async fn entries(&self, org: &str) -> Vec<Event> {
        let day = Day::of(noon(), chrono_tz::UTC);
        let days = DayRange { first: day.minus(2), last: day.next().next() };
        let org = OrgId::new(org).unwrap();
        let mut all = Vec::new();
        for pk in days.days().flat_map(|day| (0..keys::LANES).map(move |lane| (day, lane))) {
            let found = self
                .world
                .stack
                .client()
                .query()
                .table_name(table_name("EventsTable"))
                .key_condition_expression("pk = :p")
                .expression_attribute_values(":p", string(&keys::lane_key(&org, pk.0, pk.1)))
                .send()
                .await
                .unwrap();
            all.extend(found.items().iter().map(|item| events::parse(item).unwrap()));
        }
        all.retain(|event| event.source.as_str() == REGISTRY_SOURCE);
        all
    }

    /// The details of the audit entries of `acme`: what was changed, with the values before and after.
    pub async fn changes(&self) -> Vec<Value> {
        self.entries("acme").await.iter().map(details).collect()
    }

    /// An item of the registry table.
    pub async fn stored(&self, key: &Key) -> Option<store::Item> {
        let client = self.world.stack.client().get_item().table_name(table_name("RegistryTable"));
        client.key("pk", string(&key.pk)).key("sk", string(&key.sk)).send().await.unwrap().item
    }
}

pub fn details(event: &Event) -> Value {
    let Data::AgentActivity(activity) = &event.data else { panic!("{event:?}") };
    assert_eq!(activity.event_type.as_str(), "config_change");
    serde_json::from_str(&activity.details).unwrap()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub fn string(text: &str) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned())
}

/// `value` without the fields that only responses have.
pub fn as_set(value: &Value) -> Value {
    let mut value = value.clone();
    for name in ["id", "etag", "registered", "first_seen", "last_seen"] {
        value.as_object_mut().unwrap().remove(name);
    }
    value
}

/// A call by `agent`.
pub fn call(id: &str, agent: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "test", "type": "llm.call",
        "time": ledger::period::rfc3339(noon()),
        "data": { "agent_id": agent, "provider": "anthropic", "model": "claude-haiku-3.5",
            "input_tokens": 1_000_000, "output_tokens": 0 },
    })
}
