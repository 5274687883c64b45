//! What counting events costs in write units, by the rules of DynamoDB: a unit for every kilobyte that an item has after
//! a write, or had before it is deleted.
//!
//! Real events go through [`Append`] and [`Table`]; the pages are kept here, and only their sizes matter. The last page of
//! a chain and the compaction's own writes are included, six shard rotations a day.
//!
//! `cargo test -p ledger --test capacity -- --nocapture` prints the figures.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "support/sampling.rs"]
mod sampling;

use chrono_tz::Tz;
use ledger::calendar::Calendar;
use ledger::chain::{Append, Cached, Family, Limits, Tail, Timing, Write, WriteAnswer, WriteCommand};
use ledger::cost::CallCost;
use ledger::event::{CallStatus, Data, Event, LlmCall};
use ledger::ids::{AgentId, Label, Name, OrgId};
use ledger::money::Usd;
use ledger::pack::{EventBatch, Table, View};
use ledger::period::Day;
use ledger::pricing::TokenUsage;
use rust_decimal::Decimal;
use sampling::{PRICES, Random};

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Log-normal around `median`: a standard deviation doubles it so many thousandths of a time.
    fn around(&mut self, median: u64, doublings: i64) -> u64 {
        let sixteenths = self.normal() * 16 * doublings / 1_000_000;
        sampling::doubled(median, sixteenths)
    }
}

#[derive(Clone, Copy)]
struct Fleet {
    name: &'static str,
    agents: u64,
    models: u64,
    per_day: u64,
    /// Hundredths of events in a batch of one organization.
    batch: u64,
    /// Events in a batch of all organizations.
    of_all: u64,
    zipf: bool,
    uuids: bool,
    /// Chains of a day: a rotation every four hours for each shard.
    chains: u64,
    /// Thousandths of a unit for each event.
    most: u64,
}

/// What a fleet costs in a day.
#[derive(Default)]
struct Units {
    pages: u64,
    deletes: u64,
    closes: u64,
    packs: u64,
    seen: u64,
    progress: u64,
    bytes: u64,
}

const SAMPLE: u64 = 240;

fn units(bytes: u64) -> u64 {
    bytes.div_ceil(1024).max(1)
}

impl Fleet {
    fn agent(&self, number: u64) -> AgentId {
        let random = &mut Random(number);
        let id = if self.uuids { random.uuid() } else { format!("agent-{number:04}") };
        AgentId::new(id).unwrap()
    }

    fn pick(&self, random: &mut Random) -> u64 {
        if !self.zipf {
            return random.below(self.agents);
        }
        // The rank r is as frequent as 1/r: the logarithm of the rank is uniform.
        let bits = u64::from(self.agents.ilog2());
        let octave = random.below(bits + 1);
        ((1 << octave) + random.below(1 << octave)).min(self.agents) - 1
    }

