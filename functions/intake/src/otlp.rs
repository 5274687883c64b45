//! `POST /otlp/v1/{traces,logs,metrics}`: OTLP/HTTP 1.9 (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! Exporters retry only on 429, 502, 503 and 504, and always the whole request. So if an event could not be stored, the
//! response is a 503, and the events that were stored are duplicates in the retry.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use formats::otlp::{self, Encoding, Options, partial_success, status};
use formats::{Signal, Translation, Unreadable};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use ingestion::Results;
use ingestion::body::header;
use lambda_http::Context as LambdaContext;
use tokio::time::Instant;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Error;

use crate::{App, Route, request};

/// Maximum number of reasons in a message, which exporters log as one line.
const MAX_REASONS: usize = 5;
/// `INVALID_ARGUMENT` and `UNAVAILABLE` of `google.rpc.Code`.
const INVALID_ARGUMENT: i32 = 3;
const UNAVAILABLE: i32 = 14;

pub fn routes() -> Vec<Route> {
    vec![
        route("/otlp/v1/traces", Signal::Spans),
        route("/otlp/v1/logs", Signal::Logs),
        route("/otlp/v1/metrics", Signal::Metrics),
    ]
}

fn route(path: &'static str, signal: Signal) -> Route {
    let handler = move |State(app): State<App>,
                        caller: Caller,
                        headers: HeaderMap,
                        context: Option<axum::Extension<LambdaContext>>,
                        body: Body| async move {
        let media_type = header(&headers, &CONTENT_TYPE).unwrap_or_default();
        let Some(encoding) = Encoding::of(media_type) else {
            let text = "Content-Type should be application/x-protobuf or application/json.";
            return Error::UnsupportedMediaType(text.to_owned()).into_response();
        };
        let request = Export { app, caller, headers, context: context.map(|context| context.0), signal };
        match request.export(encoding, body).await {
            Ok(body) => encoded(StatusCode::OK, encoding, body),
            Err(failure) => failure.response(encoding),
        }
    };
    Route::post(path, Scope::EventsWrite, handler)
}

struct Export {
    app: App,
    caller: Caller,
    headers: HeaderMap,
    context: Option<LambdaContext>,
    signal: Signal,
}

enum Failure {
    Unreadable(Unreadable),
    /// Some events could not be stored at this time.
    Unavailable,
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Export {
    async fn export(&self, encoding: Encoding, body: Body) -> Result<Vec<u8>, Failure> {
        let started = Instant::now();
        let body = request::body(&self.headers, body).await?;
        let settings = request::settings(&self.app, &self.caller).await?;
        let options = Options { tags: settings.organization.resource_attribute_tags.clone() };
        let translation = match self.signal {
            Signal::Spans => otlp::traces(body, encoding, &options),
            Signal::Logs => otlp::logs(body, encoding, &options),
            Signal::Metrics => otlp::metrics(body, encoding),
        };
        let translation = translation.map_err(Failure::Unreadable)?;
        let context = self.context.as_ref();
        let results =
            request::store(&self.app, &self.caller, context, started, &settings, ("otlp", &translation))
                .await?;
        if request::is_unavailable(&results) {
            return Err(Failure::Unavailable);
        }
        let (rejected, message) = verdict(&translation, &results, self.signal);
        Ok(partial_success(self.signal, encoding, rejected, message))
    }
}

/// The number of rejected entries, and the message for the sender.
fn verdict(translation: &Translation, results: &Results, signal: Signal) -> (usize, String) {
    // A conflict is a call that another span, with another end time, reported in an earlier request. It is counted.
    let rejected = results.rejected.iter().filter(|rejected| !request::is_stored(rejected));
    let faults = rejected.map(|one| {
        let fault = one.detail.first();
        (one.index, fault.map_or_else(String::new, |fault| format!("{}: {}", name(fault), fault.msg)))
    });
    let refusals = translation.refusals.iter().map(|refusal| (refusal.index, refusal.reason.clone()));
    let mut reasons: Vec<_> = refusals.chain(faults).collect();
    reasons.sort();
    let count = reasons.len();
    let listed =
        reasons.into_iter().take(MAX_REASONS).map(|(index, reason)| format!("Entry {index}: {reason}."));
    let warning = translation.warning(signal);
    let sentences: Vec<_> = listed.chain((!warning.is_empty()).then_some(warning)).collect();
    (count, sentences.join(" "))
}

/// The name of the field that a fault is about.
fn name(fault: &web::error::Fault) -> String {
    match fault.loc.last() {
        Some(web::error::Loc::Name(name)) => name.to_string(),
        _ => String::new(),
    }
}

impl Failure {
    fn response(self, encoding: Encoding) -> Response {
        match self {
            Self::Unreadable(Unreadable(why)) => {
                encoded(StatusCode::BAD_REQUEST, encoding, status(encoding, INVALID_ARGUMENT, &why))
            }
            Self::Unavailable => unavailable(encoding),
            Self::Other(Error::Unavailable(why)) => {
                tracing::warn!(error = why, "request failed");
                unavailable(encoding)
            }
            // A body that is not valid gzip, like one that is not a valid message.
            Self::Other(Error::Validation(faults)) => {
                let why = faults.first().map_or("", |fault| &fault.msg);
                encoded(StatusCode::BAD_REQUEST, encoding, status(encoding, INVALID_ARGUMENT, why))
            }
            Self::Other(error) => error.into_response(),
        }
    }
}

fn unavailable(encoding: Encoding) -> Response {
    let body = status(encoding, UNAVAILABLE, "The service cannot answer now. Try again.");
    let mut response = encoded(StatusCode::SERVICE_UNAVAILABLE, encoding, body);
    response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
    response
}

fn encoded(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, encoding.content_type())], body).into_response()
}
