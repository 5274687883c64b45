//! Stands in for the Invoke operation of Lambda's API, so that `aws lambda invoke --endpoint-url` works as in an
//! account.
//!
//! Signatures are not checked. Any program on this machine may invoke functions; a web page in its browser may not.

use std::net::IpAddr;

use axum::body::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::route::{Pattern, decoded_segments};
use crate::aws::invoke::{self, Lambda};
use crate::template::Route;

const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// A synchronous invocation's payload must be smaller than this: Lambda's 6 MB.
const PAYLOAD_LIMIT_BYTES: usize = 6 * 1024 * 1024;

/// The functions that can be invoked by name.
pub struct InvokeApi {
    route: Pattern,
    lambdas: Vec<Lambda>,
}

impl Default for InvokeApi {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// The reason why a request is refused.
enum Refusal {
    Forbidden(&'static str),
    Invalid(&'static str),
    NotJson(serde_json::Error),
    TooLarge,
    Unknown(String),
}

impl InvokeApi {
    pub fn new(lambdas: Vec<Lambda>) -> Self {
        let path = "/2015-03-31/functions/{name}/invocations".to_owned();
        Self { route: Pattern::new(&Route { method: "POST".to_owned(), path }), lambdas }
    }

    /// Handles a request if it is for this API.
    pub async fn handle(&self, parts: &Parts, body: &Bytes) -> Option<Response<Bytes>> {
        let path = decoded_segments(parts.uri.path())?;
        let mut parameters = self.route.matches(parts.method.as_str(), &path)?;
        let name = parameters.remove("name").unwrap_or_default();
        let mut response = match self.check(parts, body, &name) {
            Ok((lambda, payload)) => run(lambda, payload).await,
            Err(refusal) => refusal.response(),
        };
        let id = format!("{:032x}", rand::random::<u128>());
        for (name, value) in [
            (CONTENT_TYPE, Ok(HeaderValue::from_static("application/json"))),
            (REQUEST_ID, HeaderValue::try_from(id)),
        ] {
            response.headers_mut().extend(value.ok().map(|value| (name, value)));
        }
        Some(response)
    }

    fn check(&self, parts: &Parts, body: &Bytes, name: &str) -> Result<(Lambda, Value), Refusal> {
        if parts.headers.contains_key(ORIGIN) {
            return Err(Refusal::Forbidden("A web page may not invoke functions."));
        }
        if !only_loopback(parts) {
            return Err(Refusal::Forbidden("Functions can be invoked only at 127.0.0.1, ::1 or localhost."));
        }
        let kind = parts.headers.get(INVOCATION_TYPE);
        if kind.is_some_and(|kind| kind != "RequestResponse") {
            return Err(Refusal::Invalid(
                "The local stack supports only the invocation type RequestResponse.",
            ));
        }
        if body.len() >= PAYLOAD_LIMIT_BYTES {
            return Err(Refusal::TooLarge);
        }
        let lambda = invoke::find(&self.lambdas, name).ok_or_else(|| Refusal::Unknown(name.to_owned()))?;
        let payload = if body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(body).map_err(Refusal::NotJson)?
        };
        Ok((lambda.clone(), payload))
    }
}

/// Whether every host that the request names is this machine. This stops DNS rebinding: a page whose own host name
/// resolves to 127.0.0.1 still sends that name.
fn only_loopback(parts: &Parts) -> bool {
    let named = parts.headers.get_all(HOST).iter().map(|host| Authority::try_from(host.as_bytes()).ok());
    let mut hosts = named.chain(parts.uri.authority().cloned().map(Some));
    hosts.all(|host| host.is_some_and(|host| is_loopback(host.host())))
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn run(lambda: Lambda, payload: Value) -> Response<Bytes> {
    // A separate task: the invocation continues when the caller hangs up.
    let outcome = tokio::spawn(async move { lambda.invoke(payload).await }).await;
    let outcome = outcome.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => Err(invoke::panic_diagnostic(panic.as_ref())),
        Err(_) => Err("The stack is stopping.".into()),
    });
    let (body, failed) = match outcome {
        Ok(response) => (response, false),
        Err(error) => (json!(error), true),
    };
    let mut response = Response::new(body.to_string().into());
    response.headers_mut().insert(EXECUTED_VERSION, HeaderValue::from_static("$LATEST"));
    if failed {
        response.headers_mut().insert(FUNCTION_ERROR, HeaderValue::from_static("Unhandled"));
    }
    response
}

impl Refusal {
    /// Follows the API's model, including the exceptions that spell `Message` with a capital.
    fn response(self) -> Response<Bytes> {
        let (status, kind, field, message) = match self {
            Self::Forbidden(why) => {
                (StatusCode::FORBIDDEN, "AccessDeniedException", "Message", why.to_owned())
            }
            Self::Invalid(why) => {
                (StatusCode::BAD_REQUEST, "InvalidParameterValueException", "message", why.to_owned())
            }
            Self::NotJson(error) => (
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                "message",
                format!("Could not parse request body into json: {error}"),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestTooLargeException",
                "message",
                format!(
                    "Request must be smaller than {PAYLOAD_LIMIT_BYTES} bytes for the InvokeFunction operation"
                ),
            ),
            Self::Unknown(name) => (
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                "Message",
                format!("Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name}"),
            ),
        };
        let mut response = Response::new(json!({ "Type": "User", field: message }).to_string().into());
        *response.status_mut() = status;
        response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(kind));
        response
    }
}

#[cfg(test)]
mod tests;
