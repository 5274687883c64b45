//! Reads stored items without the code under test.

use std::collections::{BTreeMap, BTreeSet};

use dynoxide::{AttributeValue, Item};
use ledger::calendar::Generation;
use ledger::period;
use ledger::rollup::{Latest, MonthsOfUse, Rollup, Seen};
use rust_decimal::Decimal;
use store::keys::columns;
use store::keys::status::{
    QUARANTINE, STATUS, completeness, entry, lane_column, lanes, parse_shard_position, summary,
};
use store::keys::{
    DIRTY, END_USERS, FULL, Key, LANES, PK, SEALED, SEPARATOR, SK, UNPRICED, VERSION, WRITES, is_mark,
    seen as attribute,
};
use store::sequence::SequenceNumber;

use super::CheckResult;
use super::chains::Chains;
use super::engine::Engine;
use crate::support::tables::names;

/// A rollup item.
#[derive(Default)]
pub struct RollupItem {
    pub sums: Rollup,
    pub marks: BTreeMap<String, SequenceNumber>,
    /// Whether it was recomputed from raw events, so that it has no marks.
    pub sealed: bool,
    /// Whether it gets no new columns.
    pub full: bool,
}

impl RollupItem {
    /// What the item holds if `sums` are added to it: all, unless it is full.
    pub fn holding(&self, sums: &Rollup) -> Rollup {
        if !self.full {
            return sums.clone();
        }
        let mut within = sums.within(&self.sums.columns().cloned().collect());
        // Any members may be missing of a full item's sets.
        within.sets.clone_from(&self.sums.sets);
        within.sets.retain(|column, held| sums.sets.get(column).is_some_and(|all| held.is_subset(all)));
        within
    }
}

/// The content of the usage table.
#[derive(Default)]
pub struct Usage {
    pub rollups: BTreeMap<Key, RollupItem>,
    pub users: BTreeMap<Key, BTreeSet<[u8; 8]>>,
    /// Quarantined records.
    pub quarantined: BTreeMap<Key, String>,
    /// Dirty days.
    pub dirty: BTreeSet<String>,
    /// The summary of the quarantine: the number of records, and the time of the oldest.
    pub summary: (usize, Option<String>),
    /// The arrival up to which each lane has been aggregated, in milliseconds since 1970.
    pub progress: BTreeMap<u8, i64>,
    /// The pages and packs of agents' days.
    pub chains: Chains,
}

impl Usage {
    /// Reads the table. Marks that are not sequence numbers are ignored.
    pub fn read(engine: &Engine) -> CheckResult<Self> {
        let mut usage = Self::default();
        for item in engine.all(&names().usage) {
            let key = Key { pk: text(&item, PK).unwrap(), sk: text(&item, SK).unwrap() };
            let malformed = || format!("the item {key:?} is malformed: {item:?}");
            if key.pk == QUARANTINE {
                usage.quarantined.insert(key.clone(), text(&item, entry::RECORD).ok_or_else(malformed)?);
            } else if key == lanes() {
                let lane = |lane| Some((lane, text(&item, &lane_column(lane))?.parse().ok()?));
                usage.progress = (0..LANES).filter_map(lane).collect();
            } else if key == completeness() || parse_shard_position(&key.sk).is_some_and(|_| key.pk == STATUS)
            {
                // Up to where all is counted is checked by itself.
            } else if key.pk == STATUS {
                let count = text(&item, summary::COUNT).and_then(|count| count.parse().ok());
                usage.summary = (count.ok_or_else(malformed)?, text(&item, summary::OLDEST));
            } else if key.pk == DIRTY {
                usage.dirty.insert(key.sk);
            } else if super::repricing::is_of_repricing(&key) {
                // Which costs hold is checked by itself.
            } else if key.pk.ends_with("#S") || key.pk.contains("#U#") && !item.contains_key(END_USERS) {
                // What is known about senders is no figure, and a set without members is none.
            } else if super::chains::is_of_chains(&key) {
                usage.chains.add(&key, &item).ok_or_else(malformed)?;
            } else if key.pk.starts_with(SEPARATOR) {
                // The state of reconcile.
            } else if let Some(users) = item.get(END_USERS) {
                usage.users.insert(key.clone(), hashes(users).ok_or_else(malformed)?);
            } else {
                usage.rollups.insert(key.clone(), rollup_item(&item).ok_or_else(malformed)?);
            }
        }
        Ok(usage)
    }
}

