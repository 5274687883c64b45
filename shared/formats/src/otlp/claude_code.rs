//! Calls of Claude Code, from its log records.

use chrono::{DateTime, Utc};
use ledger::pricing::{self, Book, OwnPrices, Pricer, Rate, TokenUsage};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::attributes::Attributes;
use super::inference::Unusable;
use super::logs::{count, model};
use crate::call::{Call, Status, used};
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
        Ok(completed(call, at))
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

/// The call with what its record leaves out, but the cost in it includes: how many of its cache writes are kept for an
/// hour, as they mostly are (langfuse/claude-observability-plugin#34), and how often it searched the web. Claude Code
/// computes the cost by Anthropic's prices.
fn completed(mut call: Call, at: DateTime<Utc>) -> Call {
    if let Some(Unstated { hour, searches }) = Unstated::of(&call, at) {
        let written = call.tokens.cache_writes.sum();
        call.tokens.cache_writes = writes(written - hour, hour);
        call.units = used([("web_search", searches)]);
    }
    call
}

const fn writes(m5: u64, h1: u64) -> CacheWrites {
    CacheWrites { m5, m30: 0, h1, h12: 0 }
}

/// The maximum number of searches that a cost is compared with.
const MAX_SEARCHES: u64 = 10;

/// What only the cost of a call shows.
#[derive(Clone, Copy, Debug)]
struct Unstated {
    /// The tokens that are written for an hour.
    hour: u64,
    searches: u64,
}

impl Unstated {
    /// The numbers whose price is the reported cost. That all writes have one lifetime is tried first.
    fn of(call: &Call, at: DateTime<Utc>) -> Option<Self> {
        let reported = picodollars(call.reported_cost?)?;
        let written = call.tokens.cache_writes.sum();
        let price = |hour: u64, searches: u64| list_price(call, at, writes(written - hour, hour), searches);
        let (short, long) = (price(0, 0)?, price(written, 0)?);
        let fee = price(0, 1).map(|with_search| with_search - short);
        let searches = 0..=fee.map_or(0, |_| MAX_SEARCHES);
        let rest = |searches: u64| reported - short - fee.unwrap_or_default() * i128::from(searches);
        let same = |searches: u64| {
            // Senders use floating-point numbers and round them.
            let is_equal = |difference: i128| difference.abs() <= reported / 1_000_000;
            let hour = [0, long - short].into_iter().zip([0, written]);
            let hour = hour.map(|(price, hour)| (rest(searches) - price, hour));
            hour.into_iter()
                .find(|(difference, _)| is_equal(*difference))
                .map(|(_, hour)| Self { hour, searches })
        };
        let mixed = |searches: u64| {
            let token = (long - short).checked_div(i128::from(written)).filter(|price| *price > 0)?;
            let hour = (rest(searches) + token / 2).div_euclid(token);
            // Any cost is near to that of some mixture, so it has to be that of a whole number of tokens.
            let is_equal = (rest(searches) - hour * token).abs() <= 2;
            let hour = u64::try_from(hour).ok().filter(|hour| is_equal && *hour < written)?;
            Some(Self { hour, searches })
        };
        searches.clone().find_map(same).or_else(|| searches.clone().find_map(mixed))
    }
}

/// The price of a call in the price book, in picodollars.
fn list_price(call: &Call, at: DateTime<Utc>, writes: CacheWrites, searches: u64) -> Option<i128> {
    let tokens = TokenUsage {
        input: call.tokens.input,
        output: call.tokens.output,
        cache_read: call.tokens.cache_read,
        cache_write_5m: writes.m5,
        cache_write_1h: writes.h1,
        ..TokenUsage::default()
    };
    let own_prices = OwnPrices::default();
    let price = Pricer::new(Book::builtin(), &own_prices).price(&pricing::Call {
        provider: &call.provider,
        model: &call.model,
        at,
        service_tier: call.service_tier.as_deref().unwrap_or_default(),
        region: "",
        tokens,
        units: &[(Rate::WebSearch, searches.into())],
    });
    price.unpriced.is_none().then(|| price.parts.total())
}

