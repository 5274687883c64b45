//! The prices of an entry.

use std::collections::BTreeMap;

use ledger::pricing::data::{Mode, ModelLine, Rate, RateSet, Tier};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::Entry;
use super::hours::off_peak;
use crate::number;
use crate::source::{Conditions, Version, of_tier, pico, scaled, set_cache_write};

/// The suffix of a price for a service tier.
const TIERS: [(&str, Tier); 5] = [
    ("_batches", Tier::Batch),
    ("_flex", Tier::Flex),
    ("_priority", Tier::Priority),
    ("_ultrafast", Tier::Ultrafast),
    ("_balanced", Tier::Balanced),
];

/// The prices of tokens.
pub(super) const TOKENS: [(&str, Rate); 11] = [
    ("input_cost_per_token", Rate::Input),
    ("output_cost_per_token", Rate::Output),
    ("cache_read_input_token_cost", Rate::CacheRead),
    ("cache_creation_input_token_cost", Rate::CacheWrite5m),
    ("cache_creation_input_token_cost_above_1hr", Rate::CacheWrite1h),
    ("cache_creation_input_token_cost_above_12hr", Rate::CacheWrite12h),
    ("input_cost_per_audio_token", Rate::InputAudio),
    ("input_cost_per_image_token", Rate::InputImage),
    ("cache_read_input_audio_token_cost", Rate::CacheReadAudio),
    ("output_cost_per_audio_token", Rate::OutputAudio),
    ("output_cost_per_image_token", Rate::OutputImage),
];

/// All prices of an entry, whose key contained `region`.
pub(super) fn version(provider: &str, line: &ModelLine, entry: &Entry, region: &str) -> Version {
    let mut version = tokens(provider, &line.model, entry);
    tiered(entry, &mut version);
    units(provider, line, entry, &mut version);
    images_at_the_price_of_text(provider, line, &mut version);
    fill(provider, &mut version);
    if provider == "fireworks" {
        cached_at_half_the_price(&mut version);
    }
    off_peak(entry, &mut version);
    uplifts(entry, &mut version);
    if !region.is_empty() {
        for (conditions, _) in &mut version.rows {
            region.clone_into(&mut conditions.region);
        }
    }
    version
}

/// The prices of tokens by tier and threshold, which are part of the keys.
fn tokens(provider: &str, model: &str, entry: &Entry) -> Version {
    let mut version = Version::default();
    for (key, value) in entry {
        let Some((rate, conditions)) = price_key(provider, key) else { continue };
        let Some(price) = number(value).and_then(|price| pico(price, 1)) else { continue };
        let mut rates = version.get(&conditions).copied().unwrap_or_default();
        match rate {
            Rate::CacheWrite5m => set_cache_write(&mut rates, model, Some(price)),
            _ => rates.set(rate, Some(price)),
        }
        version.set(conditions, rates);
    }
    if let Some(price) = entry.get("input_cost_per_token_cache_hit").and_then(|price| number(price)) {
        let base = Conditions::default();
        let mut rates = version.get(&base).copied().unwrap_or_default();
        if rates.get(Rate::CacheRead).is_none() {
            rates.set(Rate::CacheRead, pico(price, 1));
            version.set(base, rates);
        }
    }
    version
}

/// The rate and conditions of a key such as `input_cost_per_token_above_200k_tokens_priority`.
fn price_key(provider: &str, key: &str) -> Option<(Rate, Conditions)> {
    let tier = TIERS.iter().find_map(|(suffix, tier)| Some((key.strip_suffix(suffix)?, *tier)));
    let (key, tier) = tier.unwrap_or((key, Tier::Standard));
    let (key, above) = match key.strip_suffix("_tokens").and_then(|key| key.rsplit_once("_above_")) {
        Some((key, threshold)) => (key, Some(threshold)),
        None => (key, None),
    };
    let above_input_tokens = match above {
        None => 0,
        Some(threshold) => {
            let (digits, unit) = threshold.strip_suffix('k').map_or((threshold, 1), |digits| (digits, 1000));
            // xAI bills the higher price once the input reaches the threshold.
            digits.parse::<u64>().ok()? * unit - u64::from(provider == "x-ai")
        }
    };
    let rate = TOKENS.iter().find(|(name, _)| *name == key)?.1;
    Some((rate, Conditions { tier, above_input_tokens, ..Conditions::default() }))
}

