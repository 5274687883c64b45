//! What a call used, as far as its price depends on it.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::data::{Date, Rate, Tier};

/// Tokens by the bucket that prices them. The six input buckets share no token; the parts by modality are parts of
/// their bucket. A call has at most 10⁹ in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Input that no cache was involved in.
    #[serde(rename = "input_tokens")]
    pub input: u64,
    /// Output, reasoning included.
    #[serde(rename = "output_tokens")]
    pub output: u64,
    /// Input read from a cache.
    #[serde(rename = "cache_read_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input written to a cache for 5 minutes.
    #[serde(rename = "cache_write_5m_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_write_5m: u64,
    /// Input written to a cache for 30 minutes.
    #[serde(rename = "cache_write_30m_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_write_30m: u64,
    /// Input written to a cache for an hour.
    #[serde(rename = "cache_write_1h_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
    /// Input written to a cache for 12 hours.
    #[serde(rename = "cache_write_12h_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_write_12h: u64,
    /// The audio in `input`.
    #[serde(rename = "input_audio_tokens", default, skip_serializing_if = "is_zero")]
    pub input_audio: u64,
    /// The images in `input`.
    #[serde(rename = "input_image_tokens", default, skip_serializing_if = "is_zero")]
    pub input_image: u64,
    /// The audio in `cache_read`.
    #[serde(rename = "cache_read_audio_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_read_audio: u64,
    /// The audio in `output`.
    #[serde(rename = "output_audio_tokens", default, skip_serializing_if = "is_zero")]
    pub output_audio: u64,
    /// The images in `output`.
    #[serde(rename = "output_image_tokens", default, skip_serializing_if = "is_zero")]
    pub output_image: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

impl TokenUsage {
    /// All tokens of the input: the sum of its six buckets.
    pub const fn whole_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_30m)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.cache_write_12h)
    }

    /// All tokens, in and out.
    pub const fn total(&self) -> u64 {
        self.whole_input().saturating_add(self.output)
    }
}

/// A call to be priced.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// The provider, as it was sent.
    pub provider: &'c str,
    /// The model, as it was sent.
    pub model: &'c str,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The service tier, as it was sent; empty: standard.
    pub service_tier: &'c str,
    /// Where it ran; empty: not known.
    pub region: &'c str,
    /// Its tokens.
    pub tokens: TokenUsage,
    /// What is billed by count: each unit once, a count of 0 or more.
    pub units: &'c [(Rate, Decimal)],
}

impl Call<'_> {
    /// The day (UTC).
    pub fn day(&self) -> Date {
        day_of(self.at)
    }

    /// The half hour of the week (UTC), from Monday 00:00.
    pub(super) fn slot(&self) -> usize {
        let day = self.at.weekday().num_days_from_monday();
        (day * 48 + self.at.hour() * 2 + self.at.minute() / 30) as usize
    }

    /// The tier, where a price of the book may be for it.
    pub(super) fn tier(&self) -> Option<Tier> {
        Tier::from_event(self.service_tier)
    }
}

/// The day (UTC) of a moment.
pub fn day_of(at: DateTime<Utc>) -> Date {
    date_of(at.date_naive())
}

/// A day in the form of the book.
pub fn date_of(day: NaiveDate) -> Date {
    Date::new(u32::try_from(day.year()).unwrap_or(0), day.month(), day.day())
}
