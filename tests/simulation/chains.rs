//! Agents' days: reads pages and packs without the code under test, and compares them with the records that their marks say
//! they contain.

use std::collections::{BTreeMap, BTreeSet};

use dynoxide::{AttributeValue, Item};
use ledger::calendar::{Calendar, Generation, TrackedDimensions};
use ledger::chain::{
    Chunk, ChunkId, Chunks, Cover, Family, Page, PageId, Pages, SEALED, Split, assemble, decode_days, live,
};
use ledger::event::{Data, Event};
use ledger::pack::{Table, View};
use ledger::period::Day;
use serde_json::json;
use store::keys::chains::{
    BlockItem, CLOSED, COVER, DAYS, DELTAS, MARK, NEXT, REVISION, ROWS, SEALED_AT, chunk, parse_block,
    parse_chunk, parse_chunk_id, parse_page, seal,
};
use store::keys::{Key, Owner, PK, SEPARATOR, SK, chains};
use store::sequence::SequenceNumber;

use super::CheckResult;
use super::items::text;
use super::run::Run;
use super::stream::{Record, Shard};
use crate::support::tables::{AGENT_VIEWS, names};

/// The pages and packs of agents' days, by whose and which day they are.
#[derive(Default)]
pub struct Chains {
    pages: BTreeMap<Owner, BTreeMap<Day, Pages<SequenceNumber, Table>>>,
    packs: BTreeMap<(Owner, View), BTreeMap<Day, Chunks<Table>>>,
    blocks: BTreeMap<(Owner, View, u32), Block>,
}

/// The pack of a block, and the seals of its days.
#[derive(Default)]
struct Block {
    chunks: Chunks<Table>,
    seals: BTreeMap<String, u64>,
}

/// Whether the item under a key is a page, a chunk or a note.
pub fn is_of_chains(key: &Key) -> bool {
    ["#O", "#G", "#K"].iter().any(|end| key.pk.ends_with(end))
}

fn owner(key: &Key) -> Option<Owner> {
    let (owner, _) = key.pk.rsplit_once(SEPARATOR)?;
    let any_day = "2026-01-01";
    Some(chains::parse_listed_day(&format!("{owner}{SEPARATOR}{any_day}"))?.0)
}

fn bytes<'i>(item: &'i Item, name: &str) -> Option<&'i [u8]> {
    match item.get(name)? {
        AttributeValue::B(bytes) => Some(bytes),
        _ => None,
    }
}

impl Chains {
    /// Adds what an item holds. None if it is malformed.
    pub fn add(&mut self, key: &Key, item: &Item) -> Option<()> {
        let owner = owner(key)?;
        if let Some(id) = parse_page(&key.sk, Family::Main).filter(|_| key.pk.ends_with("#O")) {
            let pages = self.pages.entry(owner).or_default().entry(id.day).or_default();
            pages.insert(id, page(item)?);
            return Some(());
        }
        for view in AGENT_VIEWS {
            match parse_block(&key.sk, view) {
                Some(BlockItem::Seals(number)) => {
                    self.blocks.entry((owner, view, number)).or_default().seals = seals(item);
                    return Some(());
                }
                Some(BlockItem::Chunk(number, id)) => {
                    let block = self.blocks.entry((owner, view, number)).or_default();
                    block.chunks.insert(id, stored_chunk(item)?);
                    return Some(());
                }
                None => {}
            }
            if let Some((day, id)) = parse_chunk(&key.sk, view) {
                let packs = self.packs.entry((owner, view)).or_default();
                packs.entry(day).or_default().insert(id, stored_chunk(item)?);
                return Some(());
            }
        }
        // A note.
        key.sk.starts_with('N').then_some(())
    }

    /// Whose days there are.
    pub fn days(&self) -> impl Iterator<Item = (Owner, Day)> {
        let of_pages = self.pages.iter().map(|(owner, days)| (owner, days.keys()));
        let pages = of_pages.flat_map(|(owner, days)| days.map(|day| (owner.clone(), *day)));
        let packs = self.packs.iter();
        pages.chain(packs.flat_map(|((owner, _), days)| days.keys().map(|day| (owner.clone(), *day))))
    }