/// `tiered_pricing`: a price for each range of the input's length. It replaces the plain prices.
fn tiered(entry: &Entry, version: &mut Version) {
    let Some(ranges) = entry
        .get("tiered_pricing")
        .and_then(|raw| serde_json::from_str::<Vec<BTreeMap<String, Box<RawValue>>>>(raw.get()).ok())
    else {
        return;
    };
    let output = version.get(&Conditions::default()).and_then(|rates| rates.get(Rate::Output));
    for range in ranges {
        let bounds =
            range.get("range").and_then(|raw| serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()).ok());
        let start =
            bounds.and_then(|bounds| number(bounds.first()?)).and_then(|start| u64::try_from(start).ok());
        let Some(start) = start else { continue };
        let mut rates = RateSet::default();
        for (name, rate) in TOKENS {
            rates.set(rate, range.get(name).and_then(|raw| number(raw)).and_then(|price| pico(price, 1)));
        }
        if rates.get(Rate::Output).is_none() {
            rates.set(Rate::Output, output);
        }
        // Without a price for cached tokens, those of a range cost what input costs, not what cached tokens of the
        // first range cost.
        if rates.get(Rate::CacheRead).is_none() {
            rates.set(Rate::CacheRead, rates.get(Rate::Input));
        }
        version.set(Conditions { above_input_tokens: start, ..Conditions::default() }, rates);
    }
}

/// The prices of units. They belong to the base row.
fn units(provider: &str, line: &ModelLine, entry: &Entry, version: &mut Version) {
    let (mode, model) = (line.mode, line.model.as_str());
    let price = |key: &str| entry.get(key).and_then(|raw| number(raw)).and_then(|price| pico(price, 1));
    let nonzero = |key: &str| price(key).filter(|price| *price > 0);
    let mut rates = version.get(&Conditions::default()).copied().unwrap_or_default();
    let search = entry.get("search_context_cost_per_query").and_then(|raw| {
        let sizes: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get()).ok()?;
        number(sizes.get("search_context_size_medium")?)
    });
    // Perplexity's fee for searches is part of the fee for each request.
    let search = search.filter(|_| provider != "perplexity" || model == "sonar-deep-research");
    rates.set(Rate::WebSearch, search.and_then(|price| pico(price, 1)));
    rates.set(Rate::MapsGrounding, price("google_maps_grounding_cost_per_query"));
    rates.set(Rate::Requests, nonzero("input_cost_per_request").or_else(|| nonzero("input_cost_per_query")));
    rates.set(Rate::Pages, price("ocr_cost_per_page"));
    match mode {
        Mode::Image => {
            rates.set(
                Rate::Images,
                nonzero("output_cost_per_image").or_else(|| nonzero("input_cost_per_image")),
            );
        }
        Mode::Video => rates.set(
            Rate::VideoSeconds,
            nonzero("output_cost_per_video_per_second").or_else(|| nonzero("output_cost_per_second")),
        ),
        Mode::Speech => rates.set(
            Rate::Characters,
            nonzero("input_cost_per_character").or_else(|| nonzero("output_cost_per_character")),
        ),
        Mode::Transcription => rates.set(
            Rate::AudioSeconds,
            nonzero("input_cost_per_second").or_else(|| nonzero("output_cost_per_second")),
        ),
        _ => {}
    }
    version.set(Conditions::default(), rates);
}

