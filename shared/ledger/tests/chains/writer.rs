//! The aggregator: an invocation with a batch of records of one shard.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use ledger::chain::{
    Append, Batch, ChainId, Content, Family, PageId, Seconds, Split, Tail, Write, WriteAnswer, WriteCommand,
    first_failed,
};
use ledger::period::Day;

use crate::mutant::Mutant;
use crate::rows::{Delta, Entry, Id, View, has_agent};
use crate::store::Tick;
use crate::world::{ChainKey, DATE, Stored, TICK, World, day};

/// A record of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub sequence: u64,
    pub day: Day,
    pub id: Id,
    pub arrived: Tick,
}

/// The records of one chain.
pub struct ChainBatch {
    marks: Vec<u64>,
    records: Vec<Record>,
}

impl Batch for ChainBatch {
    type Mark = u64;
    type Delta = Delta;

    fn marks(&self) -> &[u64] {
        &self.marks
    }

    fn arrival(&self, record: usize) -> Seconds {
        self.records[record].arrived * TICK
    }

    fn fold(&self, records: Range<usize>, content: Content) -> Option<Delta> {
        let mut entries = Vec::new();
        for Record { id, .. } in &self.records[records] {
            if content != Content::AgentsOnly {
                entries.push(Entry { kind: View::Organization, id: *id });
            }
            if content != Content::WithoutAgents && has_agent(*id) {
                entries.push(Entry { kind: View::Agents, id: *id });
            }
        }
        (!entries.is_empty()).then(|| Rc::new(entries))
    }

    fn size(&self, delta: &Delta) -> usize {
        delta.len()
    }
}

pub struct Invocation {
    pub environment: usize,
    chains: Vec<(ChainKey, Option<ChainBatch>)>,
    last: u64,
    running: Option<(ChainKey, Append<ChainBatch>)>,
    /// A write whose answer was lost, and whether it had succeeded: it is sent again.
    repeated: Option<(Write<u64, Delta>, bool)>,
    failed: Vec<Option<u64>>,
    /// The number of deltas of each tail, for the mistake of writing by position.
    positions: BTreeMap<(ChainKey, Family), usize>,
}

pub fn chain_key(record: &Record, shard: u64) -> ChainKey {
    (record.day, day(record.arrived / DATE), shard)
}

impl Invocation {
    pub fn new(world: &mut World, environment: usize, shard: u64, records: &[Record]) -> Self {
        let mut chains: BTreeMap<ChainKey, Vec<Record>> = BTreeMap::new();
        for record in records {
            let mut key = chain_key(record, shard);
            if world.is(Mutant::ChainsNeverEnd) {
                key.1 = day(0);
            }
            chains.entry(key).or_default().push(*record);
        }
        let batch = |records: Vec<Record>| ChainBatch {
            marks: records.iter().map(|record| record.sequence).collect(),
            records,
        };
        let mut chains: Vec<_> =
            chains.into_iter().map(|(key, records)| (key, Some(batch(records)))).collect();
        world.random.shuffle(&mut chains);
        Self {
            environment,
            chains,
            last: records.last().map_or(0, |record| record.sequence),
            running: None,
            repeated: None,
            failed: Vec::new(),
            positions: BTreeMap::new(),
        }
    }

    /// The record to deliver again from, once everything is done.
    pub fn failure(&self, world: &World) -> Option<u64> {
        let first = first_failed(self.failed.iter().copied());
        match world.mutant {
            Some(Mutant::AcknowledgesFailure) => None,
            Some(Mutant::ReportsLastFailure) => self.failed.iter().flatten().max().copied(),
            _ => first,
        }
    }

    /// Carries out one command. True when the invocation is over.
    pub fn step(&mut self, world: &mut World) -> bool {
        let Some((key, mut append)) = self.running.take().or_else(|| self.next_chain(world)) else {
            return true;
        };
        let answer = if let Some((write, had_succeeded)) = self.repeated.take() {
            let answer = self.write(world, key, &append, &write, had_succeeded);
            Some(answer)
        } else {
            match append.next(world.seconds()) {
                Err(_) => {
                    self.remember(world, key, &append);
                    return self.chains.is_empty();
                }
                Ok(_) if world.fails(10) => None,
                Ok(WriteCommand::ReadTail(family)) => {
                    Some(WriteAnswer::Tail(self.read_tail(world, key, family)))
                }
                Ok(WriteCommand::MarkDirty) => {
                    if !world.is(Mutant::DropsLateRecords) {
                        world.dirty.insert(key.0);
                        world.counts.dirty += 1;
                    }
                    Some(WriteAnswer::Done)
                }
                Ok(WriteCommand::Write(write)) => {
                    let answer = self.write(world, key, &append, &write, false);
                    if world.fails(60) {
                        world.counts.lost_answers += 1;
                        self.repeated = Some((write, matches!(answer, WriteAnswer::Done)));
                        self.running = Some((key, append));
                        return false;
                    }
                    Some(answer).filter(|_| !world.fails(10))
                }
            }
        };
        let is_refused = matches!(answer, Some(WriteAnswer::Refused(_)));
        let Some(answer) = answer.filter(|_| !(is_refused && world.fails(50))) else {
            self.failed.push(match world.mutant {
                Some(Mutant::ReportsMainChainOnly) => first_missing_in_main(&append),
                _ => append.first_unapplied(),
            });
            self.remember(world, key, &append);
            return self.chains.is_empty();
        };
        world.counts.refused += u64::from(is_refused);
        append.answer(answer, world.seconds());
        self.running = Some((key, append));
        false
    }

