//! An agent's tokens of one model, and their cost at other prices.

use ledger::cost::picodollars;
use ledger::pricing::TokenUsage;
use ledger::pricing::{Price, PriceRef, Rates};
use ledger::rollup::{AgentModelSums, LONG_CONTEXT_STEPS};

/// The tokens of calls with more than `above` and at most `up_to` input tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    above: u64,
    up_to: u64,
    tokens: TokenUsage,
}

/// The tokens that an agent used of a model, by input length of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenMix {
    parts: Vec<Part>,
    /// Upper bound of the input tokens of a single call.
    pub longest_input: u64,
}

impl TokenMix {
    pub fn of(sums: &AgentModelSums) -> Self {
        let mut rest = sums.tokens;
        let mut parts = Vec::new();
        for (i, tokens) in sums.long_context.iter().enumerate() {
            let up_to = LONG_CONTEXT_STEPS.get(i + 1).copied().unwrap_or(u64::MAX);
            parts.push(Part { above: LONG_CONTEXT_STEPS[i], up_to, tokens: *tokens });
            rest = without(rest, *tokens);
        }
        parts.push(Part { above: 0, up_to: LONG_CONTEXT_STEPS[0], tokens: rest });
        parts.retain(|part| part.tokens.total() > 0);
        Self { parts, longest_input: sums.longest_input() }
    }

    /// Upper bound of the cost in picodollars. A rollup does not tell on which side of a threshold a call was unless
    /// the threshold is one of [`LONG_CONTEXT_STEPS`]. All thresholds of the book are; an organization's own price
    /// may have others.
    pub fn max_cost(&self, price: PriceRef<'_>) -> i128 {
        self.cost(price, Price::max)
    }

    /// Lower bound of the cost in picodollars.
    pub fn min_cost(&self, price: PriceRef<'_>) -> i128 {
        self.cost(price, Price::min)
    }

    fn cost(&self, price: PriceRef<'_>, pick: fn(Price, Price) -> Price) -> i128 {
        let cost = |part: &Part| {
            let within = |above: u64| part.above < above && above < part.up_to;
            let longer = price.version.long_context.iter().filter(|long| within(long.above_input_tokens));
            let shortest = price.rates(part.above + 1).clone();
            let rates = longer.fold(shortest, |rates, long| pick_each(&rates, &long.rates, pick));
            picodollars(&rates, &part.tokens)
        };
        self.parts.iter().map(cost).sum()
    }
}

/// Picks each rate separately: for one kind of token the one price may be higher, for another kind the other.
fn pick_each(one: &Rates, other: &Rates, pick: fn(Price, Price) -> Price) -> Rates {
    Rates {
        input: pick(one.input, other.input),
        output: pick(one.output, other.output),
        cache_read: Some(pick(one.cache_read_price(), other.cache_read_price())),
        cache_write_5m: Some(pick(one.cache_write_5m_price(), other.cache_write_5m_price())),
        cache_write_1h: Some(pick(one.cache_write_1h_price(), other.cache_write_1h_price())),
    }
}

