//! One run: what happens when, and whether everything is as it must be in the end.

use std::collections::BTreeMap;

use ledger::chain::{PackId, Span, Task};
use ledger::period::Day;

use crate::compactor::{Compactor, LONG};
use crate::mutant::Mutant;
use crate::reader::{Mode, Reader};
use crate::reconciler::Reconciler;
use crate::rows::{Counts as Rows, Id, View};
use crate::store::Tick;
use crate::world::{COMPACTION, Counts, DATE, READER, RETENTION, TICK, TIMEOUT, World, ZOMBIE, day, days};
use crate::writer::{Invocation, Record, chain_key};

/// When the first phase ends, and how long the second may last.
const FIRST: Tick = 2600;
const SECOND: Tick = 500;
/// A run that is not over by then never ends.
const PATIENCE: Tick = 6000;

/// A shard of the stream.
struct Shard {
    id: u64,
    records: Vec<Record>,
    /// The first record that has not been acknowledged.
    at: usize,
    is_open: bool,
    /// The invocation that the stream waits for.
    waits_for: Option<u64>,
}

enum Work {
    Write { invocation: Box<Invocation>, shard: usize },
    Compact(Box<Compactor>),
    Read(Box<Reader>),
    Reconcile(Box<Reconciler>),
}

struct Process {
    id: u64,
    born: Tick,
    work: Work,
}

struct Run {
    world: World,
    shards: Vec<Shard>,
    processes: Vec<Process>,
    busy: Vec<bool>,
    next_process: u64,
    next_record: Id,
    sequence: u64,
    /// Whether a pack has been damaged, to be repaired.
    drifted: Option<Day>,
    /// When the present phase ends.
    end: Tick,
}

/// Runs a seed. An error tells what was wrong.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Result<Counts, String> {
    let world = World::new(seed, mutant);
    let shards = (0..2).map(Shard::new).collect();
    let busy = vec![false; world.environments.len()];
    let mut run = Run {
        world,
        shards,
        processes: Vec::new(),
        busy,
        next_process: 0,
        next_record: 0,
        sequence: 0,
        drifted: None,
        end: FIRST,
    };
    run.until_the_end()?;
    Ok(run.world.counts)
}

impl Shard {
    const fn new(id: u64) -> Self {
        Self { id, records: Vec::new(), at: 0, is_open: true, waits_for: None }
    }
}

impl Run {
    fn until_the_end(&mut self) -> Result<(), String> {
        loop {
            self.world.now += 1;
            if self.world.now == self.end {
                self.world.chaos = false;
            }
            self.world.lag = self.shards.iter().map(|shard| shard.records.len() - shard.at).sum();
            if self.world.now > self.end && self.world.now % 60 == 0 && self.is_quiet() {
                self.check_first_phase()?;
                if self.drifted.is_some() {
                    return self.check_second_phase();
                }
                self.damage();
                self.end = self.world.now + SECOND;
                self.world.chaos = true;
            }
            if self.world.now > self.end + PATIENCE {
                return Err(format!("does not come to rest, lag {}", self.world.lag));
            }
            if self.world.chaos {
                self.happen();
                self.world.lag = self.shards.iter().map(|shard| shard.records.len() - shard.at).sum();
            }
            self.start_processes();
            self.expire();
            self.step_processes()?;
            self.end_processes();
        }
    }

    fn is_quiet(&self) -> bool {
        let is_busy = |process: &Process| matches!(process.work, Work::Write { .. } | Work::Read(_));
        self.world.lag == 0 && !self.processes.iter().any(is_busy)
    }

    /// What comes from outside: records, rotations, redeliveries.
    fn happen(&mut self) {
        let first_phase = self.drifted.is_none();
        if self.world.random.permille(if first_phase { 250 } else { 20 }) {
            let open: Vec<_> = (0..self.shards.len()).filter(|shard| self.shards[*shard].is_open).collect();
            let shard = *self.world.random.choose(&open);
            for _ in 0..=self.world.random.below(3) {
                self.arrive(shard);
            }
        }
        if self.world.random.permille(2) {
            let open: Vec<_> = (0..self.shards.len()).filter(|shard| self.shards[*shard].is_open).collect();
            let shard = *self.world.random.choose(&open);
            self.shards[shard].is_open = false;
            self.shards.push(Shard::new(self.shards.len() as u64));
        }
        if self.world.random.permille(4) {
            let shard = self.world.random.below(self.shards.len());
            let shard = &mut self.shards[shard];
            let oldest = self.world.now - RETENTION;
            let held: Vec<_> = (0..shard.at).filter(|i| shard.records[*i].arrived > oldest).collect();
            if !held.is_empty() {
                shard.at = *self.world.random.choose(&held);
                self.world.counts.redeliveries += 1;
            }
        }
    }

