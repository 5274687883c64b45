//! The pricer against a plain implementation that reads the data files line by line and calculates with decimals.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};

use super::super::data::{ModelLine, PriceLine, Rate, Window};
use super::super::testing::files;
use super::super::usage::TokenUsage;
use super::*;

static FILES: LazyLock<Vec<(String, ModelLine, Vec<PriceLine>)>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (provider, (models, prices)) in files() {
        let mut by_model: BTreeMap<String, Vec<PriceLine>> = BTreeMap::new();
        for line in prices {
            by_model.entry(line.model.to_lowercase()).or_default().push(line);
        }
        for model in models {
            let key = if model.priced_as.is_empty() { &model.model } else { &model.priced_as };
            let rows = by_model.get(&key.to_lowercase()).cloned().unwrap_or_default();
            all.push((provider.clone(), model, rows));
        }
    }
    all
});

fn dollars(rate: Rate, pico: u64) -> Decimal {
    let per_token_or_unit = Decimal::from_i128_with_scale(pico.into(), 12);
    assert!(rate.is_unit() || per_token_or_unit.scale() <= 12);
    per_token_or_unit
}

/// The cost of a call in dollars, by the lines alone; `Err` with the reason as the API spells it.
fn plain(
    provider: &str,
    model: &ModelLine,
    lines: &[PriceLine],
    call: &Call<'_>,
) -> Result<Decimal, &'static str> {
    let day: Date = call.at.format("%Y-%m-%d").to_string().parse().unwrap();
    let lines: Vec<_> = lines.iter().filter(|line| line.holds_on(day)).collect();
    if lines.is_empty() {
        return Err("no_price_at_that_time");
    }
    let tier = match call.service_tier {
        "" => "standard",
        tier => tier,
    };
    let regions: Vec<_> = lines.iter().map(|line| line.region.as_str()).collect();
    let region = match call.region {
        "" if regions.contains(&"") => "",
        "" if regions.contains(&"global") => "global",
        "" => return Err("no_price_for_region"),
        region if regions.contains(&region) => region,
        region if region != "global" && regions.contains(&"regional") => "regional",
        _ if regions.contains(&"") => "",
        _ => return Err("no_price_for_region"),
    };
    let slot =
        (call.at.weekday().num_days_from_monday() * 48 + call.at.hour() * 2 + call.at.minute() / 30) as usize;
    let tokens = call.tokens;
    let whole = tokens.input
        + tokens.cache_read
        + tokens.cache_write_5m
        + tokens.cache_write_30m
        + tokens.cache_write_1h
        + tokens.cache_write_12h;
    let in_window = |window: &Option<Window>| window.is_none_or(|window| window.contains(slot));
    let mut fitting: Vec<_> = lines
        .iter()
        .filter(|line| line.tier.name() == tier && line.region == region && in_window(&line.window))
        .filter(|line| line.above_input_tokens == 0 || whole > line.above_input_tokens)
        .collect();
    fitting.sort_by_key(|line| (line.window.is_some(), line.above_input_tokens));
    let line = fitting.last().ok_or("no_price_for_tier")?;
    let base = lines.iter().find(|other| {
        other.from == line.from
            && other.tier == Tier::Standard
            && other.region.is_empty()
            && other.window.is_none()
            && other.above_input_tokens == 0
    });
    let rate = |rate: Rate| -> Option<Decimal> {
        let anthropic = provider == "anthropic" && model.model.starts_with("claude-");
        let price = match rate {
            Rate::WebFetch if anthropic => Some(0),
            Rate::CodeExecutionHours if anthropic => Some(50_000_000_000),
            _ => line
                .rates
                .get(rate)
                .or_else(|| base.filter(|_| rate.is_unit()).and_then(|base| base.rates.get(rate))),
        };
        price.map(|price| dollars(rate, price))
    };
    let claude_multiple = |times: &str| {
        let states = ["anthropic", "aws", "google", "databricks"].contains(&provider);
        let claude = [&model.model].iter().any(|id| id.to_lowercase().contains("claude"));
        let input = rate(Rate::Input).filter(|_| states && claude)?;
        let exact = input * times.parse::<Decimal>().unwrap();
        Some(exact.round_dp_with_strategy(12, RoundingStrategy::MidpointNearestEven))
    };
    let mut cost = Decimal::ZERO;
    let mut add = |count: u64, price: Option<Decimal>, reason| {
        if count > 0 {
            cost += Decimal::from(count) * price.ok_or(reason)?;
        }
        Ok::<_, &'static str>(())
    };
    let modality = "no_price_for_modality";
    let lifetime = "no_price_for_cache_write";
    add(tokens.input - tokens.input_audio - tokens.input_image, rate(Rate::Input), modality)?;
    add(tokens.input_audio, rate(Rate::InputAudio), modality)?;
    add(tokens.input_image, rate(Rate::InputImage), modality)?;
    let read = rate(Rate::CacheRead).or_else(|| rate(Rate::Input));
    add(tokens.cache_read - tokens.cache_read_audio, read, modality)?;
    let read = rate(Rate::CacheReadAudio).or_else(|| rate(Rate::InputAudio));
    add(tokens.cache_read_audio, read, modality)?;
    add(tokens.cache_write_5m, rate(Rate::CacheWrite5m).or_else(|| claude_multiple("1.25")), lifetime)?;
    add(tokens.cache_write_30m, rate(Rate::CacheWrite30m), lifetime)?;
    add(tokens.cache_write_1h, rate(Rate::CacheWrite1h).or_else(|| claude_multiple("2")), lifetime)?;
    add(tokens.cache_write_12h, rate(Rate::CacheWrite12h), lifetime)?;
    add(tokens.output - tokens.output_audio - tokens.output_image, rate(Rate::Output), modality)?;
    add(tokens.output_audio, rate(Rate::OutputAudio), modality)?;
    add(tokens.output_image, rate(Rate::OutputImage), modality)?;
    let mut missing = false;
    for (unit, count) in call.units.iter().filter(|(_, count)| !count.is_zero()) {
        match rate(*unit) {
            Some(price) => {
                cost += (price * count).round_dp_with_strategy(12, RoundingStrategy::MidpointNearestEven);
            }
            None => missing = true,
        }
    }
    if !call.units.iter().any(|(unit, _)| *unit == Rate::Requests) {
        cost += rate(Rate::Requests).unwrap_or_default();
    }
    if missing { Err("no_price_for_unit") } else { Ok(cost) }
}