const fn without(all: TokenUsage, part: TokenUsage) -> TokenUsage {
    TokenUsage {
        input: all.input.saturating_sub(part.input),
        output: all.output.saturating_sub(part.output),
        cache_read: all.cache_read.saturating_sub(part.cache_read),
        cache_write_5m: all.cache_write_5m.saturating_sub(part.cache_write_5m),
        cache_write_1h: all.cache_write_1h.saturating_sub(part.cache_write_1h),
        ..all
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use ledger::pricing::{Overrides, PriceBook, Prices};
    use proptest::prelude::*;

    use ledger::rollup::INPUT_LENGTHS;

    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-09-15T12:00:00Z".parse().unwrap()
    }

    /// A model at 1 for input, 2 for output, 0.1 cached, 1.25 and 2 for cache writes, with unrelated prices above the
    /// thresholds.
    fn priced(thresholds: &[u64]) -> PriceBook {
        let header = include_str!("../../../../shared/ledger/data/model-prices.csv").lines().next().unwrap();
        let row = |above: u64, prices: &str| format!("p,m,,,,{above},{prices}\n");
        let long = ["3,1,0.2,5,7", "0.5,9,,,"];
        let long = thresholds.iter().zip(long).map(|(above, prices)| row(*above, prices));
        let rows: String = std::iter::once(row(0, "1,2,0.1,1.25,2")).chain(long).collect();
        PriceBook::parse(&format!("{header}\n{rows}")).unwrap()
    }

    fn added_up(calls: &[TokenUsage]) -> AgentModelSums {
        let mut sums = AgentModelSums::default();
        for tokens in calls {
            sums.requests += 1;
            sums.tokens += *tokens;
            let exceeded = |steps: &[u64]| steps.iter().rposition(|above| tokens.whole_input() > *above);
            if let Some(step) = exceeded(&LONG_CONTEXT_STEPS) {
                sums.long_context[step] += *tokens;
            }
            let lengths = exceeded(&INPUT_LENGTHS).map_or(0, |nth| nth + 1);
            sums.lengths_exceeded = sums.lengths_exceeded.max(lengths);
        }
        sums
    }

    fn input(tokens: u64) -> TokenUsage {
        TokenUsage { input: tokens, ..TokenUsage::default() }
    }

    fn bounds(book: &PriceBook, calls: &[TokenUsage]) -> (i128, i128) {
        let price = book.resolve("p", "m", noon()).unwrap();
        let mix = TokenMix::of(&added_up(calls));
        (mix.min_cost(price), mix.max_cost(price))
    }

    #[test]
    fn long_context_prices_apply_above_the_threshold() {
        let book = priced(&[200_000]);
        assert_eq!(bounds(&book, &[input(200_000)]), (200_000_000_000, 200_000_000_000));
        assert_eq!(bounds(&book, &[input(200_001)]), (600_003_000_000, 600_003_000_000));
        assert_eq!(bounds(&book, &[]), (0, 0));
    }

    #[test]
    fn a_threshold_between_the_steps_gives_a_range() {
        let book = priced(&[150_000]);
        assert_eq!(bounds(&book, &[input(128_000)]), (128_000_000_000, 128_000_000_000));
        assert_eq!(bounds(&book, &[input(140_000)]), (140_000_000_000, 420_000_000_000));
        assert_eq!(bounds(&book, &[input(160_000)]), (160_000_000_000, 480_000_000_000));
        assert_eq!(bounds(&book, &[input(200_001)]), (600_003_000_000, 600_003_000_000));
    }

    #[test]
    fn the_longest_input_is_bounded_by_the_next_recorded_length() {
        let longest = |calls: &[TokenUsage]| TokenMix::of(&added_up(calls)).longest_input;
        assert_eq!(longest(&[]), 0);
        assert_eq!(longest(&[input(10), input(11)]), 8_192);
        assert_eq!(longest(&[input(8_192)]), 8_192);
        assert_eq!(longest(&[input(10), input(8_193), input(10)]), 16_384);
        assert_eq!(longest(&[input(10), input(128_000)]), 128_000);
        assert_eq!(longest(&[input(10), input(128_001)]), 131_072);
        assert_eq!(longest(&[input(600_000), input(10)]), 1_000_000);
        assert_eq!(longest(&[input(2_000_001)]), u64::MAX);
    }

    #[test]
    fn without_recorded_lengths_the_mean_and_the_steps_bound_the_longest_input() {
        let longest = |calls: &[TokenUsage]| {
            TokenMix::of(&AgentModelSums { lengths_exceeded: 0, ..added_up(calls) }).longest_input
        };
        assert_eq!(longest(&[input(10), input(40_000)]), 32_768);
        assert_eq!(longest(&[input(10), input(200_001)]), 256_000);
        assert_eq!(longest(&[input(3_000_000)]), u64::MAX);
    }

    #[test]
    fn every_threshold_of_the_book_is_a_step() {
        let overrides = Overrides::default();
        for price in Prices::new(PriceBook::builtin(), &overrides).list(noon().date_naive()) {
            for long in &price.version.long_context {
                assert!(LONG_CONTEXT_STEPS.contains(&long.above_input_tokens), "{}", price.model.model);
            }
        }
    }

    fn tokens() -> impl Strategy<Value = TokenUsage> {
        let bucket = || prop_oneof![3 => Just(0), 3 => 0_u64..1000, 2 => 60_000_u64..300_000];
        (bucket(), bucket(), bucket(), bucket(), bucket()).prop_map(
            |(input, output, cache_read, cache_write_5m, cache_write_1h)| TokenUsage {
                input,
                output,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                ..TokenUsage::default()
            },
        )
    }

    proptest! {
        /// The cost of a mix equals the cost of its calls if all thresholds are steps, and brackets it otherwise.
        #[test]
        fn a_mix_costs_what_its_calls_cost(
            calls in prop::collection::vec(tokens(), 0..20),
            low in prop::sample::select(vec![128_000, 200_000, 1_000, 150_000]),
            high in prop::sample::select(vec![272_000, 512_000, 400_000, 900_000]),
        ) {
            let book = priced(&[low, high]);
            let overrides = Overrides::default();
            let prices = Prices::new(&book, &overrides);
            let price = prices.resolve("p", "m", noon()).unwrap();
            let one = |tokens: &TokenUsage| picodollars(price.rates(tokens.whole_input()), tokens);
            let sum: i128 = calls.iter().map(one).sum();
            let (least, most) = bounds(&book, &calls);
            prop_assert!(least <= sum && sum <= most);
            if LONG_CONTEXT_STEPS.contains(&low) && LONG_CONTEXT_STEPS.contains(&high) {
                prop_assert_eq!(least, most);
            }
        }
    }
}
