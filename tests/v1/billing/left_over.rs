//! A table that returns only a few keys per call and leaves the rest unprocessed, as DynamoDB does when items are large
//! or when it throttles.

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use axum::body::Body;
use chrono::TimeDelta;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use web::auth::Scope;

use crate::support::events::event;
use crate::support::{World, noon, response_of};

/// An HTTP client whose calls return at most `keys` items.
#[derive(Clone)]
struct Stingy {
    inner: SharedHttpClient,
    keys: usize,
}

impl fmt::Debug for Stingy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys a call", self.keys)
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    keys: usize,
}

impl HttpClient for Stingy {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, keys: self.keys })
    }
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        if !target.ends_with(".BatchGetItem") {
            return self.inner.call(request);
        }
        let mut asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (table, items) = asked["RequestItems"].as_object_mut().unwrap().iter_mut().next().unwrap();
        let (table, keys) = (table.clone(), items["Keys"].as_array_mut().unwrap());
        let left = keys.split_off(self.keys.min(keys.len()));
        let unprocessed = json!({ table: { "Keys": left } });
        if keys.is_empty() {
            let response = json!({ "Responses": {}, "UnprocessedKeys": unprocessed });
            return HttpConnectorFuture::ready(Ok(ok(&response)));
        }
        let body = asked.to_string();
        request.headers_mut().insert("content-length", body.len().to_string());
        let response = self.inner.call(request.map(|_| body.as_bytes().into()));
        HttpConnectorFuture::new(async move {
            let body = Body::new(response.await?.into_body());
            let body = axum::body::to_bytes(body, usize::MAX).await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?;
            let mut response: Value = serde_json::from_slice(&body).unwrap();
            if !left.is_empty() {
                response["UnprocessedKeys"] = unprocessed;
            }
            Ok(ok(&response))
        })
    }
}

fn ok(response: &Value) -> HttpResponse {
    HttpResponse::new(200.try_into().unwrap(), response.to_string().into())
}

async fn get(world: &World, keys: usize, path: &str) -> (StatusCode, Value) {
    let inner = aws_smithy_http_client::Builder::new().build_http();
    let config = world.stack.client().config().to_builder().http_client(Stingy { inner, keys });
    let client = Client::from_conf(config.build());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let request = request.body(Body::empty()).unwrap();
    let (status, mut body) = if path.starts_with("/api/projects") {
        response_of(world.app(client).router(usage::routes()), request).await
    } else {
        response_of(world.app(client).router(billing::routes()), request).await
    };
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| {
            !["as_of", "complete_through", "asOf", "completeThrough"].contains(&name.as_str())
        });
    }
    (status, body)
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let sample = |i: i64| {
        let (to, from) = (noon() - TimeDelta::hours(2 * i), noon() - TimeDelta::hours(2 * i + 1));
        let data = json!({
            "project_id": "site", "instance_id": "i-1", "from": from, "to": to, "cpu_cores": i, "ram_gb": 1, "disk_gb": 2,
            "bandwidth_in_bytes": 1, "bandwidth_out_bytes": 1,
        });
        event(&i.to_string(), "compute.usage", to, data)
    };
    caller.record(&(0..35).map(sample).collect::<Vec<_>>()).await;
    let path = "/api/projects/site/usage?start_date=2026-09-10T00:00:00Z&end_date=2026-09-16T00:00:00Z";
    let expected = caller.get(path).await;
    for keys in [7, 99, 100] {
        assert_eq!(get(&world, keys, path).await, (StatusCode::OK, expected.clone()), "{keys}");
    }
    // The zone, then the plan.
    assert_eq!(get(&world, 1, "/v1/billing").await, (StatusCode::OK, caller.get("/v1/billing").await));
    // Without any progress the caller is asked to try again.
    assert_eq!(get(&world, 0, path).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
