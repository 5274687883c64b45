//! What events and agents' days take when stored. `cargo test -p ledger sizes -- --nocapture` prints the figures.

use std::fmt::Write as _;

use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::events::{day, event, plain_call};
use super::random::{PRICES, Random};
use crate::calendar::Calendar;
use crate::cost::CallCost;
use crate::event::{CallStatus, Data, Event, LlmCall};
use crate::ids::{AgentId, Label};
use crate::money::Usd;
use crate::pack::{Table, View};
use crate::pricing::TokenUsage;

#[derive(Clone, Copy, PartialEq)]
enum Ids {
    Short,
    Uuid,
}

#[derive(Clone, Copy)]
struct Fleet {
    agents: u64,
    models: u64,
    ids: Ids,
}

impl Fleet {
    fn agent(self, number: u64) -> AgentId {
        let random = &mut Random(number);
        let id = match self.ids {
            Ids::Short => format!("agent-{number:04}"),
            Ids::Uuid => random.uuid(),
        };
        AgentId::new(id).unwrap()
    }

    fn call(self, random: &mut Random, agent: u64) -> Event {
        let model = random.in_range(0..self.models);
        let tokens = TokenUsage {
            input: random.around(3_600, 693),
            output: random.around(540, 770),
            cache_read: if random.percent(60) { random.around(14_700, 693) } else { 0 },
            cache_write_5m: if random.percent(25) { random.around(1_800, 693) } else { 0 },
            ..TokenUsage::default()
        };
        let prices = PRICES[usize::try_from(model % 5).unwrap()];
        let counts = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write_5m];
        let [input, output, cache_read, cache_write] = std::array::from_fn(|i| {
            Usd::new(Decimal::from_i128_with_scale(i128::from(counts[i]) * i128::from(prices[i]), 12))
        });
        let cost = CallCost { input, cache_read, cache_write, output, ..CallCost::default() };
        let task =
            ["chat", "coding", "support", "research", ""][usize::try_from(random.in_range(0..5)).unwrap()];
        let call = LlmCall {
            agent_id: self.agent(agent),
            tokens,
            latency_ms: Some(random.around(3_000, 1155)),
            status: if random.percent(2) { CallStatus::Error } else { CallStatus::Ok },
            task_type: Label::new(task).ok(),
            ..plain_call("anthropic", &format!("claude-sonnet-4-{model}"), cost)
        };
        event(Data::LlmCall(call), day().start(Tz::UTC))
    }

    fn batch(self, events: u64) -> Table {
        let random = &mut Random(self.agents * 7 + events);
        let mut table = Table::default();
        for _ in 0..events {
            let agent = random.in_range(0..self.agents);
            table.add_event(&self.call(random, agent), &Calendar::default()).unwrap();
        }
        table
    }

    fn day(self, events_per_agent: u64) -> Table {
        let random = &mut Random(self.agents);
        let mut table = Table::default();
        for agent in 0..self.agents {
            (0..events_per_agent)
                .for_each(|_| table.add_event(&self.call(random, agent), &Calendar::default()).unwrap());
        }
        table
    }
}

/// Bytes with one decimal.
fn per(bytes: usize, count: u64) -> String {
    let tenths = bytes as u64 * 10 / count;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[test]
fn events_and_agents_days_are_small() {
    let mut report = String::new();
    for (agents, models, events, most) in [
        (100, 3, 1000, [28, 28]),
        (1000, 5, 174, [40, 60]),
        (1000, 5, 868, [36, 50]),
        (10_000, 5, 174, [42, 62]),
        (100, 3, 17, [60, 80]),
        (1, 3, 2, [110, 110]),
    ] {
        for (ids, most) in [Ids::Short, Ids::Uuid].into_iter().zip(most) {
            let table = Fleet { agents, models, ids }.batch(events);
            let bytes = table.encode().len();
            let uuid = ids == Ids::Uuid;
            let _ = writeln!(
                report,
                "{agents} × {models}, batch of {events}, uuid {uuid}: {}",
                per(bytes, events)
            );
            assert!(bytes as u64 <= most * events, "{report}");
        }
    }
    for (agents, models, events) in [(100, 3, 400), (1000, 5, 60)] {
        for ids in [Ids::Short, Ids::Uuid] {
            let table = Fleet { agents, models, ids }.day(events);
            let _ = write!(report, "{agents} × {models}, day, uuid {}:", ids == Ids::Uuid);
            for view in [View::Organization, View::Agents, View::AgentModels] {
                let _ = write!(report, " {view:?} {}", per(table.view(view).encode().len(), agents));
            }
            report.push('\n');
        }
    }
    println!("{report}");
}
