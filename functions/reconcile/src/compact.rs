//! Compaction: merges the pages of chains into packs, and removes pages that all packs contain.
//!
//! Any number of compactions may run at once. Each is given up after a minute: pages are removed three minutes after every
//! pack was found to contain them, longer than an aggregator may rely on what it knows of a chain.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use ledger::chain::{Chunks, Compaction, Cover, PackId, Pages, Seconds, Span, Task, Timing};
use ledger::pack::{Block, Table, View};
use ledger::period::{Day, DayRange};
use store::chains::{Consistency, FORGET_AFTER};
use store::error::{Error, Result};
use store::keys::Owner;
use store::sequence::SequenceNumber;
use tokio::time::{Instant, timeout};

use crate::Reconciler;
use crate::agents::VIEWS;
use crate::report::Report;

/// Days that are compacted at the same time.
const IN_FLIGHT: usize = 8;
/// The longest that one compaction may take. Pages are removed after three times as long.
pub const LIMIT: Duration = Duration::from_mins(1);
pub const TIMING: Timing = Timing::PRODUCTION;
/// No reader takes longer.
const HOUR: Seconds = 3600;
/// A day has ended in every time zone this long after it ended in UTC, and most of its events have arrived.
const PAST_AFTER: Seconds = 15 * HOUR;

type Sizes = Pages<SequenceNumber, usize>;

/// When the pages of a day are merged.
#[derive(Clone, Copy, Debug)]
pub struct CompactionPolicy {
    /// From this many bytes on that are in no pack, and from half of what the packs have: each merge writes the packs.
    pub bytes: usize,
    /// The same for a day that is over. Readers read the rest at every request, so open pages are closed for it.
    pub past_bytes: usize,
    /// Days are added to blocks if their packs have more bytes than this. Readers lose little where they are smaller.
    pub block_bytes: usize,
    /// Whether anything is merged at once.
    pub is_eager: bool,
}

impl CompactionPolicy {
    /// The policy in use.
    pub const PRODUCTION: Self =
        Self { bytes: 128 << 10, past_bytes: 16 << 10, block_bytes: 4 << 10, is_eager: false };

    /// Whether to merge pages, and whether to close open ones before.
    fn decide(&self, day: Day, pending: &Pending, packs: usize, now: Seconds) -> Option<Closing> {
        let is_past = now > past_at(day);
        match pending.bytes {
            0 => None,
            _ if self.is_eager => Some(Closing::Open),
            _ if pending.has_ended => Some(Closing::None),
            bytes if is_past && bytes >= self.past_bytes => Some(Closing::Open),
            bytes => (bytes >= self.bytes.max(packs / 2)).then_some(Closing::None),
        }
    }
}

/// When a day is over.
fn past_at(day: Day) -> Seconds {
    day.next().start(chrono_tz::UTC).timestamp() + PAST_AFTER
}

/// Which pages are closed before a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    None,
    Open,
}

/// What of a day's pages no pack contains.
struct Pending {
    bytes: usize,
    /// Whether nothing can be appended to them any more.
    has_ended: bool,
}

impl Pending {
    fn of(pages: &Sizes, covered: &Cover, now: Seconds) -> Self {
        let pending = || pages.iter().filter(|(id, page)| !covered.contains(id) && !page.is_emptied());
        Self {
            bytes: pending().flat_map(|(_, page)| &page.deltas).sum(),
            has_ended: pending().all(|(id, _)| now > TIMING.expires(id.chain.arrival)),
        }
    }
}

/// When days are looked at next, and what is known of them until then. Another process looks at once, which costs a read.
#[derive(Debug, Default)]
pub struct Looks(Mutex<HashMap<(Owner, Day), Look>>);

#[derive(Clone, Copy, Debug, Default)]
struct Look {
    next: Seconds,
    /// The bytes of the day's packs when they were last read.
    packs: usize,
    /// Whether the day was added to its blocks, unless its packs are too small for that.
    is_in_blocks: bool,
}

