//! Whether an organisation has used anything yet.

use aws_sdk_dynamodb::types::Select;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::IgnoredAny;

use crate::error::Result;
use crate::keys;
use crate::keys::{KeyRange, PK, SK};
use crate::{Store, failed};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};

/// How far back, and how far ahead, events are taken in, with a day to spare at either end: their days may be those
/// of any zone.
const BACK: TimeDelta = TimeDelta::days(36);
const AHEAD: TimeDelta = TimeDelta::days(1);
/// Queries in flight at once.
const IN_FLIGHT: usize = 32;

impl Store {
    /// Whether an organisation has used anything: its changes to the registry do not count.
    ///
    /// What is older than the window in which events are taken has long been added up. What is within is looked for
    /// among the raw events too, so that an aggregator that is behind misleads nobody.
    pub async fn has_usage(&self, org: &OrgId, now: DateTime<Utc>) -> Result<bool> {
        let known = self.known::<IgnoredAny>(&keys::organization(org), true).await?;
        if known.seen.is_some_and(|seen| !seen.months.is_empty()) {
            return Ok(true);
        }
        let day = |instant| Day::of(instant, Tz::UTC);
        let days = DayRange { first: day(now - BACK), last: day(now + AHEAD) };
        let ranges: Vec<_> = days.days().flat_map(|day| keys::events_but_the_registrys(org, day)).collect();
        let queries = ranges.iter().map(|range| self.holds_any(&self.tables().events, range));
        let queries: Vec<_> = queries.collect();
        stream::iter(queries).buffer_unordered(IN_FLIGHT).try_any(|any| async move { any }).await
    }

    /// Whether there is any item in a stretch of keys: one read, of one item at most.
    async fn holds_any(&self, table: &str, range: &KeyRange) -> Result<bool> {
        let query =
            self.range_query(table, (PK, SK), range).select(Select::Count).limit(1).consistent_read(true);
        let page = query.send().await.map_err(|error| failed("Query", &error))?;
        self.meter.read(page.consumed_capacity());
        Ok(page.count() > 0)
    }
}
