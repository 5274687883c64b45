//! A reader of some days.

use std::collections::{BTreeMap, BTreeSet};

use ledger::chain::{
    Chunk, ChunkId, Chunks, Cover, Family, Kind, PackId, Page, PageId, Pages, Span, assemble, live,
};
use ledger::period::Day;

use crate::compactor::{LONG, windows};
use crate::mutant::Mutant;
use crate::rows::{Counts, Delta, Id, View, has_agent, key as row_key};
use crate::store::{STALE, Tick};
use crate::world::{Query, Stored, World, days};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Strong,
    Eventual,
    /// Pages strongly, packs eventually.
    Mixed,
}

#[derive(Clone, Copy, Debug)]
enum Job {
    Pages(Day, Family),
    Pack(Span),
}

pub struct Reader {
    pub mode: Mode,
    pub kind: View,
    pub days: Vec<Day>,
    long: Option<Span>,
    start: Tick,
    jobs: Vec<Job>,
    pages: BTreeMap<Day, Pages<u64, Delta>>,
    chunks: BTreeMap<Span, Chunks<Counts>>,
    page_query: Query<PageId, Stored>,
    chunk_query: Query<ChunkId<u32>, Chunk<Counts, u32>>,
    attempts: u32,
    wait: Tick,
    /// What others had seen before.
    before: BTreeSet<Id>,
}

impl Reader {
    pub fn new(world: &mut World) -> Self {
        let mode = *world.random.choose(&[Mode::Strong, Mode::Eventual, Mode::Mixed]);
        let kind = *world.random.choose(&View::ALL);
        let (days, long) = match world.random.below(4) {
            0 => (days(), Some(LONG[0])),
            1 => (world.random.choose(&windows()).clone(), Some(LONG[1])),
            _ => (vec![*world.random.choose(&days())], None),
        };
        Self::of(world, mode, kind, days, long)
    }

    pub fn of(world: &mut World, mode: Mode, kind: View, days: Vec<Day>, long: Option<Span>) -> Self {
        world.counts.reads += 1;
        let before = world.seen.get(&(kind, days.clone())).cloned().unwrap_or_default();
        let mut reader = Self {
            mode,
            kind,
            days,
            long,
            start: world.now,
            jobs: Vec::new(),
            pages: BTreeMap::new(),
            chunks: BTreeMap::new(),
            page_query: Query::default(),
            chunk_query: Query::default(),
            attempts: 0,
            wait: 0,
            before,
        };
        reader.begin(world);
        reader
    }

    fn begin(&mut self, world: &mut World) {
        self.pages = self.days.iter().map(|day| (*day, Pages::new())).collect();
        self.chunks.clear();
        let families = self.kind.families();
        let pages = self.days.iter().flat_map(|day| families.iter().map(|family| Job::Pages(*day, *family)));
        let packs = self.days.iter().map(|day| Job::Pack(Span::Day(*day)));
        self.jobs = pages.chain(packs).chain(self.long.map(Job::Pack)).collect();
        world.random.shuffle(&mut self.jobs);
    }

    /// Reads a bit more. True when the reader is done; an error tells what it saw that it should not have.
    pub fn step(&mut self, world: &mut World) -> Result<bool, String> {
        if self.wait > 0 {
            self.wait -= 1;
            return Ok(false);
        }
        let is_strong = self.attempts > 0;
        let Some(job) = self.jobs.pop() else { return self.finish(world) };
        let is_done = match job {
            Job::Pages(day, family) => {
                let strong = is_strong || self.mode != Mode::Eventual;
                let is_done = self.page_query.step(world, day, &[family], strong, 2);
                if is_done {
                    let found = std::mem::take(&mut self.page_query).found;
                    self.pages.entry(day).or_default().extend(found);
                }
                is_done
            }
            Job::Pack(span) => {
                let strong = is_strong || self.mode == Mode::Strong;
                let pack = PackId { kind: self.kind, span };
                let is_done = self.chunk_query.step(world, pack, strong);
                if is_done {
                    self.chunks.insert(span, std::mem::take(&mut self.chunk_query).found);
                }
                is_done
            }
        };
        if !is_done {
            self.jobs.push(job);
        } else if world.fails(20) {
            self.wait = world.random.in_range(0..60);
        } else if world.fails(10) {
            self.wait = 400;
        }
        Ok(false)
    }

    fn finish(&mut self, world: &mut World) -> Result<bool, String> {
        let none = Chunks::<Counts>::new();
        self.plant(world);
        let long = self.long.and_then(|span| self.chunks.get(&span)).unwrap_or(&none);
        let of_day = |day: &Day| (*day, self.chunks.get(&Span::Day(*day)).cloned().unwrap_or_default());
        let day_packs: BTreeMap<_, _> = self.days.iter().map(of_day).collect();
        let Ok(mut rows) = assemble(self.kind, &self.days, long, &day_packs, &self.pages) else {
            self.attempts += 1;
            world.counts.read_again += 1;
            if self.attempts > 30 {
                return Err(format!("a reader of {:?} never gets a whole picture", self.days));
            }
            self.begin(world);
            return Ok(false);
        };
        if world.is(Mutant::ReaderAddsDayTwice)
            && world.random.permille(100)
            && let Some(day) = self.days.first()
        {
            let is_claimed = long.values().any(|chunk| chunk.days.contains_key(day));
            for chunk in day_packs[day].values().filter(|_| is_claimed) {
                chunk.rows.0.iter().for_each(|((_, id), count)| rows.add(*id, *count));
            }
        }
        if world.is(Mutant::ReaderTakesLeftOvers) {
            for chunks in day_packs.values() {
                let live: BTreeSet<_> = live(chunks).into_iter().flatten().map(|(id, _)| id).collect();
                for (_, chunk) in chunks.iter().filter(|(id, _)| !live.contains(id)) {
                    chunk.rows.0.iter().for_each(|((_, id), count)| rows.add(*id, *count));
                }
            }
        }
        self.check(world, &rows)?;
        Ok(true)
    }

