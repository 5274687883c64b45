//! The updates that a delivery requires, gathered by item.

use std::collections::{BTreeMap, HashSet};

use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::{EndUser, Rollup, RollupId, Seen};
use store::keys::Key;
use store::keys::Keyed;
use store::sequence::SequenceNumber;
use store::usage::MAX_COLUMNS;

use crate::cache::{Cache, OrgSubject};
use crate::delivery::Delivery;
use crate::record::Content;

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
}

impl<'a> Updates<'a> {
    /// Gathers the updates of `delivery`, without those that `cache` knows to be stored.
    pub fn gather(delivery: &'a Delivery<'_>, cache: &Cache) -> Self {
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
            let contribution = rollup::contribution(event);
            if contribution.outdates {
                let day = (event.org.clone(), event.day);
                updates.outdated.entry(day).or_insert((index, index)).1 = index;
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
            if let Some(user) = contribution.end_user.filter(|user| !cache.has_end_user(user)) {
                updates.end_users.entry(user.key()).or_default().entry(user).or_insert(index);
            }
        }
        updates.seen.retain(|subject, (_, news)| cache.is_news(subject, news));
        updates
    }
}

/// How many of the first deltas fit into one update, which can name a limited number of columns, and their sum. At least
/// one delta is taken.
pub fn first_update(deltas: &[Delta]) -> (usize, Rollup) {
    let mut sums = Rollup::default();
    let mut columns = HashSet::new();
    for (taken, delta) in deltas.iter().enumerate() {
        columns.extend(delta.sums.columns());
        if taken > 0 && columns.len() > MAX_COLUMNS {
            return (taken, sums);
        }
        sums.merge(&delta.sums);
    }
    (deltas.len(), sums)
}
