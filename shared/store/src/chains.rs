//! Chains of pages and packs: carries out what [`ledger::chain`] decides.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use ledger::chain::{
    self, Append, Cached, ChainId, Chunk, ChunkId, Chunks, Compaction, CompactionAnswer as Answer,
    CompactionCommand as Command, Cover, Family, Limits, Note, Outcome, PackId, Page, PageId, Pages, Seconds,
    Split, Tail, Write, WriteAnswer, WriteCommand,
};
use ledger::ids::OrgId;
use ledger::pack::{EventBatch, Table as Rows, View};
use ledger::period::Day;

use super::keys::chains as keys;
use super::table::{Consistency, WriteOutcome, absent, equals, exists};
use super::{Item, Usage, decode, n, s};
use crate::error::{Error, Result};
use crate::keys::{Key, PK, SK};
use crate::sequence::SequenceNumber;
use crate::{new_item, version};

/// The chain of a shard's records of one day, in the family of a write.
#[derive(Clone, Copy, Debug)]
pub struct ShardDay<'a> {
    /// The organization.
    pub org: &'a OrgId,
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

    /// The limits, with what the organization's id adds to every page.
    fn limits(&self) -> Limits {
        let key = keys::page(self.org, &self.page(Family::Main, 0));
        Limits { overhead: PAGE_OVERHEAD + key.pk.len() + key.sk.len(), ..Limits::PRODUCTION }
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
                self.mark_dirty(chain.org, chain.day, "late records").await?;
                Ok(WriteAnswer::Done)
            }
        }
    }

    /// The last page of a chain, strongly consistent.
    async fn tail(&self, chain: ShardDay<'_>, family: Family) -> Result<Option<Tail<SequenceNumber>>> {
        let range = keys::chain(chain.org, chain.day, chain.chain(family));
        let last = self.table.query(&range).strong().newest_first().page_size(1).page().await?;
        last.items.first().map(|item| tail(item, chain, family)).transpose()
    }

    async fn write_page(
        &self,
        chain: ShardDay<'_>,
        write: Write<SequenceNumber, Vec<u8>>,
    ) -> Result<WriteAnswer<SequenceNumber>> {
        let key = keys::page(chain.org, &chain.page(write.family, write.number));
        let delta = AttributeValue::L(vec![AttributeValue::B(Blob::new(write.delta))]);
        // An update even where the page is new: only updates return the item that refused them.
        let update = self.table.update(&key).set(keys::MARK, mark_attribute(write.mark)).return_old();
        let mut update = match write.if_mark {
            None => update.set(keys::DELTAS, delta).only_if(absent(PK)),
            Some(mark) => update
                .append(keys::DELTAS, delta)
                .only_if(equals(keys::MARK, mark_attribute(mark)))
                .only_if(absent(keys::CLOSED)),
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
                let tail = item.as_ref().map(|item| tail(item, chain, write.family)).transpose()?;
                Ok(WriteAnswer::Refused(tail))
            }
            outcome => outcome.applied().map(|_| WriteAnswer::Done),
        }
    }

    /// The pages of a day.
    pub async fn pages(
        &self,
        org: &OrgId,
        day: Day,
        families: &[Family],
        is_strong: bool,
    ) -> Result<Pages<SequenceNumber, Rows>> {
        let of_family = families.iter().map(|family| async move {
            let query = self.table.query(&keys::pages(org, day, *family));
            let query = if is_strong { query.strong() } else { query };
            query.all(|item| page(&item, day, *family)).await
        });
        Ok(try_join_all(of_family).await?.into_iter().flatten().collect())
    }

    /// The chunks of a pack.
    pub async fn chunks(&self, org: &OrgId, pack: PackId<View>, is_strong: bool) -> Result<Chunks<Rows>> {
        let query = self.table.query(&keys::chunks(org, pack));
        let query = if is_strong { query.strong() } else { query };
        Ok(query.all(|item| chunk(&item, pack)).await?.into_iter().collect())
    }

    /// Runs a compaction of an organization's day to its end. The next one goes on after an error.
    pub async fn compact(
        &self,
        org: &OrgId,
        day: Day,
        mut compaction: Compaction<Rows, SequenceNumber>,
        now: impl Fn() -> Seconds,
    ) -> Result<()> {
        while let Some(command) = compaction.next(now()) {
            let answer = self.carry_out_compaction(org, day, command).await?;
            compaction.answer(answer, now());
        }
        Ok(())
    }

    async fn carry_out_compaction(
        &self,
        org: &OrgId,
        day: Day,
        command: Command<Rows, SequenceNumber>,
    ) -> Result<Answer<Rows, SequenceNumber>> {
        let is_applied = match command {
            Command::ReadNote => return Ok(Answer::Note(self.note(org, day).await?)),
            Command::ReadPages => return Ok(Answer::Pages(self.pages(org, day, &Family::ALL, true).await?)),
            Command::ReadChunks(pack) => return Ok(Answer::Chunks(self.chunks(org, pack, true).await?)),
            Command::Close(id, mark) => {
                let update = self.table.update(&keys::page(org, &id));
                let update = update.set(keys::CLOSED, AttributeValue::Bool(true));
                let update = update.only_if(equals(keys::MARK, mark_attribute(mark)));
                update.only_if(absent(keys::CLOSED)).send().await?.applied()?
            }
            Command::Delete(id) => {
                self.table.delete(&keys::page(org, &id)).send_unconditionally().await?;
                true
            }
            Command::Empty(id, expires) => {
                let update = self.table.update(&keys::page(org, &id)).remove(keys::DELTAS);
                let update =
                    update.set(keys::CLOSED, AttributeValue::Bool(true)).set(keys::EXPIRES, n(expires));
                update.only_if(exists(PK)).send().await?.applied()?
            }
            Command::PutChunk(pack, id, chunk, if_version) => {
                self.put_chunk(&keys::chunk(org, pack, id), &chunk, if_version).await?
            }
            Command::PutNote(note) => {
                let mut item = new_item(&keys::note(org, day));
                item.insert(keys::NOTED.to_owned(), n(note.at));
                item.insert(keys::COVER.to_owned(), binary(note.cover.encode()));
                self.table.put(item).send_unconditionally().await?;
                true
            }
        };
        Ok(if is_applied { Answer::Done } else { Answer::Refused })
    }

    async fn note(&self, org: &OrgId, day: Day) -> Result<Option<Note>> {
        let item = self.table.get(&keys::note(org, day), Consistency::Strong).await?;
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
        item.extend(chunk.next.map(|next| (keys::NEXT.to_owned(), s(keys::chunk_id(next)))));
        let unchanged = if_version.map_or_else(|| absent(PK), |version| equals(keys::REVISION, n(version)));
        self.table.put(item).only_if(unchanged).send().await?.applied()
    }
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

