//! A compaction of a random day.

use std::collections::BTreeSet;

use ledger::chain::{
    Chunk, ChunkId, Chunks, Compaction, CompactionAnswer as Answer, CompactionCommand as Command, Cover,
    Family, Note, PackId, Pages, Span, Task,
};
use ledger::period::Day;

use crate::mutant::Mutant;
use crate::rows::{Counts, Delta, View};
use crate::store::Tick;
use crate::world::{ChunkKey, Query, Stored, TICK, World, day, days};

/// Longer packs: one that claims every day, and one that claims the last two.
pub const LONG: [Span; 2] = [Span::Long(0), Span::Long(1)];

pub struct Compactor {
    day: Day,
    compaction: Compaction<Counts, u64>,
    command: Option<Command<Counts, u64>>,
    pages: Query<ledger::chain::PageId, Stored>,
    chunks: Query<ChunkId<u32>, Chunk<Counts, u32>>,
    /// Ticks to wait before the next command.
    wait: Tick,
    /// What was read last of a longer pack.
    long: Chunks<Counts>,
    /// Whether the upper half of a chunk was written, and not yet the lower one.
    has_split: bool,
    /// The id that the last chunk was given, and the one that it was written with.
    renamed: Option<(ChunkId<u32>, ChunkId<u32>)>,
    /// A chunk that is written too late.
    deferred: Option<(ChunkKey, Chunk<Counts, u32>)>,
}

impl Compactor {
    pub fn new(world: &mut World) -> Self {
        let day = *world.random.choose(&days());
        let one_kind = world.is(Mutant::DeletesForOneKind);
        let kinds = if one_kind { &View::ALL[..1] } else { &View::ALL[..] };
        let spans = || [Span::Day(day)].into_iter().chain(LONG);
        let packs = kinds.iter().flat_map(|kind| spans().map(|span| PackId { kind: *kind, span })).collect();
        let mut tasks = vec![Task::Remove];
        if world.random.permille(if world.chaos { 500 } else { 1000 }) {
            tasks.push(Task::Close);
        }
        for kind in View::ALL {
            for span in spans() {
                let skipped = if one_kind && kind == View::Agents { 600 } else { 100 };
                if !world.fails(skipped) {
                    tasks.push(Task::Absorb(PackId { kind, span }));
                }
            }
        }
        for kind in View::ALL {
            tasks.extend(long_task(world, kind, day));
        }
        tasks.push(Task::Note);
        Self {
            compaction: Compaction::new(day, packs, tasks, world.timing, world.random.next()),
            ..Self::with_tasks(world, day, Vec::new())
        }
    }

    pub fn with_tasks(world: &mut World, day: Day, tasks: Vec<Task<View>>) -> Self {
        Self {
            day,
            compaction: Compaction::new(day, Vec::new(), tasks, world.timing, world.random.next()),
            command: None,
            pages: Query::default(),
            chunks: Query::default(),
            wait: 0,
            long: Chunks::<Counts>::new(),
            has_split: false,
            renamed: None,
            deferred: None,
        }
    }

    /// Carries out some commands. True when the compaction is over.
    pub fn step(&mut self, world: &mut World) -> bool {
        (0..3).any(|_| self.step_once(world))
    }

    /// Carries out one command, or a part of it.
    fn step_once(&mut self, world: &mut World) -> bool {
        if self.wait > 0 {
            self.wait -= 1;
            return false;
        }
        if self.command.is_none()
            && !world.fails(100)
            && let Some((id, chunk)) = self.deferred.take()
        {
            world.chunks.put(&id, Some(chunk), world.now);
        }
        if std::mem::take(&mut self.has_split) && world.fails(200) {
            // It crashes where that leaves the most behind.
            return true;
        }
        let Some(command) = self.command.take().or_else(|| self.compaction.next(world.seconds())) else {
            return true;
        };
        if let Some(answer) = self.carry_out(world, &command) {
            if world.fails(10)
                && !matches!(command, Command::ReadNote | Command::ReadPages | Command::ReadChunks(_))
            {
                // The answer is lost, and the write is sent again.
                world.counts.lost_answers += 1;
                self.command = Some(command);
                return false;
            }
            self.compaction.answer(answer, world.seconds());
        } else {
            self.command = Some(command);
        }
        false
    }