fn picodollars(dollars: Decimal) -> Option<i128> {
    dollars.checked_mul(Decimal::from(1_000_000_000_000_u64))?.round().to_i128()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::Tokens;

    const MODEL: &str = "claude-sonnet-4-5-20250929";

    /// The writes and searches of a call with these tokens: input, output, read, written.
    fn read(model: &str, tokens: [u64; 4], cost: &str) -> (CacheWrites, Option<Decimal>) {
        let [input, output, cache_read, written] = tokens;
        let tokens =
            Tokens { input, output, cache_read, cache_writes: writes(written, 0), ..Tokens::default() };
        let call = Call {
            provider: provider(model).to_owned(),
            model: model.to_owned(),
            tokens,
            reported_cost: cost.parse().ok(),
            ..Call::default()
        };
        let call = completed(call, "2026-11-27T10:00:00Z".parse().unwrap());
        (call.tokens.cache_writes, call.units.get("web_search").copied())
    }

    /// The call of langfuse/claude-observability-plugin#34: 37,175 tokens written at 20 USD per million.
    #[test]
    fn the_cost_shows_how_long_writes_are_kept() {
        let written = [0, 0, 0, 37_175];
        assert_eq!(read("claude-fable-5", written, "0.7435"), (writes(0, 37_175), None));
        assert_eq!(read("claude-fable-5", written, "0.4646875"), (writes(37_175, 0), None));
        // 3 at 3, 420 out at 15, 12,000 read at 0.30 and 9,000 written at 6 or 3.75 USD per million.
        let all = [3, 420, 12_000, 9_000];
        assert_eq!(read(MODEL, all, "0.063909000000000004"), (writes(0, 9_000), None));
        assert_eq!(read(MODEL, all, "0.043659"), (writes(9_000, 0), None));
        // 1,000 of them at 6.
        assert_eq!(read(MODEL, all, "0.045909"), (writes(8_000, 1_000), None));
    }

    #[test]
    fn the_cost_shows_searches() {
        let all = [3, 420, 12_000, 9_000];
        assert_eq!(read(MODEL, all, "0.083909"), (writes(0, 9_000), Some(2.into())));
        assert_eq!(read(MODEL, [3, 420, 0, 0], "0.036309"), (writes(0, 0), Some(3.into())));
    }

    #[test]
    fn a_cost_that_fits_no_bill_shows_nothing() {
        for (model, cost) in [
            ("claude-fable-5", "0.60000001"),
            ("claude-fable-5", "0"),
            ("claude-fable-5", "9.9"),
            ("claude-fable-5", ""),
            ("claude-fable-5", "99999999999999999999"),
            ("my-model", "0.7435"),
        ] {
            assert_eq!(read(model, [0, 0, 0, 37_175], cost), (writes(37_175, 0), None), "{model} {cost}");
        }
    }

    proptest! {
        /// Whatever the cost shows, it is the price of the call then.
        #[test]
        fn the_completed_call_costs_what_was_reported(
            written in 0..200_000_u64, share in 0..=4_u64, searches in 0..4_u64, output in 1..5_000_u64,
        ) {
            let hour = written * share / 4;
            // 15 USD out, 3.75 and 6 USD written, per million tokens, and 0.01 USD a search.
            let micros = 15 * output * 100 + 375 * (written - hour) + 600 * hour + 1_000_000 * searches;
            let cost = Decimal::new(micros.try_into().unwrap(), 8);
            let (found, units) = read(MODEL, [0, output, 0, written], &cost.to_string());
            let units = units.and_then(|units| units.to_u64()).unwrap_or_default();
            let price = 15 * output * 100 + 375 * found.m5 + 600 * found.h1 + 1_000_000 * units;
            prop_assert_eq!(found.sum(), written);
            prop_assert!(price.abs_diff(micros) * 1_000_000 <= micros, "{} {}", price, micros);
            if share == 4 && searches == 0 {
                prop_assert_eq!((found.h1, units), (written, 0));
            }
        }
    }
}
