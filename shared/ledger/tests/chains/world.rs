//! What the processes share: the tables, the clock and the raw events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use ledger::chain::{
    Cached, ChainId, Chunk, ChunkId, Chunks, Family, Limits, Note, PackId, Page, PageId, Pages, Seconds,
    Timing,
};
use ledger::period::Day;

use crate::mutant::Mutant;
use crate::random::Random;
use crate::rows::{Counts as Rows, Delta, Id, View};
use crate::store::{Store, Tick};

/// A date of arrival has 300 ticks.
pub const DATE: Tick = 300;
/// Seconds of a tick.
pub const TICK: Seconds = 24 * 3600 / DATE;
/// The stream keeps records for this long.
pub const RETENTION: Tick = 600;
/// An invocation that takes longer is given up, but may go on for `ZOMBIE` more.
pub const TIMEOUT: Tick = 30;
pub const ZOMBIE: Tick = 10;
/// A reader that takes longer is ended.
pub const READER: Tick = 500;
/// A compaction that takes longer is ended.
pub const COMPACTION: Tick = 90;

pub type Stored = Page<u64, Delta>;
pub type ChunkKey = (PackId<View>, ChunkId<u32>);
pub type ChainKey = (Day, Day, u64);

macro_rules! counts {
    ($($name:ident),+) => {
        /// How often things happened.
        #[derive(Clone, Debug, Default)]
        pub struct Counts { $(pub $name: u64,)+ }

        impl Counts {
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            pub fn all_happened(&self) -> bool {
                [$(self.$name),+].iter().all(|count| *count > 0)
            }
        }
    };
}

counts!(
    reads,
    read_again,
    deleted,
    emptied,
    expired,
    absorbed,
    chunk_splits,
    adopted,
    released,
    rebuilt,
    repairs,
    redeliveries,
    zombies,
    refused,
    lost_answers,
    dirty,
    chain_splits,
    crashes
);

pub struct World {
    pub random: Random,
    pub mutant: Option<Mutant>,
    pub now: Tick,
    pub pages: Store<PageId, Stored>,
    pub chunks: Store<ChunkKey, Chunk<Rows, u32>>,
    pub notes: Store<Day, Note>,
    /// The day of each record, and when it arrived.
    pub raw: BTreeMap<Id, (Day, Tick)>,
    /// When each row was first in a page.
    pub applied: BTreeMap<(View, Id), Tick>,
    pub dirty: BTreeSet<Day>,
    /// What each environment remembers of chains.
    pub environments: Vec<HashMap<ChainKey, [Option<Cached<u64>>; Family::ALL.len()]>>,
    pub limits: Limits,
    pub timing: Timing,
    /// Whether anything fails.
    pub chaos: bool,
    /// Whether a pack was damaged.
    pub is_damaged: bool,
    /// The records whose rows were damaged, and then those that repairs changed.
    pub damaged: Vec<Id>,
    pub mended: Vec<Id>,
    /// The records of shards that have not been acknowledged.
    pub lag: usize,
    pub counts: Counts,
    /// What finished strong readers have seen, by view and days.
    pub seen: BTreeMap<(View, Vec<Day>), BTreeSet<Id>>,
    /// The records of each chain, in their order.
    pub order: BTreeMap<ChainKey, Vec<Id>>,
}

pub fn day(number: Tick) -> Day {
    let date = i32::try_from(number).ok().and_then(NaiveDate::from_epoch_days);
    Day::new(date.unwrap_or_default())
}

/// The days of the events.
pub fn days() -> Vec<Day> {
    (0..3).map(day).collect()
}