    fn event(&self, random: &mut Random) -> Event {
        let model = random.below(self.models);
        let tokens = TokenUsage {
            input: random.around(3_600, 1443),
            output: random.around(540, 1298),
            cache_read: if random.below(100) < 60 { random.around(14_700, 1443) } else { 0 },
            cache_write_5m: if random.below(100) < 25 { random.around(1_800, 1443) } else { 0 },
            ..TokenUsage::default()
        };
        let prices = PRICES[usize::try_from(model % 5).unwrap()];
        let counts = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write_5m];
        let [input, output, cache_read, cache_write] = std::array::from_fn(|i| {
            Usd::new(
                Decimal::from_i128_with_scale(i128::from(counts[i]) * i128::from(prices[i]), 12).normalize(),
            )
        });
        let task = ["chat", "coding", "support", "research", ""][usize::try_from(random.below(5)).unwrap()];
        let day = Day::parse("2026-09-15").unwrap();
        let cost = CallCost { input, cache_read, cache_write, output, ..CallCost::default() };
        let agent = self.agent(self.pick(random));
        let label = |text: &str| Label::new(text).unwrap();
        let model = label(&format!("claude-sonnet-4-{model}"));
        let call = LlmCall {
            latency_ms: Some(random.around(3_000, 866)),
            status: if random.below(50) == 0 { CallStatus::Error } else { CallStatus::Ok },
            task_type: Label::new(task).ok(),
            ..LlmCall::plain(agent, label("anthropic"), model, tokens, cost)
        };
        Event {
            org: OrgId::new("acme").unwrap(),
            source: Name::new("gateway").unwrap(),
            id: Name::new("1").unwrap(),
            time: day.start(Tz::UTC),
            revision: 0,
            data: Data::LlmCall(call),
        }
    }

    /// The units of a day, extrapolated from a sample of its batches.
    fn day(&self) -> Units {
        let random = &mut Random(3);
        let batches = (self.per_day * 100 / self.batch).max(1);
        let sample = batches.min(SAMPLE);
        let per_chain = (batches / self.chains).max(1);
        let mut sampled = Units::default();
        let mut chain = Chain::default();
        let (mut events, mut owed) = (0, 0);
        for number in 0..sample {
            owed += self.batch;
            let count = (owed / 100).max(1);
            owed = owed.saturating_sub(count * 100);
            events += count;
            let batch: Vec<_> = (0..count).map(|_| self.event(random)).collect();
            chain.append(&batch, &mut sampled);
            if (number + 1).is_multiple_of(per_chain) || number + 1 == sample {
                chain.end(&mut sampled);
            }
        }
        let scale = |units: u64| units * self.per_day / events;
        let bytes = scale(sampled.bytes);
        // The pages of small organizations are merged when their chains have ended.
        let is_small = bytes < 64 << 10;
        let mut units = Units {
            pages: scale(sampled.pages),
            deletes: scale(sampled.deletes),
            closes: if is_small { 0 } else { self.chains.min(batches) },
            seen: self.agents.min(self.per_day),
            progress: self.per_day * 100 / self.of_all,
            bytes,
            packs: 0,
        };
        // Pages are merged at 128 KB or half of what the packs have; those of small organizations once, after the day.
        let packs = self.packs();
        let total: u64 = packs.iter().sum();
        let runs = if is_small { 1 } else { bytes / (128 << 10).max(total / 2) + 3 };
        let of_packs = if total < 8 << 10 {
            self::units(total)
        } else {
            packs.iter().map(|size| self::units(*size)).sum()
        };
        units.packs =
            runs * (of_packs + if is_small { 1 } else { 2 }) + if is_small { 0 } else { 3 * of_packs };
        units
    }

    /// Bytes of the day's packs, each kind with 300 for its cover.
    fn packs(&self) -> Vec<u64> {
        let random = &mut Random(9);
        let mut table = Table::default();
        // Enough events for every agent and model to be there.
        for _ in 0..self.per_day.min(20_000) {
            table.add_event(&self.event(random), &Calendar::default()).unwrap();
        }
        let kinds = [View::Organization, View::Agents, View::AgentModels];
        kinds.map(|kind| table.view(kind).encode().len() as u64 + 300).to_vec()
    }
}

/// The chains of a shard, one of each family.
#[derive(Default)]
struct Chain {
    tails: [Option<Tail<u64>>; Family::ALL.len()],
    mark: u64,
}

impl Chain {
    fn append(&mut self, events: &[Event], units: &mut Units) {
        let mut batch = EventBatch::new(Calendar::default());
        for event in events {
            self.mark += 1;
            batch.push(self.mark, 0, event).unwrap();
        }
        let tails = self.tails.map(|tail| Some(Cached { tail, at: 0 }));
        let mut append = Append::new(batch, Limits::PRODUCTION, Timing::PRODUCTION, tails);
        while let Ok(command) = append.next(0) {
            if let WriteCommand::Write(write) = command {
                self.write(&write, units);
            }
            append.answer(WriteAnswer::Done, 0);
        }
        self.tails = append.tails().map(|cached| cached.unwrap().tail);
    }

