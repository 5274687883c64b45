//! Compares the packs of a day with its raw events, and repairs them.

use ledger::chain::{
    Chunk, ChunkId, Chunks, Family, Observation, PackId, PageId, Pages, Span, is_settled, live, repaired,
};
use ledger::period::Day;

use crate::mutant::Mutant;
use crate::reader::Reader;
use crate::rows::{Counts, Delta, View};
use crate::store::Tick;
use crate::world::{Query, Stored, TICK, World};

/// An event may be on its way to the pages for so long.
const SETTLE: Tick = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Chunks,
    Pages,
    Raw,
    PagesAgain,
    ChunksAgain,
    Write,
}

pub struct Reconciler {
    day: Day,
    kind: View,
    stage: Stage,
    from: Tick,
    page_query: Query<PageId, Stored>,
    chunk_query: Query<ChunkId<u32>, Chunk<Counts, u32>>,
    pages: Pages<u64, Delta>,
    chunks: Chunks<Counts>,
    raw: Counts,
    newest: Option<Tick>,
    is_applied: bool,
    is_unchanged: bool,
    writes: Vec<(ChunkId<u32>, Chunk<Counts, u32>)>,
    wait: Tick,
}

impl Reconciler {
    pub fn new(world: &mut World, day: Day) -> Self {
        let kind = *world.random.choose(&View::ALL);
        Self::of(world, day, kind)
    }

    pub fn of(world: &World, day: Day, kind: View) -> Self {
        Self {
            day,
            kind,
            stage: Stage::Chunks,
            from: world.now,
            page_query: Query::default(),
            chunk_query: Query::default(),
            pages: Pages::new(),
            chunks: Chunks::<Counts>::new(),
            raw: Counts::default(),
            newest: None,
            is_applied: false,
            is_unchanged: true,
            writes: Vec::new(),
            wait: 0,
        }
    }

    /// Carries out one step. True when done.
    pub fn step(&mut self, world: &mut World) -> bool {
        if self.wait > 0 {
            self.wait -= 1;
            return false;
        }
        let pack = PackId { kind: self.kind, span: Span::Day(self.day) };
        match self.stage {
            Stage::Chunks | Stage::ChunksAgain => {
                if !self.chunk_query.step(world, pack, true) {
                    return false;
                }
                let chunks = std::mem::take(&mut self.chunk_query).found;
                if self.stage == Stage::Chunks {
                    (self.chunks, self.stage) = (chunks, Stage::Pages);
                    return false;
                }
                self.is_unchanged &= chunks == self.chunks;
                self.stage = Stage::Write;
                self.compare(world);
            }
            Stage::Pages | Stage::PagesAgain => {
                if !self.page_query.step(world, self.day, &Family::ALL, true, 6) {
                    return false;
                }
                let pages = std::mem::take(&mut self.page_query).found;
                if self.stage == Stage::Pages {
                    (self.pages, self.stage) = (pages, Stage::Raw);
                } else {
                    self.is_unchanged &= pages == self.pages;
                    self.stage = Stage::ChunksAgain;
                }
            }
            Stage::Raw => {
                let of_day = || world.raw.iter().filter(|(_, (day, _))| *day == self.day);
                // At rest nothing is on its way.
                self.newest = of_day().map(|(_, (_, arrived))| *arrived).max().filter(|_| world.chaos);
                let ids = of_day().map(|(id, _)| *id);
                self.raw = Counts::of(ids.filter(|id| Reader::is_counted(self.kind, *id)));
                self.is_applied = world.lag == 0;
                self.stage = Stage::PagesAgain;
            }
            Stage::Write => {
                let Some((id, chunk)) = self.writes.pop() else { return true };
                let before = world.chunks.current(&(pack, id)).cloned().unwrap_or_default();
                let stored = Some(before.version);
                let ignores = world.is(Mutant::RepairsWithoutVersion) || world.is(Mutant::RepairsUnsettled);
                if stored == Some(chunk.version - 1) || ignores {
                    let mut change = chunk.rows.clone();
                    before.rows.0.iter().for_each(|((_, id), count)| change.add(*id, -count));
                    world.mended.extend(change.ids());
                    world.chunks.put(&(pack, id), Some(chunk), world.now);
                    world.counts.repairs += 1;
                }
            }
        }
        false
    }

    fn compare(&mut self, world: &mut World) {
        let observation = Observation {
            from: self.from * TICK,
            newest: self.newest.map(|newest| newest * TICK),
            is_applied: self.is_applied,
            is_unchanged: self.is_unchanged,
        };
        if !is_settled(&observation, SETTLE * TICK) && !world.is(Mutant::RepairsUnsettled) {
            return;
        }
        for (id, chunk) in live(&self.chunks).unwrap_or_default() {
            if let Ok(Some(chunk)) = repaired((id, chunk), &self.raw, &self.pages, self.kind, self.day) {
                self.writes.push((id, chunk));
            }
        }
        if world.is(Mutant::RepairsWithoutVersion) {
            self.wait = world.random.in_range(0..250);
        }
    }
}