impl World {
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random(seed);
        let is = |planted| mutant == Some(planted);
        let early = is(Mutant::ExpiresEarly) || is(Mutant::ExpiresEarlyAndTakesOldRecords);
        let timing = Timing {
            tail_age: if is(Mutant::RemembersTailForEver) { Seconds::MAX } else { 40 * TICK },
            delete_after: if is(Mutant::DeletesAtOnce) { 0 } else { 160 * TICK },
            late: match mutant {
                Some(Mutant::ExpiresEarlyAndTakesOldRecords) => Seconds::MAX / 2,
                Some(Mutant::DropsLateRecords) => 60 * TICK,
                _ => 690 * TICK,
            },
            reader: if early { 0 } else { (READER + 20) * TICK },
            expire_after: if early { -DATE * TICK } else { 800 * TICK },
        };
        let limits = Limits {
            overhead: 0,
            per_delta: 0,
            unit: 1 << 20,
            page: [*random.choose(&[1, 6, 12]), *random.choose(&[1, 6, 12])],
            split: *random.choose(&[2, 5, 8, 1000]),
            delta: *random.choose(&[3, 1000]),
        };
        Self {
            random,
            mutant,
            now: 0,
            pages: Store::default(),
            chunks: Store::default(),
            notes: Store::default(),
            raw: BTreeMap::new(),
            applied: BTreeMap::new(),
            dirty: BTreeSet::new(),
            environments: (0..4).map(|_| HashMap::new()).collect(),
            limits,
            timing,
            chaos: true,
            is_damaged: false,
            damaged: Vec::new(),
            mended: Vec::new(),
            lag: 0,
            counts: Counts::default(),
            seen: BTreeMap::new(),
            order: BTreeMap::new(),
        }
    }

    pub fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub fn seconds(&self) -> Seconds {
        self.now * TICK
    }

    pub fn fails(&mut self, permille: usize) -> bool {
        self.chaos && self.random.permille(permille)
    }

    pub fn put_page(&mut self, id: PageId, page: Option<Stored>) {
        let entries = page.iter().flat_map(|page| &page.deltas).flat_map(|delta| delta.iter());
        for entry in entries {
            self.applied.entry((entry.kind, entry.id)).or_insert(self.now);
        }
        self.pages.put(&id, page, self.now);
    }

    /// All pages of a day, as they are.
    pub fn pages_of(&self, day: Day) -> Pages<u64, Delta> {
        let ids = self.pages.keys(first_page(day)..first_page(day.next()));
        ids.filter_map(|id| Some((*id, self.pages.current(id)?.clone()))).collect()
    }

    /// All chunks of a pack, as they are.
    pub fn chunks_of(&self, pack: PackId<View>) -> Chunks<Rows> {
        let ids = self.chunks.keys(pack_range(pack));
        ids.filter_map(|id| Some((id.1, self.chunks.current(id)?.clone()))).collect()
    }
}

/// The least id of a page of a day.
fn first_page(of: Day) -> PageId {
    let chain = ChainId { family: Family::Main, arrival: day(0), shard: [0; 8] };
    PageId { day: of, chain, number: 0 }
}

fn pack_range(pack: PackId<View>) -> std::ops::RangeInclusive<(PackId<View>, ChunkId<u32>)> {
    (pack, ChunkId::default())..=(pack, ChunkId { from: u32::MAX, split: u64::MAX })
}

/// A query that takes several calls: each shows the items of its own moment.
pub struct Query<K, V> {
    last: Option<K>,
    pub found: BTreeMap<K, V>,
}

impl<K, V> Default for Query<K, V> {
    fn default() -> Self {
        Self { last: None, found: BTreeMap::new() }
    }
}

impl Query<PageId, Stored> {
    /// Reads some more pages. True when all were read.
    pub fn step(
        &mut self,
        world: &mut World,
        day: Day,
        families: &[Family],
        strong: bool,
        most: usize,
    ) -> bool {
        let is_wanted = |id: &&PageId| families.contains(&id.chain.family) && self.last != Some(**id);
        let range = self.last.unwrap_or_else(|| first_page(day))..first_page(day.next());
        let ids: Vec<_> = world.pages.keys(range).filter(is_wanted).copied().collect();
        for id in ids {
            self.last = Some(id);
            if let Some(page) = world.pages.get(&id, strong, world.now, &mut world.random) {
                self.found.insert(id, page);
                if self.found.len().is_multiple_of(most) {
                    return false;
                }
            }
        }
        true
    }
}

impl Query<ChunkId<u32>, Chunk<Rows, u32>> {
    /// Reads some more chunks. True when all were read.
    pub fn step(&mut self, world: &mut World, pack: PackId<View>, strong: bool) -> bool {
        let after = |(_, id): &&(PackId<View>, ChunkId<u32>)| self.last.is_none_or(|last| *id > last);
        let ids: Vec<_> = world.chunks.keys(pack_range(pack)).filter(after).copied().collect();
        for id in ids {
            self.last = Some(id.1);
            if let Some(chunk) = world.chunks.get(&id, strong, world.now, &mut world.random) {
                self.found.insert(id.1, chunk);
                if self.found.len().is_multiple_of(2) {
                    return false;
                }
            }
        }
        true
    }
}
