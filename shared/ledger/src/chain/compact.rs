//! Compaction: merges closed pages into packs, and removes pages that all packs contain.

use std::collections::{BTreeSet, VecDeque};

use super::assemble::{Chunks, KeyRange, Rows, live};
use super::cover::Cover;
use super::ids::{Family, PageId};
use super::limits::{Seconds, Timing};
use super::pack::{Chunk, ChunkId, Kind, PackId, Span};
use super::select::{Pages, select};
use crate::period::Day;

/// What every pack that claimed a day was found to contain, and when. Pages are removed some time after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Seconds,
    /// The pages.
    pub cover: Cover,
}

/// A step of a compaction.
#[derive(Clone, Debug)]
pub enum Task<K> {
    /// Remove the pages that the day's note names, if it is old enough.
    Remove,
    /// Close open pages, so that they can be merged. Not worth it for small organizations: the pages of a chain that has
    /// ended are final anyway.
    Close,
    /// Merge closed pages into a pack.
    Absorb(PackId<K>),
    /// Let a longer pack claim the day, with what the day's own pack contains.
    Adopt(PackId<K>),
    /// Take a day out of a longer pack, by subtracting the day's own pack.
    Release(PackId<K>, Day),
    /// Recompute a longer pack from the packs of some days.
    Rebuild(PackId<K>, BTreeSet<Day>),
    /// Note what all packs contain.
    Note,
}

/// What is to be done next. All reads are strongly consistent.
#[derive(Clone, Debug)]
pub enum CompactionCommand<R: Rows, M> {
    /// Read the day's note.
    ReadNote,
    /// Read the day's pages.
    ReadPages,
    /// Read all chunks of a pack.
    ReadChunks(PackId<R::Kind>),
    /// Close a page, if it is open and has this mark.
    Close(PageId, M),
    /// Delete a page.
    Delete(PageId),
    /// Remove the deltas of a page, if it exists, mark it as closed, and set when it expires.
    Empty(PageId, Seconds),
    /// Write a chunk, if it has this version; none: if it does not exist.
    PutChunk(PackId<R::Kind>, ChunkId<R::Bound>, Chunk<R, R::Bound>, Option<u64>),
    /// Write the day's note.
    PutNote(Note),
}

/// How a command ended. After an error of the store the compaction is given up; the next one goes on from what is stored.
#[derive(Clone, Debug)]
pub enum CompactionAnswer<R: Rows, M> {
    /// The note, if there is one.
    Note(Option<Note>),
    /// The pages.
    Pages(Pages<M, R::Delta>),
    /// The chunks; none if there is no such pack.
    Chunks(Chunks<R>),
    /// It was done.
    Done,
    /// The condition failed.
    Refused,
}

/// What the answer to the last command is for.
enum Waiting<R: Rows> {
    Nothing,
    Note,
    /// Covers of packs; what has been read, and the packs that have not.
    Covers {
        note: Option<Note>,
        covers: Vec<(R::Kind, Cover)>,
        left: Vec<PackId<R::Kind>>,
    },
    PagesToRemove {
        note: Note,
        covers: Vec<(R::Kind, Cover)>,
    },
    PagesToClose,
    Closing(PageId),
    PagesToAbsorb(PackId<R::Kind>),
    Absorb(PackId<R::Kind>),
    Long {
        task: Task<R::Kind>,
        id: PackId<R::Kind>,
    },
    Days {
        task: Task<R::Kind>,
        id: PackId<R::Kind>,
        long: Chunks<R>,
        read: Vec<(Day, Chunks<R>)>,
        left: Vec<Day>,
    },
}

