//! An agent's tokens of one model, and their cost at other prices.

use ledger::pricing::data::{Rate, RateSet};
use ledger::pricing::{TokenUsage, Unpriced};
use ledger::rollup::{AgentModelFigures, LONG_CONTEXT_STEPS};

use super::prices::Prices;

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
    requests: u64,
    /// All tokens.
    pub total: TokenUsage,
    /// Upper bound of the input tokens of a single call.
    pub longest_input: u64,
}

impl TokenMix {
    pub fn of(sums: &AgentModelFigures) -> Self {
        let total = sums.tokens;
        let mut rest = total;
        let mut parts = Vec::new();
        for (i, tokens) in sums.long_context.iter().enumerate() {
            let up_to = LONG_CONTEXT_STEPS.get(i + 1).copied().unwrap_or(u64::MAX);
            parts.push(Part { above: LONG_CONTEXT_STEPS[i], up_to, tokens: *tokens });
            rest = without(rest, *tokens);
        }
        parts.push(Part { above: 0, up_to: LONG_CONTEXT_STEPS[0], tokens: rest });
        parts.retain(|part| part.tokens != TokenUsage::default());
        Self { parts, requests: sums.requests, total, longest_input: sums.longest_input() }
    }

    /// Whether any call had images in it, as far as providers count their tokens.
    pub const fn has_images(&self) -> bool {
        self.total.input_image > 0
    }

    pub const fn has_audio(&self) -> bool {
        self.total.input_audio > 0 || self.total.cache_read_audio > 0
    }

    /// Whether any call wrote something else than text.
    pub const fn writes_media(&self) -> bool {
        self.total.output_audio > 0 || self.total.output_image > 0
    }

    /// Upper bound of the cost in picodollars. A rollup does not tell on which side of a threshold a call was unless
    /// the threshold is one of [`LONG_CONTEXT_STEPS`], nor in which hours.
    pub fn max_cost(&self, prices: &Prices) -> Result<i128, Unpriced> {
        self.cost(prices, u64::max)
    }

    /// Lower bound of the cost in picodollars.
    pub fn min_cost(&self, prices: &Prices) -> Result<i128, Unpriced> {
        self.cost(prices, u64::min)
    }

    fn cost(&self, prices: &Prices, pick: fn(u64, u64) -> u64) -> Result<i128, Unpriced> {
        let each = |one: RateSet, other: &RateSet| pick_each(&one, other, pick);
        let mut cost = 0;
        for part in &self.parts {
            let mut rates = prices.between(part.above, part.up_to);
            let first = *rates.next().unwrap_or_else(|| prices.base());
            cost += rates.fold(first, each).cost_of(&part.tokens)?.total();
        }
        let fee = prices.base().get(Rate::Requests).unwrap_or_default();
        Ok(cost + i128::from(self.requests) * i128::from(fee))
    }
}

/// Picks each rate separately: for one kind of token the one price may be higher, for another kind the other.
fn pick_each(one: &RateSet, other: &RateSet, pick: fn(u64, u64) -> u64) -> RateSet {
    let mut picked = RateSet::default();
    for rate in Rate::ALL {
        picked.set(rate, one.get(rate).zip(other.get(rate)).map(|(one, other)| pick(one, other)));
    }
    picked
}

const fn without(all: TokenUsage, part: TokenUsage) -> TokenUsage {
    TokenUsage {
        input: all.input.saturating_sub(part.input),
        cache_read: all.cache_read.saturating_sub(part.cache_read),
        cache_write_5m: all.cache_write_5m.saturating_sub(part.cache_write_5m),
        cache_write_30m: all.cache_write_30m.saturating_sub(part.cache_write_30m),
        cache_write_1h: all.cache_write_1h.saturating_sub(part.cache_write_1h),
        cache_write_12h: all.cache_write_12h.saturating_sub(part.cache_write_12h),
        output: all.output.saturating_sub(part.output),
        input_audio: all.input_audio.saturating_sub(part.input_audio),
        input_image: all.input_image.saturating_sub(part.input_image),
        cache_read_audio: all.cache_read_audio.saturating_sub(part.cache_read_audio),
        output_audio: all.output_audio.saturating_sub(part.output_audio),
        output_image: all.output_image.saturating_sub(part.output_image),
    }
}

#[cfg(test)]
mod tests {
    use ledger::rollup::INPUT_LENGTHS;
    use proptest::prelude::*;

    use super::*;

    /// A model at 1 for input, 2 for output, 0.1 cached, 1.25 and 2 for cache writes, with unrelated prices above the
    /// thresholds.
    fn priced(thresholds: &[u64]) -> Prices {
        let texts = [
            "input=1 output=2 cache_read=0.1 cache_write_5m=1.25 cache_write_1h=2",
            "input=3 output=1 cache_read=0.2 cache_write_5m=5 cache_write_1h=7",
            "input=0.5 output=9 cache_read=0.5 cache_write_5m=0.5 cache_write_1h=0.5",
        ];
        let steps: Vec<_> = std::iter::once(0).chain(thresholds.iter().copied()).zip(texts).collect();
        Prices::from_text(&steps)
    }

    fn added_up(calls: &[TokenUsage]) -> AgentModelFigures {
        let mut sums = AgentModelFigures::default();
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

    fn bounds(prices: &Prices, calls: &[TokenUsage]) -> (i128, i128) {
        let mix = TokenMix::of(&added_up(calls));
        (mix.min_cost(prices).unwrap(), mix.max_cost(prices).unwrap())
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
            TokenMix::of(&AgentModelFigures { lengths_exceeded: 0, ..added_up(calls) }).longest_input
        };
        assert_eq!(longest(&[input(10), input(40_000)]), 32_768);
        assert_eq!(longest(&[input(10), input(200_001)]), 256_000);
        assert_eq!(longest(&[input(3_000_000)]), u64::MAX);
    }

    #[test]
    fn requests_cost_a_fee_where_the_model_has_one() {
        let prices = Prices::from_text(&[(0, "input=1 requests=0.005")]);
        assert_eq!(bounds(&prices, &[input(1_000_000), input(0)]), (1_010_000_000_000, 1_010_000_000_000));
    }

    #[test]
    fn tokens_without_a_price_have_no_cost() {
        let mix = TokenMix::of(&added_up(&[TokenUsage { cache_write_1h: 1, ..TokenUsage::default() }]));
        let without = Prices::from_text(&[(0, "input=1 output=2")]);
        assert_eq!(mix.max_cost(&without), Err(Unpriced::NoPriceForCacheWrite));
        // One price of two is not enough.
        let some = Prices::from_text(&[(0, "input=1 cache_write_1h=2"), (64_000, "input=1")]);
        assert_eq!(mix.max_cost(&some), Err(Unpriced::NoPriceForCacheWrite));
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
            let prices = priced(&[low, high]);
            let one = |tokens: &TokenUsage| {
                let whole = tokens.whole_input();
                let step = if whole > high { high } else if whole > low { low } else { 0 };
                let rates = prices.between(step, step + 1).next().unwrap();
                rates.cost_of(tokens).unwrap().total()
            };
            let sum: i128 = calls.iter().map(one).sum();
            let (least, most) = bounds(&prices, &calls);
            prop_assert!(least <= sum && sum <= most);
            if LONG_CONTEXT_STEPS.contains(&low) && LONG_CONTEXT_STEPS.contains(&high) {
                prop_assert_eq!(least, most);
            }
        }
    }
}
