//! Chains of pages and packs: carries out what [`ledger::chain`] decides.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use ledger::chain::Rows as ChunkRows;
use ledger::chain::{
    self, Append, Cached, ChainId, Chunk, ChunkId, Chunks, Compaction, CompactionAnswer as Answer,
    CompactionCommand as Command, Cover, Family, Limits, Note, Outcome, PackId, Page, PageId, Pages, SEALED,
    Seconds, Span, Split, Tail, Write, WriteAnswer, WriteCommand,
};
use ledger::pack::{EventBatch, Table as Rows, View};
use ledger::period::{Day, DayRange};

use super::keys::chains as keys;
pub use super::table::Consistency;
use super::table::{Query, WriteOutcome, absent, equals, exists};
use super::{Item, Usage, decode, n, s};
use crate::error::{Error, Result};
use crate::keys::{Key, KeyRange, Owner, PK, SK, VERSION};
use crate::sequence::SequenceNumber;
use crate::{new_item, version};

/// The family of the chains in use. See [`Family`].
const FAMILY: Family = Family::Main;

/// Leaves numbers of seals so small that all have the same number of digits.
const SEAL_SHIFT: u32 = 5;

/// The most bytes of a page with more than one delta.
const PAGE: usize = 8 << 10;

/// A process relies on the entry of a day for this long, and on an entry that is no older than this.
pub const LISTED_FOR: Seconds = 20 * 3600;

/// A day may be forgotten this long after it was listed: no process relies on its entry any more.
pub const FORGET_AFTER: Seconds = 48 * 3600;

/// The chain of a shard's records of one day, in the family of a write.
#[derive(Clone, Copy, Debug)]
pub struct ShardDay<'a> {
    /// Whose day it is.
    pub owner: &'a Owner,
    /// The day of the events.
    pub day: Day,
    /// The date (UTC) on which the records entered the stream.
    pub arrival: Day,
    /// See [`keys::shard_hash`](super::keys::chains::shard_hash).
    pub shard: [u8; 8],
}

impl ShardDay<'_> {
    const fn page(&self, family: Family, number: u32) -> PageId {
        PageId { day: self.day, chain: self.chain(family), number }
    }

    const fn chain(&self, family: Family) -> ChainId {
        ChainId { family, arrival: self.arrival, shard: self.shard }
    }

    /// The limits, with what the owner's name adds to every page.
    fn limits(&self) -> Limits {
        let key = keys::page(self.owner, &self.page(FAMILY, 0));
        let overhead = PAGE_OVERHEAD + key.pk.len() + key.sk.len();
        // All rows are those of agents, so none are moved to the other family.
        Limits { overhead, split: usize::MAX, page: [PAGE; 2], ..Limits::PRODUCTION }
    }
}

/// Bytes of a page without its keys and deltas: the names of keys and version, the mark, whether it is closed, where it is
/// split, and the list of deltas.
const PAGE_OVERHEAD: usize = 4 + 3 + 18 + 2 + 18 + 4;

/// What a process remembers of the chains of a [`ShardDay`], by family.
pub type Tails = [Option<Cached<SequenceNumber>>; Family::ALL.len()];

/// Why records are not all in the chains.
#[derive(Debug)]
pub struct Unapplied {
    /// The first record that may be missing.
    pub first: Option<SequenceNumber>,
    /// What failed.
    pub error: Error,
}

impl Usage {
    /// Appends the events of a batch to the chains of a shard and day, each exactly once. `tails` is what this process
    /// remembers of them, and is brought up to date.
    pub async fn append(
        &self,
        chain: ShardDay<'_>,
        batch: EventBatch<'_, SequenceNumber>,
        tails: &mut Tails,
        now: impl Fn() -> Seconds,
    ) -> std::result::Result<Outcome, Unapplied> {
        let mut append = Append::new(batch, chain.limits(), chain::Timing::PRODUCTION, *tails);
        loop {
            let command = match append.next(now()) {
                Ok(command) => command,
                Err(outcome) => {
                    *tails = append.tails();
                    return Ok(outcome);
                }
            };
            match self.carry_out(chain, command).await {
                Ok(answer) => append.answer(answer, now()),
                Err(error) => {
                    *tails = append.tails();
                    return Err(Unapplied { first: append.first_unapplied(), error });
                }
            }
        }
    }

