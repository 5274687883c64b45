//! An independent computation of the figures, with integer picodollars, prices entered by hand, and plain loops.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::events::RandomCall;

/// The price is not known, so a call with such tokens is unpriced.
const NONE: i128 = -1;

/// Prices in millionths of a dollar per million tokens: input, cache read, cache write for 5 minutes and for an hour,
/// output.
pub type Prices = [i128; 5];

/// A model with its prices.
pub struct Model {
    pub provider: &'static str,
    pub model: &'static str,
    pub versions: &'static [Version],
}

/// The prices of a model up to a day.
pub struct Version {
    /// The first day on which they are no longer valid, if there is one.
    pub until: Option<&'static str>,
    pub base: Prices,
    /// Prices for inputs of more tokens than this.
    pub long: Option<(u64, Prices)>,
}

const fn always(base: Prices) -> [Version; 1] {
    [Version { until: None, base, long: None }]
}

/// A model for each kind of entry in the price book, and one that it does not contain.
pub const MODELS: [Model; 7] = [
    Model { provider: "anthropic", model: "claude-haiku-3.5", versions: &HAIKU },
    Model { provider: "anthropic", model: "Claude-Haiku-3.5", versions: &HAIKU },
    Model {
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        versions: &[Version {
            until: None,
            base: [3_000_000, 300_000, 3_750_000, 6_000_000, 15_000_000],
            long: Some((200_000, [6_000_000, 600_000, 7_500_000, 12_000_000, 22_500_000])),
        }],
    },
    Model {
        provider: "aws",
        model: "global.openai.gpt-5.6-sol",
        versions: &[
            Version {
                until: Some("2026-08-21"),
                base: [5_000_000, 500_000, 6_250_000, NONE, 30_000_000],
                long: Some((272_000, [10_000_000, 1_000_000, 12_500_000, NONE, 45_000_000])),
            },
            Version {
                until: None,
                base: [4_000_000, 400_000, 5_000_000, NONE, 20_000_000],
                long: Some((272_000, [8_000_000, 800_000, 10_000_000, NONE, 30_000_000])),
            },
        ],
    },
    // Cache writes have the provider's prices for all its models. Cache reads without a price cost what input costs.
    Model {
        provider: "anthropic",
        model: "claude-v1",
        versions: &always([8_000_000, 8_000_000, 10_000_000, 16_000_000, 24_000_000]),
    },
    Model {
        provider: "aws",
        model: "amazon.nova-micro-v1:0",
        versions: &always([35_000, 8_750, NONE, NONE, 140_000]),
    },
    Model { provider: "acme", model: "in-house-1", versions: &[] },
];

const HAIKU: [Version; 1] = always([800_000, 80_000, 1_000_000, 1_600_000, 4_000_000]);

/// The cost of a call by the book, in picodollars: uncached input, cache reads, cache writes and output. `None` if any
/// of them has no price.
pub fn by_book(call: &RandomCall, time: DateTime<Utc>) -> Option<[i128; 4]> {
    let before = |day: &str| time.date_naive() < day.parse::<NaiveDate>().unwrap();
    let version = MODELS[call.model].versions.iter().find(|version| version.until.is_none_or(before))?;
    let whole: u64 = call.input.iter().sum();
    let prices = version.long.filter(|(above, _)| whole > *above).map_or(version.base, |(_, long)| long);
    let [input, read, write_5m, write_1h] = call.input;
    let tokens = [input, read, write_5m, write_1h, call.output];
    if tokens.iter().zip(prices).any(|(tokens, price)| *tokens > 0 && price == NONE) {
        return None;
    }
    let [input, read, write_5m, write_1h, output] =
        std::array::from_fn(|i| i128::from(tokens[i]) * prices[i]);
    Some([input, read, write_5m + write_1h, output])
}

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
    by_book(call, time).map(|parts| parts.iter().sum())
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
