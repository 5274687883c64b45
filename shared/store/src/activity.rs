//! The activity log: its entries, newest first, and their number.
//!
//! The entries are the raw events of one type, the only ones with the attributes that three indexes sort by. Indexes are
//! eventually consistent: an entry shows up a moment after it was stored.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

use super::keys::{self, KeyRange, SK, activity as attr};
use super::table::{Index, Query};
use super::{Events, Item, Usage, decode, events, s};
use crate::error::{Error, Result};
use ledger::event::{AgentActivity, Data, Event};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::period::{Day, DayRange};
use ledger::rollup::ActivityDay;

/// How many entries of an agent one page reads to find those of a type.
const FILTERED_PAGE: usize = 1_000;

/// Selects entries of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// The organization.
    pub org: OrgId,
    /// The agent; none for all entries, with and without an agent.
    pub agent: Option<AgentId>,
    /// The type of entry; none for all.
    pub event_type: Option<Name>,
}

/// A range of places in the log, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRange {
    from: String,
    to: String,
}

impl LogRange {
    /// From `newest` back to `oldest`, both included, to the millisecond.
    pub fn between(newest: DateTime<Utc>, oldest: DateTime<Utc>) -> Self {
        let (from, to) = keys::activity_places(newest, oldest);
        Self { from, to }
    }

    /// The part of the range after `place`; none if that is empty.
    pub fn after(self, place: &str) -> Option<Self> {
        let from = keys::after_activity_place(place).max(self.from);
        (from <= self.to).then_some(Self { from, to: self.to })
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its sort key in the indexes, see [`keys::activity_place`].
    pub place: String,
    /// The event's id.
    pub id: String,
    /// The event's time.
    pub time: DateTime<Utc>,
    /// Type, agent and details.
    pub activity: AgentActivity,
}

/// The attributes that the indexes are made of.
pub(super) fn index_attributes(event: &Event, entry: &AgentActivity) -> Vec<(String, AttributeValue)> {
    let of = |which: &str| s(keys::activity_of(&event.org, which));
    let place = keys::activity_place(event.time, event.id.as_str(), event.source.as_str());
    let mut attributes = vec![
        (attr::ORG.to_owned(), s(event.org.as_str())),
        (attr::TYPE.to_owned(), of(entry.event_type.as_str())),
        (attr::PLACE.to_owned(), s(place)),
    ];
    attributes.extend(entry.agent_id.as_ref().map(|agent| (attr::AGENT.to_owned(), of(agent.as_str()))));
    attributes
}

impl Events {
    /// The newest `most` entries of a range, newest first.
    pub async fn activity(&self, filter: &LogFilter, range: &LogRange, most: usize) -> Result<Vec<LogEntry>> {
        let mut query = self.activity_query(filter, range);
        if filter.agent.is_some() && filter.event_type.is_some() {
            // The size of a page counts the entries that are read, not those that pass the filter.
            query = query.page_size(FILTERED_PAGE);
        }
        query.first(most, |item| entry(&item).map(Some)).await
    }

    /// The number of entries in a range. DynamoDB reads all of them to count them.
    pub async fn count_activity(&self, filter: &LogFilter, range: &LogRange) -> Result<u64> {
        self.activity_query(filter, range).count().await
    }

    fn activity_query(&self, filter: &LogFilter, range: &LogRange) -> Query<'_> {
        let LogFilter { org, agent, event_type } = filter;
        let of_type = event_type.as_ref().map(|kind| keys::activity_of(org, kind.as_str()));
        let (name, pk_name, pk) = match (agent, &of_type) {
            (Some(agent), _) => (attr::BY_AGENT, attr::AGENT, keys::activity_of(org, agent.as_str())),
            (None, Some(of_type)) => (attr::BY_TYPE, attr::TYPE, of_type.clone()),
            (None, None) => (attr::ALL, attr::ORG, org.to_string()),
        };
        let index = Index { name, pk: pk_name, sk: Some(attr::PLACE) };
        let range = KeyRange { pk, from: range.from.clone(), to: range.to.clone() };
        let query = self.table.query_index(index, &range);
        match (agent, of_type) {
            (Some(_), Some(of_type)) => query.only_equal(attr::TYPE, &of_type),
            _ => query,
        }
    }
}

impl Usage {
    /// The counts of entries by day of UTC, of the organization or of one agent: one query.
    pub async fn activity_days(
        &self,
        org: &OrgId,
        agent: Option<&AgentId>,
        days: DayRange,
    ) -> Result<Vec<(Day, ActivityDay)>> {
        let range = keys::activity_days(org, agent, days.first, days.last);
        let items = self.table.query(&range).all(Ok).await?;
        let day = |item| {
            let day = Day::parse(decode::required(item, SK)?);
            let day = day.ok_or_else(|| Error::Internal("a day of activity has no date".to_owned()))?;
            Ok((day, ActivityDay::from(&decode::sums(item)?)))
        };
        items.iter().map(day).collect()
    }
}

fn entry(item: &Item) -> Result<LogEntry> {
    let place = decode::required(item, attr::PLACE)?.to_owned();
    let malformed = || Error::Internal(format!("the log entry at {place} is malformed"));
    let time = keys::parse_activity_place(&place).ok_or_else(malformed)?;
    let (id, data) = events::payload(item).map_err(Error::internal)?;
    let Data::AgentActivity(activity) = data else { return Err(malformed()) };
    Ok(LogEntry { place, id, time, activity })
}
