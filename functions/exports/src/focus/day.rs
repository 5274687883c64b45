//! The lines of a day: its charges, added up from its raw events, and its compute.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use ledger::calendar::Calendar;
use ledger::dimension::Dimension;
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::money::{MAX_SCALE, round};
use ledger::period::{Day, DayRange};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use store::repricing::PricedEvent;
use web::error::{Fault, Result};

use super::charge::{Charge, ChargeKey, charges};
use crate::Tables;
use crate::files::FocusSource;

/// Lanes that are read concurrently.
const IN_FLIGHT: usize = 8;

/// Reads the lines of one day after another.
pub struct DayReader<'a> {
    tables: &'a Tables,
    org: &'a OrgId,
    calendar: Calendar,
    /// The dimensions that become tags.
    tags: &'a [Dimension],
    /// Whether compute is read.
    has_compute: bool,
    /// The most events of a day.
    max_events: usize,
    /// The number of events that were read so far, of all days.
    pub events_read: usize,
}

/// The key of a line, in the order of the lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LineKey {
    Charge(ChargeKey),
    Compute(ComputeKey),
}

/// The key of a day's compute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComputeKey {
    pub project: String,
    pub meter: String,
}

/// A line of a day.
#[derive(Clone, Debug)]
pub enum Line {
    Charge(ChargeKey, Charge),
    /// Hours, or gigabyte-hours: rounded half-even to 12 decimals.
    Compute(ComputeKey, Decimal),
}

impl Line {
    pub fn key(&self) -> LineKey {
        match self {
            Self::Charge(key, _) => LineKey::Charge(key.clone()),
            Self::Compute(key, _) => LineKey::Compute(key.clone()),
        }
    }
}

/// The meters of compute.
pub const CPU: &str = "CPU Core Hours";
pub const MEMORY: &str = "Memory GB-Hours";
pub const DISK: &str = "Disk GB-Hours";
pub const INSTANCE: &str = "Instance Hours";

const SECONDS: Decimal = Decimal::from_parts(3_600, 0, 0, false, 0);

impl<'a> DayReader<'a> {
    /// A reader that fails at a day with more than `max_events`.
    pub fn new(tables: &'a Tables, source: &'a FocusSource, has_compute: bool, max_events: usize) -> Self {
        let FocusSource { org, settings, .. } = source;
        let (calendar, tags) = (settings.calendar, &settings.organization.dimensions);
        Self { tables, org, calendar, tags, has_compute, max_events, events_read: 0 }
    }

    /// The lines of a day, in order.
    pub async fn lines(&mut self, day: Day) -> Result<Vec<Line>> {
        let charges = self.charges(day).await?.into_iter().map(|(key, charge)| Line::Charge(key, charge));
        let mut lines: Vec<_> = charges.collect();
        if self.has_compute {
            lines.extend(self.compute(day).await?);
        }
        Ok(lines)
    }

    async fn compute(&self, day: Day) -> Result<Vec<Line>> {
        let (generation, days) = (self.calendar.generation, DayRange { first: day, last: day });
        let projects = self.tables.usage.compute_days(self.org, generation, days, None).await?;
        let mut lines = BTreeMap::new();
        for (_, project, used) in projects {
            for (meter, seconds) in [
                (CPU, used.cpu_core_seconds),
                (MEMORY, used.ram_gb_seconds),
                (DISK, used.disk_gb_seconds),
                (INSTANCE, used.instance_seconds),
            ] {
                let hours = seconds.checked_div(SECONDS).map(|hours| round(hours, MAX_SCALE));
                let key = ComputeKey { project: project.to_string(), meter: meter.to_owned() };
                lines.extend(hours.filter(|hours| !hours.is_zero()).map(|hours| (key, hours)));
            }
        }
        Ok(lines.into_iter().map(|(key, hours)| Line::Compute(key, hours)).collect())
    }

    /// The charges of a day, in order.
    async fn charges(&mut self, day: Day) -> Result<BTreeMap<ChargeKey, Charge>> {
        let Tables { events, usage, .. } = self.tables;
        // Raw events are stored by UTC day, and a day in another zone overlaps two of them.
        let mut pages = events.priced_days(usage, self.org, self.calendar.overlapped(day), IN_FLIGHT).await?;
        let (mut all, mut read) = (BTreeMap::<_, Charge>::new(), 0);
        while let Some(page) = pages.try_next().await? {
            read += page.len();
            if read > self.max_events {
                return Err(too_many(day, self.max_events));
            }
            // Malformed events are quarantined and not part of any figure.
            for event in page.into_iter().filter_map(PricedEvent::standing) {
                let Data::LlmCall(call) = &event.data else { continue };
                if self.calendar.day(event.time) != Some(day) {
                    continue;
                }
                for (key, charge) in charges(call, event.time, &self.tags_of(&event)) {
                    all.entry(key).or_default().add(charge);
                }
            }
        }
        self.events_read += read;
        Ok(all)
    }

    fn tags_of(&self, event: &Event) -> BTreeMap<String, String> {
        let tags = self.tags.iter().filter_map(|dimension| {
            let name = match dimension {
                // Names of people are only shown to those who manage the organization.
                Dimension::EndUser => return None,
                Dimension::Tag(name) => name.clone(),
                other => other.to_string(),
            };
            Some((name, dimension.value(event)?.into_owned()))
        });
        tags.collect()
    }
}

fn too_many(day: Day, most: usize) -> web::error::Error {
    let msg = format!("{day} has more than {most} events, which is more than one request can export");
    Fault::of_query("from", "too_many_events", msg).into()
}
