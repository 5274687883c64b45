//! Splits what emitters count as input and output into disjoint buckets.

use serde::Serialize;

/// Tokens as an event states them. The input buckets are disjoint, and each count by modality is a part of its bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    #[serde(rename = "input_tokens")]
    pub input: u64,
    #[serde(rename = "output_tokens")]
    pub output: u64,
    #[serde(rename = "cache_read_tokens", skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    #[serde(flatten)]
    pub cache_writes: CacheWrites,
    #[serde(rename = "reasoning_tokens", skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    #[serde(rename = "input_audio_tokens", skip_serializing_if = "is_zero")]
    pub input_audio: u64,
    #[serde(rename = "input_image_tokens", skip_serializing_if = "is_zero")]
    pub input_image: u64,
    #[serde(rename = "cache_read_audio_tokens", skip_serializing_if = "is_zero")]
    pub cache_read_audio: u64,
    #[serde(rename = "output_audio_tokens", skip_serializing_if = "is_zero")]
    pub output_audio: u64,
    #[serde(rename = "output_image_tokens", skip_serializing_if = "is_zero")]
    pub output_image: u64,
}

/// Input written to a cache, by its lifetime there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheWrites {
    #[serde(rename = "cache_write_5m_tokens", skip_serializing_if = "is_zero")]
    pub m5: u64,
    #[serde(rename = "cache_write_30m_tokens", skip_serializing_if = "is_zero")]
    pub m30: u64,
    #[serde(rename = "cache_write_1h_tokens", skip_serializing_if = "is_zero")]
    pub h1: u64,
    #[serde(rename = "cache_write_12h_tokens", skip_serializing_if = "is_zero")]
    pub h12: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
const fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

/// Whether an emitter's input includes what was read from and written to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Inclusive,
    Exclusive,
}

/// The counts that an emitter states. Those that it does not state are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    pub input: u64,
    /// Includes reasoning.
    pub output: u64,
    pub cache_read: u64,
    /// All cache writes, including those that are not in `lifetimes` because their lifetime is not stated.
    pub cache_write: u64,
    pub lifetimes: CacheWrites,
    pub reasoning: u64,
    pub total: u64,
    /// Audio in the whole input, including cached audio.
    pub input_audio: u64,
    pub input_image: u64,
    pub cache_read_audio: u64,
    pub cache_read_image: u64,
    pub output_audio: u64,
    pub output_image: u64,
}

impl CacheWrites {
    pub const fn sum(&self) -> u64 {
        self.m5.saturating_add(self.m30).saturating_add(self.h1).saturating_add(self.h12)
    }

    /// Adds the writes whose lifetime is not stated. Five minutes is the default of every provider that has lifetimes.
    fn of_all(self, all: u64) -> Self {
        Self { m5: self.m5.saturating_add(all.saturating_sub(self.sum())), ..self }
    }
}

impl Reported {
    /// Adds the reasoning to the output where the total shows that the output excludes it, as with xAI
    /// (<https://github.com/vercel/ai/issues/12425>).
    pub const fn with_reasoning(mut self) -> Self {
        let sum = self.input.saturating_add(self.output);
        let rest = self.total.saturating_sub(sum);
        let is_apart = rest == self.reasoning || rest == self.reasoning.saturating_add(self.cached());
        if self.reasoning > 0 && is_apart {
            self.output = self.output.saturating_add(self.reasoning);
        }
        self
    }

    /// Whether the input includes cached tokens, for an emitter with this `convention`. If there is a total, it
    /// decides; and an input that is smaller than its cached part cannot include it.
    pub fn input_kind(&self, convention: Input) -> Input {
        let cached = self.cached();
        let sum = self.input.saturating_add(self.output);
        if cached == 0 || self.input < cached {
            return if cached == 0 { convention } else { Input::Exclusive };
        }
        match self.total {
            total if total == sum => Input::Inclusive,
            total if total == sum.saturating_add(cached) => Input::Exclusive,
            _ => convention,
        }
    }

    /// The buckets, given whether the input includes cached tokens. An inclusive input that is smaller than its cached
    /// part counts as none.
    pub fn tokens(&self, input: Input) -> Tokens {
        let uncached = match input {
            Input::Inclusive => self.input.saturating_sub(self.cached()),
            Input::Exclusive => self.input,
        };
        let input_audio = self.input_audio.saturating_sub(self.cache_read_audio).min(uncached);
        let input_image = self.input_image.saturating_sub(self.cache_read_image).min(uncached - input_audio);
        Tokens {
            input: uncached,
            output: self.output,
            cache_read: self.cache_read,
            cache_writes: self.lifetimes.of_all(self.cache_write),
            reasoning: self.reasoning,
            input_audio,
            input_image,
            cache_read_audio: self.cache_read_audio.min(self.cache_read),
            output_audio: self.output_audio.min(self.output),
            output_image: self.output_image.min(self.output.saturating_sub(self.output_audio)),
        }
    }

