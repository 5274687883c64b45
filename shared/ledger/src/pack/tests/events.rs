//! Random events of one organization and day.

use std::num::NonZeroU64;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::calendar::Calendar;
use crate::cost::CallCost;
use crate::event::{
    AgentActivity, Attribution, CallStatus, ComputeUsage, Data, Event, HostReport, KeySource, LlmCall,
    TaskCompleted,
};
use crate::ids::{AgentId, Label, Name, NodeId, OrgId, ProjectId};
use crate::money::{Quantity, Usd};
use crate::pack::Table;
use crate::period::Day;
use crate::pricing::{Rate, TokenUsage, Unpriced};

pub fn day() -> Day {
    Day::parse("2026-09-15").unwrap()
}

pub fn event(data: Data, time: DateTime<Utc>) -> Event {
    Event {
        org: OrgId::new("acme").unwrap(),
        source: Name::new("s").unwrap(),
        id: Name::new("1").unwrap(),
        time,
        revision: 0,
        data,
    }
}

pub fn table(events: &[Event]) -> Table {
    let mut table = Table::default();
    for event in events {
        table.add_event(event, &Calendar::default()).unwrap();
    }
    table
}

/// An instant on the day.
fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..86_400).prop_map(|seconds| day().start(Tz::UTC) + TimeDelta::seconds(seconds))
}

/// An instant on the day or about a day before or after.
fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    let noon = day().start(Tz::UTC) + TimeDelta::hours(12);
    (-25_i64..25, 0_i64..3600).prop_map(move |(h, s)| noon + TimeDelta::hours(h) + TimeDelta::seconds(s))
}

fn agent() -> impl Strategy<Value = AgentId> {
    prop_oneof![Just("nova"), Just("orion"), Just("a-3")].prop_map(|id| AgentId::new(id).unwrap())
}

fn quantity() -> impl Strategy<Value = Quantity> {
    (0_i64..5_000_000, 0_u32..7).prop_map(|(value, scale)| Quantity(Decimal::new(value, scale)))
}

fn usd() -> impl Strategy<Value = Usd> {
    prop_oneof![
        Just(Usd::ZERO),
        (0_i64..1_000_000_000, 0_u32..=12).prop_map(|(value, scale)| Usd::new(Decimal::new(value, scale))),
    ]
}

fn tokens() -> impl Strategy<Value = TokenUsage> {
    let few = || prop_oneof![Just(0_u64), 1_u64..1_000, 1_u64..700_000];
    (few(), few(), few(), few(), few(), any::<bool>()).prop_map(|(input, output, read, m5, h1, audio)| {
        TokenUsage {
            input,
            output,
            cache_read: read,
            cache_write_5m: m5,
            cache_write_1h: h1,
            input_audio: if audio { input / 2 } else { 0 },
            output_image: if audio { output / 3 } else { 0 },
            ..TokenUsage::default()
        }
    })
}

fn label(choices: &'static [&'static str]) -> impl Strategy<Value = Option<Label>> {
    prop::option::of(prop::sample::select(choices).prop_map(|text| Label::new(text).unwrap()))
}

fn call() -> impl Strategy<Value = Data> {
    let model = prop::sample::select(vec![
        ("anthropic", "claude-haiku-4-5"),
        ("anthropic", "claude-opus-4-1"),
        ("open%ai", "gpt#5"),
        ("open", "ai#gpt"),
    ]);
    let cost = (usd(), usd(), usd(), usd(), usd(), any::<bool>(), any::<bool>());
    let units = prop::collection::btree_map(
        prop::sample::select(Rate::UNITS).prop_map(|unit| unit.name().to_owned()),
        quantity(),
        0..3,
    );
    let rest = (any::<bool>(), any::<bool>(), prop::option::of(0_u64..100_000));
    (agent(), model, tokens(), cost, units, rest, label(&["chat", "coding", "x-9"]), label(&["u1", "u2"]))
        .prop_map(
            |(
                agent_id,
                (provider, model),
                tokens,
                cost,
                units,
                (error, byok, latency_ms),
                task_type,
                end_user,
            )| {
                let (input, cache_read, cache_write, output, units_cost, unpriced, renamed) = cost;
                let cost = CallCost {
                    input,
                    cache_read,
                    cache_write,
                    output,
                    units: units_cost,
                    unpriced: unpriced.then_some(Unpriced::UnknownModel),
                    provider_id: renamed.then(|| "canonical".to_owned()),
                    ..CallCost::default()
                };
                Data::LlmCall(LlmCall {
                    agent_id,
                    tokens,
                    units,
                    latency_ms,
                    task_type,
                    end_user,
                    status: if error { CallStatus::Error } else { CallStatus::Ok },
                    key_source: if byok { KeySource::Byok } else { KeySource::Platform },
                    ..plain_call(provider, model, cost)
                })
            },
        )
}

pub fn plain_call(provider: &str, model: &str, cost: CallCost) -> LlmCall {
    let label = |text| Label::new(text).unwrap();
    LlmCall::plain(AgentId::new("nova").unwrap(), label(provider), label(model), TokenUsage::default(), cost)
}

fn sample() -> impl Strategy<Value = Data> {
    let bytes = 0_u64..1_000_000_007;
    (any_time(), 1_u64..90_000_000, quantity(), quantity(), bytes, 0..3_u8).prop_map(
        |(from, length, cores, gb, bytes, instance)| {
            Data::ComputeUsage(ComputeUsage {
                project_id: ProjectId::new(["web", "batch"][usize::from(instance % 2)]).unwrap(),
                instance_id: Name::new(format!("i-{instance}")).unwrap(),
                from,
                length_ms: NonZeroU64::new(length).unwrap(),
                cpu_cores: cores,
                ram_gb: gb,
                disk_gb: cores,
                bandwidth_in_bytes: bytes,
                bandwidth_out_bytes: bytes / 3,
                attribution: Attribution::default(),
            })
        },
    )
}

fn data() -> impl Strategy<Value = Data> {
    let task = (agent(), any::<bool>(), prop::option::of(quantity())).prop_map(
        |(agent_id, success, minutes_saved)| {
            Data::TaskCompleted(TaskCompleted {
                agent_id,
                task_type: None,
                success,
                minutes_saved,
                duration_ms: None,
                attribution: Attribution::default(),
                project_id: None,
            })
        },
    );
    let kind = prop::sample::select(vec!["tool_call", "session_end", "deploy", "rollback"]);
    let activity = (prop::option::of(agent()), kind).prop_map(|(agent_id, kind)| {
        let event_type = Name::new(kind).unwrap();
        Data::AgentActivity(AgentActivity {
            agent_id,
            event_type,
            details: "{}".to_owned(),
            attribution: Attribution::default(),
        })
    });
    let report = Just(HostReport {
        node_id: NodeId::new("n").unwrap(),
        hosted_sites: 7,
        attribution: Attribution::default(),
    })
    .prop_map(Data::HostReport);
    prop_oneof![8 => call(), 2 => task, 2 => activity, 2 => sample(), 1 => report]
}

/// Up to `most` events of one day.
pub fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((data(), time()).prop_map(|(data, time)| event(data, time)), 0..most)
}
