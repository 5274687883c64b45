//! Reading the raw events of a range.

use chrono_tz::Tz;
use futures::TryStreamExt;
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period::{Day, oldest_complete_day};
use store::repricing::PricedEvent;
use web::error::{Error, Fault, Result};

use crate::App;
use crate::range::Range;

/// The most days of a range whose raw events are read.
pub const MAX_DAYS: u32 = 7;
/// The most events that are read for a range.
pub const MAX_EVENTS: usize = 200_000;
/// The lanes that are read at once, each a page of up to 1 MB at a time.
const IN_FLIGHT: usize = 8;

/// Calls `add` with each event of the range, in no order. Reads are strongly consistent: whatever was stored before is
/// among them. Malformed events, which are in the quarantine, and events that were amended are not: they are in no figure.
///
/// # Errors
///
/// Events of the range may have expired, or there are more than [`MAX_EVENTS`], or `add` fails.
pub async fn for_each(
    app: &App,
    org: &OrgId,
    range: Range,
    mut add: impl FnMut(&Event) -> Result<()>,
) -> Result<()> {
    check_retention(app, range)?;
    let (tables, days) = (&app.tables, range.utc_days());
    let mut pages = tables.events.priced_days(&tables.usage, org, days, IN_FLIGHT).await?;
    let mut read = 0;
    while let Some(page) = pages.try_next().await? {
        read += page.len();
        if read > MAX_EVENTS {
            let msg = format!("The range has more than {MAX_EVENTS} events; ask for a shorter one");
            return Err(fault("too_many_events", msg));
        }
        let events = page.into_iter().filter_map(PricedEvent::standing);
        for event in events.filter(|event| range.contains(event.time)) {
            add(&event)?;
        }
    }
    Ok(())
}

fn check_retention(app: &App, range: Range) -> Result<()> {
    let today = Day::of(app.clock.now(), Tz::UTC);
    let oldest = oldest_complete_day(today, app.config.event_retention_days);
    if range.utc_days().first >= oldest {
        return Ok(());
    }
    Err(fault("expired", format!("The events of this question are kept from {oldest} on")))
}

fn fault(kind: &'static str, msg: String) -> Error {
    Fault::of_query("from", kind, msg).into()
}