    /// The answer to a command; none if it takes longer.
    fn carry_out(
        &mut self,
        world: &mut World,
        command: &Command<Counts, u64>,
    ) -> Option<Answer<Counts, u64>> {
        let now = world.now;
        Some(match command {
            Command::ReadNote => Answer::Note(self.note(world)),
            Command::ReadPages => {
                if !self.pages.step(world, self.day, &Family::ALL, true, 6) {
                    return None;
                }
                let pages = std::mem::take(&mut self.pages).found;
                Answer::Pages(shown_pages(world, pages))
            }
            Command::ReadChunks(pack) => {
                if !self.chunks.step(world, *pack, true) {
                    return None;
                }
                let chunks = std::mem::take(&mut self.chunks).found;
                Answer::Chunks(self.shown_chunks(world, *pack, chunks))
            }
            Command::Close(id, mark) => {
                let page = world.pages.current(id).cloned();
                let blind = world.is(Mutant::ClosesBlindly);
                match page {
                    Some(page) if blind || !page.closed && page.mark == *mark => {
                        world.put_page(*id, Some(Stored { closed: true, ..page }));
                        Answer::Done
                    }
                    _ => Answer::Refused,
                }
            }
            Command::Delete(id) => {
                world.put_page(*id, None);
                world.counts.deleted += 1;
                Answer::Done
            }
            Command::Empty(id, expires) => {
                let page = world.pages.current(id).cloned();
                let Some(page) = page else { return Some(Answer::Refused) };
                let deltas =
                    if world.is(Mutant::EmptiesSilently) { vec![Delta::default()] } else { Vec::new() };
                let emptied = Stored { deltas, closed: true, expires: Some(*expires), ..page };
                let tail_is_deleted = world.is(Mutant::DeletesTail);
                world.put_page(*id, (!tail_is_deleted).then_some(emptied));
                world.counts.emptied += 1;
                Answer::Done
            }
            Command::PutChunk(pack, id, chunk, if_version) => {
                self.put_chunk(world, (*pack, *id), chunk.clone(), *if_version)?
            }
            Command::PutNote(note) => {
                world.notes.put(&self.day, Some(note.clone()), now);
                Answer::Done
            }
        })
    }

    fn note(&self, world: &World) -> Option<Note> {
        if world.is(Mutant::DeletesAtOnce) {
            let all = world.pages_of(self.day);
            let mut cover = Cover::default();
            for page in all.keys() {
                cover.add(page);
            }
            return Some(Note { at: -1_000_000 * TICK, cover });
        }
        world.notes.current(&self.day).cloned()
    }

    fn put_chunk(
        &mut self,
        world: &mut World,
        id: ChunkKey,
        mut chunk: Chunk<Counts, u32>,
        if_version: Option<u64>,
    ) -> Option<Answer<Counts, u64>> {
        let is_adoption = LONG.contains(&id.0.span) && chunk.days.len() > self.long_days();
        let waits = match world.mutant {
            Some(Mutant::PutsWithoutVersion) => world.random.permille(100),
            Some(Mutant::ClaimsOldPack) => is_adoption && world.random.permille(300),
            _ => false,
        };
        if waits && self.wait == 0 {
            self.wait = 900;
            return None;
        }
        self.wait = 0;
        let mut id = id;
        match world.mutant {
            Some(Mutant::ForgetsCover) => {
                let random = &mut world.random;
                chunk.cover.retain(|_, _| !random.permille(300));
            }
            Some(Mutant::ClaimsWithoutCover) if is_adoption => chunk.cover.remove_day(self.day),
            Some(Mutant::ReusesChunkId) => {
                if if_version.is_none() && id.1 != ChunkId::default() {
                    id.1.split = 0;
                }
                if let Some(next) = &mut chunk.next {
                    next.split = 0;
                }
            }
            Some(Mutant::NamesChunkByVersion) if if_version.is_none() && id.1 != ChunkId::default() => {
                let name = ChunkId { split: chunk.version, ..id.1 };
                self.renamed = Some((id.1, name));
                id.1 = name;
            }
            Some(Mutant::NamesChunkByVersion) => {
                let renamed = self.renamed.take().filter(|(given, _)| chunk.next == Some(*given));
                chunk.next = renamed.map_or(chunk.next, |(_, name)| Some(name));
            }
            _ => {}
        }
        let is_upper = if_version.is_none() && id.1 != ChunkId::default();
        if is_upper && world.is(Mutant::SplitsLowerFirst) {
            self.deferred = Some((id, chunk));
            return Some(Answer::Done);
        }
        let stored = world.chunks.current(&id).map(|chunk| chunk.version);
        if stored != if_version && !world.is(Mutant::PutsWithoutVersion) {
            return Some(Answer::Refused);
        }
        world.counts.absorbed += 1;
        world.counts.adopted += u64::from(is_adoption);
        if LONG.contains(&id.0.span) && chunk.days.len() < self.long_days() {
            world.counts.released += 1;
        }
        world.counts.chunk_splits += u64::from(is_upper);
        self.has_split = is_upper;
        world.chunks.put(&id, Some(chunk), world.now);
        Some(Answer::Done)
    }