/// A compaction of one day of an organization. Any number may run at once, each for less than
/// [`Timing::delete_after`].
pub struct Compaction<R: Rows, M> {
    day: Day,
    packs: Vec<PackId<R::Kind>>,
    timing: Timing,
    tasks: VecDeque<Task<R::Kind>>,
    commands: VecDeque<CompactionCommand<R, M>>,
    waiting: Waiting<R>,
    /// The pages, as they were read. Closed ones never change, so they serve all tasks.
    pages: Option<Pages<M, R::Delta>>,
    /// Whether the note was carried out, or there is none.
    may_note: bool,
    /// Part of the id of the next chunk that is split off.
    next_split: u64,
}

impl<R: Rows, M: Copy> Compaction<R, M>
where
    R::Delta: Clone,
{
    /// Carries out `tasks` for `day`. `packs` are all packs that may contain pages of that day, and `random` is a number
    /// that no other compaction has.
    pub fn new(
        day: Day,
        packs: Vec<PackId<R::Kind>>,
        tasks: impl IntoIterator<Item = Task<R::Kind>>,
        timing: Timing,
        random: u64,
    ) -> Self {
        Self {
            day,
            packs,
            timing,
            tasks: tasks.into_iter().collect(),
            commands: VecDeque::new(),
            waiting: Waiting::Nothing,
            pages: None,
            may_note: false,
            next_split: random,
        }
    }

    /// The next command; none when everything is done.
    pub fn next(&mut self, now: Seconds) -> Option<CompactionCommand<R, M>> {
        loop {
            if let Some(command) = self.commands.pop_front() {
                if let CompactionCommand::Close(page, _) = command {
                    self.waiting = Waiting::Closing(page);
                }
                return Some(match command {
                    CompactionCommand::PutNote(note) => CompactionCommand::PutNote(Note { at: now, ..note }),
                    command => command,
                });
            }
            let task = self.tasks.pop_front()?;
            self.start(task);
        }
    }

    fn start(&mut self, task: Task<R::Kind>) {
        self.waiting = match task {
            Task::Remove => self.then(CompactionCommand::ReadNote, Waiting::Note),
            Task::Close => self.then(CompactionCommand::ReadPages, Waiting::PagesToClose),
            Task::Absorb(id) if self.pages.is_none() => {
                self.then(CompactionCommand::ReadPages, Waiting::PagesToAbsorb(id))
            }
            Task::Absorb(id) => self.then(CompactionCommand::ReadChunks(id), Waiting::Absorb(id)),
            Task::Adopt(id) | Task::Release(id, _) | Task::Rebuild(id, _) => {
                self.then(CompactionCommand::ReadChunks(id), Waiting::Long { task, id })
            }
            Task::Note if self.may_note => self.read_covers(None, Vec::new(), self.packs.clone()),
            Task::Note => Waiting::Nothing,
        };
    }

    fn then(&mut self, command: CompactionCommand<R, M>, waiting: Waiting<R>) -> Waiting<R> {
        self.commands.push_back(command);
        waiting
    }

    /// Takes note of how the last command ended.
    pub fn answer(&mut self, answer: CompactionAnswer<R, M>, now: Seconds) {
        use CompactionAnswer as Answer;
        self.waiting = match (std::mem::replace(&mut self.waiting, Waiting::Nothing), answer) {
            (Waiting::Note, Answer::Note(note)) => self.note_read(note, now),
            (Waiting::Covers { note, covers, left }, Answer::Chunks(chunks)) => {
                self.chunks_read(note, covers, left, &chunks)
            }
            (Waiting::PagesToRemove { note, covers }, Answer::Pages(pages)) => {
                self.remove(&note, &covers, pages, now);
                Waiting::Nothing
            }
            (Waiting::PagesToClose, Answer::Pages(pages)) => {
                let open = pages.iter().filter(|(_, page)| !page.closed);
                self.commands.extend(open.map(|(id, page)| CompactionCommand::Close(*id, page.mark)));
                self.pages = Some(pages);
                Waiting::Nothing
            }
            // Only if the condition held are the deltas that were read all that the page ever has.
            (Waiting::Closing(id), Answer::Done) => {
                if let Some(page) = self.pages.as_mut().and_then(|pages| pages.get_mut(&id)) {
                    page.closed = true;
                }
                Waiting::Nothing
            }
            (Waiting::PagesToAbsorb(id), Answer::Pages(pages)) => {
                self.pages = Some(pages);
                self.then(CompactionCommand::ReadChunks(id), Waiting::Absorb(id))
            }
            (Waiting::Absorb(id), Answer::Chunks(chunks)) => {
                self.absorb(id, &chunks, now);
                Waiting::Nothing
            }
            (Waiting::Long { task, id }, Answer::Chunks(long)) => {
                let left = match &task {
                    Task::Release(_, day) => vec![*day],
                    Task::Rebuild(_, days) => days.iter().copied().collect(),
                    _ => vec![self.day],
                };
                self.read_days(task, id, long, Vec::new(), left)
            }
            (Waiting::Days { task, id, long, mut read, mut left }, Answer::Chunks(chunks)) => {
                read.extend(left.pop().map(|day| (day, chunks)));
                self.read_days(task, id, long, read, left)
            }
            _ => Waiting::Nothing,
        };
    }

    fn note_read(&mut self, note: Option<Note>, now: Seconds) -> Waiting<R> {
        match note {
            Some(note) if now - note.at < self.timing.delete_after => Waiting::Nothing,
            Some(note) => self.read_covers(Some(note), Vec::new(), self.packs.clone()),
            None => {
                self.may_note = true;
                Waiting::Nothing
            }
        }
    }

    /// Reads the covers of all packs: to carry out `note`, or to write a new one.
    fn read_covers(
        &mut self,
        note: Option<Note>,
        covers: Vec<(R::Kind, Cover)>,
        left: Vec<PackId<R::Kind>>,
    ) -> Waiting<R> {
        if let Some(pack) = left.last() {
            let command = CompactionCommand::ReadChunks(*pack);
            return self.then(command, Waiting::Covers { note, covers, left });
        }
        if let Some(note) = note {
            return self.then(CompactionCommand::ReadPages, Waiting::PagesToRemove { note, covers });
        }
        let note = Note { at: 0, cover: least(&covers) };
        self.then(CompactionCommand::PutNote(note), Waiting::Nothing)
    }

    fn chunks_read(
        &mut self,
        note: Option<Note>,
        mut covers: Vec<(R::Kind, Cover)>,
        mut left: Vec<PackId<R::Kind>>,
        chunks: &Chunks<R>,
    ) -> Waiting<R> {
        let (Some(id), Ok(live)) = (left.pop(), live(chunks)) else { return Waiting::Nothing };
        let claims = |chunk: &&Chunk<R, R::Bound>| chunk.days.contains_key(&self.day);
        // A sealed pack needs no page.
        let is_sealed = |chunk: &&Chunk<R, R::Bound>| chunk.is_sealed(self.day);
        let claiming = live.iter().map(|(_, chunk)| *chunk).filter(claims);
        let (sealed, claiming): (Vec<_>, Vec<_>) = claiming.partition(is_sealed);
        if claiming.is_empty() && sealed.is_empty() && id.span == Span::Day(self.day) {
            // The day's own pack does not exist yet, so it contains nothing.
            covers.push((id.kind, Cover::default()));
        }
        covers.extend(claiming.iter().map(|chunk| (id.kind, chunk.cover.day(self.day))));
        self.read_covers(note, covers, left)
    }

    /// Removes the pages that the note names and that all packs contain, except the last of each chain.
    fn remove(
        &mut self,
        note: &Note,
        covers: &[(R::Kind, Cover)],
        mut pages: Pages<M, R::Delta>,
        now: Seconds,
    ) {
        let now_covered = least(covers);
        let removable: Vec<_> =
            pages.keys().filter(|id| note.cover.contains(id) && now_covered.contains(id)).copied().collect();
        for id in removable {
            let has_next = pages
                .keys()
                .any(|other| (other.day, other.chain) == (id.day, id.chain) && other.number > id.number);
            let Some(page) = pages.get_mut(&id) else { continue };
            if has_next {
                pages.remove(&id);
                self.commands.push_back(CompactionCommand::Delete(id));
            } else if self.timing.is_final(&id, page, now) && !page.deltas.is_empty() {
                page.deltas.clear();
                // A reader may have read its deltas, and read packs only after the page is gone.
                let expires = self.timing.expires(id.chain.arrival).max(now + self.timing.reader);
                self.commands.push_back(CompactionCommand::Empty(id, expires));
            }
        }
        self.pages = Some(pages);
        self.may_note = true;
    }

    fn absorb(&mut self, id: PackId<R::Kind>, chunks: &Chunks<R>, now: Seconds) {
        let Ok(mut live) = live(chunks) else { return };
        let first = Chunk::default();
        if live.is_empty() && id.span == Span::Day(self.day) {
            live.push((ChunkId::default(), &first));
        }
        let Some(pages) = self.pages.take() else { return };
        for (chunk_id, chunk) in live {
            let is_claimed = id.span == Span::Day(self.day) || chunk.days.contains_key(&self.day);
            let is_claimed = is_claimed && !chunk.is_sealed(self.day);
            if let Some(absorbed) =
                is_claimed.then(|| self.absorbed(id.kind, chunk_id, chunk, &pages, now)).flatten()
            {
                self.put(id, chunk_id, chunk.version, absorbed);
            }
        }
        self.pages = Some(pages);
    }

    /// The chunk with the closed pages that it lacks, without the entries of chains that are no more; none if there is
    /// nothing to change.
    fn absorbed(
        &self,
        kind: R::Kind,
        id: ChunkId<R::Bound>,
        chunk: &Chunk<R, R::Bound>,
        pages: &Pages<M, R::Delta>,
        now: Seconds,
    ) -> Option<Chunk<R, R::Bound>> {
        let mut absorbed = chunk.clone();
        let selection = select(pages, &chunk.cover, kind.families());
        for (page_id, page) in
            selection.pages.into_iter().filter(|(id, page)| self.timing.is_final(id, page, now))
        {
            page.deltas.iter().for_each(|delta| absorbed.rows.absorb(delta, kind, KeyRange::of(id, chunk)));
            absorbed.cover.add(page_id);
            absorbed.days.entry(self.day).or_default();
        }
        absorbed.cover.retain(|day, chain| {
            day != self.day
                || now <= self.timing.expires(chain.arrival)
                || pages.keys().any(|page| page.chain == chain)
        });
        (absorbed.cover != chunk.cover).then_some(absorbed)
    }

    /// Reads the packs of the days that a task about a longer pack needs.
    fn read_days(
        &mut self,
        task: Task<R::Kind>,
        id: PackId<R::Kind>,
        long: Chunks<R>,
        read: Vec<(Day, Chunks<R>)>,
        left: Vec<Day>,
    ) -> Waiting<R> {
        if let Some(day) = left.last() {
            let pack = PackId { kind: id.kind, span: Span::Day(*day) };
            return self
                .then(CompactionCommand::ReadChunks(pack), Waiting::Days { task, id, long, read, left });
        }
        let first = Chunk::default();
        let Ok(mut live) = live(&long) else { return Waiting::Nothing };
        if live.is_empty() && !matches!(task, Task::Release(..)) {
            live.push((ChunkId::default(), &first));
        }
        for (chunk_id, chunk) in live {
            let range = KeyRange::of(chunk_id, chunk);
            let changed = match &task {
                Task::Release(..) => released(chunk, range, &read),
                Task::Rebuild(..) => {
                    let empty = Chunk { version: chunk.version, next: chunk.next, ..Chunk::default() };
                    adopted(empty, range, &read)
                }
                _ if chunk.days.contains_key(&self.day) => None,
                _ => adopted(chunk.clone(), range, &read),
            };
            if let Some(changed) = changed {
                self.put(id, chunk_id, chunk.version, changed);
            }
        }
        Waiting::Nothing
    }

    /// Writes a chunk that was read in this version. If it has become too large, its upper half is written first, to a
    /// chunk that nothing refers to before the lower half is written.
    fn put(
        &mut self,
        pack: PackId<R::Kind>,
        id: ChunkId<R::Bound>,
        version: u64,
        mut chunk: Chunk<R, R::Bound>,
    ) {
        chunk.version = version + 1;
        let range = KeyRange::of(id, &chunk);
        if let Some(from) = chunk.rows.halfway().filter(|from| *from > id.from) {
            let upper_id = ChunkId { from, split: self.next_split };
            self.next_split = self.next_split.wrapping_add(1);
            let mut upper = chunk.clone();
            upper.rows = R::default();
            upper.rows.merge(&chunk.rows, KeyRange { from, ..range });
            let mut lower = R::default();
            lower.merge(&chunk.rows, KeyRange { to: Some(from), ..range });
            chunk.rows = lower;
            chunk.next = Some(upper_id);
            self.commands.push_back(CompactionCommand::PutChunk(pack, upper_id, upper, None));
        }
        let if_version = (version > 0).then_some(version);
        self.commands.push_back(CompactionCommand::PutChunk(pack, id, chunk, if_version));
    }
}