/// A count that is often 0, often around a threshold, and seldom large.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0), 4 => 0..10_000_u64, 2 => 199_990..272_010_u64, 1 => 0..1_000_000_000_u64]
}

fn tokens() -> impl Strategy<Value = TokenUsage> {
    let writes = prop_oneof![6 => Just(0), 1 => count()];
    let parts = prop_oneof![12 => Just(0_u64), 1 => 0..100_u64];
    let all = (prop::array::uniform3(count()), prop::array::uniform4(writes), prop::array::uniform5(parts));
    all.prop_map(|(counts, writes, parts)| {
        let [input, cache_read, output] = counts;
        let [cache_write_5m, cache_write_30m, cache_write_1h, cache_write_12h] = writes;
        let [input_audio, input_image, cache_read_audio, output_audio, output_image] = parts;
        TokenUsage {
            input: input + input_audio + input_image,
            cache_read: cache_read + cache_read_audio,
            cache_write_5m,
            cache_write_30m,
            cache_write_1h,
            cache_write_12h,
            output: output + output_audio + output_image,
            input_audio,
            input_image,
            cache_read_audio,
            output_audio,
            output_image,
        }
    })
}

fn units() -> impl Strategy<Value = Vec<(Rate, Decimal)>> {
    let count = (0..100_000_u32, 0..4_u32).prop_map(|(count, scale)| Decimal::new(count.into(), scale));
    let some = prop::collection::btree_map(prop::sample::select(Rate::UNITS), count, 0..3);
    prop_oneof![3 => Just(BTreeMap::new()), 1 => some].prop_map(|units| units.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn calls_cost_what_the_lines_say(
        model in any::<prop::sample::Index>(),
        tokens in tokens(),
        units in units(),
        hours in 0..(24 * 700_i64),
        tier in prop_oneof![3 => Just(""), 1 => Just("batch"), 1 => Just("flex"), 1 => Just("priority"), 1 => Just("fast")],
        region in prop_oneof![4 => Just(""), 1 => Just("us"), 1 => Just("eu"), 1 => Just("global"), 1 => Just("us-east5")],
    ) {
        let (provider, line, lines) = model.get(&FILES);
        // The global price of a Claude model is that of another line.
        prop_assume!(region != "global" || *provider != "aws");
        // Behind the provider's own name, an id means the model without it: `perplexity/sonar`.
        prop_assume!(Book::builtin().identify(provider, &line.model).1.is_none_or(|found| found.model.id() == line.model));
        let start: DateTime<Utc> = "2025-06-01T00:30:00Z".parse().unwrap();
        let at = start + chrono::TimeDelta::hours(hours);
        let call = Call { provider, model: &line.model, at, service_tier: tier, region, tokens, units: &units };
        let own = OwnPrices::default();
        let price = Pricer::new(Book::builtin(), &own).price(&call);
        let found = match price.unpriced {
            None => Ok(Decimal::from_i128_with_scale(price.parts.total(), 12)),
            Some(reason) => Err(serde_json::to_value(reason).unwrap().as_str().unwrap().to_owned()),
        };
        let expected = plain(provider, line, lines, &call).map_err(str::to_owned);
        prop_assert_eq!(found, expected, "{:?}", call);
    }
}
