//! Stands in for API Gateway: converts HTTP requests to events as API Gateway does, invokes the function to which the
//! template assigns the route, and converts the function's response back.
//!
//! It differs in two ways. What API Gateway and Lambda refuse is refused here too, but in the project's own error
//! format. And API Gateway decodes a path twice, before and after it matches routes (see `infra/README.md`, "Ids in
//! paths"); here it is decoded once, segment by segment, so that every id that was escaped once arrives unchanged.

pub mod cors;
mod error_body;
mod event;
mod invoke_api;
mod refusal;
mod route;
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use http::header::HeaderValue;
use http::uri::Authority;
use http::{Method, Response, StatusCode};
use lambda_http::lambda_runtime::layers::trace::request_span;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use reqwest::Url;
use runtime::clock::Clock;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tower::Service;
use tracing::Instrument;
use web::error::{Error as WebError, Fault};
use web::gateway_path::event_with_escaped_path;

use crate::aws::invoke::{Handler, Lambda};
use crate::error::Result;
use crate::template::Function;
use cors::Cors;
use event::RequestInfo;
use invoke_api::InvokeApi;
use refusal::refused;
use route::Pattern;

/// The largest body that API Gateway accepts.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// The longest request line and headers together that API Gateway accepts.
const MAX_HEAD_BYTES: usize = 10_240;
/// The largest event that Lambda takes, and the largest response that it returns: 6 MB and some slack.
const MAX_PAYLOAD_BYTES: usize = 6_291_556;

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
    /// The function of all other paths.
    default: Option<usize>,
    /// The same functions, to be invoked with an event by name.
    lambdas: Vec<Lambda>,
    invoke_api: InvokeApi,
    cors: Option<Cors>,
}

impl Gateway {
    /// A gateway to these functions, each with the router that implements it.
    pub fn new(functions: impl IntoIterator<Item = (Function, Router)>) -> Self {
        let mut gateway = Self {
            functions: Vec::new(),
            routes: Vec::new(),
            default: None,
            lambdas: Vec::new(),
            invoke_api: InvokeApi::default(),
            cors: None,
        };
        for (function, router) in functions {
            let index = gateway.functions.len();
            for route in &function.routes {
                if route.is_default() {
                    gateway.default = Some(index);
                } else {
                    gateway.routes.push((Pattern::new(route), index));
                }
            }
            gateway.lambdas.push(Lambda::new(&function, invocable(router.clone())));
            gateway.functions.push(HttpFunction { name: function.binary, timeout: function.timeout, router });
        }
        gateway.routes.sort();
        gateway
    }

    /// Adds Lambda's Invoke API for `lambdas` and the functions behind the gateway.
    #[must_use]
    pub fn with_lambdas(mut self, mut lambdas: Vec<Lambda>) -> Self {
        lambdas.append(&mut self.lambdas);
        Self { invoke_api: InvokeApi::new(lambdas), ..self }
    }

    /// Lets pages of other origins call the API from a browser.
    #[must_use]
    pub fn with_cors(self, cors: Option<Cors>) -> Self {
        Self { cors, ..self }
    }

    /// Handles one request.
    pub async fn call(&self, request: http::Request<Bytes>) -> Response<Bytes> {
        let asked = self.cors.as_ref().and_then(|cors| cors.grant(request.method(), request.headers()));
        let mut response = self.answer(request).await;
        if let Some(grant) = asked {
            grant.add_to(response.headers_mut());
        }
        response
    }

