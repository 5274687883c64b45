//! Appends the records of a batch to their chain.

use std::ops::Range;

use super::ids::Family;
use super::limits::{Limits, Seconds, Timing};
use super::page::{Split, Tail};

/// What a delta is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// All rows.
    Everything,
    /// All but agents' rows of calls and tasks; instead, the organization's.
    WithoutAgents,
    /// Agents' rows of calls and tasks.
    AgentsOnly,
}

/// The records of a batch that belong to one chain.
pub trait Batch {
    /// A sequence number.
    type Mark: Copy + Ord;
    /// What records add up to.
    type Delta;

    /// The sequence numbers, ascending.
    fn marks(&self) -> &[Self::Mark];
    /// When a record entered the stream.
    fn arrival(&self, record: usize) -> Seconds;
    /// What some of the records add up to; none if nothing.
    fn fold(&self, records: Range<usize>, content: Content) -> Option<Self::Delta>;
    /// The size of a delta in bytes.
    fn size(&self, delta: &Self::Delta) -> usize;
}

/// The last page of a chain, none if it has no page, as it was at some time.
#[derive(Clone, Copy, Debug)]
pub struct Cached<M> {
    /// The page.
    pub tail: Option<Tail<M>>,
    /// When it was known to be the last.
    pub at: Seconds,
}

/// A conditional write of a page.
#[derive(Clone, Debug)]
pub struct Write<M, D> {
    /// The family of the chain.
    pub family: Family,
    /// The number of the page.
    pub number: u32,
    /// The mark that an open page must have; none if there must be no such page yet.
    pub if_mark: Option<M>,
    /// The new mark.
    pub mark: M,
    /// The new value, where it changes or the page is new.
    pub split: Split<M>,
    /// The delta to be appended.
    pub delta: D,
    /// Whether to close the page.
    pub close: bool,
}

/// What is to be done next.
#[derive(Clone, Debug)]
pub enum WriteCommand<M, D> {
    /// Read the last page of the chain of a family, strongly consistent.
    ReadTail(Family),
    /// Write a page.
    Write(Write<M, D>),
    /// Mark the day as dirty: it cannot be told whether these records were added.
    MarkDirty,
}

/// How a command ended. After an error of the store there is no answer, and [`Append::first_unapplied`] is to be
/// delivered again.
#[derive(Clone, Copy, Debug)]
pub enum WriteAnswer<M> {
    /// The last page of the chain, if it has any.
    Tail(Option<Tail<M>>),
    /// The page was written, or the day was marked.
    Done,
    /// The condition failed. What the item is instead, if it exists.
    Refused(Option<Tail<M>>),
}

/// The outcome for all records of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They are in the chains.
    Applied,
    /// The day was marked as dirty.
    Dirty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage<M> {
    Main,
    Agents(Split<M>),
    Over(Outcome),
}

/// The records of a batch on their way to the chains of one day, shard and date of arrival.
///
/// The main chain comes first: it decides where the agents' rows belong.
pub struct Append<B: Batch> {
    batch: B,
    limits: Limits,
    timing: Timing,
    /// By family.
    tails: [Option<Cached<B::Mark>>; Family::ALL.len()],
    stage: Stage<B::Mark>,
    /// The write without an answer.
    pending: Option<(Family, Tail<B::Mark>)>,
    dirty: bool,
}

impl<B: Batch> Append<B> {
    /// Appends `batch`. `tails` is what this process remembers of the chains.
    pub const fn new(
        batch: B,
        limits: Limits,
        timing: Timing,
        tails: [Option<Cached<B::Mark>>; Family::ALL.len()],
    ) -> Self {
        Self { batch, limits, timing, tails, stage: Stage::Main, pending: None, dirty: false }
    }

    /// The batch.
    pub const fn batch(&self) -> &B {
        &self.batch
    }

    /// What to remember of the chains, by family.
    pub const fn tails(&self) -> [Option<Cached<B::Mark>>; Family::ALL.len()] {
        self.tails
    }

    /// The next command; none when the records are taken care of.
    pub fn next(&mut self, now: Seconds) -> Result<WriteCommand<B::Mark, B::Delta>, Outcome> {
        loop {
            let (family, split) = match self.stage {
                Stage::Main => (Family::Main, Split::FromStart),
                Stage::Agents(split) => (Family::Agents, split),
                Stage::Over(outcome) => return Err(outcome),
            };
            let records = self.batch.marks().len();
            if self.first_missing(split, None) == records {
                self.go_on(family, None);
                continue;
            }
            let Some(Cached { tail, .. }) = self.fresh(family, now) else {
                return Ok(WriteCommand::ReadTail(family));
            };
            let first = self.first_missing(split, tail);
            if first == records {
                self.go_on(family, tail);
                continue;
            }
            // The page that tells whether they were added may have expired, or expire before it is written.
            if now - self.batch.arrival(first) > self.timing.late {
                self.dirty = true;
                return Ok(WriteCommand::MarkDirty);
            }
            match self.write(family, tail, first..records) {
                Some(write) => return Ok(WriteCommand::Write(write)),
                None => self.go_on(family, tail),
            }
        }
    }

