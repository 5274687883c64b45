//! Calls of Claude Code, from its log records.

use chrono::{DateTime, Utc};
use ledger::pricing::{self, Book, OwnPrices, Pricer, TokenUsage};
use rust_decimal::Decimal;

use super::attributes::Attributes;
use super::inference::Unusable;
use super::logs::{count, model};
use crate::call::{Call, Status};
use crate::tokens::{CacheWrites, Input, Reported};

/// Reads a call. Input excludes cached tokens, as with Anthropic. Newer releases name the event without the prefix.
pub fn read(name: &str, attributes: Attributes<'_>, at: DateTime<Utc>) -> Option<Result<Call, Unusable>> {
    let status = match name.trim_start_matches("claude_code.") {
        "api_request" => Status::Ok,
        "api_error" => Status::Error,
        _ => return None,
    };
    let read = || {
        let reported = Reported {
            input: count(attributes, &["input_tokens"])?,
            output: count(attributes, &["output_tokens"])?,
            cache_read: count(attributes, &["cache_read_tokens"])?,
            cache_write: count(attributes, &["cache_creation_tokens"])?,
            ..Reported::default()
        };
        let model = model(attributes)?;
        let call = Call {
            provider: provider(&model).to_owned(),
            model,
            tokens: reported.tokens(Input::Exclusive),
            status,
            service_tier: (attributes.text(&["speed"]) == Some("fast")).then(|| "fast".to_owned()),
            latency_ms: attributes.count(&["duration_ms"]).unwrap_or_default(),
            reported_cost: attributes.decimal(&["cost_usd"]),
            ..Call::default()
        };
        Ok(with_lifetime(call, at))
    };
    Some(read())
}

/// The provider, which only the model's id shows: Claude Code calls Anthropic, Amazon Bedrock or Vertex AI.
fn provider(model: &str) -> &'static str {
    if model.contains("anthropic.") {
        "aws"
    } else if model.contains('@') {
        "google"
    } else {
        "anthropic"
    }
}

/// The call with the lifetime of its cache writes. The record does not state it, but the cost that Claude Code computes
/// by Anthropic's prices shows if it is an hour, as it mostly is (langfuse/claude-observability-plugin#34).
fn with_lifetime(call: Call, at: DateTime<Utc>) -> Call {
    let written = call.tokens.cache_writes.sum();
    let Some(cost) = call.reported_cost.filter(|_| written > 0) else { return call };
    let writes = CacheWrites { h1: written, ..CacheWrites::default() };
    let mut hour = call.clone();
    hour.tokens.cache_writes = writes;
    let costs = |call: &Call| list_price(call, at).is_some_and(|price| is_equal(cost, price));
    if costs(&hour) && !costs(&call) { hour } else { call }
}

/// The price of a call's tokens in the price book, in US dollars.
fn list_price(call: &Call, at: DateTime<Utc>) -> Option<Decimal> {
    let tokens = &call.tokens;
    let usage = TokenUsage {
        input: tokens.input,
        output: tokens.output,
        cache_read: tokens.cache_read,
        cache_write_5m: tokens.cache_writes.m5,
        cache_write_1h: tokens.cache_writes.h1,
        ..TokenUsage::default()
    };
    let own_prices = OwnPrices::default();
    let price = Pricer::new(Book::builtin(), &own_prices).price(&pricing::Call {
        provider: &call.provider,
        model: &call.model,
        at,
        service_tier: call.service_tier.as_deref().unwrap_or_default(),
        region: "",
        tokens: usage,
        units: &[],
    });
    let picodollars = price.parts.total();
    let dollars = Decimal::try_from_i128_with_scale(picodollars, 12).ok();
    dollars.filter(|_| price.unpriced.is_none())
}

/// Whether two costs are equal but for the rounding of floating-point numbers and of decimals.
fn is_equal(reported: Decimal, price: Decimal) -> bool {
    (reported - price).abs() <= price / Decimal::from(100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(model: &str, tokens: [u64; 4], cost: &str) -> CacheWrites {
        let [input, output, cache_read, m5] = tokens;
        let call = Call {
            provider: provider(model).to_owned(),
            model: model.to_owned(),
            reported_cost: cost.parse().ok(),
            ..Call::default()
        };
        let cache_writes = CacheWrites { m5, ..CacheWrites::default() };
        let tokens = crate::tokens::Tokens { input, output, cache_read, cache_writes, ..call.tokens };
        with_lifetime(Call { tokens, ..call }, "2026-11-27T10:00:00Z".parse().unwrap()).tokens.cache_writes
    }

    /// The call of langfuse/claude-observability-plugin#34: 37,175 tokens written at 20 USD per million.
    #[test]
    fn the_cost_shows_how_long_writes_are_kept() {
        let hour = |h1| CacheWrites { h1, ..CacheWrites::default() };
        let minutes = |m5| CacheWrites { m5, ..CacheWrites::default() };
        let written = [0, 0, 0, 37_175];
        assert_eq!(call("claude-fable-5", written, "0.7435"), hour(37_175));
        assert_eq!(call("claude-fable-5", written, "0.4646875"), minutes(37_175));
        // 3 at 3, 420 out at 15, 12,000 read at 0.30 and 9,000 written at 6 or 3.75 USD per million.
        let mixed = [3, 420, 12_000, 9_000];
        assert_eq!(call("claude-sonnet-4-5-20250929", mixed, "0.063909000000000004"), hour(9_000));
        assert_eq!(call("claude-sonnet-4-5-20250929", mixed, "0.043659"), minutes(9_000));
    }

    #[test]
    fn a_cost_that_fits_neither_lifetime_shows_nothing() {
        for (model, cost) in [
            ("claude-fable-5", "0.6"),
            ("claude-fable-5", "0"),
            ("claude-fable-5", ""),
            ("my-model", "0.7435"),
        ] {
            assert_eq!(call(model, [0, 0, 0, 37_175], cost).m5, 37_175, "{model} {cost}");
        }
    }
}
