//! Computes every figure from the events, independently of the system: with integers, in plain loops. A figure's name
//! states where the API reports it.

use std::collections::{BTreeMap, BTreeSet};

use ledger::period::rfc3339;

use crate::event::{Call, Event, MODELS, Payload, Sample, day, dollars, instant, now};

/// Figures by name.
pub type Figures = BTreeMap<String, String>;

/// Totals of calls, in the order of a line. The cost is in picodollars.
#[derive(Clone, Copy, Default)]
struct Calls {
    requests: u64,
    tokens_in: u64,
    tokens_out: u64,
    cost: i128,
    unpriced: u64,
}

#[derive(Clone, Copy, Default)]
struct Work {
    tasks: u64,
    errors: u64,
    minutes: u64,
}

/// Totals of compute samples.
#[derive(Clone, Default)]
struct Compute {
    /// Cores, GB of memory, GB of disk, and instances, times seconds.
    unit_seconds: [u64; 4],
    /// Received and sent.
    bytes: [u64; 2],
    instances: BTreeSet<String>,
}

#[derive(Default)]
pub struct Totals {
    all: Calls,
    by_day: BTreeMap<String, Calls>,
    by_model: BTreeMap<usize, Calls>,
    by_agent: BTreeMap<String, Calls>,
    byok_cost: i128,
    end_users: BTreeSet<String>,
    work: BTreeMap<String, Work>,
    activity: BTreeMap<(String, &'static str), u64>,
    by_hour: BTreeMap<(i64, String), Compute>,
    by_date: BTreeMap<(i64, String), Compute>,
    by_project: BTreeMap<String, Compute>,
    /// The last report of each node, or the greatest of several at the same time.
    nodes: BTreeMap<String, (i64, u64)>,
}

/// Millionths as a decimal number in JSON.
pub fn decimal(millionths: u64) -> String {
    let fraction = format!("{:06}", millionths % 1_000_000);
    let text = format!("{}.{}", millionths / 1_000_000, fraction.trim_end_matches('0'));
    text.trim_end_matches('.').to_owned()
}

/// Converts unit-seconds to unit-hours. The last decimal is never exactly half, because 3600 has a factor of 9.
fn hours(unit_seconds: u64) -> String {
    decimal((unit_seconds * 5_000 + 9) / 18)
}

impl Calls {
    fn add(&mut self, call: &Call) {
        self.requests += 1;
        self.tokens_in += call.tokens[0] + call.tokens[1];
        self.tokens_out += call.tokens[2];
        match call.cost() {
            Some(cost) => self.cost += cost,
            None => self.unpriced += 1,
        }
    }

    fn line(&self) -> String {
        let Self { requests, tokens_in, tokens_out, cost, unpriced } = self;
        format!("{requests} {tokens_in} {tokens_out} {} {unpriced}", dollars(*cost))
    }
}

impl Compute {
    /// Adds the part of `sample` from `start` to `end`.
    fn add(&mut self, sample: &Sample, start: i64, end: i64) {
        let seconds = u64::try_from(end - start).unwrap();
        let units = [sample.cores, sample.ram_gb, sample.disk_gb, 1];
        for (sum, units) in self.unit_seconds.iter_mut().zip(units) {
            *sum += units * seconds;
        }
        // Bytes are rounded down at each instant, so that the parts of a sample add up to the whole.
        let until = |bytes: u64, instant: i64| {
            bytes * u64::try_from(instant - sample.from).unwrap()
                / u64::try_from(sample.to - sample.from).unwrap()
        };
        for (sum, bytes) in self.bytes.iter_mut().zip(sample.bytes) {
            *sum += until(bytes, end) - until(bytes, start);
        }
        self.instances.insert(sample.instance.clone());
    }

    fn line(&self) -> String {
        let [cores, ram, disk, instances] = self.unit_seconds.map(hours);
        let [received, sent] = self.bytes;
        format!("{cores} {ram} {disk} {instances} {received} {sent} {}", self.instances.len())
    }
}

impl Totals {
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut totals = Self::default();
        for event in events {
            totals.add(event);
        }
        totals
    }

