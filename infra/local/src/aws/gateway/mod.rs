//! Stands in for API Gateway: converts HTTP requests to events as API Gateway does, invokes the function to which the
//! template assigns the route, and converts the function's response back.
//!
//! Two things differ. API Gateway itself answers a request that matches no route; here the function with the nearest
//! route answers it, in the project's own error format. And API Gateway decodes a path twice, before and after it
//! matches routes (see `infra/README.md`, "Ids in paths"); here it is decoded once, segment by segment, so that every id
//! that was escaped once arrives as it was.

mod event;
mod invoke_api;
mod route;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::uri::Authority;
use http::{Response, StatusCode};
use lambda_http::lambda_runtime::layers::trace::request_span;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use runtime::clock::Clock;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tower::Service;
use tracing::Instrument;
use web::error::Fault;
use web::gateway_path::event_with_escaped_path;

use crate::aws::invoke::Lambda;
use crate::error::{Error, Result};
use crate::template::Function;
use event::RequestInfo;
use invoke_api::InvokeApi;
use route::Pattern;

/// The largest body that API Gateway accepts.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// A function that handles HTTP requests.
struct HttpFunction {
    name: String,
    timeout: Duration,
    router: Router,
}

pub struct Gateway {
    functions: Vec<HttpFunction>,
    /// In order of precedence, each with the index of its function.
    routes: Vec<(Pattern, usize)>,
    invoke_api: InvokeApi,
}

impl Gateway {
    /// A gateway to these functions, each with the router that implements it.
    pub fn new(functions: impl IntoIterator<Item = (Function, Router)>) -> Self {
        let mut gateway =
            Self { functions: Vec::new(), routes: Vec::new(), invoke_api: InvokeApi::default() };
        for (function, router) in functions {
            let index = gateway.functions.len();
            gateway.routes.extend(function.routes.iter().map(|route| (Pattern::new(route), index)));
            gateway.functions.push(HttpFunction { name: function.binary, timeout: function.timeout, router });
        }
        gateway.routes.sort();
        gateway
    }

    /// Adds Lambda's Invoke API for `lambdas`.
    #[must_use]
    pub fn with_lambdas(self, lambdas: Vec<Lambda>) -> Self {
        Self { invoke_api: InvokeApi::new(lambdas), ..self }
    }

    /// Handles one request.
    pub async fn call(&self, request: http::Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        if let Some(response) = self.invoke_api.handle(&parts, &body).await {
            return response;
        }
        if body.len() > MAX_BODY_BYTES {
            return too_large().await;
        }
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let Some(segments) = route::decoded_segments(path) else {
            let fault = Fault::new(vec!["path".into()], "utf8", "Path should be percent-encoded UTF-8");
            return error_response(fault.into()).await;
        };
        let path = format!("/{}", segments.join("/"));
        let (route_key, path_parameters, index) = match self.route(method, &segments) {
            Some(found) => found,
            None => match self.nearest(method, &segments) {
                Some(index) => ("$default".to_owned(), [].into(), index),
                None => return error_response(web::error::Error::NotFound("Not Found")).await,
            },
        };
        if !is_host(&event::host(&parts)) {
            return bad_request("The host is not valid.");
        }
        let id = format!("{:016x}", rand::random::<u64>());
        let info = RequestInfo { route_key, path, path_parameters, id, time: Clock::system().now() };
        let event = event::event(&parts, &body, &info).to_string();
        let mut response = self.functions[index].call(event, &info).await;
        if let Ok(id) = HeaderValue::from_str(&info.id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    /// The first route that matches: its key, the path parameters, and the index of its function.
    fn route(&self, method: &str, path: &[String]) -> Option<(String, BTreeMap<String, String>, usize)> {
        self.routes.iter().find_map(|(pattern, index)| {
            pattern.matches(method, path).map(|parameters| (pattern.key(), parameters, *index))
        })
    }

    /// The index of the function whose route shares the longest prefix with `path`. None if only decoded slashes make
    /// it a path that has a route: the function could not tell them from others.
    fn nearest(&self, method: &str, path: &[String]) -> Option<usize> {
        let split: Vec<_> = path.iter().flat_map(|segment| segment.split('/').map(str::to_owned)).collect();
        if split != path && self.route(method, &split).is_some() {
            return None;
        }
        let shared = |(pattern, index): &(Pattern, usize)| (pattern.shared_prefix(path), *index);
        let (length, index) = self.routes.iter().map(shared).max_by_key(|(length, _)| *length)?;
        (length > 0).then_some(index)
    }

    /// Serves connections to `listener` until `stop` resolves, then finishes the requests in flight.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let service = Router::new().fallback(handle).with_state(self);
        axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(stop)
            .await
            .map_err(|error| Error::caused("the HTTP server stopped", error))
    }
}

async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let response = match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => gateway.call(http::Request::from_parts(parts, body)).await,
        Err(_) => too_large().await,
    };
    response.map(Body::from)
}

impl HttpFunction {
    async fn call(&self, event: String, info: &RequestInfo) -> Response<Bytes> {
        let request: LambdaRequest = match serde_json::from_str(&event) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(%error, "the request cannot be converted to an event");
                return bad_request("The request is not valid.");
            }
        };
        let event = event_with_escaped_path(LambdaEvent::new(request, self.context(info)));
        let router = self.router.clone();
        let span = request_span(&event.context);
        let invocation = async move {
            // A router is always ready. The adapter is dropped before the await, since it is not `Send`.
            let response = Adapter::from(router).call(event);
            response.await
        };
        let invocation = invocation.instrument(span);
        // A separate task: like a Lambda invocation it continues when the caller hangs up, and a panic stays inside.
        let outcome = tokio::spawn(timeout(self.timeout, invocation)).await;
        let response = match outcome {
            Ok(Ok(Ok(response))) => serde_json::to_vec(&response).map_err(Into::into),
            Ok(Err(_)) => {
                return error_response(web::error::Error::Unavailable(format!("{} timed out", self.name)))
                    .await;
            }
            Err(panic) => Err(panic.into()),
        };
        match response.and_then(|response| event::response(&response)) {
            Ok(response) => response,
            Err(error) => {
                error_response(web::error::Error::Internal(format!("{}: {error}", self.name))).await
            }
        }
    }

    fn context(&self, info: &RequestInfo) -> Context {
        let allowed = chrono::Duration::from_std(self.timeout).unwrap_or_default();
        let mut context = Context::default();
        context.request_id.clone_from(&info.id);
        context.invoked_function_arn =
            format!("arn:aws:lambda:us-east-1:000000000000:function:{}", self.name);
        context.deadline = u64::try_from((info.time + allowed).timestamp_millis()).unwrap_or_default();
        context
    }
}

/// API Gateway knows its own host. Here any host is accepted that can be part of a URL.
fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|host| host.port().is_some() || !host.as_str().contains(':'))
}

async fn too_large() -> Response<Bytes> {
    error_response(web::error::Error::TooLarge("The body is larger than 10 MiB.".to_owned())).await
}

/// A response of the gateway itself, in the project's error format.
async fn error_response(error: web::error::Error) -> Response<Bytes> {
    let (parts, body) = error.into_response().into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    Response::from_parts(parts, body)
}

/// The same for a malformed request, for which `web::error::Error` has no variant.
fn bad_request(detail: &str) -> Response<Bytes> {
    let mut response = Response::new(json!({ "detail": detail }).to_string().into());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