    async fn carry_out(
        &self,
        chain: ShardDay<'_>,
        command: WriteCommand<SequenceNumber, Vec<u8>>,
    ) -> Result<WriteAnswer<SequenceNumber>> {
        match command {
            WriteCommand::ReadTail(family) => Ok(WriteAnswer::Tail(self.tail(chain, family).await?)),
            WriteCommand::Write(write) => self.write_page(chain, write).await,
            WriteCommand::MarkDirty => {
                self.mark_dirty(&chain.owner.org, chain.day, "late records").await?;
                Ok(WriteAnswer::Done)
            }
        }
    }

    /// The last page of a chain, strongly consistent.
    async fn tail(&self, chain: ShardDay<'_>, family: Family) -> Result<Option<Tail<SequenceNumber>>> {
        let range = keys::chain(chain.owner, chain.day, chain.chain(family));
        let last = self.table.query(&range).strong().newest_first().page_size(1).page().await?;
        last.items.first().map(|item| tail(item, chain)).transpose()
    }

    async fn write_page(
        &self,
        chain: ShardDay<'_>,
        write: Write<SequenceNumber, Vec<u8>>,
    ) -> Result<WriteAnswer<SequenceNumber>> {
        let key = keys::page(chain.owner, &chain.page(write.family, write.number));
        let delta = AttributeValue::L(vec![AttributeValue::B(Blob::new(write.delta))]);
        // An update even where the page is new: only updates return the item that refused them.
        let update = self.table.update(&key).set(keys::MARK, mark_attribute(write.mark)).return_old();
        let mut update = match write.if_mark {
            None => update.set(keys::DELTAS, delta).only_if(absent(PK)),
            Some(mark) => update
                .append(keys::DELTAS, delta)
                .only_if(equals(keys::MARK, mark_attribute(mark)))
                .only_if(absent(keys::CLOSED))
                .only_if(equals(VERSION, version::attribute())),
        };
        if let Some(split) = split_attribute(write.split) {
            update = update.set(keys::SPLIT, split);
        }
        if write.close {
            update = update.set(keys::CLOSED, AttributeValue::Bool(true));
        }
        match update.send().await? {
            WriteOutcome::Applied => Ok(WriteAnswer::Done),
            WriteOutcome::ConditionFailed(item) => {
                let tail = item.as_ref().map(|item| tail(item, chain)).transpose()?;
                Ok(WriteAnswer::Refused(tail))
            }
            outcome => outcome.applied().map(|_| WriteAnswer::Done),
        }
    }

    /// The pages of some days. Every one of them has an entry.
    pub async fn pages(
        &self,
        owner: &Owner,
        days: DayRange,
        consistency: Consistency,
    ) -> Result<BTreeMap<Day, Pages<SequenceNumber, Rows>>> {
        let pages =
            self.query(&keys::pages(owner, days, FAMILY), consistency).all(|item| page(&item)).await?;
        let mut by_day: BTreeMap<_, _> = days.days().map(|day| (day, Pages::new())).collect();
        for (id, page) in pages {
            by_day.entry(id.day).or_default().insert(id, page);
        }
        Ok(by_day)
    }

    /// The packs of a kind on some days, each as its chunks. Every day has an entry.
    pub async fn packs(
        &self,
        owner: &Owner,
        kind: View,
        days: DayRange,
        consistency: Consistency,
    ) -> Result<BTreeMap<Day, Chunks<Rows>>> {
        let query = self.query(&keys::chunks(owner, kind, days), consistency);
        let read = |item: Item| chunk(&item, kind);
        let chunks = query.all_at_once(read, |last| ends_of_pages(owner, kind, days, last)).await?;
        let mut by_day: BTreeMap<_, _> = days.days().map(|day| (day, Chunks::<Rows>::new())).collect();
        for (day, id, chunk) in chunks {
            by_day.entry(day).or_default().insert(id, chunk);
        }
        Ok(by_day)
    }