/// What all packs contain: of each family, those packs that consist of it.
fn least<K: Kind>(covers: &[(K, Cover)]) -> Cover {
    let of_family = |family: Family| {
        let covers = covers.iter().filter(move |(kind, _)| kind.families().contains(&family));
        let least = Cover::least(covers.map(|(_, cover)| cover));
        let chains: Vec<_> = least.iter().filter(|(_, chain, _)| chain.family == family).collect();
        chains
    };
    Family::ALL.into_iter().flat_map(of_family).collect()
}

/// A longer chunk that also contains what the packs of some days do; none where their chunks do not agree.
fn adopted<R: Rows>(
    mut long: Chunk<R, R::Bound>,
    range: KeyRange<R::Bound>,
    days: &[(Day, Chunks<R>)],
) -> Option<Chunk<R, R::Bound>> {
    for (day, chunks) in days {
        let parts = parts(*day, chunks, range)?;
        let (first, _) = parts.first()?;
        long.cover.set_day(*day, &first.cover);
        long.days.insert(*day, first.days.get(day).copied()?);
        for (chunk, range) in &parts {
            long.rows.merge(&chunk.rows, *range);
        }
    }
    Some(long)
}

/// A longer chunk without a day, if it contains exactly what the day's own pack does.
fn released<R: Rows>(
    long: &Chunk<R, R::Bound>,
    range: KeyRange<R::Bound>,
    days: &[(Day, Chunks<R>)],
) -> Option<Chunk<R, R::Bound>> {
    let mut released = long.clone();
    for (day, chunks) in days {
        let parts = parts(*day, chunks, range)?;
        parts.first().filter(|(first, _)| first.agrees(long, *day))?;
        released.days.remove(day)?;
        released.cover.remove_day(*day);
        for (chunk, range) in &parts {
            released.rows.subtract(&chunk.rows, *range);
        }
    }
    Some(released)
}

type Part<'p, R> = (&'p Chunk<R, <R as Rows>::Bound>, KeyRange<<R as Rows>::Bound>);

/// The chunks of a day's pack that have keys of a range; none if these do not all contain the same pages and repairs.
fn parts<R: Rows>(day: Day, chunks: &Chunks<R>, range: KeyRange<R::Bound>) -> Option<Vec<Part<'_, R>>> {
    let live = live(chunks).ok()?.into_iter();
    let overlapping = live.filter_map(|(id, chunk)| Some((chunk, range.overlap(KeyRange::of(id, chunk))?)));
    let parts: Vec<_> = overlapping.collect();
    let (first, _) = parts.first()?;
    parts.iter().all(|(chunk, _)| chunk.agrees(first, day)).then_some(parts)
}
