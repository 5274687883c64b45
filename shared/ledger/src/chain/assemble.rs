//! From chunks and pages to a whole picture.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::cover::Cover;
use super::pack::{Chunk, ChunkId, Kind};
use super::select::{Pages, select};
use crate::period::Day;

/// Rows of a pack.
pub trait Rows: Clone + Default {
    /// What pages hold.
    type Delta;
    /// What packs are read for.
    type Kind: Kind;
    /// A key that rows are ordered by.
    type Bound: Copy + Ord + Default + Debug;

    /// Adds what a delta has for packs of a kind, of the keys of a range.
    fn absorb(&mut self, delta: &Self::Delta, kind: Self::Kind, range: KeyRange<Self::Bound>);
    /// Adds what other rows have of the keys of a range.
    fn merge(&mut self, other: &Self, range: KeyRange<Self::Bound>);
    /// Subtracts what other rows have of the keys of a range.
    fn subtract(&mut self, other: &Self, range: KeyRange<Self::Bound>);
    /// A key that halves them, if they are too large for one item.
    fn halfway(&self) -> Option<Self::Bound>;
    /// Whether they add up to nothing.
    fn is_empty(&self) -> bool;
}

/// The items of a pack that were read.
pub type Chunks<R> = BTreeMap<ChunkId<<R as Rows>::Bound>, Chunk<R, <R as Rows>::Bound>>;

/// Chunks of a pack, in the order of their keys.
pub type Live<'c, R> = Vec<(ChunkId<<R as Rows>::Bound>, &'c Chunk<R, <R as Rows>::Bound>)>;

/// What was read does not fit together, and has to be read again, strongly consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pages and packs were read while they changed")]
pub struct Incomplete;

/// The chunks that make up a pack, in the order of their keys. Others are left over from attempts to split.
pub fn live<R: Rows>(chunks: &Chunks<R>) -> Result<Live<'_, R>, Incomplete> {
    let mut live = Vec::new();
    // Without the first one there is no pack: the others are left over from an attempt to create it.
    let mut next = Some(ChunkId::default()).filter(|first| chunks.contains_key(first));
    while let Some(id) = next {
        let chunk = chunks.get(&id).ok_or(Incomplete)?;
        live.push((id, chunk));
        next = chunk.next.filter(|next| next.from > id.from);
    }
    Ok(live)
}

/// The keys from one up to before another.
#[derive(Clone, Copy, Debug)]
pub struct KeyRange<B> {
    /// The least key.
    pub from: B,
    /// The first key beyond; none if there is no end.
    pub to: Option<B>,
}

impl<B: Copy + Ord> KeyRange<B> {
    /// The keys of a chunk.
    pub fn of<R>(id: ChunkId<B>, chunk: &Chunk<R, B>) -> Self {
        Self { from: id.from, to: chunk.next.map(|next| next.from) }
    }

    /// The keys that are in both; none if there are none.
    pub fn overlap(self, other: Self) -> Option<Self> {
        let from = self.from.max(other.from);
        let to = [self.to, other.to].into_iter().flatten().min();
        to.is_none_or(|to| from < to).then_some(Self { from, to })
    }
}

/// The rows of `days`: of a longer pack where it claims them and no other day, of their own packs otherwise, and of the
/// pages that these lack.
///
/// # Errors
///
/// If what was read does not fit together, or a pack that is needed was not read.
pub fn assemble<R: Rows, M>(
    kind: R::Kind,
    days: &[Day],
    long: &Chunks<R>,
    day_packs: &BTreeMap<Day, Chunks<R>>,
    pages: &BTreeMap<Day, Pages<M, R::Delta>>,
) -> Result<R, Incomplete> {
    let mut rows = R::default();
    let mut from = Some(R::Bound::default());
    for (id, chunk) in live(long)? {
        let range = KeyRange::of(id, chunk);
        from = range.to;
        let is_usable = chunk.days.keys().all(|day| days.contains(day));
        if is_usable {
            rows.merge(&chunk.rows, range);
        }
        for day in days {
            let pages = pages.get(day).ok_or(Incomplete)?;
            if is_usable && chunk.days.contains_key(day) {
                if !chunk.is_sealed(*day) {
                    add_pages(&mut rows, pages, &chunk.cover, kind, range)?;
                }
            } else {
                add_day(&mut rows, day_packs.get(day).ok_or(Incomplete)?, pages, kind, range)?;
            }
        }
    }
    // Without a longer pack.
    if let Some(from) = from {
        for day in days {
            let (pack, pages) = (day_packs.get(day).ok_or(Incomplete)?, pages.get(day).ok_or(Incomplete)?);
            add_day(&mut rows, pack, pages, kind, KeyRange { from, to: None })?;
        }
    }
    Ok(rows)
}

/// Adds a day from its own pack and the pages that it lacks.
fn add_day<R: Rows, M>(
    rows: &mut R,
    pack: &Chunks<R>,
    pages: &Pages<M, R::Delta>,
    kind: R::Kind,
    range: KeyRange<R::Bound>,
) -> Result<(), Incomplete> {
    let chunks = live(pack)?;
    if chunks.is_empty() {
        return add_pages(rows, pages, &Cover::default(), kind, range);
    }
    for (id, chunk) in chunks {
        if let Some(range) = range.overlap(KeyRange::of(id, chunk)) {
            rows.merge(&chunk.rows, range);
            if chunk.sealed.is_none() {
                add_pages(rows, pages, &chunk.cover, kind, range)?;
            }
        }
    }
    Ok(())
}

/// Adds the pages that a cover lacks.
pub(super) fn add_pages<R: Rows, M>(
    rows: &mut R,
    pages: &Pages<M, R::Delta>,
    cover: &Cover,
    kind: R::Kind,
    range: KeyRange<R::Bound>,
) -> Result<(), Incomplete> {
    let selection = select(pages, cover, kind.families());
    if selection.has_gap {
        return Err(Incomplete);
    }
    for delta in selection.pages.iter().flat_map(|(_, page)| &page.deltas) {
        rows.absorb(delta, kind, range);
    }
    Ok(())
}