    /// A view of a day.
    pub fn view(&self, owner: &Owner, day: Day, view: View) -> CheckResult<Table> {
        let mut pages = BTreeMap::from([(day, Pages::new())]);
        pages.extend(self.pages.get(owner).and_then(|days| Some((day, days.get(&day)?.clone()))));
        let mut packs = BTreeMap::from([(day, Chunks::<Table>::new())]);
        let of_view = self.packs.get(&(owner.clone(), view));
        packs.extend(of_view.and_then(|days| Some((day, days.get(&day)?.clone()))));
        assemble(view, &[day], &Chunks::<Table>::new(), &packs, &pages)
            .map_err(|_| format!("the pages of {owner} on {day} do not follow its pack"))
    }

    /// Each block that may be used is the sum of its days. Returns how many there are.
    fn check_blocks(&self, is_checked: impl Fn(&Owner) -> bool) -> CheckResult<usize> {
        let mut used = 0;
        for ((owner, view, number), block) in &self.blocks {
            let days =
                block.days().ok_or_else(|| format!("the chunks of block {number} of {owner} do not fit"))?;
            if !is_checked(owner) || block.is_outdated() || days.is_empty() {
                continue;
            }
            let none = BTreeMap::new();
            let of_owner = self.pages.get(owner).unwrap_or(&none);
            let pages =
                days.iter().map(|day| (*day, of_owner.get(day).cloned().unwrap_or_default())).collect();
            let packs = self.packs.get(&(owner.clone(), *view)).cloned().unwrap_or_default();
            let stored = assemble(*view, &days, &block.chunks, &packs, &pages)
                .map_err(|_| format!("the pages of {owner} do not follow block {number} of {days:?}"))?;
            let mut expected = Table::default();
            for day in &days {
                expected.merge(&self.view(owner, *day, *view)?);
            }
            if stored != expected {
                return Err(format!(
                    "block {number} of {owner} is {stored:?}, but its days are {expected:?}"
                ));
            }
            used += 1;
        }
        Ok(used)
    }

    /// Whether a day has a sealed pack.
    pub fn is_sealed(&self, owner: &Owner, day: Day, view: View) -> bool {
        let pack = self.packs.get(&(owner.clone(), view)).and_then(|days| days.get(&day));
        pack.is_some_and(|pack| pack.get(&ChunkId::default()).is_some_and(|chunk| chunk.sealed.is_some()))
    }

    /// The mark of each chain of a day.
    fn marks(&self, owner: &Owner, day: Day) -> BTreeMap<(Day, [u8; 8]), SequenceNumber> {
        let pages = self.pages.get(owner).and_then(|days| days.get(&day));
        let mark = |(id, page): (&PageId, &Page<_, _>)| ((id.chain.arrival, id.chain.shard), page.mark);
        // The last page of a chain comes last.
        pages.into_iter().flatten().map(mark).collect()
    }
}

impl Block {
    /// Its days; none if its chunks do not fit together.
    fn days(&self) -> Option<Vec<Day>> {
        let days: BTreeSet<_> =
            live(&self.chunks).ok()?.into_iter().flat_map(|(_, chunk)| chunk.days.keys().copied()).collect();
        Some(days.into_iter().collect())
    }

    /// Whether a day of it was sealed since.
    fn is_outdated(&self) -> bool {
        let mut days = self.chunks.values().flat_map(|chunk| &chunk.days);
        days.any(|(day, number)| {
            let sealed = Some(*number).filter(|number| number & SEALED != 0);
            sealed != self.seals.get(&seal(*day)).copied()
        })
    }
}

fn seals(item: &Item) -> BTreeMap<String, u64> {
    item.keys().filter_map(|name| Some((name.clone(), text(item, name)?.parse().ok()?))).collect()
}

