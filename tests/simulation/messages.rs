//! Random events as senders write them, and their comparison with stored events.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::period::{self, Day};
use rand::RngExt;
use rand::rngs::StdRng;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use store::keys::{self, Key};

/// The organizations and their zones. Days and hours of the second begin at a quarter to.
pub const ORGS: [(&str, Tz); 2] = [("acme", Tz::UTC), ("bolt", Tz::Asia__Kathmandu)];

/// The organization whose time zone changes, by its index in [`ORGS`].
pub const CHANGING: usize = 1;

/// The dimensions that both track at first.
pub const TRACKED: [&str; 3] = ["end_user", "tag.customer", "task_type"];

/// One model with a plain price, one with long-context prices, one whose price changes, and one without a price.
pub const MODELS: [(&str, &str); 4] = [
    ("anthropic", "claude-haiku-3.5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-sonnet-5"),
    ("acme", "in-house-1"),
];

/// Agents per organization, and how many of them never change their host.
pub const AGENTS: usize = 4;
pub const AGENT_IDS: [&str; AGENTS] = ["agent-0", "agent #1", "team/agent-2?x", "агент ~%$3"];
const PROJECT_IDS: [&str; 2] = ["project-0", "team/x #1"];
pub const SETTLED: usize = 2;

/// An event as its sender knows it.
#[derive(Clone, Debug)]
pub struct Message {
    /// A unique number, which is also part of the content, so that no two messages have equal content.
    pub number: u64,
    pub org: usize,
    /// The key under which it would be stored.
    pub key: Key,
    pub time: DateTime<Utc>,
    pub revision: u64,
    pub body: Value,
    /// Whether it is well-formed.
    pub valid: bool,
}

impl Message {
    /// A new message.
    pub fn new(rng: &mut StdRng, now: DateTime<Utc>, number: u64) -> Self {
        let org = usize::from(rng.random_ratio(1, 4));
        // Each day of an organization whose days are recomputed takes many steps, so it has only a few of them.
        let oldest = if org == CHANGING { TimeDelta::hours(60) } else { TimeDelta::MAX };
        let time = now - TimeDelta::milliseconds(age_ms(rng)).min(oldest);
        // Few sources and short ids, as is typical, and with every character that has a meaning in a key.
        let source = ["/s0", "s #1", "s~%$2"][usize::try_from(number % 3).unwrap()];
        let id = if number.is_multiple_of(5) { format!("e #{number}") } else { format!("e{number}") };
        Self::with(rng, number, org, source, &id, time)
    }

    /// Another event with the same identity.
    pub fn conflicting(&self, rng: &mut StdRng, number: u64) -> Self {
        let text = |name: &str| self.body[name].as_str().unwrap().to_owned();
        Self::with(rng, number, self.org, &text("source"), &text("id"), self.time)
    }

    fn with(rng: &mut StdRng, number: u64, org: usize, source: &str, id: &str, time: DateTime<Utc>) -> Self {
        let (kind, data) = data(rng, number, time);
        let valid = !rng.random_ratio(1, 40);
        let key = keys::event_key(&OrgId::new(ORGS[org].0).unwrap(), Day::of(time, Tz::UTC), source, id);
        let body = json!({
            "specversion": if valid { "1.0" } else { "0.3" }, "id": id, "source": source, "type": kind,
            "time": period::rfc3339(time), "data": data,
        });
        Self { number, org, key, time, revision: 0, body, valid }
    }

    /// A later revision of the event, or one that makes it void. None if nothing of the kind can be amended.
    pub fn amending(&self, rng: &mut StdRng, number: u64) -> Option<Self> {
        let amendable = |message: &Self| {
            ["llm.call", "task.completed", "compute.usage"].contains(&message.body["type"].as_str().unwrap())
        };
        let mut message = self.conflicting(rng, number);
        if !amendable(self) || !amendable(&message) {
            return None;
        }
        if rng.random_ratio(1, 4) {
            // Void events of one revision are the same event.
            message.revision = 100 + number;
            message.body["data"] = json!({ "void": true, "revision": message.revision });
        } else {
            message.revision = rng.random_range(0..4);
            message.body["data"]["revision"] = json!(message.revision);
        }
        Some(message)
    }

    fn is_void(&self) -> bool {
        self.body["data"]["void"] == true
    }

    /// Whether an event is of another type, so that this message cannot amend it.
    pub fn is_of_another_type(&self, event: &Event) -> bool {
        let stored = event.data.in_force().map(|data| serde_json::to_value(data).unwrap()["type"].clone());
        !self.is_void() && stored.is_some_and(|stored| stored != self.body["type"])
    }

    /// Whether `event` is the stored form of this message.
    pub fn is(&self, event: &Event) -> bool {
        let is_same =
            self.valid && self.time.trunc_subsecs(3) == event.time && self.revision == event.revision;
        let Some(data) = event.data.in_force() else { return is_same && self.is_void() };
        let stored = serde_json::to_value(data).unwrap();
        let sent = self.body["data"].as_object().unwrap();
        is_same
            && self.body["type"] == stored["type"]
            && sent
                .iter()
                .filter(|(name, _)| *name != "revision")
                .all(|(name, value)| same(name, value, &stored))
            && number(data) == Some(self.number)
    }
}

