//! `GET /api/exports/ocsf`: the activity log as events of OCSF (Open Cybersecurity Schema Framework), one JSON object
//! on each line, oldest first.
//!
//! The events of a day are chained: each has the hashes of the previous event and of itself, its number, and the number
//! of events of the day. So everybody can verify that a file is complete and unchanged: `fleetledger verify FILE`. Only
//! past UTC days are exported, because today's chain still grows.

pub mod chain;
mod event;

use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use chrono_tz::Tz;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange, oldest_complete_day};
use serde::{Deserialize, Serialize};
use store::activity::{LogEntry, LogFilter, LogRange};
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::query::{FromQuery, Query, QueryReader};

use crate::page::{MAX_BYTES, response};
use crate::{App, Route, Tables};
use chain::Chain;

/// The most entries of a day that a request has time to read.
const MAX_ENTRIES: usize = 100_000;
/// The most days of a file.
const MAX_DAYS: u32 = 400;

pub fn route() -> Route {
    Route::get("/api/exports/ocsf", Scope::ActivityRead, handle)
}

struct Params {
    /// `from`: the first UTC day; default yesterday.
    from: Option<Day>,
    /// `to`: the first day after the range; default today.
    to: Option<Day>,
    /// `cursor`: the `x-next-cursor` of the previous page.
    cursor: Option<String>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        Self { from: query.day("from"), to: query.day("to"), cursor: query.text("cursor") }
    }
}

/// Where the next page starts: on the day `first`, after the event with this number and hash.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    first: Day,
    last: Day,
    after: Option<(usize, String)>,
}

async fn handle(State(app): State<App>, caller: Caller, Query(params): Query<Params>) -> Result<Response> {
    let today = Day::of(app.clock.now(), Tz::UTC);
    let secret = &*app.config.cursor_secret().map_err(Error::internal)?.get().await?;
    let question = format!("{:?} {:?}", params.from, params.to);
    let bound = ["exports/ocsf", caller.org.as_str(), &question];
    let cursor: Option<Cursor> = web::cursor::read(params.cursor.as_deref(), secret, &bound)?;
    let start = if let Some(cursor) = cursor {
        cursor
    } else {
        let DayRange { first, last } = days(&params, today, app.config.event_retention_days)?;
        Cursor { first, last, after: None }
    };
    let mut body = Vec::new();
    let next = write(&app, &caller.org, start, &mut body).await?;
    let next = next.map(|next| web::cursor::sign(&next, secret, &bound)).transpose()?;
    response("application/x-ndjson", body, next)
}

fn days(params: &Params, today: Day, retention_days: u32) -> Result<DayRange> {
    let fault = |name: &'static str, kind, msg: String| -> Error { Fault::of_query(name, kind, msg).into() };
    let last = params.to.unwrap_or(today).minus(1);
    let first = params.from.unwrap_or(today.minus(1));
    if last >= today {
        return Err(fault("to", "range", format!("Input should not be after {today}, which is not over")));
    }
    if first > last {
        return Err(fault("to", "range", "Input should be after 'from'".to_owned()));
    }
    let oldest = oldest_complete_day(today, retention_days).max(last.minus(MAX_DAYS - 1));
    if first < oldest {
        return Err(fault("from", "expired", format!("Input should not be before {oldest}")));
    }
    Ok(DayRange { first, last })
}

/// A day as one file.
pub async fn day_file(tables: &Tables, org: &OrgId, day: Day) -> Result<Vec<u8>> {
    let entries = entries(tables, org, day).await?;
    let mut chain = Chain::new(org.as_str(), &day.to_string(), entries.len());
    let mut file = Vec::new();
    for entry in &entries {
        let line = chain.line(event::of(org, entry)).map_err(Error::internal)?;
        file.extend_from_slice(line.as_bytes());
        file.push(b'\n');
    }
    Ok(file)
}

/// Writes days until the page is full. Returns where the next page starts, if there is one.
async fn write(app: &App, org: &OrgId, start: Cursor, body: &mut Vec<u8>) -> Result<Option<Cursor>> {
    let Cursor { first, last, mut after } = start;
    for day in (DayRange { first, last }).days() {
        let entries = entries(&app.tables, org, day).await?;
        let mut chain = Chain::new(org.as_str(), &day.to_string(), entries.len());
        let skipped = after.as_ref().map_or(0, |(number, _)| *number);
        for entry in &entries {
            let line = chain.line(event::of(org, entry)).map_err(Error::internal)?;
            if chain.number() <= skipped {
                continue;
            }
            body.extend_from_slice(line.as_bytes());
            body.push(b'\n');
            if chain.number() == skipped + 1 {
                check_unchanged(day, after.as_ref(), chain.previous())?;
            }
            if body.len() >= MAX_BYTES && chain.number() < entries.len() {
                return Ok(Some(Cursor {
                    first: day,
                    last,
                    after: Some((chain.number(), chain.hash().to_owned())),
                }));
            }
        }
        after = None;
        if body.len() >= MAX_BYTES && day < last {
            return Ok(Some(Cursor { first: day.next(), last, after }));
        }
    }
    Ok(None)
}

/// Fails if the events that were exported on earlier pages have changed since.
fn check_unchanged(day: Day, after: Option<&(usize, String)>, previous: &str) -> Result<()> {
    if after.is_none_or(|(_, hash)| hash == previous) {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "Entries were added to {day} since the previous page; export the day again."
    )))
}

/// The entries of a day, oldest first.
async fn entries(tables: &Tables, org: &OrgId, day: Day) -> Result<Vec<LogEntry>> {
    let filter = LogFilter { org: org.clone(), agent: None, event_type: None };
    let newest = day.next().start(Tz::UTC) - TimeDelta::milliseconds(1);
    let range = LogRange::between(newest, day.start(Tz::UTC));
    let mut entries = tables.events.activity(&filter, &range, MAX_ENTRIES + 1).await?;
    if entries.len() > MAX_ENTRIES {
        let msg =
            format!("{day} has more than {MAX_ENTRIES} entries, which is more than one request can export");
        return Err(Fault::of_query("from", "too_many_entries", msg).into());
    }
    entries.reverse();
    Ok(entries)
}