    fn long_days(&self) -> usize {
        self.long.values().map(|chunk| chunk.days.len()).min().unwrap_or_default()
    }

    fn shown_chunks(
        &mut self,
        world: &World,
        pack: PackId<View>,
        mut chunks: Chunks<Counts>,
    ) -> Chunks<Counts> {
        if LONG.contains(&pack.span) {
            self.long = chunks.clone();
            return chunks;
        }
        let Span::Day(day) = pack.span else { return chunks };
        let Some(long) = self.long.get(&ChunkId::default()) else { return chunks };
        if day == self.day || !long.days.contains_key(&day) {
            return chunks;
        }
        // The answer to the question whether a day can be subtracted.
        for chunk in chunks.values_mut() {
            if world.is(Mutant::SubtractsUnequal) {
                chunk.cover.set_day(day, &long.cover);
            }
            if world.is(Mutant::SubtractsUnequal) || world.is(Mutant::SubtractsRepaired) {
                chunk.days = long.days.clone();
            }
        }
        chunks
    }
}

/// Now and then a longer pack takes the day in, gives another one up, or is recomputed.
fn long_task(world: &mut World, kind: View, day: Day) -> Option<Task<View>> {
    // A pack that days were released from while one was damaged has to be recomputed.
    if world.is_damaged
        || !world.random.permille(300)
        || world.now < 300 * (i64::from(day.date().to_epoch_days()) + 1)
    {
        return None;
    }
    let [all, last] = LONG.map(|span| PackId { kind, span });
    match world.random.below(8) {
        0..3 => Some(Task::Adopt(all)),
        3..5 => Some(Task::Adopt(last)),
        5..7 => {
            let chunks = world.chunks_of(last);
            let claimed: Vec<_> = chunks.values().flat_map(|chunk| chunk.days.keys().copied()).collect();
            let other = claimed.into_iter().find(|other| *other != day)?;
            Some(Task::Release(last, other))
        }
        _ => {
            let chunks = world.chunks_of(last);
            let mut claimed: BTreeSet<_> =
                chunks.values().flat_map(|chunk| chunk.days.keys().copied()).collect();
            if claimed.is_empty() {
                claimed.insert(day);
            }
            world.counts.rebuilt += 1;
            Some(Task::Rebuild(last, claimed))
        }
    }
}

/// What a compaction is shown of the pages.
fn shown_pages(world: &mut World, mut pages: Pages<u64, Delta>) -> Pages<u64, Delta> {
    for page in pages.values_mut() {
        match world.mutant {
            Some(Mutant::CoversOpen) => page.closed = true,
            Some(Mutant::CoversUnmerged)
                if page.closed && !page.deltas.is_empty() && world.random.permille(50) =>
            {
                page.deltas = vec![Delta::default()];
            }
            _ => {}
        }
    }
    pages
}

/// The days that the pack of the last days is read for.
pub fn windows() -> [Vec<Day>; 3] {
    [vec![day(0), day(1)], vec![day(1), day(2)], days()]
}