    fn arrive(&mut self, shard: usize) {
        let world = &mut self.world;
        let today = (world.now / 900).min(2);
        let number = if world.random.permille(800) { today } else { world.random.in_range(0..today + 1) };
        let of_drifted = self.drifted.filter(|_| world.random.permille(700));
        let record = Record {
            sequence: self.sequence + 1,
            day: of_drifted.unwrap_or_else(|| day(number)),
            id: self.next_record,
            arrived: world.now,
        };
        self.sequence += 1;
        self.next_record += 1;
        world.raw.insert(record.id, (record.day, world.now));
        let shard = &mut self.shards[shard];
        world.order.entry(chain_key(&record, shard.id)).or_default().push(record.id);
        shard.records.push(record);
    }

    fn start(&mut self, work: Work) -> u64 {
        self.next_process += 1;
        self.processes.push(Process { id: self.next_process, born: self.world.now, work });
        self.next_process
    }

    fn start_processes(&mut self) {
        let (chaos, first_phase) = (self.world.chaos, self.drifted.is_none());
        if chaos && first_phase && self.world.random.permille(30) {
            let reader = Reader::new(&mut self.world);
            self.start(Work::Read(Box::new(reader)));
        }
        if let Some(day) = self.drifted.filter(|_| self.world.random.permille(30)) {
            let reconciler = Reconciler::new(&mut self.world, day);
            self.start(Work::Reconcile(Box::new(reconciler)));
        } else if chaos && self.world.random.permille(2) {
            let day = *self.world.random.choose(&days());
            let reconciler = Reconciler::new(&mut self.world, day);
            self.start(Work::Reconcile(Box::new(reconciler)));
        }
        let compactions =
            self.processes.iter().filter(|process| matches!(process.work, Work::Compact(_))).count();
        if compactions < 3 && self.world.random.permille(if chaos { 60 } else { 200 }) {
            let compactor = Compactor::new(&mut self.world);
            self.start(Work::Compact(Box::new(compactor)));
        }
        for shard in 0..self.shards.len() {
            self.deliver(shard);
        }
    }

    /// Invokes the aggregator with some records of a shard.
    fn deliver(&mut self, number: usize) {
        let shard = &self.shards[number];
        if shard.waits_for.is_some() || shard.at == shard.records.len() || !self.world.random.permille(300) {
            return;
        }
        let free: Vec<_> = (0..self.busy.len()).filter(|environment| !self.busy[*environment]).collect();
        if free.is_empty() {
            return;
        }
        let environment = *self.world.random.choose(&free);
        self.busy[environment] = true;
        let end = (shard.at + 1 + self.world.random.below(6)).min(shard.records.len());
        let records = shard.records[shard.at..end].to_vec();
        let invocation = Box::new(Invocation::new(&mut self.world, environment, shard.id, &records));
        let process = self.start(Work::Write { invocation, shard: number });
        self.shards[number].waits_for = Some(process);
    }

    /// Items expire no sooner than they may, and often much later.
    fn expire(&mut self) {
        if !self.world.random.permille(50) {
            return;
        }
        let seconds = self.world.seconds();
        for day in days() {
            for (id, page) in self.world.pages_of(day) {
                if page.expires.is_some_and(|at| at < seconds) {
                    self.world.put_page(id, None);
                    self.world.counts.expired += 1;
                }
            }
        }
    }

