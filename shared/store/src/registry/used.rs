//! Whether an organization has used anything yet.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::IgnoredAny;

use crate::error::Result;
use crate::keys;
use crate::keys::KeyRange;
use crate::{Events, Registry};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};

/// How far back events are accepted, plus one day for clocks that differ.
const BACK: TimeDelta = TimeDelta::days(36);
/// How far ahead events are accepted, likewise.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// Queries in flight at once.
const IN_FLIGHT: usize = 32;

impl Registry {
    /// Whether an organization has any usage. Audit entries of the registry do not count.
    ///
    /// Usage from before the window in which events are accepted has been aggregated long ago. Within the window the raw
    /// events are searched as well, so that the answer is right even if the aggregator lags.
    pub async fn has_usage(&self, events: &Events, org: &OrgId, now: DateTime<Utc>) -> Result<bool> {
        let known = self.stored::<IgnoredAny>(&keys::organization(org)).await?;
        if known.seen.is_some_and(|seen| !seen.months.is_empty()) {
            return Ok(true);
        }
        let day = |instant| Day::of(instant, Tz::UTC);
        let days = DayRange { first: day(now - BACK), last: day(now + AHEAD) };
        let ranges = days.days().flat_map(|day| keys::events_except_registry_entries(org, day));
        let queries: Vec<_> = ranges.map(async |range| events.any_in(&range).await).collect();
        stream::iter(queries).buffer_unordered(IN_FLIGHT).try_any(|any| async move { any }).await
    }
}

impl Events {
    /// Whether there is any event in a range of keys.
    async fn any_in(&self, range: &KeyRange) -> Result<bool> {
        self.table.query(range).strong().any().await
    }
}
