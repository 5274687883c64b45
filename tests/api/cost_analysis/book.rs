//! The models of two providers in the data files on the day of the tests, read by splitting lines.

use std::collections::BTreeMap;

const DAY: &str = "2026-09-15";
/// 90 days later.
const NOTICE: &str = "2026-12-14";
/// 24 months earlier.
const OLDEST: &str = "2024-09-15";

/// A model of the data files: its prices by threshold, each for input, cache read, cache writes and output.
pub struct Listed {
    pub provider: String,
    pub id: String,
    /// The model that it is priced as.
    pub base: String,
    pub prices: Vec<(u64, [Option<i128>; 5])>,
    pub takes_images: bool,
    pub context: u64,
    pub retires_on: String,
    /// Whether it may be recommended for some work.
    pub is_candidate: bool,
}

fn millionths(text: &str) -> i128 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{decimals:0<6}").parse().unwrap()
}

fn lines(path: &str) -> Vec<Vec<String>> {
    let path = format!("{}/../shared/ledger/data/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Standard prices without a region, by model and threshold.
fn prices(provider: &str) -> BTreeMap<String, Vec<(u64, [Option<i128>; 5])>> {
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in lines(&format!("prices/{provider}.csv")) {
        let holds = *row[1] <= *DAY && (row[2].is_empty() || DAY < &*row[2]);
        if !holds || row[3..6].iter().any(|condition| !condition.is_empty()) {
            continue;
        }
        let rate = |name: &str| {
            row[7].split(' ').find_map(|rate| rate.strip_prefix(name)?.strip_prefix('=').map(millionths))
        };
        let input = rate("input");
        // Anthropic states what cache writes cost in proportion to input.
        let times = |hundredths: i128| {
            input.filter(|_| provider == "anthropic").map(|input| input * hundredths / 100)
        };
        let rates = [
            input,
            rate("cache_read").or(input),
            rate("cache_write_5m").or_else(|| times(125)),
            rate("cache_write_1h").or_else(|| times(200)),
            rate("output"),
        ];
        all.entry(row[0].clone()).or_default().push((row[6].parse().unwrap_or(0), rates));
    }
    all
}

pub fn listed() -> Vec<Listed> {
    let mut all = Vec::new();
    for provider in ["anthropic", "x-ai"] {
        let prices = prices(provider);
        for row in lines(&format!("models/{provider}.csv")) {
            let [id, base, retires_on] = [0, 1, 7].map(|column| row[column].clone());
            let base = if base.is_empty() { id.clone() } else { base };
            let Some(prices) = prices.get(&base).cloned() else { continue };
            let is_stable = !["preview", "beta", "experimental"].iter().any(|part| id.contains(part));
            let is_recent = row[5].is_empty() || (OLDEST..=DAY).contains(&&*row[5]);
            let is_served = row[11].contains("litellm")
                && row[6].is_empty()
                && (retires_on.is_empty() || *retires_on > *NOTICE);
            let is_candidate = is_stable && is_recent && is_served && row[3] == "chat" && !row[9].is_empty();
            all.push(Listed {
                provider: provider.to_owned(),
                is_candidate: is_candidate && tier(&id).is_some(),
                takes_images: row[4].contains("image"),
                context: row[9].parse().unwrap_or(0),
                id,
                base,
                prices,
                retires_on,
            });
        }
    }
    all
}

/// The tier of a model's family: 0, 1 or 2.
pub fn tier(id: &str) -> Option<u8> {
    let special = ["imagine", "image", "voice", "vision", "video", "grok-code", "grok-build", "mythos"];
    match id {
        _ if special.iter().any(|part| id.contains(part)) => None,
        _ if id.contains("haiku") || id.contains("-mini") || id.contains("-fast") => Some(0),
        _ if id.contains("sonnet") => Some(1),
        _ if id.contains("opus") || id.contains("fable") || id.starts_with("grok-") => Some(2),
        _ => None,
    }
}

impl Listed {
    /// The least and the highest cost of a call with these tokens: uncached input, cache read, cache write for 5 minutes
    /// and for an hour, output. Only the range of its length is known, and a threshold may lie within.
    pub fn cost(&self, tokens: &[u64; 5], steps: &[u64]) -> Option<(i128, i128)> {
        let whole: u64 = tokens[..4].iter().sum();
        let above = steps.iter().copied().rfind(|step| whole > *step).unwrap_or(0);
        let up_to = steps.iter().copied().find(|step| *step > above).unwrap_or(u64::MAX);
        let first = self.prices.iter().rfind(|(step, _)| *step <= above)?;
        let within = self.prices.iter().filter(|(step, _)| above < *step && *step < up_to);
        let rates: Vec<_> = std::iter::once(first).chain(within).map(|(_, rates)| rates).collect();
        let (mut least, mut most) = (0, 0);
        for (bucket, count) in tokens.iter().enumerate().filter(|(_, count)| **count > 0) {
            let of_bucket: Option<Vec<_>> = rates.iter().map(|rates| rates[bucket]).collect();
            let of_bucket = of_bucket?;
            least += i128::from(*count) * of_bucket.iter().min()?;
            most += i128::from(*count) * of_bucket.iter().max()?;
        }
        Some((least, most))
    }
}
