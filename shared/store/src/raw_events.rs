//! Reading raw events back, lane by lane: what recomputing rollups and explaining alerts need.

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, TryStreamExt};

use super::keys::{self, Key, PK, SK, event as attr};
use super::table::Query;
use super::{Events, Item, decode, events, key_attributes};
use crate::error::Result;
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period::Day;

/// The attributes that are read.
const ATTRIBUTES: [&str; 4] = [PK, SK, attr::DATA, attr::REVISION];

/// A raw event as it is read back.
#[derive(Debug)]
pub struct StoredEvent {
    /// Its sort key: `{source}#{id}`.
    pub sk: String,
    /// When it arrived; none if the stored time cannot be parsed.
    pub received: Option<DateTime<Utc>>,
    /// The event, or why it cannot be parsed. One malformed event does not hide the others.
    pub event: Result<Event, String>,
}

impl Events {
    /// The events of one lane of a day, strongly consistent, in pages of up to 1 MB, one in memory at a time.
    pub fn raw_events(
        &self,
        org: &OrgId,
        day: Day,
        lane: u8,
    ) -> impl Stream<Item = Result<Vec<StoredEvent>>> + use<'_> {
        stored_events(self.table.query(&keys::lane_events(org, day, lane)).strong())
    }

    /// Up to `limit` events of one lane of a day, strongly consistent, after the one with the sort key `after`, and whether
    /// there may be more.
    pub async fn raw_events_after(
        &self,
        org: &OrgId,
        day: Day,
        lane: u8,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<StoredEvent>, bool)> {
        let range = keys::lane_events(org, day, lane);
        let start = after.map(|sk| key_attributes(&Key { pk: range.pk.clone(), sk: sk.to_owned() }));
        let query = self.table.query(&range).strong().any_version().attributes(ATTRIBUTES);
        let page = query.start(start).page_size(limit).page().await?;
        Ok((page.items.iter().map(stored_event).collect::<Result<_>>()?, page.next.is_some()))
    }

    /// Like [`Self::raw_events`], but only events of `since` and later, and eventually consistent: half the read units, but
    /// the newest events may be missing.
    pub fn raw_events_since(
        &self,
        org: &OrgId,
        day: Day,
        lane: u8,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<StoredEvent>>> + use<'_> {
        let events = stored_events(self.table.query(&keys::lane_events(org, day, lane)));
        events.map_ok(move |mut page| {
            page.retain(|stored| stored.event.as_ref().is_ok_and(|event| event.time >= since));
            page
        })
    }
}

fn stored_events(query: Query<'_>) -> impl Stream<Item = Result<Vec<StoredEvent>>> + use<'_> {
    // `events::parse` checks the version of each event.
    let query = query.any_version().attributes(ATTRIBUTES);
    query.pages().map(|page| page?.iter().map(stored_event).collect())
}

fn stored_event(item: &Item) -> Result<StoredEvent> {
    let sk = decode::required(item, SK)?.to_owned();
    Ok(match events::parse_arrived(item) {
        Ok((event, received)) => StoredEvent { sk, received: Some(received), event: Ok(event) },
        Err(fault) => StoredEvent { sk, received: events::arrival(item), event: Err(fault) },
    })
}
