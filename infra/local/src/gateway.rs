//! In place of API Gateway: turns HTTP requests into the events that it makes of them, calls the function that the
//! template gives the route to, the way Lambda calls it, and turns the answer back.
//!
//! One thing is done otherwise. A request that no route takes is answered by API Gateway itself; here it goes to
//! the function with the nearest route, so that it is answered in the project's own words.

mod event;
mod invoke;
mod route;

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

use crate::error::{Error, Result};
use crate::lambda::Lambda;
use crate::template::Function;
use event::Circumstances;
use invoke::Invocations;
use route::Pattern;

/// The largest body that API Gateway takes.
const MOST_BODY_BYTES: usize = 10 * 1024 * 1024;

/// A function that answers HTTP requests.
struct Target {
    name: String,
    timeout: Duration,
    router: Router,
}

/// All routes, and the functions behind them.
pub struct Gateway {
    targets: Vec<Target>,
    /// In the order in which they are tried, with the place of each route's function.
    routes: Vec<(Pattern, usize)>,
    invocations: Invocations,
}

impl Gateway {
    /// A gateway to these functions, each with the router that answers for it.
    pub fn new(functions: impl IntoIterator<Item = (Function, Router)>) -> Self {
        let mut gateway =
            Self { targets: Vec::new(), routes: Vec::new(), invocations: Invocations::default() };
        for (function, router) in functions {
            let place = gateway.targets.len();
            gateway.routes.extend(function.routes.iter().map(|route| (Pattern::new(route), place)));
            gateway.targets.push(Target { name: function.binary, timeout: function.timeout, router });
        }
        gateway.routes.sort();
        gateway
    }

    /// The same, and by the API of Lambda itself to `lambdas`.
    #[must_use]
    pub fn with_lambdas(self, lambdas: Vec<Lambda>) -> Self {
        Self { invocations: Invocations::new(lambdas), ..self }
    }

    /// Answers one request.
    pub async fn call(&self, request: http::Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        if let Some(answer) = self.invocations.answer(&parts, &body).await {
            return answer;
        }
        if body.len() > MOST_BODY_BYTES {
            return too_large().await;
        }
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let mut fitting = self.routes.iter().filter_map(|(pattern, place)| {
            pattern.fits(method, path).map(|parameters| (pattern.key(), parameters, *place))
        });
        let (route_key, path_parameters, place) = match fitting.next() {
            Some(found) => found,
            None => match self.nearest(path) {
                Some(place) => ("$default".to_owned(), [].into(), place),
                None => return own(web::error::Error::NotFound("Not Found")).await,
            },
        };
        if !is_host(&event::host(&parts)) {
            return bad_request("The host is not valid.");
        }
        let id = format!("{:016x}", rand::random::<u64>());
        let about = Circumstances { route_key, path_parameters, id, time: Clock::system().now() };
        let event = event::event(&parts, &body, &about).to_string();
        let mut response = self.targets[place].call(event, &about).await;
        if let Ok(id) = HeaderValue::from_str(&about.id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    /// The function with the route that is most like `path`.
    fn nearest(&self, path: &str) -> Option<usize> {
        let nearness = |(pattern, place): &(Pattern, usize)| (pattern.nearness(path), *place);
        let (nearness, place) = self.routes.iter().map(nearness).max_by_key(|(nearness, _)| *nearness)?;
        (nearness > 0).then_some(place)
    }

    /// Answers the connections to `listener` until `stop` resolves, and then those requests that are under way.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let service = Router::new().fallback(answer).with_state(self);
        axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(stop)
            .await
            .map_err(|error| Error::caused("the HTTP server stopped", error))
    }
}

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let response = match axum::body::to_bytes(body, MOST_BODY_BYTES).await {
        Ok(body) => gateway.call(http::Request::from_parts(parts, body)).await,
        Err(_) => too_large().await,
    };
    response.map(Body::from)
}

impl Target {
    async fn call(&self, event: String, about: &Circumstances) -> Response<Bytes> {
        let request: LambdaRequest = match serde_json::from_str(&event) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(%error, "the request makes no event");
                return bad_request("The request is not valid.");
            }
        };
        let (router, event) = (self.router.clone(), LambdaEvent::new(request, self.context(about)));
        let span = request_span(&event.context);
        let invocation = async move {
            // A router is always ready. The adapter is let go at once, since it may not change threads.
            let answer = Adapter::from(router).call(event);
            answer.await
        };
        let invocation = invocation.instrument(span);
        // A task of its own: like a function, it goes on when the caller hangs up, and a panic ends nothing else.
        let answer = tokio::spawn(timeout(self.timeout, invocation)).await;
        let answer = match answer {
            Ok(Ok(Ok(answer))) => serde_json::to_vec(&answer).map_err(Into::into),
            Ok(Err(_)) => {
                return own(web::error::Error::Unavailable(format!("{} timed out", self.name))).await;
            }
            Err(panic) => Err(panic.into()),
        };
        match answer.and_then(|answer| event::response(&answer)) {
            Ok(response) => response,
            Err(error) => own(web::error::Error::Internal(format!("{}: {error}", self.name))).await,
        }
    }

    fn context(&self, about: &Circumstances) -> Context {
        let allowed = chrono::Duration::from_std(self.timeout).unwrap_or_default();
        let mut context = Context::default();
        context.request_id.clone_from(&about.id);
        context.invoked_function_arn =
            format!("arn:aws:lambda:us-east-1:000000000000:function:{}", self.name);
        context.deadline = u64::try_from((about.time + allowed).timestamp_millis()).unwrap_or_default();
        context
    }
}

/// API Gateway knows its own host; here any will do that a URL can be made of.
fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|host| host.port().is_some() || !host.as_str().contains(':'))
}

async fn too_large() -> Response<Bytes> {
    own(web::error::Error::TooLarge("The body is larger than 10 MiB.".to_owned())).await
}

/// An answer of the gateway's own, in the project's shape.
async fn own(error: web::error::Error) -> Response<Bytes> {
    let (parts, body) = error.into_response().into_parts();
    let body = axum::body::to_bytes(body, MOST_BODY_BYTES).await.unwrap_or_default();
    Response::from_parts(parts, body)
}

/// The same, for what the project itself has no error for.
fn bad_request(detail: &str) -> Response<Bytes> {
    let mut response = Response::new(json!({ "detail": detail }).to_string().into());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