    fn add(&mut self, event: &Event) {
        match &event.payload {
            Payload::Call(call) => self.add_call(call, event.time),
            Payload::Task { agent, success, minutes } => {
                let work = self.work.entry(agent.clone()).or_default();
                if *success {
                    work.tasks += 1;
                    work.minutes += minutes;
                } else {
                    work.errors += 1;
                }
            }
            Payload::Activity { agent, kind } => {
                *self.activity.entry((agent.clone(), *kind)).or_default() += 1;
            }
            Payload::Sample(sample) => self.add_sample(sample),
            Payload::Report { node, sites } => {
                let last = self.nodes.entry(node.clone()).or_default();
                *last = (*last).max((event.time, *sites));
            }
        }
    }

    fn add_call(&mut self, call: &Call, time: i64) {
        self.all.add(call);
        self.by_day.entry(day(time)).or_default().add(call);
        self.by_model.entry(call.model).or_default().add(call);
        self.by_agent.entry(call.agent.clone()).or_default().add(call);
        self.byok_cost += call.cost().filter(|_| call.byok).unwrap_or_default();
        self.end_users.extend(call.end_user.clone());
        self.work.entry(call.agent.clone()).or_default().errors += u64::from(call.failed);
    }

    fn add_sample(&mut self, sample: &Sample) {
        let project = &sample.project;
        for (length, buckets) in [(3_600, &mut self.by_hour), (86_400, &mut self.by_date)] {
            let mut start = sample.from;
            while start < sample.to {
                let bucket = start - start % length;
                let end = (bucket + length).min(sample.to);
                buckets.entry((bucket, project.clone())).or_default().add(sample, start, end);
                start = end;
            }
        }
        self.by_project.entry(project.clone()).or_default().add(sample, sample.from, sample.to);
    }

    pub fn figures(&self) -> Figures {
        let mut figures = Figures::new();
        let mut insert = |name: String, line: String| assert!(figures.insert(name, line).is_none());
        insert("summary".to_owned(), self.all.line());
        self.by_day.iter().for_each(|(day, calls)| insert(format!("day {day}"), calls.line()));
        for (model, calls) in &self.by_model {
            insert(format!("model {}/{}", MODELS[*model].provider, MODELS[*model].model), calls.line());
        }
        for (agent, calls) in &self.by_agent {
            let Calls { requests, tokens_in, tokens_out, cost, unpriced } = calls;
            let tokens = tokens_in + tokens_out;
            insert(format!("agent {agent}"), format!("{requests} {tokens} {} {unpriced}", dollars(*cost)));
        }
        for (agent, work) in &self.work {
            let saved = decimal((work.minutes * 100_000 + 3) / 6);
            insert(format!("work {agent}"), format!("{} {} {saved}", work.tasks, work.errors));
        }
        insert("activity".to_owned(), self.activity.values().sum::<u64>().to_string());
        for ((agent, kind), count) in &self.activity {
            insert(format!("activity {agent} {kind}"), count.to_string());
        }
        for (period, buckets) in [("hourly", &self.by_hour), ("daily", &self.by_date)] {
            for ((start, project), compute) in buckets {
                insert(format!("{period} {} {project}", rfc3339(instant(*start))), compute.line());
            }
        }
        self.by_project
            .iter()
            .for_each(|(project, compute)| insert(format!("total {project}"), compute.line()));
        insert("billing".to_owned(), self.billing());
        figures
    }

    fn billing(&self) -> String {
        let alive = self.nodes.values().filter(|(last, _)| now() - last <= 24 * 3600);
        let (nodes, sites) = alive.fold((0, 0), |(nodes, sum), (_, sites)| (nodes + 1, sum + sites));
        let Calls { requests, tokens_in, tokens_out, cost, unpriced } = self.all;
        let (tokens, platform) = (tokens_in + tokens_out, dollars(cost - self.byok_cost));
        let (cost, agents, users) = (dollars(cost), self.by_agent.len(), self.end_users.len());
        format!("{requests} {tokens} {cost} {platform} {unpriced} {agents} {users} {nodes} {sites}")
    }
}
