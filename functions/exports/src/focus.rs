//! `GET /api/exports/focus`: the cost of calls in the columns of FOCUS (FinOps Open Cost and Usage Specification).
//!
//! There is a row for each day, agent, model, meter (a class of tokens, or a unit) and price. Rows are made from raw
//! events, which have the cost by class, rather than from rollups: the sum of `BilledCost` is the sum of the events'
//! costs, which is what every other endpoint shows. Compute, which has no cost, is added on request.

mod charge;
mod columns;
mod day;
mod params;
mod parquet_file;

use axum::extract::State;
use axum::response::Response;
use chrono_tz::Tz;
use ledger::period::{Day, DayRange, oldest_complete_day};
use serde::{Deserialize, Serialize};
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::query::Query;

use crate::files::FocusSource;
use crate::page::{MAX_BYTES, response};
use crate::{App, Route, Tables};
use columns::{Account, Writer};
use day::{DayReader, LineKey};
use params::Params;

/// The most events of a day that a request has time to read.
const MAX_EVENTS: usize = 400_000;
/// Events after which a page ends with the current day.
const ENOUGH_EVENTS: usize = 100_000;

pub fn route() -> Route {
    Route::get("/api/exports/focus", Scope::CostsRead, handle).with_figures()
}

/// Where the next page starts.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    first: Day,
    last: Day,
    /// The last row of the first day that was written.
    after: Option<LineKey>,
}

async fn handle(State(app): State<App>, caller: Caller, Query(params): Query<Params>) -> Result<Response> {
    let org = &caller.org;
    let settings = app.tables.registry.settings_cached(org).await?;
    let today = Day::of(app.clock.now(), settings.calendar.zone);
    let secret = &*app.config.cursor_secret().map_err(Error::internal)?.get().await?;
    let question = params.bound();
    let bound = ["exports/focus", org.as_str(), &question];
    let cursor: Option<Cursor> = web::cursor::read(params.cursor.as_deref(), secret, &bound)?;
    let is_first = cursor.is_none();
    let start = if let Some(cursor) = cursor {
        cursor
    } else {
        let DayRange { first, last } = params.days(today)?;
        let utc_today = Day::of(app.clock.now(), Tz::UTC);
        check_retention(
            settings.calendar.overlapped(first).first,
            utc_today,
            app.config.event_retention_days,
        )?;
        Cursor { first, last, after: None }
    };
    let agents = app.tables.registry.agents(org).await?;
    let source = FocusSource { org: org.clone(), settings, agents };
    let mut writer = Writer::new(&params, Account::of(&source), is_first)?;
    let reader = DayReader::new(&app.tables, &source, params.has_compute, MAX_EVENTS);
    let next = write(reader, start, &mut writer).await?;
    let next = next.map(|next| web::cursor::sign(&next, secret, &bound)).transpose()?;
    response(params.format.media_type(), writer.finish()?, next)
}

/// A day as one Parquet file. It may have any number of events, which are read page by page.
pub async fn day_file(tables: &Tables, source: &FocusSource, day: Day) -> Result<Vec<u8>> {
    let mut writer = Writer::new(&Params::of_day(day), Account::of(source), true)?;
    let mut reader = DayReader::new(tables, source, false, usize::MAX);
    for line in reader.lines(day).await? {
        writer.write(day, &line)?;
    }
    writer.finish()
}

/// Writes days until the page is full. Returns where the next page starts, if there is one.
async fn write(mut reader: DayReader<'_>, start: Cursor, writer: &mut Writer<'_>) -> Result<Option<Cursor>> {
    let Cursor { first, last, mut after } = start;
    let mut day = first;
    while day <= last {
        for line in reader.lines(day).await? {
            let key = line.key();
            if after.as_ref().is_some_and(|after| key <= *after) {
                continue;
            }
            if writer.len() >= MAX_BYTES {
                return Ok(Some(Cursor { first: day, last, after }));
            }
            writer.write(day, &line)?;
            after = Some(key);
        }
        (day, after) = (day.next(), None);
        if (writer.len() >= MAX_BYTES || reader.events_read >= ENOUGH_EVENTS) && day <= last {
            return Ok(Some(Cursor { first: day, last, after }));
        }
    }
    Ok(None)
}

/// Fails if raw events of the range may have expired.
fn check_retention(first: Day, today: Day, retention_days: u32) -> Result<()> {
    let oldest = oldest_complete_day(today, retention_days);
    if first >= oldest {
        return Ok(());
    }
    let msg = format!("Events are kept from {oldest} on");
    Err(Fault::of_query("from", "expired", msg).into())
}