    fn step_processes(&mut self) -> Result<(), String> {
        let mut processes = std::mem::take(&mut self.processes);
        let mut kept = Vec::with_capacity(processes.len());
        for mut process in processes.drain(..) {
            // Some processes are slow.
            let is_slow = self.world.chaos && process.born % 7 == 3;
            if !self.world.random.permille(if is_slow { 80 } else { 700 }) {
                kept.push(process);
                continue;
            }
            if !matches!(process.work, Work::Read(_)) && self.world.fails(4) {
                self.world.counts.crashes += 1;
                self.end(&process, true);
                continue;
            }
            let world = &mut self.world;
            let is_over = match &mut process.work {
                Work::Write { invocation, .. } => invocation.step(world),
                Work::Compact(compactor) => compactor.step(world),
                Work::Read(reader) => reader.step(world)?,
                Work::Reconcile(reconciler) => reconciler.step(world),
            };
            if is_over {
                self.end(&process, false);
            } else {
                kept.push(process);
            }
        }
        self.processes.append(&mut kept);
        Ok(())
    }

    /// Gives up what takes too long. An invocation that was given up goes on for a while.
    fn end_processes(&mut self) {
        let now = self.world.now;
        let is_endless = matches!(
            self.world.mutant,
            Some(Mutant::ClaimsOldPack | Mutant::PutsWithoutVersion | Mutant::RepairsWithoutVersion)
        );
        let processes = std::mem::take(&mut self.processes);
        for process in processes {
            let age = now - process.born;
            let is_over = match &process.work {
                Work::Write { shard, .. } => {
                    let shard = &mut self.shards[*shard];
                    if age > TIMEOUT && shard.waits_for == Some(process.id) {
                        shard.waits_for = None;
                        self.world.counts.zombies += 1;
                    }
                    age > TIMEOUT + ZOMBIE
                }
                Work::Compact(_) | Work::Reconcile(_) => age > COMPACTION && !is_endless,
                Work::Read(_) => age > READER,
            };
            if is_over {
                self.end(&process, true);
            } else {
                self.processes.push(process);
            }
        }
    }

    fn end(&mut self, process: &Process, has_crashed: bool) {
        let Work::Write { invocation, shard } = &process.work else { return };
        self.busy[invocation.environment] = false;
        if has_crashed && self.world.random.permille(500) {
            self.world.environments[invocation.environment].clear();
        }
        let shard = &mut self.shards[*shard];
        if shard.waits_for != Some(process.id) {
            return;
        }
        shard.waits_for = None;
        if !has_crashed {
            let next = invocation.failure(&self.world).unwrap_or(invocation.last() + 1);
            let acknowledged = shard.records.partition_point(|record| record.sequence < next);
            shard.at = shard.at.max(acknowledged);
        }
    }

    /// Removes a row of a pack and doubles another, as no process does.
    fn damage(&mut self) {
        self.world.is_damaged = true;
        self.processes.retain(|process| !matches!(process.work, Work::Compact(_)));
        let mut packs = Vec::new();
        for kind in View::ALL {
            for day in days().into_iter().filter(|day| !self.world.dirty.contains(day)) {
                let pack = PackId { kind, span: Span::Day(day) };
                let chunks = self.world.chunks_of(pack);
                let live = ledger::chain::live(&chunks).unwrap_or_default();
                packs.extend(
                    live.into_iter()
                        .filter(|(_, chunk)| chunk.rows.0.len() > 3)
                        .map(|(id, chunk)| (pack, id, chunk.clone())),
                );
            }
        }
        let Some((pack, id, mut chunk)) =
            (!packs.is_empty()).then(|| self.world.random.choose(&packs).clone())
        else {
            self.drifted = Some(day(0));
            return;
        };
        let Span::Day(day) = pack.span else { return };
        // The damage gets into a longer pack as well.
        let last = PackId { kind: pack.kind, span: LONG[1] };
        let other = days().into_iter().find(|other| *other != day).unwrap_or(day);
        self.compact(other, vec![Task::Release(last, day)]);
        let ids: Vec<_> = chunk.rows.ids().collect();
        chunk.rows.add(ids[0], -1);
        chunk.rows.add(ids[1], 1);
        self.world.damaged = vec![ids[0], ids[1]];
        self.world.mended.clear();
        chunk.version += 1;
        let now = self.world.now;
        self.world.chunks.put(&(pack, id), Some(chunk), now);
        self.compact(day, vec![Task::Adopt(last)]);
        self.drifted = Some(day);
    }

