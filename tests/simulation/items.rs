//! Items as the engine holds them, read without the code that is on trial.

use std::collections::{BTreeMap, BTreeSet};

use dynoxide::{AttributeValue, Item};
use ledger::period;
use ledger::period::{Day, Month};
use ledger::rollup::Column;
use ledger::rollup::{Latest, Seen, Sums};
use rust_decimal::Decimal;
use store::keys::status::{QUARANTINE, STATUS, entry, lane_column, lanes, summary};
use store::keys::{
    DIRTY, END_USERS, Key, LANES, PK, SEALED, SEPARATOR, SK, VERSION, WRITES, is_mark, seen as attribute,
};
use store::sequence::SequenceNumber;

use super::Held;
use super::engine::Engine;
use crate::support::tables::names;

/// An item of sums.
#[derive(Default)]
pub struct Summed {
    pub sums: Sums,
    pub marks: BTreeMap<String, SequenceNumber>,
    /// Whether it was computed from raw events, so that its marks say nothing.
    pub sealed: bool,
}

/// Everything in the usage table.
#[derive(Default)]
pub struct Usage {
    pub sums: BTreeMap<Key, Summed>,
    pub users: BTreeMap<Key, BTreeSet<[u8; 8]>>,
    /// Records that were put aside.
    pub aside: BTreeMap<Key, String>,
    /// Days to be computed anew.
    pub dirty: BTreeSet<String>,
    /// What the summary says of these: how many there are, and the time of the oldest.
    pub summary: (usize, Option<String>),
    /// The arrival up to which each lane is said to have been added up, in milliseconds since 1970.
    pub progress: BTreeMap<u8, i64>,
}

impl Usage {
    /// Reads it. Marks that are no sequence numbers are left out.
    pub fn read(engine: &Engine) -> Held<Self> {
        let mut usage = Self::default();
        for item in engine.all(&names().usage) {
            let key = Key { pk: text(&item, PK).unwrap(), sk: text(&item, SK).unwrap() };
            let odd = || format!("the item {key:?} is odd: {item:?}");
            if key.pk == QUARANTINE {
                usage.aside.insert(key.clone(), text(&item, entry::RECORD).ok_or_else(odd)?);
            } else if key == lanes() {
                let lane = |lane| Some((lane, text(&item, &lane_column(lane))?.parse().ok()?));
                usage.progress = (0..LANES).filter_map(lane).collect();
            } else if key.pk == STATUS {
                let count = text(&item, summary::COUNT).and_then(|count| count.parse().ok());
                usage.summary = (count.ok_or_else(odd)?, text(&item, summary::OLDEST));
            } else if key.pk == DIRTY {
                usage.dirty.insert(key.sk);
            } else if key.pk.starts_with(SEPARATOR) {
                // How far the days have been proved.
            } else if let Some(users) = item.get(END_USERS) {
                usage.users.insert(key.clone(), hashes(users).ok_or_else(odd)?);
            } else {
                usage.sums.insert(key.clone(), summed(&item).ok_or_else(odd)?);
            }
        }
        Ok(usage)
    }
}

/// The sums and marks of an item.
pub fn summed(item: &Item) -> Option<Summed> {
    let mut all = Summed::default();
    for (name, value) in item {
        let column = Column::stored(name.clone());
        match value {
            _ if [PK, SK, VERSION, WRITES].contains(&name.as_str()) => {}
            _ if name == SEALED => all.sealed = true,
            AttributeValue::B(bytes) if is_mark(name) => {
                all.marks.insert(name.clone(), SequenceNumber::from_bytes(bytes)?);
            }
            _ if is_mark(name) => {}
            AttributeValue::N(number) => all.sums.add(column, Decimal::from_str_exact(number).ok()?),
            AttributeValue::S(model) => drop(all.sums.names.insert(column, model.clone())),
            value => drop(all.sums.sets.insert(column, hashes(value)?)),
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

/// A text of an item.
pub fn text(item: &Item, name: &str) -> Option<String> {
    match item.get(name)? {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(text.clone()),
        _ => None,
    }
}

/// What the registry holds of what events told of a subject.
pub fn seen(item: &Item) -> Option<Seen> {
    let set = |name: &str| match item.get(name) {
        Some(AttributeValue::SS(all)) => all.clone(),
        _ => Vec::new(),
    };
    let day = |name: &str| Day::parse(&text(item, name)?);
    let at = |name: &str| period::parse_instant(&text(item, name)?);
    Some(Seen {
        first: day(attribute::FIRST)?,
        last: day(attribute::LAST)?,
        call_days: set(attribute::CALL_DAYS).iter().filter_map(|day| Day::parse(day)).collect(),
        months: set(attribute::MONTHS).iter().filter_map(|month| Month::parse(month)).collect(),
        host: at(attribute::HOST_AT).zip(text(item, attribute::HOST)).map(|(at, value)| Latest { at, value }),
        sites: at(attribute::SITES_AT)
            .zip(text(item, attribute::SITES).and_then(|sites| sites.parse().ok()))
            .map(|(at, value)| Latest { at, value }),
    })
}