    pub(crate) fn query(&self, range: &KeyRange, consistency: Consistency) -> Query<'_> {
        let query = self.table.query(range);
        if consistency == Consistency::Strong { query.strong() } else { query }
    }

    /// The pages of a day without what is in them, and the bytes of the latter.
    pub async fn page_sizes(&self, owner: &Owner, day: Day) -> Result<Pages<SequenceNumber, usize>> {
        let days = DayRange { first: day, last: day };
        let sizes = |item: Item| {
            let Page { mark, split, deltas, closed, expires } = stored_page(&item)?;
            let deltas = deltas.into_iter().map(<[u8]>::len).collect();
            Ok((page_id(&item)?, Page { mark, split, deltas, closed, expires }))
        };
        let query = self.query(&keys::pages(owner, days, FAMILY), Consistency::Eventual);
        Ok(query.all(sizes).await?.into_iter().collect())
    }

    /// Deletes pages, which have to be expired or of no use because every pack of their day is sealed. Others may have been
    /// written since these were read.
    pub async fn delete_pages(&self, owner: &Owner, pages: impl IntoIterator<Item = PageId>) -> Result<()> {
        for page in pages {
            self.table.delete(&keys::page(owner, &page)).send_unconditionally().await?;
        }
        Ok(())
    }

    /// Lists a day before pages of it are written, so that they are found when they are to be merged.
    pub async fn list_day(&self, owner: &Owner, day: Day, now: Seconds) -> Result<()> {
        let key = keys::listed_day(owner, day);
        let entry = self.table.get(&key, Consistency::Eventual).await?;
        let listed: Option<Seconds> = entry.map(|entry| integer(&entry, keys::NOTED)).transpose()?;
        if listed.is_some_and(|at| now < at + LISTED_FOR) {
            return Ok(());
        }
        let mut item = new_item(&key);
        item.insert(keys::NOTED.to_owned(), n(now));
        self.table.put(item).send_unconditionally().await
    }

    /// The days that may have pages, and when they were listed.
    pub async fn listed_days(&self) -> Result<Vec<(Owner, Day, Seconds)>> {
        let listed = |item: Item| {
            let sk = decode::required(&item, SK)?;
            let parsed = keys::parse_listed_day(sk);
            let (owner, day) =
                parsed.ok_or_else(|| Error::Internal(format!("{sk:?} is not a listed day")))?;
            Ok((owner, day, integer(&item, keys::NOTED)?))
        };
        self.table.query(&keys::listed_days()).all(listed).await
    }

    /// Takes a day without pages off the list, unless it was listed again.
    pub async fn forget_day(&self, owner: &Owner, day: Day, listed: Seconds) -> Result<()> {
        let delete = self.table.delete(&keys::listed_day(owner, day));
        delete.only_if(equals(keys::NOTED, n(listed))).send().await?.applied().map(drop)
    }

    /// Replaces the pack of a day, which was read as `before`, by recomputed rows and seals it. False if it has changed.
    ///
    /// All chunks but the first get new ids and are written before, so the pack is replaced when the first one is. Before
    /// that, blocks that contain the former rows of the day become useless, see [`StoredBlock`](crate::blocks::StoredBlock).
    pub async fn seal_pack(
        &self,
        owner: &Owner,
        pack: PackId<View>,
        before: &Chunks<Rows>,
        rows: &Rows,
        now: Seconds,
    ) -> Result<bool> {
        let first = before.get(&ChunkId::default());
        let version = first.map(|chunk| chunk.version);
        let seal = SEALED | rand::random::<u64>() >> SEAL_SHIFT;
        let mut days: BTreeMap<_, _> = first.map(|chunk| chunk.days.clone()).unwrap_or_default();
        if let Span::Day(day) = pack.span {
            self.put_seal(owner, pack.kind, day, seal).await?;
            days.insert(day, seal);
        }
        let mut next = None;
        for (from, rows) in parts(rows).into_iter().rev() {
            let days = days.clone();
            let version_after = version.unwrap_or_default() + 1;
            let cover = Cover::default();
            let chunk = Chunk { version: version_after, days, cover, rows, next, sealed: Some(now) };
            let is_first = from == 0;
            let id = if is_first { ChunkId::default() } else { ChunkId { from, split: rand::random() } };
            let if_version = version.filter(|_| is_first);
            if !self.put_chunk(&keys::chunk(owner, pack, id), &chunk, if_version).await? {
                return Ok(false);
            }
            next = Some(id);
        }
        // What others wrote before they were refused, too. A reader of the former first chunk misses them, and reads again.
        for id in before.keys().filter(|id| **id != ChunkId::default()) {
            self.table.delete(&keys::chunk(owner, pack, *id)).send_unconditionally().await?;
        }
        Ok(true)
    }

    /// Runs a compaction of an organization's day to its end. The next one goes on after an error.
    pub async fn compact(
        &self,
        owner: &Owner,
        day: Day,
        mut compaction: Compaction<Rows, SequenceNumber>,
        now: impl Fn() -> Seconds,
    ) -> Result<()> {
        while let Some(command) = compaction.next(now()) {
            let answer = self.carry_out_compaction(owner, day, command).await?;
            compaction.answer(answer, now());
        }
        Ok(())
    }

    async fn carry_out_compaction(
        &self,
        owner: &Owner,
        day: Day,
        command: Command<Rows, SequenceNumber>,
    ) -> Result<Answer<Rows, SequenceNumber>> {
        let is_applied = match command {
            Command::ReadNote => return Ok(Answer::Note(self.note(owner, day).await?)),
            Command::ReadPages => {
                let days = DayRange { first: day, last: day };
                let mut pages = self.pages(owner, days, Consistency::Strong).await?;
                return Ok(Answer::Pages(pages.remove(&day).unwrap_or_default()));
            }
            Command::ReadChunks(pack) => return Ok(Answer::Chunks(self.pack(owner, pack).await?)),
            Command::Close(id, mark) => {
                let update = self.table.update(&keys::page(owner, &id));
                let update = update.set(keys::CLOSED, AttributeValue::Bool(true));
                let update = update.only_if(equals(keys::MARK, mark_attribute(mark)));
                update.only_if(absent(keys::CLOSED)).send().await?.applied()?
            }
            Command::Delete(id) => {
                self.table.delete(&keys::page(owner, &id)).send_unconditionally().await?;
                true
            }
            Command::Empty(id, expires) => {
                let update = self.table.update(&keys::page(owner, &id)).remove(keys::DELTAS);
                let update =
                    update.set(keys::CLOSED, AttributeValue::Bool(true)).set(keys::EXPIRES, n(expires));
                update.only_if(exists(PK)).send().await?.applied()?
            }
            Command::PutChunk(pack, id, chunk, if_version) => {
                self.put_chunk(&keys::chunk(owner, pack, id), &chunk, if_version).await?
            }
            Command::PutNote(note) => {
                let mut item = new_item(&keys::note(owner, day));
                item.insert(keys::NOTED.to_owned(), n(note.at));
                item.insert(keys::COVER.to_owned(), binary(note.cover.encode()));
                self.table.put(item).send_unconditionally().await?;
                true
            }
        };
        Ok(if is_applied { Answer::Done } else { Answer::Refused })
    }

    /// The chunks of a pack, strongly consistent.
    async fn pack(&self, owner: &Owner, pack: PackId<View>) -> Result<Chunks<Rows>> {
        let day = match pack.span {
            Span::Day(day) => day,
            Span::Long(number) => return self.block_chunks(owner, pack.kind, number).await,
        };
        let days = DayRange { first: day, last: day };
        let mut packs = self.packs(owner, pack.kind, days, Consistency::Strong).await?;
        Ok(packs.remove(&day).unwrap_or_default())
    }

    /// The note of a day, strongly consistent.
    pub async fn note(&self, owner: &Owner, day: Day) -> Result<Option<Note>> {
        let item = self.table.get(&keys::note(owner, day), Consistency::Strong).await?;
        item.map(|item| Ok(Note { at: integer(&item, keys::NOTED)?, cover: cover(&item)? })).transpose()
    }

    /// Writes a chunk, if it has this version; none: if it does not exist.
    pub async fn put_chunk(
        &self,
        key: &Key,
        chunk: &Chunk<Rows, u64>,
        if_version: Option<u64>,
    ) -> Result<bool> {
        let mut item = new_item(key);
        item.extend([
            (keys::REVISION.to_owned(), n(chunk.version)),
            (keys::DAYS.to_owned(), binary(chain::encode_days(&chunk.days))),
            (keys::COVER.to_owned(), binary(chunk.cover.encode())),
            (keys::ROWS.to_owned(), binary(chunk.rows.encode())),
        ]);
        item.extend(chunk.sealed.map(|at| (keys::SEALED_AT.to_owned(), n(at))));
        item.extend(chunk.next.map(|next| (keys::NEXT.to_owned(), s(keys::chunk_id(next)))));
        let unchanged = if_version.map_or_else(|| absent(PK), |version| equals(keys::REVISION, n(version)));
        self.table.put(item).only_if(unchanged).send().await?.applied()
    }
}

