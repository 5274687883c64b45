//! `POST /v1/events`: takes CloudEvents in, stores each once, and answers only after.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use http::HeaderMap;
use lambda_http::Context as LambdaContext;
use runtime::metrics::Metric;
use serde::Serialize;
use store::events::RawEvent;
use tokio::time::Instant;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Loc, Result};
use web::route::Route;

use crate::body::{self, Events};
use crate::envelope::{self, Code, Context, Rejection};
use crate::insert::{self, Verdict};

/// The route of this endpoint.
pub fn route() -> Route {
    Route::post("/v1/events", Scope::EventsWrite, handle)
}

/// What became of the events.
#[derive(Debug, Serialize)]
pub struct Response {
    /// Stored by this request.
    accepted: usize,
    /// Stored before, with the same content.
    duplicates: usize,
    /// Not taken, each with its reason.
    rejected: Vec<Rejected>,
}

/// An event that was not taken.
#[derive(Debug, Serialize)]
struct Rejected {
    /// Its place in the request, from 0.
    index: usize,
    /// Its `id`, where it has one.
    id: Option<String>,
    code: Code,
    /// Whether sending the same again may help.
    retryable: bool,
    detail: Vec<Fault>,
}

/// Time to store a request's events in, where the caller sets none.
const TIME_TO_STORE: Duration = Duration::from_secs(8);
/// Time that is left for the answer.
const TIME_TO_ANSWER: Duration = Duration::from_secs(1);

async fn handle(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    context: Option<axum::Extension<LambdaContext>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Response>> {
    let started = Instant::now();
    let text = body::text(&headers, &body.map_err(|_| body::too_large())?)?;
    let events = body::split(&headers, &text)?;
    let events = located(&events);
    let settings = app.store.settings_cached(&caller.org).await;
    let settings = settings.inspect_err(|_| Metric::Unavailable.count(events.len()))?;
    let now = app.clock.now();
    let request = rand::random();
    let read = Context { org: &caller.org, settings: &settings, now };

    let (mut raw, mut places, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    for (index, event, loc) in events {
        match envelope::read(&read, event, &loc) {
            Ok(event) => {
                raw.push(RawEvent::new(&event, request, now, app.config.event_retention_days)?);
                places.push((index, event.id.to_string(), loc));
            }
            Err(rejection) => rejected.push(Rejected::new(index, rejection)),
        }
    }
    let time = context.map_or(TIME_TO_STORE, |context| time_to_store(&context));
    let verdicts = insert::insert(&app.store, &raw, started + time).await;
    let [accepted, duplicates, unavailable] = count(&verdicts, rejected.len());
    if accepted + duplicates == 0 && unavailable > 0 {
        return Err(Error::Unavailable("no event could be stored".to_owned()));
    }
    let refused = places.into_iter().zip(verdicts);
    rejected.extend(refused.filter_map(|((index, id, loc), verdict)| refusal(index, id, loc, verdict)));
    rejected.sort_by_key(|rejected| rejected.index);
    Ok(Json(Response { accepted, duplicates, rejected }))
}

/// Counts what became of a request's events, `rejected` of which were not fit to be stored: how many are stored, how
/// many were before, and how many could not be.
fn count(verdicts: &[Verdict], rejected: usize) -> [usize; 3] {
    let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let all = [count(Verdict::Accepted), count(Verdict::Duplicate), count(Verdict::Unavailable)];
    Metric::Accepted.count(all[0]);
    Metric::Duplicates.count(all[1]);
    Metric::Unavailable.count(all[2]);
    Metric::Rejected.count(rejected + count(Verdict::Conflict));
    all
}

/// Each event with its index and the place that its faults name.
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
    left.saturating_sub(TIME_TO_ANSWER).min(TIME_TO_STORE)
}

impl Rejected {
    fn new(index: usize, rejection: Rejection) -> Self {
        let retryable = rejection.code == Code::Unavailable;
        Self { index, id: rejection.id, code: rejection.code, retryable, detail: rejection.detail }
    }
}

fn refusal(index: usize, id: String, mut loc: Vec<Loc>, verdict: Verdict) -> Option<Rejected> {
    let (code, msg) = match verdict {
        Verdict::Accepted | Verdict::Duplicate => return None,
        Verdict::Conflict => {
            (Code::Conflict, "An event with this source, id and day is stored with other content")
        }
        Verdict::Unavailable => (Code::Unavailable, "The event could not be stored now"),
    };
    let kind = if code == Code::Conflict { "conflict" } else { "unavailable" };
    loc.push("id".into());
    let detail = vec![Fault::new(loc, kind, msg)];
    Some(Rejected::new(index, Rejection { id: Some(id), code, detail }))
}
