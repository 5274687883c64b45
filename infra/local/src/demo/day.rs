//! The events of one day of the demo organization.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use ledger::period::{Day, sortable};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::fleet::{AGENTS, Agent, CUSTOMERS, ModelShare, PROJECTS, Project};

/// Working hours, in minutes after midnight.
const WORK: std::ops::Range<i64> = 7 * 60..19 * 60;

/// The length of a session, during which an agent works for one customer.
const HOURS_OF_SESSION: u32 = 3;

/// The events of `day` up to `now`, in order of time.
pub fn events(day: Day, now: DateTime<Utc>) -> Vec<Value> {
    let mut generator = Generator {
        day,
        rng: StdRng::seed_from_u64(day.date().num_days_from_ce().unsigned_abs().into()),
        events: Vec::new(),
    };
    let is_weekend = day.date().weekday().number_from_monday() > 5;
    for agent in &AGENTS {
        generator.agent_day(agent, is_weekend);
    }
    for project in &PROJECTS {
        generator.project_day(project);
    }
    for (node, sites) in [("node-fra-1", 14), ("node-ams-1", 9)] {
        // Early in the day, so that a stack that is started in the morning has nodes.
        generator.push(
            day.start(Tz::UTC) + TimeDelta::minutes(1),
            "host.report",
            json!({ "node_id": node, "hosted_sites": sites }),
        );
    }
    let mut events = generator.events;
    events.retain(|(time, _)| *time <= now);
    events.sort_by_key(|(time, _)| *time);
    events.into_iter().map(|(_, event)| event).collect()
}

struct Generator {
    day: Day,
    rng: StdRng,
    events: Vec<(DateTime<Utc>, Value)>,
}

impl Generator {
    fn push(&mut self, time: DateTime<Utc>, kind: &str, data: impl Into<Value>) {
        let id = format!("{}-{}", self.day, self.events.len());
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/demo", "type": kind, "time": sortable(time), "data": data.into(),
        });
        self.events.push((time, event));
    }

    /// Adds an event of an agent, with its session. The session does not use the random numbers, which would change all
    /// figures.
    fn push_of(&mut self, agent: &Agent, time: DateTime<Utc>, kind: &str, mut data: Value) {
        let lead = agent.works_for.unwrap_or(agent.id);
        let nth = time.hour() / HOURS_OF_SESSION;
        let customer =
            self.day.date().num_days_from_ce().unsigned_abs() + nth + u32::from(lead.as_bytes()[0]);
        data["session_id"] = json!(format!("{lead}-{}-{nth}", self.day));
        data["parent_agent_id"] = json!(agent.works_for);
        let customer = CUSTOMERS[usize::try_from(customer).unwrap_or_default() % CUSTOMERS.len()];
        data["tags"] = json!({ "customer": customer });
        self.push(time, kind, data);
    }

    /// A random time within working hours.
    fn time(&mut self) -> DateTime<Utc> {
        let minutes = self.rng.random_range(WORK);
        self.day.start(Tz::UTC)
            + TimeDelta::minutes(minutes)
            + TimeDelta::milliseconds(self.rng.random_range(0..60_000))
    }

    /// A random number between half and one and a half times `usual`.
    fn about(&mut self, usual: u64) -> u64 {
        self.rng.random_range(usual / 2..=usual * 3 / 2)
    }

    fn agent_day(&mut self, agent: &Agent, is_weekend: bool) {
        let usual = if is_weekend { agent.calls / 4 } else { agent.calls };
        for _ in 0..self.about(usual.into()) {
            let (time, data) = (self.time(), self.call(agent));
            self.push_of(agent, time, "llm.call", data);
        }
        for _ in 0..self.about(u64::from(usual) / 3) {
            let time = self.time();
            let task_type = agent.task_types[self.rng.random_range(0..agent.task_types.len())];
            let success = self.rng.random_ratio(24, 25);
            let minutes = self.rng.random_range(4..40);
            let data = json!({ "agent_id": agent.id, "task_type": task_type, "success": success, "minutes_saved": minutes });
            self.push_of(agent, time, "task.completed", data);
        }
        if usual > 0 {
            self.activity(agent);
        }
    }

    fn call(&mut self, agent: &Agent) -> Value {
        let ModelShare { provider, model, .. } = self.model(agent);
        let input = self.about(agent.input);
        let cached = input / 3;
        let failed = self.rng.random_ratio(1, 80);
        json!({
            "agent_id": agent.id,
            "provider": provider,
            "model": model,
            "input_tokens": input - cached,
            "cache_read_tokens": cached,
            "output_tokens": if failed { 0 } else { self.about(agent.output) },
            "latency_ms": self.about(3_000),
            "status": if failed { "error" } else { "ok" },
            "end_user": agent.serves_people.then(|| format!("user-{}", self.rng.random_range(1..=12))),
            "task_type": agent.task_types[self.rng.random_range(0..agent.task_types.len())],
            "hostname": format!("{}.demo.example", agent.id),
            // One agent uses its own provider key.
            "key_source": if agent.id == "echo" { "byok" } else { "platform" },
        })
    }

    fn model(&mut self, agent: &Agent) -> &'static ModelShare {
        let mut left = self.rng.random_range(0..100);
        for share in agent.models {
            if left < share.percent {
                return share;
            }
            left -= share.percent;
        }
        &agent.models[0]
    }

    fn activity(&mut self, agent: &Agent) {
        let kinds = [
            ("session_start", json!({ "trigger": "schedule" })),
            (
                "tool_call",
                json!({ "tool": "web_search", "success": true, "durationMs": self.rng.random_range(200..4_000) }),
            ),
            ("cron_execution", json!({ "job": "daily-report", "success": self.rng.random_ratio(9, 10) })),
        ];
        for (kind, details) in kinds {
            let time = self.time();
            let data = json!({ "agent_id": agent.id, "event_type": kind, "details": details });
            self.push_of(agent, time, "agent.activity", data);
        }
    }

    /// One sample of working hours: the demo's machines are off at night.
    fn project_day(&mut self, project: &Project) {
        let hour = |hours| self.day.start(Tz::UTC) + TimeDelta::hours(hours);
        let (from, to) = (hour(8), hour(18));
        let bytes = self.about(2_000_000_000);
        let data = json!({
            "project_id": project.id,
            "instance_id": format!("{}-1", project.id),
            "from": sortable(from),
            "to": sortable(to),
            "cpu_cores": project.cores,
            "ram_gb": project.ram_gb,
            "disk_gb": project.disk_gb,
            "bandwidth_in_bytes": bytes,
            "bandwidth_out_bytes": bytes * 4,
        });
        self.push(to, "compute.usage", data);
    }
}
