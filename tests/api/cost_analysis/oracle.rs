//! The same figures, computed independently: integer picodollars and plain loops over raw calls.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::events::RandomCall;
use crate::support::oracle::{MODELS, by_book};

/// `n / d`, rounded half to even.
pub fn half_even(n: i128, d: i128) -> i128 {
    if d == 0 {
        return 0;
    }
    let (whole, rest) = (n / d, n % d);
    let up = rest * 2 > d || (rest * 2 == d && whole % 2 == 1);
    whole + i128::from(up)
}

/// A number of units with `places` decimals, as a JSON number.
pub fn number(units: i128, places: u32) -> Value {
    let one = 10_i128.pow(places);
    let text = format!("{}.{:0width$}", units / one, units % one, width = places as usize);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    serde_json::from_str(text).unwrap()
}

pub fn money(picodollars: i128) -> Value {
    number(half_even(picodollars, 1_000_000), 6)
}

pub fn percent(part: i128, whole: i128) -> Value {
    number(half_even(part * 1000, whole), 1)
}

pub fn fraction(part: i128, whole: i128) -> Value {
    number(half_even(part * 1000, whole), 3)
}

/// Totals over calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rollup {
    pub requests: u64,
    pub tokens_in: u64,
    pub tokens_out: u64,
    /// Of uncached input, cache reads, cache writes and output.
    pub parts: [i128; 4],
    pub unpriced: u64,
}

impl Rollup {
    pub fn cost(&self) -> i128 {
        self.parts.iter().sum()
    }

    fn count(&mut self, call: &RandomCall, time: DateTime<Utc>) {
        self.requests += 1;
        self.tokens_in += call.input.iter().sum::<u64>();
        self.tokens_out += call.output;
        let book = by_book(call, time);
        let parts = match call.cost {
            None => book.unwrap_or_else(|| {
                self.unpriced += 1;
                [0; 4]
            }),
            Some(reported) => split(i128::from(reported) * 1_000_000, book.unwrap_or_default()),
        };
        for (sum, part) in self.parts.iter_mut().zip(parts) {
            *sum += part;
        }
    }
}

/// The figures of one call.
pub fn of_call(call: &RandomCall, time: DateTime<Utc>) -> Rollup {
    let mut rollup = Rollup::default();
    rollup.count(call, time);
    rollup
}

/// `whole` in the proportions of `parts`, each rounded but the last that is not zero, which takes the rest. Without a
/// proportion it is all output.
fn split(whole: i128, parts: [i128; 4]) -> [i128; 4] {
    let all: i128 = parts.iter().sum();
    let last = parts.iter().rposition(|part| *part > 0).unwrap_or(3);
    let mut shares = [0; 4];
    for i in 0..last {
        shares[i] = half_even(whole * parts[i], all).min(whole - shares.iter().sum::<i128>());
    }
    shares[last] = whole - shares.iter().sum::<i128>();
    shares
}

pub type ModelName = (&'static str, &'static str);

/// The settings of an agent.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    pub name: Option<String>,
    pub model: Option<String>,
    pub status: &'static str,
    /// In cents.
    pub budget: Option<u32>,
}

impl Registered {
    pub fn body(&self) -> Value {
        json!({
            "name": self.name, "model_name": self.model, "status": self.status,
            "cost_budget_monthly": self.budget.map(|cents| format!("{}.{:02}", cents / 100, cents % 100)),
        })
    }
}

/// The month of an organization.
#[derive(Debug, Default)]
pub struct Month {
    pub models: BTreeMap<ModelName, Rollup>,
    pub agents: BTreeMap<String, BTreeMap<ModelName, Rollup>>,
}

impl Month {
    /// The totals over those of `calls` whose time `is_in` accepts.
    pub fn of(calls: &[RandomCall], now: DateTime<Utc>, is_in: impl Fn(DateTime<Utc>) -> bool) -> Self {
        let mut month = Self::default();
        for call in calls {
            let time = call.time(now);
            if is_in(time) {
                let model = (MODELS[call.model].provider, MODELS[call.model].model);
                month.models.entry(model).or_default().count(call, time);
                let agent = month.agents.entry(format!("agent-{}", call.agent)).or_default();
                agent.entry(model).or_default().count(call, time);
            }
        }
        month
    }

    pub fn total(&self) -> Rollup {
        add_up(self.models.values())
    }
}

pub fn add_up<'a>(sums: impl IntoIterator<Item = &'a Rollup>) -> Rollup {
    sums.into_iter().fold(Rollup::default(), |all, one| Rollup {
        requests: all.requests + one.requests,
        tokens_in: all.tokens_in + one.tokens_in,
        tokens_out: all.tokens_out + one.tokens_out,
        parts: std::array::from_fn(|i| all.parts[i] + one.parts[i]),
        unpriced: all.unpriced + one.unpriced,
    })
}
