//! The activity log: entries by place, and how many there are.
//!
//! The entries are raw events of one type, which alone have the attributes that three indexes sort by. An index is
//! eventually consistent: an entry is found there a moment after it was stored.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use chrono::{DateTime, Utc};

use super::keys::{self, KeyRange, SK, activity as attr, event};
use super::{Item, Store, decode, failed, s, version};
use crate::error::{Error, Result};
use ledger::event::{AgentActivity, Data, Event};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::period::{Day, DayRange};
use ledger::rollup::ActivityDay;

/// Entries of an agent that are read at once in search of a type.
const SIFTED: usize = 1_000;

/// Which entries are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Whose log it is.
    pub org: OrgId,
    /// The agent, or all and none.
    pub agent: Option<AgentId>,
    /// The type of entry, or all.
    pub event_type: Option<Name>,
}

/// A stretch of the log, newest first: places from `from` to `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    from: String,
    to: String,
}

impl Stretch {
    /// All from `newest` back to `oldest`, both included, to the millisecond.
    pub fn between(newest: DateTime<Utc>, oldest: DateTime<Utc>) -> Self {
        let (from, to) = keys::activity_places(newest, oldest);
        Self { from, to }
    }

    /// What is left of it after `place`, if anything can be.
    pub fn after(self, place: &str) -> Option<Self> {
        let from = keys::after_activity_place(place).max(self.from);
        (from <= self.to).then_some(Self { from, to: self.to })
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub place: String,
    /// The event's id.
    pub id: String,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// What happened.
    pub activity: AgentActivity,
}

/// What the indexes sort an entry by.
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

impl Store {
    /// The first `most` entries of a stretch, in order.
    pub async fn activity(&self, filter: &Filter, stretch: &Stretch, most: usize) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut start = None;
        while entries.len() < most {
            // The limit is one of what is read, not of what is found among it.
            let sifted = filter.agent.is_some() && filter.event_type.is_some();
            let wanted = if sifted { SIFTED } else { most - entries.len() };
            let limit = i32::try_from(wanted).unwrap_or(i32::MAX);
            let page = self.activity_query(filter, stretch).limit(limit).set_exclusive_start_key(start);
            let page = page.send().await.map_err(|error| failed("Query", &error))?;
            self.meter.read(page.consumed_capacity());
            start = page.last_evaluated_key;
            for item in page.items.unwrap_or_default() {
                entries.push(entry(&version::known(item)?)?);
            }
            if start.is_none() {
                break;
            }
        }
        entries.truncate(most);
        Ok(entries)
    }

    /// How many entries a stretch holds, by reading it.
    pub async fn count_activity(&self, filter: &Filter, stretch: &Stretch) -> Result<u64> {
        let mut count = 0;
        let mut start = None;
        loop {
            let page = self.activity_query(filter, stretch).select(Select::Count);
            let page = page.set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| failed("Query", &error))?;
            self.meter.read(page.consumed_capacity());
            count += u64::try_from(page.count()).unwrap_or_default();
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    /// The days of UTC within `days` on which the organisation, or one agent, has entries that were counted: one query.
    pub async fn activity_days(
        &self,
        org: &OrgId,
        agent: Option<&AgentId>,
        days: DayRange,
    ) -> Result<Vec<(Day, ActivityDay)>> {
        let range = keys::activity_days(org, agent, days.first, days.last);
        let items = self.query(&self.tables().usage, &range).await?;
        let day = |item| {
            let day = Day::parse(decode::required(item, SK)?);
            let day = day.ok_or_else(|| Error::Internal("a day of activity has no date".to_owned()))?;
            Ok((day, ActivityDay::from(&decode::sums(item)?)))
        };
        items.iter().map(day).collect()
    }

    fn activity_query(&self, filter: &Filter, stretch: &Stretch) -> QueryFluentBuilder {
        let Filter { org, agent, event_type } = filter;
        let of_type = event_type.as_ref().map(|kind| keys::activity_of(org, kind.as_str()));
        let (index, name, pk) = match (agent, &of_type) {
            (Some(agent), _) => (attr::BY_AGENT, attr::AGENT, keys::activity_of(org, agent.as_str())),
            (None, Some(of_type)) => (attr::BY_TYPE, attr::TYPE, of_type.clone()),
            (None, None) => (attr::ALL, attr::ORG, org.to_string()),
        };
        let range = KeyRange { pk, from: stretch.from.clone(), to: stretch.to.clone() };
        let mut query =
            self.range_query(&self.tables().events, (name, attr::PLACE), &range).index_name(index);
        if let (Some(_), Some(of_type)) = (agent, of_type) {
            query = query
                .filter_expression("#y = :y")
                .expression_attribute_names("#y", attr::TYPE)
                .expression_attribute_values(":y", s(of_type));
        }
        query
    }
}

fn entry(item: &Item) -> Result<Entry> {
    let place = decode::required(item, attr::PLACE)?.to_owned();
    let odd = || Error::Internal(format!("an entry of the log cannot be read: {place}"));
    let time = keys::parse_activity_place(&place).ok_or_else(odd)?;
    let (_, id) = decode::required(item, SK)?.split_once(keys::SEPARATOR).ok_or_else(odd)?;
    let data: Data = serde_json::from_str(decode::required(item, event::DATA)?).map_err(Error::internal)?;
    let Data::AgentActivity(activity) = data else { return Err(odd()) };
    Ok(Entry { id: id.to_owned(), time, activity, place })
}