/// A model that takes images, and whose entry has no other price for their tokens, bills them as it bills text: a price per
/// image, where there is one, is that of so many tokens. The same goes for audio at Google alone, which states one price "text,
/// image, video, audio" for its chat models.
fn images_at_the_price_of_text(provider: &str, line: &ModelLine, version: &mut Version) {
    if !matches!(line.mode, Mode::Chat | Mode::Image) {
        return;
    }
    let takes = |kind: &str| line.inputs.iter().any(|input| input == kind);
    let known = |rate: Rate| version.rows.iter().any(|(_, rates)| rates.get(rate).is_some());
    let image = takes("image") && !known(Rate::InputImage);
    let audio = provider == "google" && line.mode == Mode::Chat && takes("audio") && !known(Rate::InputAudio);
    for (_, rates) in &mut version.rows {
        if image {
            rates.set(Rate::InputImage, rates.get(Rate::Input));
        }
        if audio {
            rates.set(Rate::InputAudio, rates.get(Rate::Input));
            rates.set(Rate::CacheReadAudio, rates.get(Rate::CacheRead));
        }
    }
}

/// Completes the rows of tiers and thresholds with the rates of the row without the condition, as adapted by
/// [`of_tier`]. A cache write for an hour is not filled in if the row has a shorter one, because its price is then
/// derived from the row's own input.
fn fill(provider: &str, version: &mut Version) {
    let stated = version.clone();
    let at = |tier, above_input_tokens| Conditions { tier, above_input_tokens, ..Conditions::default() };
    for (own, rates) in &stated.rows {
        let mut filled = *rates;
        let mut sources = vec![at(own.tier, 0), at(Tier::Standard, 0)];
        if own.tier != Tier::Batch {
            sources.insert(0, at(Tier::Standard, own.above_input_tokens));
        }
        for source in sources.iter().filter(|source| *source != own) {
            let Some(known) = stated.get(source) else { continue };
            if source.tier == own.tier {
                filled.fill_from(known);
            } else {
                filled.fill_from(&of_tier(provider, known, rates));
            }
        }
        if own.tier != Tier::Standard && rates.get(Rate::CacheWrite5m).is_some() {
            filled.set(Rate::CacheWrite1h, rates.get(Rate::CacheWrite1h));
        }
        version.set(own.clone(), filled);
    }
}

/// Fireworks bills cached tokens at half the price of input unless it states another price:
/// docs.fireworks.ai/guides/prompt-caching.
fn cached_at_half_the_price(version: &mut Version) {
    for (_, rates) in &mut version.rows {
        if let (Some(input), None) = (rates.get(Rate::Input), rates.get(Rate::CacheRead)) {
            rates.set(Rate::CacheRead, Some(input / 2));
        }
    }
}

/// Adds regions and speeds whose prices are multiples of all others.
fn uplifts(entry: &Entry, version: &mut Version) {
    let specific = entry
        .get("provider_specific_entry")
        .and_then(|raw| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(raw.get()).ok());
    let specific = |name: &str| specific.as_ref().and_then(|all| number(all.get(name)?));
    let own = |name: &str| entry.get(name).and_then(|raw| number(raw));
    if let Some(factor) = specific("fast") {
        for (conditions, rates) in version.rows.clone() {
            if conditions.tier == Tier::Standard {
                version.set(Conditions { tier: Tier::Fast, ..conditions }, scaled(&rates, factor));
            }
        }
    }
    let base = version.rows.clone();
    for (region, factor) in [
        ("us", specific("us").or_else(|| own("regional_processing_uplift_multiplier_us"))),
        ("eu", own("regional_processing_uplift_multiplier_eu")),
        ("regional", own("regional_endpoint_uplift_multiplier")),
    ] {
        let Some(factor) = factor.filter(|factor| *factor != Decimal::ONE) else { continue };
        for (conditions, rates) in &base {
            let conditions = Conditions { region: region.to_owned(), ..conditions.clone() };
            version.set(conditions, scaled(rates, factor));
        }
    }
}
