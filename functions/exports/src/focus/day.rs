//! The charges of a day, folded from its raw events.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use ledger::calendar::Calendar;
use ledger::event::Data;
use ledger::ids::OrgId;
use ledger::period::Day;
use store::repricing::PricedEvent;
use web::error::{Fault, Result};

use super::charge::{Charge, ChargeKey, charges};
use crate::Tables;

/// The most events of a day: what a request has time to read.
const MAX_EVENTS: usize = 400_000;
/// The lanes that are read at once.
const IN_FLIGHT: usize = 8;

/// Reads day after day.
pub struct DayReader<'a> {
    tables: &'a Tables,
    org: &'a OrgId,
    calendar: Calendar,
    events_read: usize,
}

impl<'a> DayReader<'a> {
    pub const fn new(tables: &'a Tables, org: &'a OrgId, calendar: Calendar) -> Self {
        Self { tables, org, calendar, events_read: 0 }
    }

    /// How many events were read of all days.
    pub const fn events_read(&self) -> usize {
        self.events_read
    }

    /// The charges of a day, in order.
    pub async fn charges(&mut self, day: Day) -> Result<BTreeMap<ChargeKey, Charge>> {
        let Tables { events, usage, .. } = self.tables;
        // Raw events are stored by days of UTC, of which a day of another zone overlaps two.
        let mut pages = events.priced_days(usage, self.org, self.calendar.overlapped(day), IN_FLIGHT).await?;
        let (mut all, mut read) = (BTreeMap::<_, Charge>::new(), 0);
        while let Some(page) = pages.try_next().await? {
            read += page.len();
            if read > MAX_EVENTS {
                return Err(too_many(day));
            }
            // Malformed events are in the quarantine, and in no figure.
            for event in page.into_iter().filter_map(PricedEvent::standing) {
                let Data::LlmCall(call) = &event.data else { continue };
                if self.calendar.day(event.time) != Some(day) {
                    continue;
                }
                for (key, charge) in charges(call, event.time) {
                    all.entry(key).or_default().add(charge);
                }
            }
        }
        self.events_read += read;
        Ok(all)
    }
}

fn too_many(day: Day) -> web::error::Error {
    let msg = format!("{day} has more than {MAX_EVENTS} events, which is more than one request can export");
    Fault::of_query("from", "too_many_events", msg).into()
}