fn page(item: &Item) -> Option<Page<SequenceNumber, Table>> {
    let deltas = match item.get(DELTAS) {
        None => Vec::new(),
        Some(AttributeValue::L(deltas)) => deltas
            .iter()
            .map(|delta| match delta {
                AttributeValue::B(bytes) => Table::decode(bytes).ok(),
                _ => None,
            })
            .collect::<Option<_>>()?,
        Some(_) => return None,
    };
    let mark = SequenceNumber::from_bytes(bytes(item, MARK)?)?;
    Some(Page { mark, split: Split::No, deltas, closed: item.contains_key(CLOSED), expires: None })
}

fn stored_chunk(item: &Item) -> Option<Chunk<Table, u64>> {
    Some(Chunk {
        version: text(item, REVISION)?.parse().ok()?,
        days: decode_days(bytes(item, DAYS)?).ok()?,
        cover: Cover::decode(bytes(item, COVER)?).ok()?,
        rows: Table::decode(bytes(item, ROWS)?).ok()?,
        next: text(item, NEXT).and_then(|next| parse_chunk_id(&next)),
        sealed: text(item, SEALED_AT).and_then(|at| at.parse().ok()),
    })
}

/// The rows of an event, none if it is about no agent.
pub fn rows(event: &Event, tracked: &TrackedDimensions) -> Option<Table> {
    let mut rows = Table::default();
    rows.add_chained(event, tracked).unwrap();
    (!rows.is_empty()).then_some(rows)
}

/// The day on which an event was stored.
fn stored_day(record: &Record) -> Option<Day> {
    record.arrival().map(|arrival| Day::of(arrival, chrono_tz::UTC))
}

impl Run {
    /// In each view of agents' days that is not sealed, the part of each shard is the sum over its events up to the mark of its
    /// chain.
    pub fn check_chains(&mut self, chains: &Chains, dirty: impl Fn(&Owner, Day) -> bool) -> CheckResult {
        let mut expected: BTreeMap<(Owner, Day), Table> = BTreeMap::new();
        let is_checked = |owner: &Owner| {
            self.proved(&owner.org).iter().any(|calendar| calendar.generation == owner.generation)
        };
        let blocks = chains.check_blocks(is_checked)?;
        for (owner, day) in chains.days().filter(|(owner, _)| is_checked(owner)) {
            expected.entry((owner, day)).or_default();
        }
        for shard in self.streams.iter().flat_map(|stream| &stream.shards) {
            for record in &shard.records {
                let Some(event) = record.counted() else { continue };
                for (owner, day) in days_of(event, &self.proved(&event.org)) {
                    let Some(rows) = rows(event, &self.tracked(&owner)) else { continue };
                    let mark = stored_day(record).and_then(|stored| {
                        chains.marks(&owner, day).get(&(stored, shard.chain_hash)).copied()
                    });
                    if mark.is_some_and(|mark| record.number <= mark) {
                        expected.entry((owner, day)).or_default().merge(&rows);
                    }
                }
            }
        }
        for ((owner, day), rows) in expected {
            // Records that came too late for their chain are missing until the day is recomputed.
            if dirty(&owner, day) {
                continue;
            }
            for view in AGENT_VIEWS {
                let stored = chains.view(&owner, day, view)?;
                if !chains.is_sealed(&owner, day, view) && stored != rows.view(view) {
                    return Err(format!(
                        "by its marks, {view:?} of {owner} on {day} is {stored:?}, not {rows:?}"
                    ));
                }
            }
        }
        if blocks > 0 {
            self.count("Block");
        }
        Ok(())
    }

    /// The dimensions that the rollups of an owner tell apart.
    pub fn tracked(&self, owner: &Owner) -> TrackedDimensions {
        self.calendars(&owner.org).tracked_in(owner.generation)
    }