/// The last keys of ranges of as many days as there were on a page of packs with this last key.
fn ends_of_pages(owner: &Owner, kind: View, days: DayRange, last: &str) -> Vec<String> {
    let Some((day, _)) = keys::parse_chunk(last, kind) else { return Vec::new() };
    let on_page = days.days().take_while(|before| *before < day).count().max(1);
    let left: Vec<_> = DayRange { first: day, last: days.last }.days().collect();
    let ends = left.chunks(on_page).filter_map(|days| days.last()).filter(|end| **end < days.last);
    ends.map(|end| keys::chunks(owner, kind, DayRange { first: day, last: *end }).to).collect()
}

fn binary(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

fn mark_attribute(mark: SequenceNumber) -> AttributeValue {
    binary(mark.as_bytes().to_vec())
}

fn split_attribute(split: Split<SequenceNumber>) -> Option<AttributeValue> {
    match split {
        Split::No => None,
        Split::FromStart => Some(binary(Vec::new())),
        Split::After(mark) => Some(mark_attribute(mark)),
    }
}

fn malformed(attribute: &str) -> Error {
    Error::Internal(format!("a page or a chunk has a malformed {attribute}"))
}

fn bytes<'a>(item: &'a Item, attribute: &str) -> Result<&'a [u8]> {
    let bytes = item.get(attribute).and_then(|value| value.as_b().ok());
    bytes.map(AsRef::as_ref).ok_or_else(|| malformed(attribute))
}