    fn compact(&mut self, day: Day, tasks: Vec<Task<View>>) {
        let mut compactor = Compactor::with_tasks(&mut self.world, day, tasks);
        while !compactor.step(&mut self.world) {}
    }

    /// Everything that was applied is counted once, in every pack.
    fn check_first_phase(&mut self) -> Result<(), String> {
        let first_phase = self.drifted.is_none();
        for kind in View::ALL {
            for day in days() {
                let is_damaged = !first_phase && self.drifted == Some(day);
                if !is_damaged && !self.world.dirty.contains(&day) {
                    self.check_view(kind, &[day], None)?;
                }
            }
            if first_phase && self.world.dirty.is_empty() {
                self.check_view(kind, &days(), Some(LONG[0]))?;
                self.check_view(kind, &days(), Some(LONG[1]))?;
            }
        }
        Ok(())
    }

    fn check_view(&mut self, kind: View, days: &[Day], long: Option<Span>) -> Result<(), String> {
        let world = &mut self.world;
        let expected = world.raw.iter().filter(|(_, (day, _))| days.contains(day)).map(|(id, _)| *id);
        let expected = Rows::of(expected.filter(|id| Reader::is_counted(kind, *id)));
        let seen = world.seen.remove(&(kind, days.to_vec()));
        let mut reader = Reader::of(world, Mode::Strong, kind, days.to_vec(), long);
        while !reader.step(world)? {}
        let have = world.seen.insert((kind, days.to_vec()), seen.unwrap_or_default()).unwrap_or_default();
        let have = Rows::of(have);
        if have == expected {
            return Ok(());
        }
        let differing: BTreeMap<_, _> =
            expected.0.iter().filter(|(key, _)| !have.0.contains_key(key)).take(5).collect();
        Err(format!("{kind:?} of {days:?} at rest lacks {differing:?}"))
    }

    /// What was damaged is repaired once, and everything adds up, also in longer packs that are recomputed.
    fn check_second_phase(&mut self) -> Result<(), String> {
        let is_clean = self.world.dirty.is_empty();
        for day in days() {
            for kind in View::ALL {
                let mut reconciler = Reconciler::of(&self.world, day, kind);
                while !reconciler.step(&mut self.world) {}
            }
        }
        let (damaged, mended) = (&mut self.world.damaged, &mut self.world.mended);
        damaged.sort_unstable();
        mended.sort_unstable();
        if is_clean && damaged != mended {
            return Err(format!(
                "the rows of {damaged:?} were damaged, and those of {mended:?} were repaired"
            ));
        }
        for kind in View::ALL {
            for day in days() {
                let pack = PackId { kind, span: Span::Day(day) };
                let has_pack = !self.world.chunks_of(pack).is_empty();
                if has_pack || !self.world.dirty.contains(&day) {
                    self.check_view(kind, &[day], None)?;
                }
            }
        }
        self.check_rebuilt()
    }

    /// A longer pack is right once a day that was repaired is taken out of it, or it is recomputed.
    fn check_rebuilt(&mut self) -> Result<(), String> {
        for kind in View::ALL {
            let [all, last] = LONG.map(|span| PackId { kind, span });
            self.compact(days()[0], vec![Task::Rebuild(all, days().into_iter().collect())]);
            if let Some(drifted) = self.drifted {
                let other = days().into_iter().find(|day| *day != drifted).unwrap_or(drifted);
                let own = PackId { kind, span: Span::Day(drifted) };
                self.compact(drifted, vec![Task::Close, Task::Absorb(own), Task::Absorb(last)]);
                self.compact(other, vec![Task::Release(last, drifted)]);
            }
            let is_claimed =
                |day: &Day| self.world.chunks_of(last).values().any(|chunk| chunk.days.contains_key(day));
            let is_right = !self.drifted.as_ref().is_some_and(is_claimed);
            if self.world.dirty.is_empty() {
                self.check_view(kind, &days(), Some(LONG[0]))?;
                if is_right {
                    self.check_view(kind, &days(), Some(LONG[1]))?;
                }
            }
        }
        debug_assert_eq!(DATE * TICK, 24 * 3600);
        Ok(())
    }
}