    const fn cached(&self) -> u64 {
        let (stated, sum) = (self.cache_write, self.lifetimes.sum());
        self.cache_read.saturating_add(if stated > sum { stated } else { sum })
    }
}

impl Tokens {
    pub fn whole_input(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_writes.sum())
    }

    pub fn is_empty(&self) -> bool {
        self.whole_input() == 0 && self.output == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        /// The input buckets and the output that a provider bills.
        fn bills()(counts in prop::array::uniform7(0..2_000_000_u64), audio in 0..100_u64) -> Tokens {
            let [input, output, cache_read, m5, m30, h1, h12] = counts;
            Tokens {
                input: input + audio,
                output,
                cache_read,
                cache_writes: CacheWrites { m5, m30, h1, h12 },
                reasoning: output / 2,
                input_audio: audio,
                ..Tokens::default()
            }
        }
    }

    fn report(bill: Tokens, kind: Input, with_total: bool) -> Reported {
        let input = if kind == Input::Inclusive { bill.whole_input() } else { bill.input };
        Reported {
            input,
            output: bill.output,
            cache_read: bill.cache_read,
            cache_write: bill.cache_writes.sum(),
            lifetimes: bill.cache_writes,
            reasoning: bill.reasoning,
            total: if with_total { bill.whole_input() + bill.output } else { 0 },
            input_audio: bill.input_audio,
            ..Reported::default()
        }
    }

    proptest! {
        #[test]
        fn the_buckets_are_what_was_billed(bill in bills(), inclusive: bool, with_total: bool) {
            let kind = if inclusive { Input::Inclusive } else { Input::Exclusive };
            let report = report(bill, kind, with_total);
            prop_assert_eq!(report.tokens(report.input_kind(kind)), bill);
        }

        #[test]
        fn a_total_overrules_the_convention(bill in bills(), inclusive: bool, convention: bool) {
            let [kind, convention] =
                [inclusive, convention].map(|yes| if yes { Input::Inclusive } else { Input::Exclusive });
            let report = report(bill, kind, true);
            prop_assert_eq!(report.tokens(report.input_kind(convention)), bill);
        }

        #[test]
        fn an_output_that_excludes_reasoning_is_told_by_the_total(
            bill in bills(), inclusive: bool, apart: bool, with_total: bool,
        ) {
            let kind = if inclusive { Input::Inclusive } else { Input::Exclusive };
            let mut report = report(bill, kind, with_total);
            if apart && with_total {
                report.output -= report.reasoning;
            }
            // Where what is cached happens to equal the reasoning, the total tells nothing.
            prop_assume!(report.cached() != report.reasoning);
            let report = report.with_reasoning();
            prop_assert_eq!(report.tokens(report.input_kind(kind)), bill);
        }

        #[test]
        fn absurd_counts_do_not_overflow(counts in prop::array::uniform12(any::<u64>()), inclusive: bool) {
            let [input, output, cache_read, cache_write, m5, m30, h1, h12, total, audio, image, cached_audio] = counts;
            let report = Reported {
                input, output, cache_read, cache_write, total,
                lifetimes: CacheWrites { m5, m30, h1, h12 },
                reasoning: cached_audio,
                input_audio: audio, input_image: image, cache_read_audio: cached_audio, cache_read_image: 0,
                output_audio: audio, output_image: image,
            };
            let report = report.with_reasoning();
            let kind = report.input_kind(if inclusive { Input::Inclusive } else { Input::Exclusive });
            let tokens = report.tokens(kind);
            prop_assert!(tokens.input_audio + tokens.input_image <= tokens.input);
        }
    }

    #[test]
    fn an_input_below_its_cached_part_excludes_it() {
        let report =
            Reported { input: 25, output: 150, cache_read: 2048, cache_write: 768, ..Reported::default() };
        assert_eq!(report.input_kind(Input::Inclusive), Input::Exclusive);
        let tokens = report.tokens(Input::Exclusive);
        assert_eq!((tokens.input, tokens.cache_read, tokens.cache_writes.m5), (25, 2048, 768));
    }
}
