//! Agents' use of models over many days: blocks of days say as much as the days.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::collections::BTreeMap;

use ledger::calendar::Generation;
use ledger::chain::{Chunk, ChunkId, Cover, PackId, Span};
use ledger::cost::CallCost;
use ledger::event::{Data, LlmCall};
use ledger::ids::{AgentId, Label, OrgId};
use ledger::pack::{Block, Table, View};
use ledger::period::{Day, DayRange, Windows};
use ledger::pricing::TokenUsage;
use ledger::rollup::{AgentDay, AgentModelFigures, ModelCode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::Usage;
use store::keys::{Owner, chains};
use support::usage;

const VIEW: View = View::AgentModels;

fn today() -> Day {
    Day::parse("2026-09-15").unwrap()
}

/// The calls of a day. Agents and models have a rate of their own: some are used each day, others hardly ever.
fn rows(random: &mut StdRng) -> Table {
    let mut rows = Table::default();
    for number in 0..20_u32 {
        let (agent, model) = (number / 4, number % 4);
        if !random.random_ratio(1, 1 + number * number / 4) {
            continue;
        }
        let label = |text: &str| Label::new(text).unwrap();
        let agent = AgentId::new(format!("agent-{agent}")).unwrap();
        let input = random.random_range(1..300_000);
        let tokens = TokenUsage { input, output: 7, ..TokenUsage::default() };
        let model = label(&format!("m{model}"));
        let call = LlmCall {
            task_type: Some(label(["chat", "coding", "else"][random.random_range(0..3)])),
            ..LlmCall::plain(agent, label("p"), model, tokens, CallCost::default())
        };
        rows.add_agent_event(&Data::LlmCall(call)).unwrap();
    }
    rows.view(VIEW)
}

async fn put(usage: &Usage, owner: &Owner, span: Span, days: &[Day], rows: Table) {
    let days = days.iter().map(|day| (*day, 0)).collect();
    let chunk = Chunk { version: 1, days, cover: Cover::default(), rows, next: None, sealed: None };
    let key = chains::chunk(owner, PackId { kind: VIEW, span }, ChunkId::default());
    assert!(usage.put_chunk(&key, &chunk, None).await.unwrap());
}

/// Writes the packs of days, and blocks of some of them.
async fn write(usage: &Usage, owner: &Owner, random: &mut StdRng) {
    let mut blocks: BTreeMap<Block, (Vec<Day>, Table)> = BTreeMap::new();
    for day in DayRange::ending(today().next(), 60).days() {
        let rows = rows(random);
        // A day may be missing in its block.
        if day < today().minus(1) && random.random_ratio(29, 30) {
            let (days, sum) = blocks.entry(Block::of(VIEW, day).unwrap()).or_default();
            days.push(day);
            sum.merge(&rows);
        }
        put(usage, owner, Span::Day(day), &[day], rows).await;
    }
    for (block, (days, sum)) in blocks {
        if random.random_ratio(9, 10) {
            put(usage, owner, block.pack().span, &days, sum).await;
        }
    }
}

/// What an agent used within a window: each model since when, and its calls by task type.
type Used = (BTreeMap<ModelCode, (Day, AgentModelFigures)>, BTreeMap<String, u64>);

fn used(days: &[(Day, AgentId, AgentDay)], window: DayRange) -> BTreeMap<AgentId, Used> {
    let mut agents: BTreeMap<AgentId, Used> = BTreeMap::new();
    for (day, agent, sums) in days.iter().filter(|(day, ..)| window.contains(*day)) {
        let (models, task_types) = agents.entry(agent.clone()).or_default();
        for (code, figures) in &sums.models {
            let (since, all) = models.entry(*code).or_insert((*day, AgentModelFigures::default()));
            *since = (*since).min(*day);
            *all += *figures;
        }
        for (kind, calls) in &sums.calls_by_task_type {
            *task_types.entry(kind.clone()).or_default() += calls;
        }
    }
    agents
}

#[tokio::test]
async fn uses_are_the_same_from_blocks_as_from_days() {
    let usage = usage().await;
    for seed in 0..16 {
        let random = &mut StdRng::seed_from_u64(seed);
        let org = OrgId::new(format!("org-{seed}")).unwrap();
        write(&usage, &Owner::new(&org, Generation::FIRST), random).await;
        for _ in 0..4 {
            let length = random.random_range(1..55);
            let last = today().minus(random.random_range(0..3));
            let todays = DayRange { first: last.minus(random.random_range(0..3)), last };
            let window = |today| DayRange::ending(today, length);
            let windows = Windows::of(window, todays);
            let blocks = usage.agent_uses_over(&org, Generation::FIRST, &windows).await.unwrap();
            let days = usage.agent_days(&org, Generation::FIRST, windows.days()).await.unwrap();
            for today in todays.days() {
                let window = window(today);
                assert_eq!(used(&blocks, window), used(&days, window), "{seed} {window:?}");
            }
        }
    }
}
