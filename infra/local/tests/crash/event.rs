//! Random events, as senders produce them.

use chrono::{DateTime, Utc};
use ledger::period::{parse_instant, rfc3339};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::support;

/// The business clock of every stack.
pub const CLOCK: &str = "2026-09-15T12:00:00Z";
/// How far back events go from the clock, in seconds: five and a half days, starting at midnight.
const SPAN: i64 = (5 * 24 + 12) * 3600;

pub struct Model {
    pub provider: &'static str,
    pub model: &'static str,
    /// Input, cache read and output, in millionths of a dollar per million tokens.
    pub prices: Option<[i128; 3]>,
}

/// Two models of the price book and one without a price.
pub const MODELS: [Model; 3] = [
    Model { provider: "anthropic", model: "claude-haiku-3.5", prices: Some([800_000, 80_000, 4_000_000]) },
    Model { provider: "openai", model: "gpt-4o-mini", prices: Some([150_000, 75_000, 600_000]) },
    Model { provider: "acme", model: "in-house-1", prices: None },
];

#[derive(Clone, Debug)]
pub enum Payload {
    Call(Call),
    Task { agent: String, success: bool, minutes: u64 },
    Activity { agent: String, kind: &'static str },
    Sample(Sample),
    Report { node: String, sites: u64 },
}

#[derive(Clone, Debug)]
pub struct Call {
    pub agent: String,
    /// The index in [`MODELS`].
    pub model: usize,
    /// Input, cache read and output.
    pub tokens: [u64; 3],
    /// The cost that the sender reports, in picodollars.
    pub cost: Option<i128>,
    pub failed: bool,
    pub byok: bool,
    pub end_user: Option<String>,
}

/// A compute sample: constant amounts from `from` to `to`, and the bytes of the whole span.
#[derive(Clone, Debug)]
pub struct Sample {
    pub project: String,
    pub instance: String,
    /// Seconds since 1970.
    pub from: i64,
    pub to: i64,
    pub cores: u64,
    pub ram_gb: u64,
    pub disk_gb: u64,
    pub bytes: [u64; 2],
}

#[derive(Clone, Debug)]
pub struct Event {
    pub source: String,
    pub id: u64,
    /// Seconds since 1970.
    pub time: i64,
    pub payload: Payload,
}

/// The business clock, in seconds since 1970.
pub fn now() -> i64 {
    parse_instant(CLOCK).unwrap().timestamp()
}

pub fn instant(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// The calendar day of `second`.
pub fn day(second: i64) -> String {
    instant(second).date_naive().to_string()
}

fn name(kind: &str, rng: &mut StdRng, count: u32) -> String {
    format!("{kind}-{}", rng.random_range(0..count))
}

impl Event {
    /// A random event.
    pub fn any(rng: &mut StdRng, source: &str, id: u64) -> Self {
        let time = now() - rng.random_range(0..=SPAN);
        let payload = match rng.random_range(0..10) {
            0..5 => Payload::Call(Call::any(rng)),
            5 => Payload::Task {
                agent: name("agent", rng, 4),
                success: rng.random_bool(0.8),
                minutes: rng.random_range(0..100),
            },
            6 | 7 => Payload::Activity {
                agent: name("agent", rng, 4),
                kind: ["tool_call", "session_start", "cron_execution"][rng.random_range(0..3)],
            },
            8 => Payload::Sample(Sample::any(rng)),
            _ => Payload::Report { node: name("node", rng, 5), sites: rng.random_range(0..500) },
        };
        Self { source: source.to_owned(), id, time, payload }
    }

    /// A different event with the same source, id and day.
    pub fn conflicting(&self) -> Self {
        Self { payload: Payload::Report { node: "liar".to_owned(), sites: 999_999 }, ..self.clone() }
    }

    /// The days that it is counted in.
    pub fn days(&self) -> Vec<String> {
        let mut days = vec![day(self.time)];
        if let Payload::Sample(sample) = &self.payload {
            let starts = (sample.from / 86_400..=(sample.to - 1) / 86_400).map(|number| day(number * 86_400));
            days.extend(starts);
        }
        days
    }

    /// The event as JSON.
    pub fn json(&self) -> Value {
        let (kind, data) = match &self.payload {
            Payload::Call(call) => ("llm.call", call.data()),
            Payload::Task { agent, success, minutes } => {
                ("task.completed", json!({ "agent_id": agent, "success": success, "minutes_saved": minutes }))
            }
            Payload::Activity { agent, kind } => (
                "agent.activity",
                json!({ "agent_id": agent, "event_type": kind, "details": { "n": self.id } }),
            ),
            Payload::Sample(sample) => ("compute.usage", sample.data()),
            Payload::Report { node, sites } => {
                ("host.report", json!({ "node_id": node, "hosted_sites": sites }))
            }
        };
        let mut event = support::event(&self.id.to_string(), kind, &rfc3339(instant(self.time)), &data);
        event["source"] = self.source.as_str().into();
        event
    }
}

impl Call {
    fn any(rng: &mut StdRng) -> Self {
        let digits = |rng: &mut StdRng| rng.random_range(0..3_000_000_000_000_i128);
        Self {
            agent: name("agent", rng, 4),
            model: rng.random_range(0..MODELS.len()),
            tokens: [rng.random_range(0..20_000), rng.random_range(0..5_000), rng.random_range(0..3_000)],
            cost: rng.random_bool(0.5).then(|| digits(rng)),
            failed: rng.random_bool(0.1),
            byok: rng.random_bool(0.3),
            end_user: rng.random_bool(0.7).then(|| name("user", rng, 300)),
        }
    }

    fn data(&self) -> Value {
        let Model { provider, model, .. } = MODELS[self.model];
        let mut data = json!({
            "agent_id": self.agent,
            "provider": provider,
            "model": model,
            "input_tokens": self.tokens[0],
            "cache_read_tokens": self.tokens[1],
            "output_tokens": self.tokens[2],
            "status": if self.failed { "error" } else { "ok" },
            "key_source": if self.byok { "byok" } else { "platform" },
        });
        if let Some(cost) = self.cost {
            data["cost_usd"] = dollars(cost).into();
        }
        if let Some(user) = &self.end_user {
            data["end_user"] = user.as_str().into();
        }
        data
    }

    /// In picodollars, unless the call is unpriced.
    pub fn cost(&self) -> Option<i128> {
        let by_book =
            |prices: [i128; 3]| self.tokens.iter().zip(prices).map(|(n, price)| i128::from(*n) * price).sum();
        self.cost.or_else(|| MODELS[self.model].prices.map(by_book))
    }
}

impl Sample {
    /// A random sample. Many span midnight.
    fn any(rng: &mut StdRng) -> Self {
        let length = rng.random_range(1..=10 * 3600);
        let to = now() - rng.random_range(0..SPAN - length);
        Self {
            project: name("project", rng, 3),
            instance: name("instance", rng, 6),
            from: to - length,
            to,
            cores: rng.random_range(1..9),
            ram_gb: rng.random_range(1..65),
            disk_gb: rng.random_range(1..500),
            bytes: [rng.random_range(0..1_000_000_007), rng.random_range(0..1_000_000_007)],
        }
    }

    fn data(&self) -> Value {
        json!({
            "project_id": self.project,
            "instance_id": self.instance,
            "from": rfc3339(instant(self.from)),
            "to": rfc3339(instant(self.to)),
            "cpu_cores": self.cores,
            "ram_gb": self.ram_gb,
            "disk_gb": self.disk_gb,
            "bandwidth_in_bytes": self.bytes[0],
            "bandwidth_out_bytes": self.bytes[1],
        })
    }
}

/// Picodollars in the API's format of dollars.
pub fn dollars(pico: i128) -> String {
    let digits = format!("{pico:013}");
    let (whole, fraction) = digits.split_at(digits.len() - 12);
    format!("{whole}.{:0<2}", fraction.trim_end_matches('0'))
}
