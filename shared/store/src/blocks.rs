//! Packs of blocks of days.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use ledger::chain::{Chunks, Incomplete, SEALED, live};
use ledger::pack::{Block, Table, View};
use ledger::period::Day;

use crate::chains::{Consistency, stored_chunk};
use crate::error::{Error, Result};
use crate::keys::chains as keys;
use crate::keys::{Owner, SK};
use crate::{Item, Usage, decode, n};

/// The pack of a block, as it was read, and the seals of its days.
///
/// A day that is sealed gets a number, which is stored here before it is in the day's own pack. So a block is only used if it
/// has each of its days with the number that is stored here: otherwise it may contain what the day had before.
#[derive(Clone, Debug, Default)]
pub struct StoredBlock {
    /// The chunks of its pack.
    pub chunks: Chunks<Table>,
    seals: BTreeMap<String, u64>,
}

impl StoredBlock {
    /// Its days; none if there is no pack.
    ///
    /// # Errors
    ///
    /// If the chunks were read while they changed.
    pub fn days(&self) -> Result<BTreeSet<Day>, Incomplete> {
        let live = live(&self.chunks)?;
        Ok(live.iter().flat_map(|(_, chunk)| chunk.days.keys()).copied().collect())
    }

    /// Whether it contains what its days had before they were sealed.
    ///
    /// # Errors
    ///
    /// If the chunks were read while they changed.
    pub fn is_outdated(&self) -> Result<bool, Incomplete> {
        let seal = |day: &Day| self.seals.get(&keys::seal(*day)).copied();
        let live = live(&self.chunks)?;
        let mut days = live.iter().flat_map(|(_, chunk)| &chunk.days);
        Ok(days.any(|(day, number)| Some(*number).filter(|number| number & SEALED != 0) != seal(day)))
    }

    /// The days that each of its chunks contains.
    ///
    /// # Errors
    ///
    /// If the chunks were read while they changed.
    pub fn whole_days(&self) -> Result<BTreeSet<Day>, Incomplete> {
        let (live, mut days) = (live(&self.chunks)?, self.days()?);
        days.retain(|day| live.iter().all(|(_, chunk)| chunk.days.contains_key(day)));
        Ok(days)
    }
}

impl Usage {
    /// The packs of blocks of one view, which are given oldest first. Every one of them has an entry.
    pub async fn blocks(
        &self,
        owner: &Owner,
        blocks: &[Block],
        consistency: Consistency,
    ) -> Result<BTreeMap<Block, StoredBlock>> {
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(BTreeMap::new()) };
        let view = first.view;
        let range = keys::blocks(owner, view, first.number(), last.number());
        let items = self.query(&range, consistency).all(|item| block_item(&item, view)).await?;
        let mut found: BTreeMap<u32, StoredBlock> = BTreeMap::new();
        for (number, add) in items {
            add.to(found.entry(number).or_default());
        }
        let of_block = |block: &Block| (*block, found.remove(&block.number()).unwrap_or_default());
        Ok(blocks.iter().map(of_block).collect())
    }

    pub(crate) async fn block_chunks(&self, owner: &Owner, view: View, number: u32) -> Result<Chunks<Table>> {
        let query = self.query(&keys::blocks(owner, view, number, number), Consistency::Strong);
        let mut block = StoredBlock::default();
        for (_, add) in query.all(|item| block_item(&item, view)).await? {
            add.to(&mut block);
        }
        Ok(block.chunks)
    }

    /// Stores the number of a seal, before the pack of the day is sealed.
    pub(crate) async fn put_seal(&self, owner: &Owner, view: View, day: Day, seal: u64) -> Result<()> {
        let Some(block) = Block::of(view, day) else { return Ok(()) };
        let update = self.table.update(&keys::seals(owner, block)).set(&keys::seal(day), n(seal));
        update.send_unconditionally().await
    }
}

/// What an item adds to what is known of a block.
enum Part {
    Seals(BTreeMap<String, u64>),
    Chunk(ledger::chain::ChunkId<u64>, Box<ledger::chain::Chunk<Table, u64>>),
}

impl Part {
    fn to(self, block: &mut StoredBlock) {
        match self {
            Self::Seals(seals) => block.seals = seals,
            Self::Chunk(id, chunk) => drop(block.chunks.insert(id, *chunk)),
        }
    }
}

fn block_item(item: &Item, view: View) -> Result<(u32, Part)> {
    let sk = decode::required(item, SK)?;
    let parsed = keys::parse_block(sk, view);
    match parsed.ok_or_else(|| Error::Internal(format!("{sk:?} is not of a block")))? {
        keys::BlockItem::Seals(number) => Ok((number, Part::Seals(seals(item)))),
        keys::BlockItem::Chunk(number, id) => Ok((number, Part::Chunk(id, Box::new(stored_chunk(item)?)))),
    }
}

fn seals(item: &Item) -> BTreeMap<String, u64> {
    let of_days = item.iter().filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()));
    let number = |value: &AttributeValue| value.as_n().ok()?.parse().ok();
    of_days.filter_map(|(name, value)| Some((name.clone(), number(value)?))).collect()
}