    /// Stores what is known of the tails, unless the last answer is missing: the tail may then have changed.
    fn remember(&mut self, world: &mut World, key: ChainKey, append: &Append<ChainBatch>) {
        let mut tails = append.tails();
        if world.is(Mutant::ForgetsMarkOfClosed) || world.is(Mutant::SplitsByBatch) {
            for cached in tails.iter_mut().flatten() {
                cached.tail = cached.tail.map(|tail| shown(world, tail));
            }
        }
        world.environments[self.environment].insert(key, tails);
        if world.fails(30) {
            // The time is up, or the table is throttled: the other chains have to wait.
            let left = self.chains.drain(..).filter_map(|(_, batch)| batch?.marks.first().copied());
            self.failed.extend(left.map(Some));
        }
    }

    fn next_chain(&mut self, world: &World) -> Option<(ChainKey, Append<ChainBatch>)> {
        let (key, batch) = self.chains.pop()?;
        let tails = world.environments[self.environment].get(&key).copied().unwrap_or_default();
        Some((key, Append::new(batch?, world.limits, world.timing, tails)))
    }

    fn read_tail(&mut self, world: &mut World, key: ChainKey, family: Family) -> Option<Tail<u64>> {
        let strong = !world.is(Mutant::ReadsTailEventually);
        let chain = chain(key, family);
        let range = PageId { day: key.0, chain, number: 0 }..=PageId { day: key.0, chain, number: u32::MAX };
        let ids: Vec<_> = world.pages.keys(range).rev().copied().collect();
        let now = world.now;
        let (id, page) = ids
            .into_iter()
            .find_map(|id| Some((id, world.pages.get(&id, strong, now, &mut world.random)?)))?;
        self.positions.insert((key, family), page.deltas.len());
        Some(shown(world, Tail::of(id.number, &page, &world.limits, |delta| delta.len())))
    }

    fn write(
        &mut self,
        world: &mut World,
        key: ChainKey,
        append: &Append<ChainBatch>,
        write: &Write<u64, Delta>,
        had_succeeded: bool,
    ) -> WriteAnswer<u64> {
        let number = match write.number {
            0 if write.if_mark.is_none() && world.is(Mutant::NumbersByClock) => {
                u32::try_from(world.now).unwrap_or_default()
            }
            number => number,
        };
        let id = PageId { day: key.0, chain: chain(key, write.family), number };
        let old = world.pages.current(&id).cloned();
        let first = append.batch().marks[0];
        let is_met = match (&old, write.if_mark) {
            (None, None) => true,
            (Some(_), None) => world.is(Mutant::CreateOverwrites),
            (None, Some(_)) => false,
            (Some(page), Some(mark)) => {
                let is_open = !page.closed || world.is(Mutant::AppendsToClosed);
                is_open
                    && match world.mutant {
                        Some(Mutant::ComparesWithLastRecord) => page.mark < write.mark,
                        Some(Mutant::WritesByPosition | Mutant::KeepsContainedRecords) => page.mark < first,
                        _ => page.mark == mark,
                    }
            }
        };
        let is_repeated = had_succeeded && world.is(Mutant::RepeatsWithoutCondition);
        if !is_met && !is_repeated {
            let tail = old.map(|page| Tail::of(number, &page, &world.limits, |delta| delta.len()));
            return WriteAnswer::Refused(tail.map(|tail| shown(world, tail)));
        }
        let position = self.positions.entry((key, write.family)).or_default();
        let page = written(old.filter(|_| write.if_mark.is_some()), write, world.mutant, *position);
        *position = page.deltas.len();
        if write.split != Split::No {
            world.counts.chain_splits += 1;
        }
        world.put_page(id, Some(page));
        WriteAnswer::Done
    }

    /// The last record of the batch.
    pub const fn last(&self) -> u64 {
        self.last
    }
}

fn first_missing_in_main(append: &Append<ChainBatch>) -> Option<u64> {
    let mark =
        append.tails()[Family::Main as usize].and_then(|cached| cached.tail).map_or(0, |tail| tail.mark);
    append.batch().marks.iter().find(|record| **record > mark).copied()
}

fn chain(key: ChainKey, family: Family) -> ChainId {
    ChainId { family, arrival: key.1, shard: key.2.to_be_bytes() }
}

fn written(
    old: Option<Stored>,
    write: &Write<u64, Delta>,
    mutant: Option<Mutant>,
    position: usize,
) -> Stored {
    let is_new = old.is_none();
    let mut page = old.unwrap_or_else(|| Stored {
        mark: write.mark,
        split: Split::No,
        deltas: Vec::new(),
        closed: false,
        expires: None,
    });
    page.mark = write.mark;
    page.split = match mutant {
        Some(Mutant::ForgetsSplit) if is_new && write.number > 0 => Split::No,
        Some(Mutant::SplitsFromStart) if write.split != Split::No => Split::FromStart,
        _ => write.split,
    };
    if mutant == Some(Mutant::WritesByPosition) && position < page.deltas.len() {
        page.deltas[position] = write.delta.clone();
    } else {
        page.deltas.push(write.delta.clone());
    }
    page.closed |= write.close;
    page
}

/// What the writer is shown of a tail.
fn shown(world: &World, mut tail: Tail<u64>) -> Tail<u64> {
    match world.mutant {
        Some(Mutant::KeepsContainedRecords) => tail.mark = 0,
        Some(Mutant::ForgetsMarkOfClosed) if tail.closed => tail.mark = 0,
        Some(Mutant::SplitsByBatch) => tail.split = Split::No,
        _ => {}
    }
    tail
}