    async fn answer(&self, request: http::Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        if let Some(response) = self.invoke_api.handle(&parts, &body).await {
            return response;
        }
        if body.len() > MAX_BODY_BYTES {
            return refusal::of(StatusCode::PAYLOAD_TOO_LARGE);
        }
        if head_bytes(&parts) > MAX_HEAD_BYTES {
            return refusal::of(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let Some(segments) = route::decoded_segments(path) else {
            let fault = Fault::new(vec!["path".into()], "utf8", "Path should be percent-encoded UTF-8");
            return refused(fault.into()).await;
        };
        let path = format!("/{}", segments.join("/"));
        let otherwise = || Some(("$default".to_owned(), [].into(), self.default?));
        let Some((route_key, path_parameters, index)) = self.route(method, &segments).or_else(otherwise)
        else {
            return refused(WebError::NotFound("Not Found")).await;
        };
        if !is_host(&event::host(&parts)) {
            return refusal::with(StatusCode::BAD_REQUEST, "The host is not valid.");
        }
        let id = format!("{:016x}", rand::random::<u64>());
        let info = RequestInfo { route_key, path, path_parameters, id, time: Clock::system().now() };
        let event = event::event(&parts, &body, &info).to_string();
        if event.len() > MAX_PAYLOAD_BYTES {
            let text = "The request is larger than the 6 MB that a function can be invoked with.";
            return refused(WebError::TooLarge(text.to_owned())).await;
        }
        let is_head = parts.method == Method::HEAD;
        let mut response = self.functions[index].call(event, &info, is_head).await;
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

    /// Serves connections to `listener` until `stop` resolves, then finishes the requests in flight.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        server::serve(self, server::Limits::default(), listener, stop).await
    }
}

impl HttpFunction {
    async fn call(&self, event: String, info: &RequestInfo, is_head: bool) -> Response<Bytes> {
        let request: LambdaRequest = match serde_json::from_str(&event) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(%error, "the request cannot be converted to an event");
                return refusal::of(StatusCode::BAD_REQUEST);
            }
        };
        match self.invoke(request, info).await {
            Ok(response) => match event::response(&response, is_head) {
                Ok(response) => response,
                Err(error) => refused(WebError::Internal(format!("{}: {error}", self.name))).await,
            },
            Err(error) => refused(error).await,
        }
    }

    /// The function's response as JSON.
    async fn invoke(&self, request: LambdaRequest, info: &RequestInfo) -> Result<Vec<u8>, WebError> {
        let event = event_with_escaped_path(LambdaEvent::new(request, self.context(info)));
        let router = self.router.clone();
        let span = request_span(&event.context);
        let invocation = async move {
            // A router is always ready. The adapter is dropped before the await, since it is not `Send`.
            let response = Adapter::from(router).call(event);
            response.await
        };
        // A separate task: like a Lambda invocation it continues when the caller hangs up, and a panic stays inside.
        let outcome = tokio::spawn(timeout(self.timeout, invocation.instrument(span))).await;
        let failed = |why: &dyn std::fmt::Display| WebError::Internal(format!("{}: {why}", self.name));
        let response = match outcome {
            Ok(Ok(Ok(response))) => serde_json::to_vec(&response).map_err(|error| failed(&error))?,
            Ok(Err(_)) => return Err(WebError::Unavailable(format!("{} timed out", self.name))),
            Err(panic) => return Err(failed(&panic)),
        };
        if response.len() > MAX_PAYLOAD_BYTES {
            let length = response.len();
            return Err(failed(&format_args!(
                "a response of {length} bytes; Lambda's limit is {MAX_PAYLOAD_BYTES}"
            )));
        }
        Ok(response)
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

/// A function behind the gateway, invoked with an event of API Gateway.
fn invocable(router: Router) -> Handler {
    Arc::new(move |event| {
        let router = router.clone();
        Box::pin(async move {
            let request: LambdaRequest = serde_json::from_value(event)?;
            let event = event_with_escaped_path(LambdaEvent::new(request, Context::default()));
            let response = Adapter::from(router).call(event);
            Ok(serde_json::to_value(response.await?)?)
        })
    })
}

/// API Gateway knows its own host. Here any host is accepted from which `lambda_http` can build a URL.
fn is_host(text: &str) -> bool {
    let is_authority = text.parse::<Authority>().is_ok();
    is_authority && Url::parse(&format!("http://{text}/")).is_ok_and(|url| url.path() == "/")
}

/// The length of the request line's path and query and of the headers.
fn head_bytes(parts: &http::request::Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    line + headers.sum::<usize>()
}

#[cfg(test)]
mod tests;