/// What a rollup's key says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollupKind {
    /// By hours or days of UTC, which all calendars share.
    ByUtc,
    /// By the days of a generation.
    ByDay(Generation),
}

/// The kind of the rollup under a key.
pub fn kind(key: &Key) -> RollupKind {
    match key.pk.split(SEPARATOR).nth(1) {
        Some("L") => RollupKind::ByUtc,
        Some("P") if key.sk.starts_with("H#") => RollupKind::ByUtc,
        Some(part) if part.bytes().all(|byte| byte.is_ascii_digit()) => {
            RollupKind::ByDay(Generation::new(part.parse().unwrap()))
        }
        _ => RollupKind::ByDay(Generation::FIRST),
    }
}

/// The columns and marks of a rollup item.
pub fn rollup_item(item: &Item) -> Option<RollupItem> {
    let mut all = RollupItem::default();
    for (name, value) in item {
        match value {
            _ if [PK, SK, VERSION, WRITES].contains(&name.as_str()) => {}
            _ if name == SEALED => all.sealed = true,
            _ if name == FULL => all.full = true,
            AttributeValue::B(bytes) if is_mark(name) => {
                all.marks.insert(name.clone(), SequenceNumber::from_bytes(bytes)?);
            }
            _ if is_mark(name) => {}
            AttributeValue::N(number) => {
                all.sums.add(columns::parse(name)?, Decimal::from_str_exact(number).ok()?);
            }
            AttributeValue::S(rows) if name == UNPRICED => {
                all.sums.unpriced = serde_json::from_str(rows).ok()?;
            }
            AttributeValue::S(model) => drop(all.sums.names.insert(columns::parse(name)?, model.clone())),
            value => drop(all.sums.sets.insert(columns::parse(name)?, hashes(value)?)),
        }
    }
    Some(all)
}

fn hashes(value: &AttributeValue) -> Option<BTreeSet<[u8; 8]>> {
    let AttributeValue::BS(members) = value else { return None };
    members.iter().map(|member| member.as_slice().try_into().ok()).collect()
}

/// The members of a bucket of end users.
pub fn users(item: &Item) -> BTreeSet<[u8; 8]> {
    item.get(END_USERS).and_then(hashes).unwrap_or_default()
}

/// A string or number of an item as text.
pub fn text(item: &Item, name: &str) -> Option<String> {
    match item.get(name)? {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(text.clone()),
        _ => None,
    }
}

/// The sightings of a subject in the registry.
pub fn seen(item: &Item) -> Option<Seen> {
    let set = |name: &str| match item.get(name) {
        Some(AttributeValue::SS(all)) => all.clone(),
        _ => Vec::new(),
    };
    let at = |name: &str| period::parse_instant(&text(item, name)?);
    Some(Seen {
        first: at(attribute::FIRST)?,
        last: at(attribute::LAST)?,
        calls: set(attribute::CALLS).iter().filter_map(|call| period::parse_instant(call)).collect(),
        months: MonthsOfUse::parse(set(attribute::MONTHS).iter().map(String::as_str))?,
        host: at(attribute::HOST_AT).zip(text(item, attribute::HOST)).map(|(at, value)| Latest { at, value }),
        sites: at(attribute::SITES_AT)
            .zip(text(item, attribute::SITES).and_then(|sites| sites.parse().ok()))
            .map(|(at, value)| Latest { at, value }),
    })
}
