//! Every figure that can be told from the events, under a name that says where the API shows it. Worked out in whole
//! numbers, by plain loops.

use std::collections::{BTreeMap, BTreeSet};

use ledger::period::rfc3339;

use crate::happening::{Call, Happening, MODELS, Sample, What, day, dollars, instant, now};

/// Figures by name.
pub type Figures = BTreeMap<String, String>;

/// The columns of calls, in the order in which a line shows them: calls, tokens in and out, cost in picodollars, and
/// calls without a price.
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

/// Unit-seconds, bytes and instances.
#[derive(Clone, Default)]
struct Compute {
    unit_seconds: [u64; 4],
    bytes: [u64; 2],
    instances: BTreeSet<String>,
}

/// What happenings come to.
#[derive(Default)]
pub struct Fold {
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
    /// The last report of each node, and of several at once the greatest.
    nodes: BTreeMap<String, (i64, u64)>,
}

/// A number of six decimals as JSON writes it, from millionths.
pub fn decimal(millionths: u64) -> String {
    let fraction = format!("{:06}", millionths % 1_000_000);
    let text = format!("{}.{}", millionths / 1_000_000, fraction.trim_end_matches('0'));
    text.trim_end_matches('.').to_owned()
}

/// Units by the second as units by the hour. No half of the last decimal can occur: 3600 has a factor of 9.
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
    /// Takes in what `sample` used from `start` to `end`.
    fn add(&mut self, sample: &Sample, start: i64, end: i64) {
        let seconds = u64::try_from(end - start).unwrap();
        let units = [sample.cores, sample.ram_gb, sample.disk_gb, 1];
        for (sum, units) in self.unit_seconds.iter_mut().zip(units) {
            *sum += units * seconds;
        }
        // Whole bytes up to an instant; parts are what lies between two of them.
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

impl Fold {
    /// What `happenings` come to.
    pub fn of<'a>(happenings: impl IntoIterator<Item = &'a Happening>) -> Self {
        let mut fold = Self::default();
        for happening in happenings {
            fold.add(happening);
        }
        fold
    }

    fn add(&mut self, happening: &Happening) {
        match &happening.what {
            What::Call(call) => self.add_call(call, happening.time),
            What::Task { agent, success, minutes } => {
                let work = self.work.entry(agent.clone()).or_default();
                if *success {
                    work.tasks += 1;
                    work.minutes += minutes;
                } else {
                    work.errors += 1;
                }
            }
            What::Activity { agent, kind } => {
                *self.activity.entry((agent.clone(), *kind)).or_default() += 1;
            }
            What::Sample(sample) => self.add_sample(sample),
            What::Report { node, sites } => {
                let last = self.nodes.entry(node.clone()).or_default();
                *last = (*last).max((happening.time, *sites));
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

    /// The figures.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::new();
        let mut note = |name: String, line: String| assert!(figures.insert(name, line).is_none());
        note("summary".to_owned(), self.all.line());
        self.by_day.iter().for_each(|(day, calls)| note(format!("day {day}"), calls.line()));
        for (model, calls) in &self.by_model {
            note(format!("model {}/{}", MODELS[*model].provider, MODELS[*model].model), calls.line());
        }
        for (agent, calls) in &self.by_agent {
            let Calls { requests, tokens_in, tokens_out, cost, unpriced } = calls;
            let tokens = tokens_in + tokens_out;
            note(format!("agent {agent}"), format!("{requests} {tokens} {} {unpriced}", dollars(*cost)));
        }
        for (agent, work) in &self.work {
            let saved = decimal((work.minutes * 100_000 + 3) / 6);
            note(format!("work {agent}"), format!("{} {} {saved}", work.tasks, work.errors));
        }
        note("activity".to_owned(), self.activity.values().sum::<u64>().to_string());
        for ((agent, kind), count) in &self.activity {
            note(format!("activity {agent} {kind}"), count.to_string());
        }
        for (period, buckets) in [("hourly", &self.by_hour), ("daily", &self.by_date)] {
            for ((start, project), compute) in buckets {
                note(format!("{period} {} {project}", rfc3339(instant(*start))), compute.line());
            }
        }
        self.by_project
            .iter()
            .for_each(|(project, compute)| note(format!("total {project}"), compute.line()));
        note("billing".to_owned(), self.billing());
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
