//! `asOf` and `completeThrough` of responses with figures: every event that was accepted before `completeThrough` is in
//! them. Both are added to the JSON of a route that [has figures](crate::route::Route::with_figures), and to its headers,
//! which also go with a table.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::join;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use ledger::ids::OrgId;
use ledger::period;
use runtime::tables::Tables;
use serde::Serialize;
use store::Usage;
use store::completeness::Completeness;
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::table::is_json;

/// How long a process uses what it has read: it stays true, and is only a minute old at best.
const FRESH: Duration = Duration::from_secs(5);

/// How long a read may take, while the figures are read as well. What it finds was stored two seconds after the figures
/// had it, hence before they were read.
const LIMIT: Duration = Duration::from_secs(1);

/// Paths whose fields have names in snake case.
const SNAKE_CASE: [&str; 2] = ["/v1/", "/api/agents/workforce/"];

const AS_OF: HeaderName = HeaderName::from_static("fleetledger-as-of");
const COMPLETE_THROUGH: HeaderName = HeaderName::from_static("fleetledger-complete-through");

/// Tells up to which instant figures are complete.
#[derive(Debug)]
pub struct Freshness {
    usage: Option<Usage>,
    last: Mutex<Option<(Instant, Completeness)>>,
}

impl Freshness {
    /// Reads from the usage table. Without it, nothing is known.
    pub const fn new(usage: Option<Usage>) -> Self {
        Self { usage, last: Mutex::new(None) }
    }

    /// Up to which instant an organization's figures are complete, at most `as_of`, by which clocks disagree. None if it is
    /// not known: figures do not depend on it, so a failure is only logged.
    pub async fn complete_through(&self, org: &OrgId, as_of: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let known = match self.last() {
            Some(known) => known,
            None => self.read().await?,
        };
        known.of(org).map(|through| through.min(as_of))
    }

    fn last(&self) -> Option<Completeness> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, known)| known.clone())
    }

    async fn read(&self) -> Option<Completeness> {
        let at = Instant::now();
        let read = timeout(LIMIT, self.usage.as_ref()?.completeness());
        match read.await.unwrap_or_else(|_| Err(store::Error::Unavailable("it takes too long".to_owned()))) {
            Ok(known) => {
                // Until the first run there is nothing to keep.
                if known != Completeness::default() {
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, known.clone()));
                }
                Some(known)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot read how complete figures are");
                None
            }
        }
    }
}

/// Adds both instants to a response with figures.
pub async fn stated<T: Tables>(State(app): State<App<T>>, request: Request, next: Next) -> Result<Response> {
    let as_of = app.clock.now();
    let Some(Caller { org, .. }) = request.extensions().get::<Caller>().cloned() else {
        return Ok(next.run(request).await);
    };
    let path = request.uri().path();
    let is_snake_case = SNAKE_CASE.iter().any(|prefix| path.starts_with(prefix));
    let (through, mut response) = join!(app.freshness.complete_through(&org, as_of), next.run(request));
    if !response.status().is_success() {
        return Ok(response);
    }
    let as_of = period::rfc3339(as_of);
    let through = through.map(period::rfc3339);
    add_headers(response.headers_mut(), &as_of, through.as_deref());
    if !is_json(&response) {
        return Ok(response);
    }
    let names = if is_snake_case { ["as_of", "complete_through"] } else { ["asOf", "completeThrough"] };
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(Error::internal)?;
    parts.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(with_instants(&body, names, &as_of, through.as_deref())?)))
}

/// A response whose handler itself knows how complete its figures are. Both instants are added as on routes that have
/// figures.
#[derive(Debug)]
pub struct Stated<T> {
    /// When the figures were read.
    pub as_of: DateTime<Utc>,
    /// None if it is not known.
    pub complete_through: Option<DateTime<Utc>>,
    /// An object of fields in camel case.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Stated<T> {
    fn into_response(self) -> Response {
        let (as_of, through) = (period::rfc3339(self.as_of), self.complete_through.map(period::rfc3339));
        let body = serde_json::to_vec(&self.body).map_err(Error::internal);
        let names = ["asOf", "completeThrough"];
        let body = body.and_then(|body| with_instants(&body, names, &as_of, through.as_deref()));
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = body.map(|body| (json, body)).into_response();
        add_headers(response.headers_mut(), &as_of, through.as_deref());
        response
    }
}

fn add_headers(headers: &mut HeaderMap, as_of: &str, through: Option<&str>) {
    for (name, value) in [(AS_OF, Some(as_of)), (COMPLETE_THROUGH, through)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
}

/// A JSON object with both instants as further fields. Anything else stays as it is.
fn with_instants(
    body: &[u8],
    [as_of_name, through_name]: [&str; 2],
    as_of: &str,
    through: Option<&str>,
) -> Result<Vec<u8>> {
    let Some(fields) = body.strip_suffix(b"}") else { return Ok(body.to_vec()) };
    let through = serde_json::to_string(&through).map_err(Error::internal)?;
    let separator = if fields.ends_with(b"{") { "" } else { "," };
    let mut stated = fields.to_vec();
    stated
        .extend(format!(r#"{separator}"{as_of_name}":"{as_of}","{through_name}":{through}}}"#).into_bytes());
    Ok(stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_added_to_objects_only() {
        let stated = |body: &str, through| {
            let names = ["asOf", "completeThrough"];
            String::from_utf8(with_instants(body.as_bytes(), names, "2026-09-15T12:00:00Z", through).unwrap())
                .unwrap()
        };
        let (as_of, through) = ("2026-09-15T12:00:00Z", "2026-09-15T11:59:00Z");
        assert_eq!(stated("{}", None), format!(r#"{{"asOf":"{as_of}","completeThrough":null}}"#));
        assert_eq!(
            stated(r#"{"a":{}}"#, Some(through)),
            format!(r#"{{"a":{{}},"asOf":"{as_of}","completeThrough":"{through}"}}"#)
        );
        assert_eq!(stated("[{}]", None), "[{}]");
    }
}