    /// Takes note of how the last command ended.
    pub fn answer(&mut self, answer: WriteAnswer<B::Mark>, now: Seconds) {
        match answer {
            WriteAnswer::Tail(tail) => {
                let family = if self.stage == Stage::Main { Family::Main } else { Family::Agents };
                self.tails[family as usize] = Some(Cached { tail, at: now });
            }
            WriteAnswer::Done if self.dirty => self.stage = Stage::Over(Outcome::Dirty),
            WriteAnswer::Done => {
                if let Some((family, tail)) = self.pending.take() {
                    self.tails[family as usize] = Some(Cached { tail: Some(tail), at: now });
                }
            }
            // The item that refused the write may be the writer's own, if the first answer was lost.
            WriteAnswer::Refused(tail) => {
                if let Some((family, _)) = self.pending.take() {
                    self.tails[family as usize] = tail.map(|tail| Cached { tail: Some(tail), at: now });
                }
            }
        }
    }

    /// The first record that may not be in the chains yet, from which the stream has to deliver again; none if all are.
    pub fn first_unapplied(&self) -> Option<B::Mark> {
        let tail = |family: Family| self.tails[family as usize].and_then(|cached| cached.tail);
        let first = match self.stage {
            // Records that are in the main chain may be missing in the other.
            Stage::Main => {
                let split = tail(Family::Main).map_or(Split::No, |tail| tail.split);
                let of_agents = self.first_missing(split, tail(Family::Agents));
                self.first_missing(Split::FromStart, tail(Family::Main)).min(of_agents)
            }
            Stage::Agents(split) => self.first_missing(split, tail(Family::Agents)),
            Stage::Over(_) => return None,
        };
        let marks = self.batch.marks();
        marks.get(first).or(marks.first()).copied()
    }

    /// What is known of a chain, if it is fresh enough.
    fn fresh(&self, family: Family, now: Seconds) -> Option<Cached<B::Mark>> {
        let is_fresh = |cached: &Cached<_>| (0..=self.timing.tail_age).contains(&(now - cached.at));
        self.tails[family as usize].filter(is_fresh)
    }

    /// The position of the first record that belongs to a chain and is not in it.
    fn first_missing(&self, split: Split<B::Mark>, tail: Option<Tail<B::Mark>>) -> usize {
        let marks = self.batch.marks();
        let after = |mark: B::Mark| marks.partition_point(|record| *record <= mark);
        let belongs = match split {
            Split::No => marks.len(),
            Split::FromStart => 0,
            Split::After(mark) => after(mark),
        };
        belongs.max(tail.map_or(0, |tail| after(tail.mark)))
    }

    /// Turns to the agents' chain, if the main chain says that there is one.
    fn go_on(&mut self, family: Family, tail: Option<Tail<B::Mark>>) {
        let split = tail.map_or(Split::No, |tail| tail.split);
        self.stage = match family {
            Family::Main if split != Split::No => Stage::Agents(split),
            _ => Stage::Over(Outcome::Applied),
        };
    }

    /// The write that adds as many of the records as fit; none if they add nothing.
    fn write(
        &mut self,
        family: Family,
        tail: Option<Tail<B::Mark>>,
        mut records: Range<usize>,
    ) -> Option<Write<B::Mark, B::Delta>> {
        let mut split = tail.map_or(Split::No, |tail| tail.split);
        let (delta, size) = loop {
            let content = match (family, split) {
                (Family::Agents, _) => Content::AgentsOnly,
                (Family::Main, Split::No) => Content::Everything,
                (Family::Main, _) => Content::WithoutAgents,
            };
            let delta = self.batch.fold(records.clone(), content)?;
            let size = self.batch.size(&delta);
            if content == Content::Everything && size > self.limits.split {
                split = tail.map_or(Split::FromStart, |tail| Split::After(tail.mark));
            } else if size > self.limits.delta && records.len() > 1 {
                records.end = records.start + records.len() / 2;
            } else {
                break (delta, size);
            }
        };
        let mark = self.batch.marks()[records.end - 1];
        let (number, if_mark, before) = match tail {
            None => (0, None, self.limits.overhead),
            Some(tail) if tail.closed => (tail.number + 1, None, self.limits.overhead),
            Some(tail) => (tail.number, Some(tail.mark), tail.size),
        };
        let size_after = before + size + self.limits.per_delta;
        let closed = self.limits.is_full(family, size_after, size);
        self.pending = Some((family, Tail { number, mark, split, closed, size: size_after }));
        Some(Write { family, number, if_mark, mark, split, delta, close: closed })
    }
}

/// The record from which the stream has to deliver a batch again, given the first one that was not applied to each of
/// its chains: the least of all.
pub fn first_failed<M: Ord>(chains: impl IntoIterator<Item = Option<M>>) -> Option<M> {
    chains.into_iter().flatten().min()
}
