//! Packs and their chunks.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::cover::Cover;
use super::ids::Family;
use super::limits::Seconds;
use crate::period::Day;

/// What a pack is read for.
pub trait Kind: Copy + Ord + Debug {
    /// The families of pages that it consists of.
    fn families(self) -> &'static [Family];
}

/// The time that a pack is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// A day.
    Day(Day),
    /// A longer time, which a number tells from others: the days that it claims.
    Long(u32),
}

/// A pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId<K> {
    /// What it is read for.
    pub kind: K,
    /// The time that it is about.
    pub span: Span,
}

/// A chunk of a pack: the rows from some key on.
///
/// It is written before the chunk that it is split off from refers to it. Its id is its own for ever, so that what an
/// attempt left behind is never taken for a part of the pack: it may lack pages that have been deleted since, and that no
/// pack was known to lack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId<B> {
    /// The least key that may be in it.
    pub from: B,
    /// Tells it from chunks of other attempts; 0 for the first one of a pack.
    pub split: u64,
}

/// Set in the number of a day that is sealed: the chunk has all of its rows, and none of its pages counts any more.
pub const SEALED: u64 = 1 << 63;

/// The chunk with the rows after those of another.
pub type Link<B> = Option<ChunkId<B>>;

/// An item with rows of a pack. Each has a cover of its own, so that no two need be written together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk<R, B> {
    /// Counts its writes. Each is conditional on the version that was read.
    pub version: u64,
    /// The days whose events are in it, with how often each was repaired; of a day that was sealed, [`SEALED`] and a number
    /// that no other seal of the day has.
    pub days: BTreeMap<Day, u64>,
    /// The pages that are in it.
    pub cover: Cover,
    /// Its rows.
    pub rows: R,
    /// The chunk that its key space ends at.
    pub next: Link<B>,
    /// When it was recomputed from raw events, which sealed it: it has all rows of its day from then on, no page of which
    /// counts any more. All chunks of a pack are sealed, or none.
    pub sealed: Option<Seconds>,
}

impl<R, B> Chunk<R, B> {
    /// Whether it has all rows of a day, no page of which counts any more.
    pub fn is_sealed(&self, day: Day) -> bool {
        self.sealed.is_some() || self.days.get(&day).is_some_and(|number| number & SEALED != 0)
    }

    /// Whether it has the same pages and repairs of a day as another.
    pub fn agrees(&self, other: &Self, day: Day) -> bool {
        self.days.get(&day) == other.days.get(&day) && self.cover.day(day) == other.cover.day(day)
    }
}
