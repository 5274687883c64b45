//! An independent computation of the figures: integer picodollars, prices typed in by hand, plain loops.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::events::RandomCall;

/// A model with its prices in millionths of a dollar per million tokens: input, cache read, cache write for 5 minutes and
/// for an hour, output.
pub struct Model {
    pub provider: &'static str,
    pub model: &'static str,
    /// Prices with the day at which they end, `None` for those without an end.
    pub prices: &'static [(Option<&'static str>, [i128; 5])],
    /// Prices for inputs of more tokens than this.
    pub long: Option<(u64, [i128; 5])>,
}

/// A model for each kind of entry in the price book, and one that it does not contain.
pub const MODELS: [Model; 7] = [
    Model {
        provider: "anthropic",
        model: "claude-haiku-3.5",
        prices: &[(None, [800_000, 80_000, 1_000_000, 1_600_000, 4_000_000])],
        long: None,
    },
    Model {
        provider: "anthropic",
        model: "Claude-Haiku-3.5",
        prices: &[(None, [800_000, 80_000, 1_000_000, 1_600_000, 4_000_000])],
        long: None,
    },
    Model {
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        prices: &[(None, [3_000_000, 300_000, 3_750_000, 6_000_000, 15_000_000])],
        long: Some((200_000, [6_000_000, 600_000, 7_500_000, 12_000_000, 22_500_000])),
    },
    Model {
        provider: "anthropic",
        model: "claude-sonnet-5",
        prices: &[
            (Some("2026-09-01"), [2_000_000, 200_000, 2_500_000, 4_000_000, 10_000_000]),
            (None, [3_000_000, 300_000, 3_750_000, 6_000_000, 15_000_000]),
        ],
        long: None,
    },
    Model {
        provider: "anthropic",
        model: "claude-v1",
        prices: &[(None, [8_000_000, 8_000_000, 8_000_000, 8_000_000, 24_000_000])],
        long: None,
    },
    Model {
        provider: "aws",
        model: "amazon.nova-micro-v1:0",
        prices: &[(None, [35_000, 8_750, 35_000, 35_000, 140_000])],
        long: None,
    },
    Model { provider: "acme", model: "in-house-1", prices: &[], long: None },
];

/// Totals over calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub requests: u64,
    pub tokens_in: u64,
    pub tokens_out: u64,
    pub unpriced: u64,
    pub picodollars: i128,
}

impl Figures {
    /// Adds a call.
    pub fn count(&mut self, call: &RandomCall, time: DateTime<Utc>) {
        self.requests += 1;
        self.tokens_in += call.input.iter().sum::<u64>();
        self.tokens_out += call.output;
        match cost(call, time) {
            Some(cost) => self.picodollars += cost,
            None => self.unpriced += 1,
        }
    }

    /// The cost in the notation of the API.
    pub fn cost(&self) -> String {
        let digits = format!("{:013}", self.picodollars);
        let (whole, fraction) = digits.split_at(digits.len() - 12);
        let fraction = fraction.trim_end_matches('0');
        format!("{whole}.{fraction:0<2}")
    }
}

fn cost(call: &RandomCall, time: DateTime<Utc>) -> Option<i128> {
    if let Some(microdollars) = call.cost {
        return Some(i128::from(microdollars) * 1_000_000);
    }
    let model = &MODELS[call.model];
    let before = |day: &str| time.date_naive() < day.parse::<NaiveDate>().unwrap();
    let (_, base) = model.prices.iter().find(|(until, _)| until.is_none_or(before))?;
    let whole: u64 = call.input.iter().sum();
    let prices = model.long.filter(|(above, _)| whole > *above).map_or(*base, |(_, long)| long);
    let input: i128 = call.input.iter().zip(prices).map(|(tokens, price)| i128::from(*tokens) * price).sum();
    Some(input + i128::from(call.output) * prices[4])
}

/// The figures of a window, in total and by every dimension of the endpoints.
#[derive(Debug, Default)]
pub struct Expected {
    pub total: Figures,
    pub by_day: BTreeMap<NaiveDate, Figures>,
    pub by_model: BTreeMap<(String, String), Figures>,
    pub by_agent: BTreeMap<String, Figures>,
}

impl Expected {
    /// The figures of `calls` over the last `days` UTC days up to `now`.
    pub fn of<'a>(calls: impl IntoIterator<Item = &'a RandomCall>, now: DateTime<Utc>, days: u64) -> Self {
        let first = now.date_naive() - chrono::Days::new(days - 1);
        let mut expected = Self::default();
        for call in calls {
            let time = call.time(now);
            if time.date_naive() < first {
                continue;
            }
            let model = &MODELS[call.model];
            expected.total.count(call, time);
            expected.by_day.entry(time.date_naive()).or_default().count(call, time);
            let key = (model.provider.to_owned(), model.model.to_owned());
            expected.by_model.entry(key).or_default().count(call, time);
            expected.by_agent.entry(format!("agent-{}", call.agent)).or_default().count(call, time);
        }
        expected
    }

    /// Distinct models.
    pub fn models(&self) -> BTreeSet<&(String, String)> {
        self.by_model.keys().collect()
    }
}