impl Looks {
    fn get(&self, owner: &Owner, day: Day) -> Look {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(&(owner.clone(), day)).copied().unwrap_or_default()
    }

    fn set(&self, owner: &Owner, day: Day, look: Look) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((owner.clone(), day), look);
    }

    fn forget(&self, owner: &Owner, day: Day) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(owner.clone(), day));
    }
}

impl Reconciler {
    /// Compacts the days that need it.
    pub(crate) async fn compact(&self, report: &mut Report, until: Instant) -> Result<()> {
        let listed = self.tables.usage.listed_days().await?;
        let runs = listed.into_iter().map(|(owner, day, at)| self.compact_in_time(owner, day, at, until));
        let mut runs = stream::iter(runs).buffer_unordered(IN_FLIGHT);
        while let Some(done) = runs.next().await {
            match done {
                Ok(compacted) => report.days_compacted += u64::from(compacted),
                Err(error) => report.failures.push(format!("compaction: {error}")),
            }
        }
        Ok(())
    }

    async fn compact_in_time(&self, owner: Owner, day: Day, listed: Seconds, until: Instant) -> Result<bool> {
        let now = self.clock.now().timestamp();
        let look = self.looks.get(&owner, day);
        if Instant::now() >= until || now < look.next {
            return Ok(false);
        }
        let Ok(compacted) = timeout(LIMIT, self.compact_day(&owner, day, listed, look)).await else {
            return Err(Error::Unavailable(format!("{owner} {day} took too long")));
        };
        compacted.map_err(|error| Error::Internal(format!("{owner} {day}: {error}")))
    }

    /// Looks at a day, and does what is due. Returns whether pages were merged.
    async fn compact_day(&self, owner: &Owner, day: Day, listed: Seconds, mut look: Look) -> Result<bool> {
        let usage = &self.tables.usage;
        let now = self.clock.now().timestamp();
        let pages = usage.page_sizes(owner, day).await?;
        let is_expired = |expires: Option<Seconds>| expires.is_some_and(|at| now > at + HOUR);
        if pages.values().all(|page| page.is_emptied() && is_expired(page.expires)) {
            usage.delete_pages(owner, pages.keys().copied()).await?;
            if pages.is_empty() && now > listed + FORGET_AFTER {
                usage.forget_day(owner, day, listed).await?;
                self.looks.forget(owner, day);
            } else {
                self.looks.set(owner, day, Look { next: now + HOUR, ..look });
            }
            return Ok(false);
        }
        let note = usage.note(owner, day).await?;
        let covered = note.as_ref().map(|note| note.cover.clone()).unwrap_or_default();
        let pending = Pending::of(&pages, &covered, now);
        let mut closing = self.policy.decide(day, &pending, look.packs, now);
        let joins_blocks = now > past_at(day) && !look.is_in_blocks;
        let mut views = Vec::new();
        if closing.is_some() || joins_blocks {
            views = self.views(owner).await?;
            let packs = self.day_packs(owner, day, &views).await?;
            if let Some(sealed) = sealed(&packs) {
                return self.remove_pages_of_sealed(owner, day, &pages, sealed).await.map(|()| false);
            }
            look.packs =
                packs.iter().flat_map(|pack| pack.values()).map(|chunk| chunk.rows.encode().len()).sum();
            closing = self.policy.decide(day, &pending, look.packs, now);
        }
        let is_removable = pages.iter().any(|(id, page)| covered.contains(id) && !page.deltas.is_empty());
        let removes_at = note.filter(|_| is_removable).map(|note| note.at + TIMING.delete_after);
        if removes_at.is_some_and(|at| now < at) {
            closing = None;
        }
        if closing.is_some() || joins_blocks || removes_at.is_some_and(|at| now >= at) {
            if views.is_empty() {
                views = self.views(owner).await?;
            }
            let bytes = look.packs + pending.bytes;
            self.run_compaction(owner, day, closing, (&views, bytes)).await?;
            look.is_in_blocks |= joins_blocks;
            look.next = match removes_at {
                _ if closing.is_some() => now + TIMING.delete_after,
                Some(at) => now.max(at),
                None => now,
            };
        } else {
            look.next = removes_at.unwrap_or(now + pause(pending.bytes, self.policy.bytes));
        }
        self.looks.set(owner, day, look);
        Ok(closing.is_some())
    }