/// The number of the message in an event.
fn number(data: &Data) -> Option<u64> {
    match data {
        Data::LlmCall(call) => {
            call.attribution.session_id.as_ref()?.as_str().strip_prefix("c-")?.parse().ok()
        }
        Data::TaskCompleted(task) => task.duration_ms,
        Data::AgentActivity(entry) => serde_json::from_str::<Value>(&entry.details).ok()?["n"].as_u64(),
        Data::ComputeUsage(sample) => Some(sample.bandwidth_in_bytes),
        Data::HostReport(report) => Some(report.hosted_sites),
        Data::Amendment(_) => None,
    }
}

fn same(name: &str, sent: &Value, stored: &Value) -> bool {
    let held = &stored[name];
    let decimal = |value: &Value| value.to_string().trim_matches('"').parse::<Decimal>().ok();
    match name {
        // Stored as a duration.
        "to" => true,
        "from" => {
            period::parse_instant(sent.as_str().unwrap()) == held.as_str().and_then(period::parse_instant)
        }
        "details" => {
            held.as_str().is_some_and(|text| serde_json::from_str::<Value>(text).ok().as_ref() == Some(sent))
        }
        // A zero or an empty list may be omitted.
        "tags" if held.is_null() => *sent == json!({}),
        _ if held.is_null() => *sent == json!(0),
        _ => sent == held || (decimal(sent).is_some() && decimal(sent) == decimal(held)),
    }
}

/// The age of an event: most are new, some late, some too late, some from a clock that runs ahead.
fn age_ms(rng: &mut StdRng) -> i64 {
    const HOUR: i64 = 3_600_000;
    match rng.random_range(0..100) {
        0..65 => rng.random_range(0..2 * HOUR),
        65..80 => rng.random_range(0..72 * HOUR),
        80..93 => rng.random_range(0..34 * 24 * HOUR),
        93..96 => rng.random_range(34 * 24 * HOUR..37 * 24 * HOUR),
        _ => -rng.random_range(0..HOUR / 3),
    }
}

fn data(rng: &mut StdRng, number: u64, time: DateTime<Utc>) -> (&'static str, Value) {
    let agent = rng.random_range(0..AGENTS);
    match rng.random_range(0..100) {
        0..60 => ("llm.call", call(rng, number, agent)),
        60..72 => {
            let minutes = format!("{}.{:03}", rng.random_range(0..90), rng.random_range(0..1000));
            let success = rng.random_ratio(4, 5);
            let data = json!({ "agent_id": AGENT_IDS[agent], "task_type": "chat", "success": success,
                "minutes_saved": minutes, "duration_ms": number, "tags": tags(number) });
            ("task.completed", data)
        }
        72..84 => {
            let kind = ["tool_call", "session ~1 # start"][rng.random_range(0..2)];
            let details = json!({ "n": number, "why": "simulated" });
            let data = json!({ "agent_id": AGENT_IDS[agent], "event_type": kind, "details": details });
            ("agent.activity", data)
        }
        84..95 => ("compute.usage", sample(rng, number, time)),
        _ => {
            let node = format!("node-{}", rng.random_range(0..2));
            ("host.report", json!({ "node_id": node, "hosted_sites": number }))
        }
    }
}

fn call(rng: &mut StdRng, number: u64, agent: usize) -> Value {
    let (provider, model) = MODELS[rng.random_range(0..MODELS.len())];
    let host = if agent < SETTLED { 0 } else { rng.random_range(0..3) };
    let mut tokens = || [0, rng.random_range(0..9000), rng.random_range(0..250_000)][rng.random_range(0..3)];
    let mut call = json!({
        "agent_id": AGENT_IDS[agent], "provider": provider, "model": model,
        "input_tokens": tokens(), "cache_read_tokens": tokens(), "cache_write_5m_tokens": tokens(),
        "cache_write_1h_tokens": tokens(), "output_tokens": tokens(), "conversation_id": format!("c-{number}"),
    });
    let mut maybe = |name: &str, value: Value| {
        if rng.random_ratio(1, 2) {
            call[name] = value;
        }
    };
    maybe("hostname", json!(format!("host-{agent}-{host}")));
    maybe("status", json!("error"));
    maybe("latency_ms", json!(number * 7));
    maybe("end_user", json!(format!("user-{}", number % 5)));
    maybe("task_type", json!(["chat", "coding", "ticket ~1"][usize::try_from(number % 3).unwrap()]));
    maybe("key_source", json!("byok"));
    call["tags"] = tags(number);
    if number.is_multiple_of(4) {
        call["cost_usd"] = json!(format!("0.{:012}", number * 1_234_567));
    }
    call
}

/// Of one customer, of another, or of none.
fn tags(number: u64) -> Value {
    match number % 5 {
        0 => json!({}),
        1 | 2 => json!({ "customer": "acme #1", "team": "x" }),
        _ => json!({ "customer": format!("customer-{}", number % 20) }),
    }
}

fn sample(rng: &mut StdRng, number: u64, to: DateTime<Utc>) -> Value {
    let length = TimeDelta::milliseconds(rng.random_range(1_000..5 * 3_600_000));
    json!({
        "project_id": PROJECT_IDS[rng.random_range(0..PROJECT_IDS.len())],
        "instance_id": format!("i-{}", rng.random_range(0..3)),
        "from": period::rfc3339(to - length), "to": period::rfc3339(to),
        "cpu_cores": format!("{}.25", rng.random_range(0..16)), "ram_gb": "1.5", "disk_gb": 20,
        "bandwidth_in_bytes": number, "bandwidth_out_bytes": rng.random_range(0..1_000_000),
    })
}
