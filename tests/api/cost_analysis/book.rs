//! The models of two providers in the data file, read by splitting lines.

/// A model of the data file: its prices by threshold, each for input, cache read, cache writes and output.
pub struct Listed {
    pub provider: String,
    pub id: String,
    pub prices: Vec<(u64, [i128; 5])>,
}

fn millionths(text: &str) -> i128 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{decimals:0<6}").parse().unwrap()
}

pub fn listed() -> Vec<Listed> {
    let mut all: Vec<Listed> = Vec::new();
    for line in include_str!("../../../shared/ledger/data/model-prices.csv").lines().skip(1) {
        let row: Vec<_> = line.split(',').collect();
        let holds = row[3] <= "2026-09-15" && (row[4].is_empty() || "2026-09-15" < row[4]);
        if !holds || !["anthropic", "x-ai"].contains(&row[0]) {
            continue;
        }
        let or_input = |i: usize| millionths(if row[i].is_empty() { row[6] } else { row[i] });
        let prices = [millionths(row[6]), or_input(8), or_input(9), or_input(10), millionths(row[7])];
        let above: u64 = row[5].parse().unwrap();
        match all.iter_mut().find(|one| one.id == row[1] && one.provider == row[0]) {
            Some(known) => known.prices.push((above, prices)),
            None => all.push(Listed {
                provider: row[0].to_owned(),
                id: row[1].to_owned(),
                prices: vec![(above, prices)],
            }),
        }
    }
    all
}

impl Listed {
    /// The cost of a call with these tokens: uncached input, cache read, cache write for 5 minutes and for an hour,
    /// output.
    pub fn cost(&self, tokens: &[u64; 5]) -> i128 {
        let whole: u64 = tokens[..4].iter().sum();
        let applies = self.prices.iter().rfind(|(above, _)| *above == 0 || whole > *above);
        tokens.iter().zip(applies.unwrap().1).map(|(n, price)| i128::from(*n) * price).sum()
    }

    /// 0, 1 or 2.
    pub fn tier(&self) -> u8 {
        let [input, .., output] = self.prices[0].1;
        let blended = 3 * input + output;
        u8::from(blended > 8_000_000) + u8::from(blended >= 20_000_000)
    }

    pub fn takes(&self) -> u64 {
        match &*self.id {
            "claude-v1" => 9_000,
            "claude-2" => 100_000,
            "claude-sonnet-4-5" | "claude-sonnet-4-6" | "claude-opus-4-6" => 1_000_000,
            "claude-opus-4-7" | "claude-opus-4-8" | "claude-opus-5" | "claude-sonnet-5"
            | "claude-fable-5" => 128_000,
            "grok-2-vision-1212" => 32_768,
            "grok-4-0709" | "grok-code-fast-1" => 256_000,
            id if id.contains("-fast-non-reasoning") || id.contains("-fast-reasoning") => 2_000_000,
            id if id.starts_with("grok-2") || id.starts_with("grok-3") => 131_072,
            id if id.starts_with("grok") => 128_000,
            _ => 200_000,
        }
    }
}
