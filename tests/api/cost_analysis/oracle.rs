//! The same figures, computed independently: integer picodollars and plain loops over raw calls.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::support::events::RandomCall;
use crate::support::oracle::MODELS;

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
    pub input_cost: i128,
    pub output_cost: i128,
    pub unpriced: u64,
}

impl Rollup {
    pub fn cost(&self) -> i128 {
        self.input_cost + self.output_cost
    }

    fn count(&mut self, call: &RandomCall, time: DateTime<Utc>) {
        self.requests += 1;
        self.tokens_in += call.input.iter().sum::<u64>();
        self.tokens_out += call.output;
        let by_book = by_book(call, time);
        let split = match (call.cost, by_book) {
            (None, None) => {
                self.unpriced += 1;
                (0, 0)
            }
            (None, Some(cost)) => cost,
            (Some(own), Some((input, output))) if input + output > 0 => {
                let own = i128::from(own) * 1_000_000;
                let input = half_even(own * input, input + output);
                (input, own - input)
            }
            (Some(own), _) => (0, i128::from(own) * 1_000_000),
        };
        self.input_cost += split.0;
        self.output_cost += split.1;
    }
}

fn by_book(call: &RandomCall, time: DateTime<Utc>) -> Option<(i128, i128)> {
    let model = &MODELS[call.model];
    let before = |day: &str| time.date_naive() < day.parse::<NaiveDate>().unwrap();
    let (_, base) = model.prices.iter().find(|(until, _)| until.is_none_or(before))?;
    let whole: u64 = call.input.iter().sum();
    let prices = model.long.filter(|(above, _)| whole > *above).map_or(*base, |(_, long)| long);
    let input = call.input.iter().zip(prices).map(|(tokens, price)| i128::from(*tokens) * price).sum();
    Some((input, i128::from(call.output) * prices[4]))
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
        input_cost: all.input_cost + one.input_cost,
        output_cost: all.output_cost + one.output_cost,
        unpriced: all.unpriced + one.unpriced,
    })
}