fn integer<T: std::str::FromStr>(item: &Item, attribute: &str) -> Result<T> {
    let number = item.get(attribute).and_then(|value| value.as_n().ok()?.parse().ok());
    number.ok_or_else(|| malformed(attribute))
}

fn cover(item: &Item) -> Result<Cover> {
    Cover::decode(bytes(item, keys::COVER)?).map_err(Error::internal)
}

fn split(item: &Item) -> Result<Split<SequenceNumber>> {
    if !item.contains_key(keys::SPLIT) {
        return Ok(Split::No);
    }
    match bytes(item, keys::SPLIT)? {
        [] => Ok(Split::FromStart),
        mark => SequenceNumber::from_bytes(mark).map(Split::After).ok_or_else(|| malformed(keys::SPLIT)),
    }
}

/// A page with its deltas as they are stored.
fn stored_page(item: &Item) -> Result<Page<SequenceNumber, &[u8]>> {
    version::check(item)?;
    let deltas = match item.get(keys::DELTAS) {
        None => Vec::new(),
        Some(deltas) => {
            let deltas = deltas.as_l().map_err(|_| malformed(keys::DELTAS))?.iter();
            let deltas =
                deltas.map(|delta| delta.as_b().map(AsRef::as_ref).map_err(|_| malformed(keys::DELTAS)));
            deltas.collect::<Result<_>>()?
        }
    };
    let mark = SequenceNumber::from_bytes(bytes(item, keys::MARK)?).ok_or_else(|| malformed(keys::MARK))?;
    let expires = item.contains_key(keys::EXPIRES).then(|| integer(item, keys::EXPIRES)).transpose()?;
    Ok(Page { mark, split: split(item)?, deltas, closed: item.contains_key(keys::CLOSED), expires })
}