    fn check(&self, world: &mut World, rows: &Counts) -> Result<(), String> {
        let name = format!("{:?} reader of {:?} {:?} since {}", self.mode, self.kind, self.days, self.start);
        if let Some(((_, id), count)) = rows.0.iter().find(|(_, count)| **count != 1) {
            return Err(format!("{name} counts {id} {count} times at {}", world.now));
        }
        let have: BTreeSet<Id> = rows.ids().collect();
        // Repairs add the records of dirty days, which are in no page.
        let may_have =
            |id: &Id| world.applied.contains_key(&(self.kind, *id)) || world.dirty.contains(&world.raw[id].0);
        if let Some(id) = have.iter().find(|id| !may_have(id)) {
            return Err(format!("{name} counts {id}, which was not applied"));
        }
        let lag = if self.mode == Mode::Eventual { STALE } else { 0 };
        let must_have = |id: &Id| {
            let applied = world.applied.get(&(self.kind, *id));
            applied.is_some_and(|at| *at < self.start - lag) && self.days.contains(&world.raw[id].0)
        };
        if let Some(id) = world.raw.keys().find(|id| must_have(id) && !have.contains(id)) {
            let at = world.applied[&(self.kind, *id)];
            return Err(format!("{name} misses {id}, applied at {at}, at {}", world.now));
        }
        self.check_prefixes(world, &have).map_err(|fault| format!("{name} {fault}"))?;
        if self.mode != Mode::Eventual {
            if let Some(id) = self.before.difference(&have).next() {
                return Err(format!("{name} misses {id}, which another has seen"));
            }
            world.seen.entry((self.kind, self.days.clone())).or_default().extend(have);
        }
        Ok(())
    }

    /// Of each chain, the records up to some one are seen, in each chunk. Agents' rows are in two chains, of which this need
    /// not hold together.
    fn check_prefixes(&self, world: &World, have: &BTreeSet<Id>) -> Result<(), String> {
        if self.kind == View::Agents {
            return Ok(());
        }
        for (key, ids) in world.order.iter().filter(|((day, ..), _)| self.days.contains(day)) {
            let applied = ids.iter().filter(|id| world.applied.contains_key(&(self.kind, **id)));
            let mut missed = BTreeSet::new();
            for id in applied {
                if !have.contains(id) {
                    missed.insert(row_key(*id));
                } else if missed.contains(&row_key(*id)) {
                    return Err(format!("sees no prefix of {key:?}"));
                }
            }
        }
        Ok(())
    }

    /// Makes the reader's mistakes.
    fn plant(&mut self, world: &World) {
        let chunks = self.chunks.values_mut().flat_map(BTreeMap::values_mut);
        match world.mutant {
            Some(Mutant::ReaderIgnoresCover) => chunks.for_each(|chunk| chunk.cover = Cover::default()),
            Some(Mutant::ReaderMixesCovers) if self.kind == View::Agents => {
                for (span, chunks) in &mut self.chunks {
                    let other = world.chunks_of(PackId { kind: View::Organization, span: *span });
                    if let Some(other) = other.get(&ChunkId::default()) {
                        for chunk in chunks.values_mut() {
                            let agents =
                                chunk.cover.iter().filter(|(_, chain, _)| chain.family == Family::Agents);
                            let main =
                                other.cover.iter().filter(|(_, chain, _)| chain.family == Family::Main);
                            chunk.cover = agents.chain(main).collect();
                        }
                    }
                }
            }
            Some(Mutant::ReaderIgnoresGaps) => {
                for pages in self.pages.values_mut() {
                    fill_gaps(pages);
                }
            }
            _ => {}
        }
    }

    /// Whether the record has a row of the kind.
    pub fn is_counted(kind: View, id: Id) -> bool {
        kind == View::Organization || has_agent(id)
    }
}

/// Puts pages without rows where pages are missing or were emptied.
fn fill_gaps(pages: &mut Pages<u64, Delta>) {
    let nothing = || Page {
        mark: 0,
        split: ledger::chain::Split::No,
        deltas: vec![Delta::default()],
        closed: true,
        expires: None,
    };
    let ids: Vec<_> = pages.keys().copied().collect();
    for id in ids {
        for number in 0..id.number {
            pages.entry(PageId { number, ..id }).or_insert_with(nothing).closed = true;
        }
    }
    for page in pages.values_mut().filter(|page| page.deltas.is_empty()) {
        page.deltas.push(Delta::default());
    }
}