    /// Whether the chains contain a record, or recomputing the day will count it.
    pub fn is_in_chains(&self, shard: &Shard, record: &Record, event: &Event) -> CheckResult {
        let calendars = self.proved(&event.org);
        let is_amendment = matches!(event.data, Data::Amendment(_));
        // Before a generation was recomputed, an event and its amendments may have canceled out.
        let may_be_unmarked = is_amendment || self.senders.is_amended(&record.event_key());
        for (owner, day) in days_of(event, &calendars) {
            let tracked = self.tracked(&owner);
            let Some(rows) = rows(event, &tracked) else { continue };
            let has_rows = |view: &View| !rows.view(*view).is_empty();
            if may_be_unmarked && owner.generation != Generation::FIRST {
                continue;
            }
            let dirty = store::keys::dirty_day(&owner.org, day);
            let is_sealed = |view| {
                let pack = ledger::chain::PackId { kind: view, span: ledger::chain::Span::Day(day) };
                let first = self.engine.item(&names().usage, &chunk(&owner, pack, ChunkId::default()));
                first.is_some_and(|first| first.contains_key(SEALED_AT))
            };
            // A view without a row of the day need not be sealed with the other.
            if AGENT_VIEWS.into_iter().filter(has_rows).all(is_sealed)
                || self.engine.item(&names().usage, &dirty).is_some()
            {
                continue;
            }
            let stored = stored_day(record).ok_or("an event without a time of arrival")?;
            let chain =
                ledger::chain::ChainId { family: Family::Main, arrival: stored, shard: shard.chain_hash };
            let mark = self.last_mark(&chains::chain(&owner, day, chain));
            let is_after = |other: &&Record| mark.is_none_or(|mark| other.number > mark);
            let left =
                shard.records.iter().filter(is_after).filter(|other| stored_day(other) == Some(stored));
            if mark.is_none_or(|mark| mark < record.number)
                && !cancels_out(left, record, (&calendars, &tracked), (&owner, day))
            {
                return Err(format!("the mark of the chain of {owner} on {day} is {mark:?}"));
            }
        }
        Ok(())
    }

    /// The mark of the last page in a range.
    fn last_mark(&self, range: &store::keys::KeyRange) -> Option<SequenceNumber> {
        let body = json!({
            "TableName": names().usage,
            "ConsistentRead": true,
            "ScanIndexForward": false,
            "Limit": 1,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :from AND :to",
            "ExpressionAttributeValues": {
                ":pk": { "S": range.pk }, ":from": { "S": range.from }, ":to": { "S": range.to },
            },
        });
        let (_, response) = self.engine.execute("Query", &body);
        let response: serde_json::Value = serde_json::from_str(&response).unwrap();
        let item: Item = serde_json::from_value(response["Items"].get(0)?.clone()).unwrap();
        assert!(item.contains_key(PK) && item.contains_key(SK));
        SequenceNumber::from_bytes(bytes(&item, MARK)?)
    }
}

/// Whether records that follow the mark of a chain add nothing together, up to `record` or a later one: such a batch is not
/// written, since there is nothing to add.
fn cancels_out<'r>(
    records: impl Iterator<Item = &'r Record>,
    record: &Record,
    (calendars, tracked): (&[Calendar], &TrackedDimensions),
    (owner, day): (&Owner, Day),
) -> bool {
    let mut sum = Table::default();
    for other in records {
        if let Some(rows) = other
            .counted()
            .filter(|event| days_of(event, calendars).contains(&(owner.clone(), day)))
            .and_then(|event| rows(event, tracked))
        {
            sum.merge(&rows);
        }
        if other.number >= record.number && sum.is_empty() {
            return true;
        }
    }
    false
}

/// The days of an event by some calendars.
fn days_of(event: &Event, calendars: &[Calendar]) -> Vec<(Owner, Day)> {
    let day =
        |calendar: &Calendar| Some((Owner::new(&event.org, calendar.generation), calendar.day(event.time)?));
    calendars.iter().filter_map(day).collect()
}
