//! The updates that a delivery requires, gathered by item.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use ledger::event::{Amendment, Data, Event};
use ledger::ids::OrgId;
use ledger::pack::EventBatch;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::{Column, EndUser, Rollup, RollupId, Seen};
use store::keys::Key;
use store::keys::{Keyed, Owner};
use store::sequence::SequenceNumber;
use store::usage::MAX_COLUMNS;

use crate::cache::{Cache, OrgSubject};
use crate::calendars::LiveCalendars;
use crate::delivery::Delivery;
use crate::record::{Content, Record};

/// What one record adds to an item.
pub struct Delta {
    pub sequence: SequenceNumber,
    /// The record's index in the delivery.
    pub record: usize,
    sums: Rollup,
}

/// The updates of one delivery. Each knows the index of the first record that it is about, which has to be delivered
/// again if it fails. The order is always the same for the same delivery.
#[derive(Default)]
pub struct Updates<'a> {
    pub deltas: BTreeMap<RollupId, Vec<Delta>>,
    pub end_users: BTreeMap<Key, BTreeMap<EndUser, usize>>,
    pub seen: BTreeMap<OrgSubject, (usize, Seen)>,
    /// The first and the last record of each day of which something is outdated.
    pub outdated: BTreeMap<(OrgId, Day), (usize, usize)>,
    /// Malformed records, with the reason.
    pub malformed: Vec<(usize, &'a str)>,
    /// What is appended to the chains of agents' days.
    pub agents: BTreeMap<AgentChain, EventBatch<'a, SequenceNumber>>,
}

/// The chain of a shard's events of agents on one day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentChain {
    pub owner: Owner,
    pub day: Day,
    /// The date (UTC) on which the events were stored.
    pub stored: Day,
}

impl<'a> Updates<'a> {
    /// Gathers the updates of `delivery`, without those that `cache` knows to be stored.
    pub fn gather(delivery: &'a Delivery<'_>, cache: &Cache, calendars: &LiveCalendars) -> Self {
        let mut updates = Self::default();
        for (index, record) in delivery.records.iter().enumerate() {
            let event = match &record.content {
                Content::Event(event) => event,
                Content::Ignored => continue,
                Content::Malformed(reason) => {
                    updates.malformed.push((index, reason));
                    continue;
                }
            };
            if let Err(reason) = updates.append(record, event, calendars) {
                updates.malformed.push((index, reason));
                continue;
            }
            let contribution = rollup::contribution(event, calendars.of(&event.org));
            for day in contribution.outdates {
                updates.outdated.entry((event.org.clone(), day)).or_insert((index, index)).1 = index;
            }
            for (target, sums) in contribution.sums {
                let delta = Delta { sequence: record.sequence, record: index, sums };
                updates.deltas.entry(target).or_default().push(delta);
            }
            for sighting in contribution.sightings {
                let key = (sighting.org, sighting.subject);
                let entry = updates.seen.entry(key).or_insert_with(|| (index, sighting.seen.clone()));
                entry.1.merge(&sighting.seen);
            }
            for user in contribution.end_users.into_iter().filter(|user| !cache.has_end_user(user)) {
                updates.end_users.entry(user.key()).or_default().entry(user).or_insert(index);
            }
        }
        updates.seen.retain(|subject, (_, news)| cache.is_news(subject, news, calendars.of(&subject.0)));
        updates
    }

    /// Adds an event to the chains of its agent's days.
    fn append(
        &mut self,
        record: &Record<'_>,
        event: &'a Event,
        calendars: &LiveCalendars,
    ) -> Result<(), &'static str> {
        let Some(received) = record.received.filter(|_| has_agent(&event.data)) else { return Ok(()) };
        for calendar in calendars.of(&event.org) {
            let Some(day) = calendar.day(event.time) else { continue };
            let owner = Owner::new(&event.org, calendar.generation);
            let chain = AgentChain { owner, day, stored: Day::of(received, chrono_tz::UTC) };
            let batch = match self.agents.entry(chain) {
                Entry::Occupied(batch) => batch.into_mut(),
                Entry::Vacant(place) => {
                    let tracked = calendars.tracked(&place.key().owner);
                    place.insert(EventBatch::chained(tracked))
                }
            };
            batch
                .push(record.sequence, received.timestamp(), event)
                .map_err(|_| "an amount has too many digits")?;
        }
        Ok(())
    }
}

/// Whether an event contributes to the day of any agent.
fn has_agent(data: &Data) -> bool {
    match data {
        Data::LlmCall(_) | Data::TaskCompleted(_) => true,
        Data::AgentActivity(activity) => activity.agent_id.is_some(),
        Data::ComputeUsage(_) | Data::HostReport(_) => false,
        Data::Amendment(Amendment { replaces, with, .. }) => {
            [replaces, with].into_iter().flatten().any(|data| has_agent(data))
        }
    }
}

/// The most bytes of model names in one update, so that an item does not grow far before its length is known.
const MAX_NAME_BYTES: usize = 16 << 10;

/// How many of the first deltas fit into one update, which can name a limited number of columns, and their sum. At least
/// one delta is taken. `kept` are the columns of the item if it gets no others.
pub fn first_update(deltas: &[Delta], kept: Option<&BTreeSet<Column>>) -> (usize, Rollup) {
    let mut sums = Rollup::default();
    let (mut columns, mut name_bytes) = (HashSet::new(), 0);
    for (taken, delta) in deltas.iter().enumerate() {
        let within =
            kept.map_or_else(|| Cow::Borrowed(&delta.sums), |kept| Cow::Owned(delta.sums.within(kept)));
        for column in
            within.columns().filter(|column| !columns.contains(*column)).cloned().collect::<Vec<_>>()
        {
            name_bytes += within.names.get(&column).map_or(0, String::len);
            columns.insert(column);
        }
        if taken > 0 && (columns.len() > MAX_COLUMNS || name_bytes > MAX_NAME_BYTES) {
            return (taken, sums);
        }
        sums.merge(&within);
    }
    (deltas.len(), sums)
}
