//! Chains and packs in the real table engine: what is appended, redelivered and compacted is counted once.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use ledger::calendar::{Generation, TrackedDimensions};
use ledger::chain::{Chunks, Compaction, Outcome, PackId, Page, Seconds, Span, Task, Timing};
use ledger::event::{Attribution, Data, Event, TaskCompleted};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::pack::{Block, Domain, EventBatch, Figure, Group, Table, View};
use ledger::period::{Day, DayRange, Windows};
use store::Usage;
use store::chains::{Consistency, ShardDay, Tails};
use store::keys::Owner;
use store::sequence::SequenceNumber;
use support::usage;

const KINDS: [View; 4] = [View::Agents, View::AgentModels, View::Tracked, View::Hours];

fn day() -> Day {
    Day::parse("2026-11-28").unwrap()
}

fn org() -> OrgId {
    OrgId::new("acme").unwrap()
}

fn owner() -> Owner {
    Owner::new(&org(), Generation::FIRST)
}

fn only_day() -> DayRange {
    DayRange { first: day(), last: day() }
}

/// Names that do not compress, so that a large batch is split.
fn agent(number: usize) -> String {
    format!("{:016x}", (number as u64 % 500).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn events(count: usize) -> Vec<Event> {
    let event = |number: usize| Event {
        org: org(),
        source: Name::new("s").unwrap(),
        id: Name::new(number.to_string()).unwrap(),
        time: day().start(Tz::UTC),
        revision: 0,
        data: Data::TaskCompleted(TaskCompleted {
            agent_id: AgentId::new(agent(number)).unwrap(),
            task_type: None,
            success: !number.is_multiple_of(5),
            minutes_saved: None,
            duration_ms: None,
            attribution: Attribution::default(),
            project_id: None,
        }),
    };
    (0..count).map(event).collect()
}

struct Aggregator {
    usage: Usage,
    tails: Tails,
    now: Seconds,
}

impl Aggregator {
    async fn append(&mut self, events: &[Event], first: usize) -> Outcome {
        let mut batch = EventBatch::chained(TrackedDimensions::default());
        for (number, event) in (first..).zip(events) {
            let mark = SequenceNumber::parse(&format!("10000000000000000000{number}")).unwrap();
            batch.push(mark, self.now, event).unwrap();
        }
        let owner = owner();
        let chain = ShardDay { owner: &owner, day: day(), arrival: day(), shard: [1; 8] };
        let now = self.now;
        self.usage.append(chain, batch, &mut self.tails, || now).await.map_err(|failed| failed.error).unwrap()
    }

    async fn compact(&self, tasks: Vec<Task<View>>, now: Seconds) {
        let packs = KINDS.map(|kind| PackId { kind, span: Span::Day(day()) }).to_vec();
        let compaction = Compaction::new(day(), packs, tasks, Timing::PRODUCTION, now.cast_unsigned());
        self.usage.compact(&owner(), day(), compaction, || now).await.unwrap();
    }

    /// What a reader of a kind sees.
    async fn read(&self, kind: View) -> Table {
        let stored =
            self.usage.stored_agents(&owner(), only_day(), &[kind], Consistency::Strong).await.unwrap();
        stored.views(day()).unwrap().remove(0)
    }

    async fn check(&self, events: &[Event]) {
        let mut folded = Table::default();
        for event in events {
            folded.add_chained(event, &TrackedDimensions::default()).unwrap();
        }
        for kind in KINDS {
            assert_eq!(self.read(kind).await, folded.view(kind), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn events_are_counted_once_through_appending_and_compacting() {
    let now = day().start(Tz::UTC).timestamp() + 3600;
    let mut aggregator = Aggregator { usage: usage().await, tails: Tails::default(), now };
    let events = events(600);
    // The first batches are small; a large one then splits the chain.
    for (from, to) in [(0, 5), (5, 8), (8, 200), (200, 210)] {
        assert_eq!(aggregator.append(&events[from..to], from).await, Outcome::Applied);
        aggregator.check(&events[..to]).await;
    }
    // Redelivered with other cuts, by a process that remembers nothing and by one that remembers an old state.
    let old = aggregator.tails;
    for (from, to) in [(0, 3), (3, 100), (6, 300), (150, 301)] {
        aggregator.tails = Tails::default();
        aggregator.append(&events[from..to], from).await;
        aggregator.check(&events[..to.max(210)]).await;
    }
    aggregator.tails = old;
    aggregator.append(&events[290..400], 290).await;
    aggregator.check(&events[..400]).await;

    let absorb = || KINDS.map(|kind| Task::Absorb(PackId { kind, span: Span::Day(day()) })).to_vec();
    let pages = || async {
        aggregator
            .usage
            .pages(&owner(), only_day(), Consistency::Strong)
            .await
            .unwrap()
            .remove(&day())
            .unwrap()
    };
    let before = pages().await.len();
    let all = [vec![Task::Remove, Task::Close], absorb(), vec![Task::Note]].concat();
    aggregator.compact(all.clone(), now).await;
    aggregator.check(&events[..400]).await;
    assert_eq!(pages().await.len(), before);
    aggregator.compact(all.clone(), now + Timing::PRODUCTION.delete_after).await;
    aggregator.check(&events[..400]).await;
    let left = pages().await;
    assert!(left.len() == 1 && left.values().all(Page::is_emptied), "{left:?}");

    // The emptied pages still tell what is contained.
    aggregator.tails = Tails::default();
    aggregator.append(&events[350..], 350).await;
    aggregator.check(&events).await;
    aggregator.compact(all, now + 1000).await;
    aggregator.check(&events).await;
}

#[tokio::test]
async fn records_older_than_the_stream_keeps_make_the_day_dirty() {
    let now = day().start(Tz::UTC).timestamp();
    let mut aggregator = Aggregator { usage: usage().await, tails: Tails::default(), now };
    let events = events(3);
    let mut batch = EventBatch::chained(TrackedDimensions::default());
    batch.push(SequenceNumber::parse("1").unwrap(), now - Timing::PRODUCTION.late - 1, &events[0]).unwrap();
    let owner = owner();
    let chain = ShardDay { owner: &owner, day: day(), arrival: day(), shard: [1; 8] };
    let outcome = aggregator.usage.append(chain, batch, &mut aggregator.tails, || now).await;
    assert!(matches!(outcome, Ok(Outcome::Dirty)));
    assert_eq!(aggregator.usage.dirty_days().await.unwrap(), [(org(), day())]);
    aggregator.check(&[]).await;
}

#[tokio::test]
async fn a_sealed_pack_has_all_rows_whatever_its_pages() {
    let now = day().start(Tz::UTC).timestamp() + 3600;
    let mut aggregator = Aggregator { usage: usage().await, tails: Tails::default(), now };
    let events = events(600);
    aggregator.append(&events[..300], 0).await;
    let mut rows = Table::default();
    for event in &events[..200] {
        rows.add_chained(event, &TrackedDimensions::default()).unwrap();
    }
    let none = Chunks::<Table>::new();
    for kind in KINDS {
        let pack = PackId { kind, span: Span::Day(day()) };
        assert!(aggregator.usage.seal_pack(&owner(), pack, &none, &rows.view(kind), now).await.unwrap());
        // Another process read it before.
        assert!(!aggregator.usage.seal_pack(&owner(), pack, &none, &rows.view(kind), now).await.unwrap());
    }
    aggregator.check(&events[..200]).await;
    // Neither later pages nor a compaction change it.
    aggregator.append(&events[300..], 300).await;
    let absorb = KINDS.map(|kind| Task::Absorb(PackId { kind, span: Span::Day(day()) })).to_vec();
    let all = [vec![Task::Remove, Task::Close], absorb, vec![Task::Note]].concat();
    for at in [now, now + Timing::PRODUCTION.delete_after] {
        aggregator.compact(all.clone(), at).await;
        aggregator.check(&events[..200]).await;
    }
    let pages = aggregator.usage.page_sizes(&owner(), day()).await.unwrap();
    aggregator.usage.delete_pages(&owner(), pages.into_keys()).await.unwrap();
    aggregator.check(&events[..200]).await;
}

#[tokio::test]
async fn a_large_sealed_pack_is_written_in_chunks() {
    let now = day().start(Tz::UTC).timestamp();
    let aggregator = Aggregator { usage: usage().await, tails: Tails::default(), now };
    let pack = PackId { kind: View::Agents, span: Span::Day(day()) };
    let mut before = Chunks::<Table>::new();
    // Twice, so that the chunks of the first time are replaced.
    for times in [1, 2] {
        let mut rows = Table::default();
        let mut number = 1_u64;
        for agent in 0..60_000 {
            let agent = rows.name(Domain::Agents, &format!("agent-{agent}"));
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            rows.add(Group::Agents, [agent, 0, 0, 0, 0], [(Figure::Cost, i128::from(number >> 8) * times)]);
        }
        assert!(aggregator.usage.seal_pack(&owner(), pack, &before, &rows, now).await.unwrap());
        let packs = aggregator.usage.packs(&owner(), View::Agents, only_day(), Consistency::Strong).await;
        let stored = packs.unwrap().remove(&day()).unwrap();
        assert!(stored.len() > 1 && before.keys().all(|id| id.from == 0 || !stored.contains_key(id)));
        assert!(aggregator.read(View::Agents).await == rows);
        before = stored;
    }
}

/// The tasks of each agent within some days, as readers of many days see them.
async fn tasks(usage: &Usage, days: DayRange) -> BTreeMap<AgentId, u64> {
    let totals = usage.agent_totals_over(&org(), Generation::FIRST, &Windows::from(days)).await.unwrap();
    let mut tasks = BTreeMap::new();
    for (_, agent, _, work) in totals {
        *tasks.entry(agent).or_default() += work.tasks;
    }
    tasks
}

/// The same, each day by itself.
async fn tasks_by_day(usage: &Usage, days: DayRange) -> BTreeMap<AgentId, u64> {
    let mut tasks = BTreeMap::new();
    for (_, agent, _, work) in usage.agent_totals(&org(), Generation::FIRST, days).await.unwrap() {
        *tasks.entry(agent).or_default() += work.tasks;
    }
    tasks
}

fn day_pack(day: Day) -> PackId<View> {
    PackId { kind: View::Agents, span: Span::Day(day) }
}

#[tokio::test]
async fn blocks_are_read_instead_of_their_days_until_one_of_these_is_sealed() {
    let usage = usage().await;
    let block = Block::of(View::Agents, day()).unwrap();
    let days = block.days();
    let now = days.last.next().start(Tz::UTC).timestamp();
    let none = Chunks::<Table>::new();
    let events = events(40);
    let rows = |from: usize, to: usize| {
        let mut rows = Table::default();
        events[from..to]
            .iter()
            .for_each(|event| rows.add_chained(event, &TrackedDimensions::default()).unwrap());
        rows.view(View::Agents)
    };
    let compact = async |day: Day, task: Task<View>| {
        let compaction = Compaction::new(day, Vec::new(), [task], Timing::PRODUCTION, 0);
        usage.compact(&owner(), day, compaction, || now).await.unwrap();
    };
    let stored =
        async || usage.blocks(&owner(), &[block], Consistency::Strong).await.unwrap().remove(&block).unwrap();
    let check = async || assert_eq!(tasks(&usage, days).await, tasks_by_day(&usage, days).await);
    for (nth, day) in days.days().enumerate() {
        assert!(usage.seal_pack(&owner(), day_pack(day), &none, &rows(nth, nth + 20), now).await.unwrap());
        check().await;
        compact(day, Task::Adopt(block.pack())).await;
        check().await;
    }
    assert_eq!(stored().await.whole_days().unwrap(), days.days().collect());
    // All of the block's days are read from the block: from one item instead of one a day.
    let before = usage.meter().reading();
    tasks(&usage, days).await;
    assert_eq!(usage.meter().reading().since(before).reads, 2);

    // A day is sealed again, with other rows.
    let packs = usage.packs(&owner(), View::Agents, days, Consistency::Strong).await.unwrap();
    let sealed = days.first.next();
    assert!(usage.seal_pack(&owner(), day_pack(sealed), &packs[&sealed], &rows(0, 40), now).await.unwrap());
    assert!(stored().await.is_outdated().unwrap());
    check().await;
    compact(sealed, Task::Rebuild(block.pack(), days.days().collect())).await;
    assert!(!stored().await.is_outdated().unwrap());
    check().await;

    // A range that has only some of its days does without it.
    let part = DayRange { first: days.first.next(), ..days };
    assert_eq!(tasks(&usage, part).await, tasks_by_day(&usage, part).await);
    // And so does a window that may turn out to begin later.
    let windows =
        Windows::of(|first| DayRange { first, ..days }, DayRange { first: days.first, last: sealed });
    let totals = usage.agent_totals_over(&org(), Generation::FIRST, &windows).await.unwrap();
    assert_eq!(totals.iter().map(|(day, ..)| *day).collect::<BTreeSet<_>>(), days.days().collect());

    // A block that has not ended is used for the days that it has.
    let days = DayRange { first: days.first, last: days.last.next() };
    let begun = DayRange { first: days.last, last: days.last };
    assert!(usage.seal_pack(&owner(), day_pack(days.last), &none, &rows(0, 10), now).await.unwrap());
    compact(days.last, Task::Adopt(Block::of(View::Agents, days.last).unwrap().pack())).await;
    for days in [days, begun] {
        let before = usage.meter().reading();
        let found = tasks(&usage, days).await;
        assert_eq!(usage.meter().reading().since(before).reads, 2);
        assert_eq!(found, tasks_by_day(&usage, days).await);
    }
}