fn tail(item: &Item, chain: ShardDay<'_>, family: Family) -> Result<Tail<SequenceNumber>> {
    let id = page_id(item, chain.day, family)?;
    Ok(Tail::of(id.number, &stored_page(item)?, &chain.limits(), |delta| delta.len()))
}

fn page_id(item: &Item, day: Day, family: Family) -> Result<PageId> {
    let sk = decode::required(item, SK)?;
    keys::parse_page(sk, day, family).ok_or_else(|| Error::Internal(format!("{sk:?} is not a page")))
}

fn page(item: &Item, day: Day, family: Family) -> Result<(PageId, Page<SequenceNumber, Rows>)> {
    let Page { mark, split, deltas, closed, expires } = stored_page(item)?;
    let deltas: Result<_> =
        deltas.into_iter().map(|delta| Rows::decode(delta).map_err(Error::internal)).collect();
    Ok((page_id(item, day, family)?, Page { mark, split, deltas: deltas?, closed, expires }))
}

fn chunk(item: &Item, pack: PackId<View>) -> Result<(ChunkId<u64>, Chunk<Rows, u64>)> {
    let sk = decode::required(item, SK)?;
    let id = keys::parse_chunk(sk, pack).ok_or_else(|| Error::Internal(format!("{sk:?} is not a chunk")))?;
    let days: BTreeMap<_, _> = chain::decode_days(bytes(item, keys::DAYS)?).map_err(Error::internal)?;
    let next = decode::text(item, keys::NEXT);
    let next =
        next.map(|next| keys::parse_chunk_id(next).ok_or_else(|| malformed(keys::NEXT))).transpose()?;
    let rows = Rows::decode(bytes(item, keys::ROWS)?).map_err(Error::internal)?;
    Ok((id, Chunk { version: integer(item, keys::REVISION)?, days, cover: cover(item)?, rows, next }))
}
