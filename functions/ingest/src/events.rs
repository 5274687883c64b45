//! `POST /v1/events`: stores each event once and responds after all are stored.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use http::{HeaderMap, StatusCode};
use lambda_http::Context as LambdaContext;
use runtime::metrics::Metric;
use serde::Serialize;
use store::events::RawEvent;
use tokio::time::Instant;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Loc, Result};

use crate::binary;
use crate::body::{self, Events};
use crate::envelope;
use crate::insert::{self, InsertOutcome};
use crate::rejection::{Rejection, RejectionCode};
use crate::stamp::{Intake, stamp};
use crate::{App, Route};

pub fn route() -> Route {
    Route::post("/v1/events", Scope::EventsWrite, handle)
}

/// The outcome of each event.
#[derive(Debug, Serialize)]
pub struct Response {
    /// Stored by this request.
    accepted: usize,
    /// Already stored with the same content.
    duplicates: usize,
    /// Not stored, each with its reasons.
    rejected: Vec<Rejected>,
    /// What was left out of events that were taken, and what looks wrong in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// Something about an event that did not keep it from being stored.
#[derive(Debug, Serialize)]
struct Warning {
    /// Position in the request, from 0.
    index: usize,
    #[serde(flatten)]
    fault: Fault,
}

/// Warnings listed in a response.
const MAX_WARNINGS: usize = 1_000;

/// An event that was not stored.
#[derive(Debug, Serialize)]
struct Rejected {
    /// Position in the request, from 0.
    index: usize,
    /// The event's `id`, if it has one.
    id: Option<String>,
    code: RejectionCode,
    /// Whether sending the same event again may succeed.
    retryable: bool,
    detail: Vec<Fault>,
}

/// Time to store the events of a request when the Lambda context sets no deadline.
const TIME_TO_STORE: Duration = Duration::from_secs(8);
/// Time reserved for the response.
const TIME_TO_RESPOND: Duration = Duration::from_secs(1);

async fn handle(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    context: Option<axum::Extension<LambdaContext>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Response>)> {
    let started = Instant::now();
    let text = body::text(&headers, &body.map_err(|_| body::too_large())?)?;
    let binary = if binary::is_binary(&headers) { Some(binary::structured(&headers, &text)?) } else { None };
    let events = match &binary {
        Some(event) => Events::One(event),
        None => body::split(&headers, &text)?,
    };
    let events = located(&events);
    let settings = app.tables.registry.settings_cached(&caller.org).await;
    let settings = settings.inspect_err(|_| Metric::Unavailable.count(events.len()))?;
    let now = app.clock.now();
    let request = rand::random();
    let intake = Intake { org: &caller.org, settings: &settings, now };

    let (mut raw, mut places) = (Vec::new(), Vec::new());
    let (mut rejected, mut warnings) = (Vec::new(), Vec::new());
    for (index, event, loc) in events {
        let parsed = envelope::parse(event, &loc)
            .and_then(|(draft, warned)| Ok((stamp(draft, &loc, &intake)?, warned)));
        match parsed {
            Ok((event, warned)) => {
                warnings.extend(warned.into_iter().map(|fault| Warning { index, fault }));
                raw.push(RawEvent::new(&event, request, now, app.config.event_retention_days)?);
                places.push((index, event.id.to_string(), loc));
            }
            Err(rejection) => rejected.push(Rejected::new(index, rejection)),
        }
    }
    let time = context.map_or(TIME_TO_STORE, |context| time_to_store(&context));
    let outcomes = insert::insert(&app.tables.events, &raw, started + time).await;
    let [accepted, duplicates, unavailable] = count(&outcomes, rejected.len());
    if accepted + duplicates == 0 && unavailable > 0 {
        return Err(Error::Unavailable("no event could be stored".to_owned()));
    }
    let refused = places.into_iter().zip(outcomes);
    rejected.extend(refused.filter_map(|((index, id, loc), outcome)| refusal(index, id, loc, outcome)));
    rejected.sort_by_key(|rejected| rejected.index);
    warnings.truncate(MAX_WARNINGS);
    let status = status(accepted + duplicates, &rejected);
    Ok((status, Json(Response { accepted, duplicates, rejected, warnings })))
}

/// A request of which nothing could be taken is refused as a whole, for senders that look at the status alone.
fn status(stored: usize, rejected: &[Rejected]) -> StatusCode {
    let is_malformed =
        |rejected: &Rejected| matches!(rejected.code, RejectionCode::Invalid | RejectionCode::Reserved);
    if stored == 0 && rejected.iter().any(is_malformed) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    }
}

/// Counts accepted, duplicate and unavailable events. `rejected` is the number that failed validation.
fn count(outcomes: &[InsertOutcome], rejected: usize) -> [usize; 3] {
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let all =
        [count(InsertOutcome::Accepted), count(InsertOutcome::Duplicate), count(InsertOutcome::Unavailable)];
    Metric::Accepted.count(all[0]);
    Metric::Duplicates.count(all[1]);
    Metric::Unavailable.count(all[2]);
    Metric::Rejected.count(rejected + count(InsertOutcome::Conflict));
    all
}

/// Each event with its index and the location that its faults start with.
fn located<'a>(events: &'a Events<'a>) -> Vec<(usize, &'a serde_json::value::RawValue, Vec<Loc>)> {
    match events {
        Events::One(event) => vec![(0, *event, vec!["body".into()])],
        Events::List(list) => {
            list.iter().enumerate().map(|(i, event)| (i, *event, vec!["body".into(), i.into()])).collect()
        }
    }
}

fn time_to_store(context: &LambdaContext) -> Duration {
    let left = context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
    left.saturating_sub(TIME_TO_RESPOND).min(TIME_TO_STORE)
}

impl Rejected {
    fn new(index: usize, rejection: Rejection) -> Self {
        let retryable = rejection.code == RejectionCode::Unavailable;
        Self { index, id: rejection.id, code: rejection.code, retryable, detail: rejection.detail }
    }
}

fn refusal(index: usize, id: String, mut loc: Vec<Loc>, outcome: InsertOutcome) -> Option<Rejected> {
    let (code, msg) = match outcome {
        InsertOutcome::Accepted | InsertOutcome::Duplicate => return None,
        InsertOutcome::Conflict => {
            (RejectionCode::Conflict, "An event with this source, id and day is stored with other content")
        }
        InsertOutcome::Unavailable => (RejectionCode::Unavailable, "The event could not be stored now"),
    };
    let kind = if code == RejectionCode::Conflict { "conflict" } else { "unavailable" };
    loc.push("id".into());
    let detail = vec![Fault::new(loc, kind, msg)];
    Some(Rejected::new(index, Rejection { id: Some(id), code, detail }))
}