fn tail(item: &Item, chain: ShardDay<'_>) -> Result<Tail<SequenceNumber>> {
    let id = page_id(item)?;
    Ok(Tail::of(id.number, &stored_page(item)?, &chain.limits(), |delta| delta.len()))
}

fn page_id(item: &Item) -> Result<PageId> {
    let sk = decode::required(item, SK)?;
    keys::parse_page(sk, FAMILY).ok_or_else(|| Error::Internal(format!("{sk:?} is not a page")))
}

fn page(item: &Item) -> Result<(PageId, Page<SequenceNumber, Rows>)> {
    let Page { mark, split, deltas, closed, expires } = stored_page(item)?;
    let deltas: Result<_> =
        deltas.into_iter().map(|delta| Rows::decode(delta).map_err(Error::internal)).collect();
    Ok((page_id(item)?, Page { mark, split, deltas: deltas?, closed, expires }))
}

fn chunk(item: &Item, kind: View) -> Result<(Day, ChunkId<u64>, Chunk<Rows, u64>)> {
    let sk = decode::required(item, SK)?;
    let parsed = keys::parse_chunk(sk, kind);
    let (day, id) = parsed.ok_or_else(|| Error::Internal(format!("{sk:?} is not a chunk")))?;
    Ok((day, id, stored_chunk(item)?))
}

/// A chunk without its id.
pub(crate) fn stored_chunk(item: &Item) -> Result<Chunk<Rows, u64>> {
    let days: BTreeMap<_, _> = chain::decode_days(bytes(item, keys::DAYS)?).map_err(Error::internal)?;
    let next = decode::text(item, keys::NEXT);
    let next =
        next.map(|next| keys::parse_chunk_id(next).ok_or_else(|| malformed(keys::NEXT))).transpose()?;
    let rows = Rows::decode(bytes(item, keys::ROWS)?).map_err(Error::internal)?;
    let sealed = item.contains_key(keys::SEALED_AT).then(|| integer(item, keys::SEALED_AT)).transpose()?;
    let version = integer(item, keys::REVISION)?;
    Ok(Chunk { version, days, cover: cover(item)?, rows, next, sealed })
}

/// Rows as those of chunks, each with the least key that may be in it.
fn parts(rows: &Rows) -> Vec<(u64, Rows)> {
    let mut parts = Vec::new();
    let mut left = vec![(chain::KeyRange { from: 0, to: None }, rows.clone())];
    while let Some((range, rows)) = left.pop() {
        match rows.halfway().filter(|at| *at > range.from) {
            None => parts.push((range.from, rows)),
            Some(at) => {
                let halves =
                    [chain::KeyRange { to: Some(at), ..range }, chain::KeyRange { from: at, ..range }];
                left.extend(halves.map(|range| {
                    let mut half = Rows::default();
                    ChunkRows::merge(&mut half, &rows, range);
                    (range, half)
                }));
            }
        }
    }
    parts.sort_unstable_by_key(|(from, _)| *from);
    parts
}