    fn write(&mut self, write: &Write<u64, Vec<u8>>, sum: &mut Units) {
        let limits = Limits::PRODUCTION;
        let tail = &mut self.tails[write.family as usize];
        let before = tail.filter(|tail| !tail.closed).map_or(limits.overhead, |tail| tail.size);
        if let Some(closed) = tail.filter(|tail| tail.closed) {
            sum.deletes += units(closed.size as u64);
        }
        let size = before + write.delta.len() + limits.per_delta;
        sum.pages += units(size as u64);
        sum.bytes += (size - before) as u64;
        *tail = Some(Tail {
            number: write.number,
            mark: write.mark,
            split: write.split,
            closed: write.close,
            size,
        });
    }

    /// The shard ends: its last pages are emptied.
    fn end(&mut self, sum: &mut Units) {
        for tail in self.tails.iter_mut().filter_map(Option::take) {
            sum.deletes += units(tail.size as u64);
        }
    }
}

#[test]
fn writes_stay_below_their_goals() {
    let fleet = |name, agents, models, per_day, batch: u64, most| Fleet {
        name,
        agents,
        models,
        per_day,
        batch: batch * 100,
        of_all: batch * 100,
        zipf: false,
        uuids: false,
        chains: 24,
        most,
    };
    let uuids = |fleet: Fleet, most| Fleet { uuids: true, most, ..fleet };
    let small = fleet("1,000 × 5, batches of 174", 1000, 5, 1_000_000, 174, 1150);
    let large = fleet("1,000 × 5, batches of 868", 1000, 5, 1_000_000, 868, 1100);
    let zipf = fleet("10,000 × 5 (Zipf), batches of 174", 10_000, 5, 1_000_000, 174, 1200);
    let zipf = Fleet { zipf: true, ..zipf };
    let slow = fleet("100 × 3, batches of 17", 100, 3, 100_000, 17, 1250);
    let mixed = fleet("1,000 organizations, batches of 1,000 mixed", 1, 3, 1440, 1, 1850);
    let mixed = Fleet { batch: 158, of_all: 100_000, ..mixed };
    let tiny =
        Fleet { of_all: 17_400, ..fleet("one agent, 50 events a day, among others", 1, 3, 50, 1, 2800) };
    let shards = Fleet {
        chains: 64 * 6,
        ..fleet("1,000 × 5 over 64 shards, batches of 11", 1000, 5, 1_000_000, 11, 1400)
    };
    let models = fleet("1,000 × 300, batches of 174", 1000, 300, 1_000_000, 174, 1300);
    let fleets = [
        fleet("100 × 3, batches of 1,000", 100, 3, 5_760_000, 1000, 1050),
        small,
        uuids(small, 1200),
        large,
        uuids(large, 1150),
        zipf,
        uuids(zipf, 1200),
        slow,
        uuids(slow, 1250),
        mixed,
        tiny,
        shards,
        models,
    ];
    let mut missed = Vec::new();
    for fleet in fleets {
        let units = fleet.day();
        let all = units.pages + units.deletes + units.closes + units.packs + units.seen + units.progress;
        let thousandths = 1000 + all * 1000 / fleet.per_day;
        let each = |units: u64| {
            format!("{:.3}", Decimal::new(i64::try_from(units * 1000 / fleet.per_day).unwrap(), 3))
        };
        println!(
            "{}{}: {} units an event, at most {} (pages {}, deletes {}, closes {}, packs {}, seen {}, progress {}; {} bytes an event)",
            fleet.name,
            if fleet.uuids { ", UUIDs" } else { "" },
            Decimal::new(i64::try_from(thousandths).unwrap(), 3),
            Decimal::new(i64::try_from(fleet.most).unwrap(), 3),
            each(units.pages),
            each(units.deletes),
            each(units.closes),
            each(units.packs),
            each(units.seen),
            each(units.progress),
            units.bytes / fleet.per_day,
        );
        if thousandths > fleet.most {
            missed.push(fleet.name);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
