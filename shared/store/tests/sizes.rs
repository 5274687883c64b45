//! How many bytes DynamoDB bills for a stored raw event, by its rules: names and values of all attributes, and 100 more.
//! Three quarters of the bill of a large fleet are stored bytes, nearly all of them raw events.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "../../ledger/tests/support/sampling.rs"]
mod sampling;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use chrono_tz::Tz;
use ledger::cost::CallCost;
use ledger::event::{Attribution, CallStatus, Data, Event, LlmCall};
use ledger::ids::{AgentId, Label, Name, OrgId};
use ledger::money::Usd;
use ledger::period::Day;
use ledger::pricing::TokenUsage;
use rust_decimal::Decimal;
use sampling::Random;
use store::Item;
use store::events::RawEvent;

/// The overhead of an item in storage.
const OVERHEAD: usize = 100;
const EVENTS: u64 = 1_000;

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Provider, model, row of the price book, and prices in dollars per million tokens, in thousandths.
const MODELS: [(&str, &str, &str, [u64; 4]); 5] = [
    ("anthropic", "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5@-", [3_000, 15_000, 300, 3_750]),
    ("openai", "gpt-5-mini", "openai/gpt-5-mini@-", [250, 2_000, 25, 0]),
    ("anthropic", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5@-", [1_000, 5_000, 100, 1_250]),
    ("google", "gemini-2.5-flash", "google/gemini-2.5-flash@2025-06-17", [300, 2_500, 75, 0]),
    ("openai", "gpt-5.1", "openai/gpt-5.1@-", [1_250, 10_000, 125, 0]),
];

/// A call with all usual fields, as a gateway reports it.
fn call(random: &mut Random, with_uuids: bool) -> Event {
    let agent = format!("agent-{:04}", random.below(1_000));
    let (provider, model, row, prices) = MODELS[usize::try_from(random.below(5)).unwrap()];
    let tokens = TokenUsage {
        input: 200 + random.below(8_000),
        output: 20 + random.below(1_500),
        cache_read: if random.below(5) < 3 { random.below(40_000) } else { 0 },
        cache_write_5m: if random.below(4) == 0 { random.below(4_000) } else { 0 },
        ..TokenUsage::default()
    };
    let cost =
        |tokens: u64, price: u64| Usd::new(Decimal::from(tokens * price) / Decimal::from(1_000_000_000));
    let label = |text: String| Label::new(text).ok();
    let day = Day::parse("2026-11-28").unwrap();
    let id = if with_uuids { random.uuid() } else { format!("call-{:08x}", random.below(1 << 32)) };
    let session = if with_uuids { random.uuid() } else { format!("conv-{}", random.below(1_000_000)) };
    let costs = CallCost {
        input: cost(tokens.input, prices[0]),
        output: cost(tokens.output, prices[1]),
        cache_read: cost(tokens.cache_read, prices[2]),
        cache_write: cost(tokens.cache_write_5m, prices[3]),
        row: Some(row.to_owned()),
        ..CallCost::default()
    };
    let [provider, model] = [provider, model].map(|name| Label::new(name).unwrap());
    let data = LlmCall {
        latency_ms: Some(300 + random.below(20_000)),
        status: if random.below(50) == 0 { CallStatus::Error } else { CallStatus::Ok },
        end_user: label(format!("user-{}", random.below(5_000))),
        attribution: Attribution { session_id: label(session), ..Attribution::default() },
        task_type: label(["chat", "coding", "support"][usize::try_from(random.below(3)).unwrap()].to_owned()),
        hostname: label(format!("{agent}.example.org")),
        ..LlmCall::plain(AgentId::new(&agent).unwrap(), provider, model, tokens, costs)
    };
    Event {
        org: OrgId::new("acme-corp").unwrap(),
        source: Name::new(format!("fleet/{agent}")).unwrap(),
        id: Name::new(id).unwrap(),
        time: day.start(Tz::UTC) + TimeDelta::milliseconds(i64::try_from(random.below(86_400_000)).unwrap()),
        revision: 0,
        data: Data::LlmCall(data),
    }
}

fn size(item: &Item) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(number) => number.trim_end_matches('0').len().div_ceil(2) + 1,
        other => panic!("{other:?}"),
    };
    item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum::<usize>() + OVERHEAD
}

#[test]
fn raw_events_stay_below_their_goals() {
    for (names, with_uuids, most) in [("short ids", false, 262), ("UUIDs", true, 290)] {
        let random = &mut Random(7);
        let sizes = (0..EVENTS).map(|_| {
            let event = call(random, with_uuids);
            let received = event.time + TimeDelta::milliseconds(i64::try_from(random.below(4_000)).unwrap());
            size(RawEvent::new(&event, random.next().to_be_bytes(), received, 400).unwrap().item())
        });
        let mean = sizes.sum::<usize>() as u64 / EVENTS;
        println!("{names}: {mean} bytes an event, at most {most}");
        assert!(mean <= most, "{names}: {mean} > {most}");
    }
}