    async fn run_compaction(
        &self,
        owner: &Owner,
        day: Day,
        closing: Option<Closing>,
        (views, bytes): (&[View], usize),
    ) -> Result<()> {
        let of_day = views.iter().map(|kind| PackId { kind: *kind, span: Span::Day(day) });
        let mut packs: Vec<_> = of_day.collect();
        let now = self.clock.now().timestamp();
        let block = |view: &View| Block::of(*view, day).map(Block::pack);
        // A clock that runs ahead may already have added the day to its blocks.
        if now > past_at(day) - HOUR {
            packs.extend(views.iter().filter_map(block));
        }
        let mut tasks = vec![Task::Remove];
        if let Some(closing) = closing {
            tasks.extend((closing == Closing::Open).then_some(Task::Close));
            tasks.extend(packs.iter().copied().map(Task::Absorb));
        }
        if now > past_at(day) && bytes >= self.policy.block_bytes {
            tasks.extend(views.iter().filter_map(block).map(Task::Adopt));
        }
        tasks.extend(closing.map(|_| Task::Note));
        let compaction = Compaction::new(day, packs, tasks, TIMING, rand::random());
        self.tables.usage.compact(owner, day, compaction, || self.clock.now().timestamp()).await
    }

    /// The views that an owner's pages are merged into. Whoever may still read a retired generation reads all of them.
    async fn views(&self, owner: &Owner) -> Result<Vec<View>> {
        let calendars = self.tables.registry.calendars(&owner.org).await?.calendars;
        let is_live = calendars.live().iter().any(|calendar| calendar.generation == owner.generation);
        let tracks_none = is_live && calendars.tracked_in(owner.generation).is_empty();
        Ok(VIEWS.into_iter().filter(|view| *view != View::Tracked || !tracks_none).collect())
    }

    async fn day_packs(&self, owner: &Owner, day: Day, views: &[View]) -> Result<Vec<Chunks<Table>>> {
        let days = DayRange { first: day, last: day };
        let read = async |view: View| {
            let mut packs = self.tables.usage.packs(owner, view, days, Consistency::Strong).await?;
            Ok::<_, Error>(packs.remove(&day).unwrap_or_default())
        };
        futures::future::try_join_all(views.iter().copied().map(read)).await
    }

    /// Removes the pages of a day whose packs were sealed, once nobody reads older packs any more.
    async fn remove_pages_of_sealed(
        &self,
        owner: &Owner,
        day: Day,
        pages: &Sizes,
        sealed: Seconds,
    ) -> Result<()> {
        let now = self.clock.now().timestamp();
        if now > sealed + HOUR {
            self.tables.usage.delete_pages(owner, pages.keys().copied()).await?;
        }
        self.looks.set(owner, day, Look { next: now + HOUR, ..Look::default() });
        Ok(())
    }
}

/// When the last of a day's packs was sealed; none if not all are.
fn sealed(packs: &[Chunks<Table>]) -> Option<Seconds> {
    let sealed = packs.iter().map(|pack| pack.get(&ledger::chain::ChunkId::default())?.sealed);
    sealed.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// How long until pages are looked at again that are too small to be merged.
const fn pause(pending: usize, due: usize) -> Seconds {
    match pending {
        0 => 15 * 60,
        pending if pending < due / 8 => 10 * 60,
        pending if pending < due / 2 => 3 * 60,
        _ => 60,
    }
}
