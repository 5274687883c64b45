//! Reads `model_prices_and_context_window.json` of `LiteLLM`.

use std::collections::{BTreeMap, HashMap};

use ledger::pricing::data::{Date, Mode, ModelLine, Rate, RateSet, Tier, Window};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::providers::Providers;
use crate::source::{Conditions, SourceModel, Version, pico, scaled, set_cache_write};
use crate::{Error, number};

/// The fields of an entry, with numbers in the digits of the file.
type Entry = BTreeMap<String, Box<RawValue>>;

/// The suffix of a price for a service tier.
const TIERS: [(&str, Tier); 5] = [
    ("_batches", Tier::Batch),
    ("_flex", Tier::Flex),
    ("_priority", Tier::Priority),
    ("_ultrafast", Tier::Ultrafast),
    ("_balanced", Tier::Balanced),
];

/// The prices of tokens.
const TOKENS: [(&str, Rate); 11] = [
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

/// Reads the file. A model that the file has under several keys is returned once for each of them, in the file's
/// order.
pub fn read(text: &str, providers: &Providers) -> Result<Vec<SourceModel>, Error> {
    let entries: BTreeMap<String, Entry> =
        serde_json::from_str(text).map_err(|e| Error::Json("LiteLLM", e))?;
    let mut models = Vec::new();
    let mut names = HashMap::new();
    for (key, entry) in &entries {
        if let Some((region, model)) = model(key, entry, providers) {
            names.insert(key.as_str(), (model.provider.clone(), model.line.model.clone()));
            // A commitment is bought by the hour: no call has a price.
            if !region.contains("commitment") && !model.versions[0].rows.is_empty() {
                models.push(model);
            }
        }
    }
    for (key, entry) in &entries {
        let Some(target) = text_of(entry, "alias_of") else { continue };
        let Some((provider, model)) = names.get(target.as_str()) else { continue };
        let alias = providers.strip(provider, key).to_owned();
        let found = models.iter_mut().find(|m| m.provider == *provider && m.line.model == *model);
        if let Some(found) = found.filter(|found| found.line.model != alias) {
            found.line.aliases.push(alias);
        }
    }
    Ok(models)
}

fn model(key: &str, entry: &Entry, providers: &Providers) -> Option<(String, SourceModel)> {
    let name = text_of(entry, "litellm_provider").filter(|_| key != "sample_spec")?;
    let provider = providers.id(&name);
    let id = providers.strip(&provider, key);
    let (region, id) = region(&provider, id);
    if id.contains([',', '|', '\n']) {
        return None;
    }
    let line = ModelLine {
        model: id.to_owned(),
        mode: text_of(entry, "mode").map_or(Mode::Unknown, |mode| self::mode(&mode)),
        inputs: inputs(entry),
        retires_on: text_of(entry, "deprecation_date").and_then(|date| date.parse::<Date>().ok()),
        successor: text_of(entry, "successor_model").map_or_else(String::new, |model| {
            self::region(&provider, providers.strip(&provider, &model)).1.to_owned()
        }),
        context_tokens: count(entry, "max_input_tokens"),
        output_tokens: count(entry, "max_output_tokens"),
        ..ModelLine::default()
    };
    let version = version(&provider, &line, entry, region);
    let model =
        SourceModel { provider, line, versions: vec![version], verified: None, rank: providers.rank(&name) };
    Some((region.to_owned(), model))
}

/// Splits the region off an id such as `eu/gpt-4o` at Azure or `us-east-1/amazon.nova-pro-v1:0` at AWS.
fn region<'i>(provider: &str, id: &'i str) -> (&'i str, &'i str) {
    let Some((first, rest)) = id.split_once('/') else { return ("", id) };
    if rest.contains("-month-commitment/") {
        return ("commitment", rest);
    }
    match provider {
        "azure" if first == "global-standard" => ("global", rest),
        "azure" if ["us", "eu", "global", "apac", "us-gov"].contains(&first) => (first, rest),
        "aws" if first.split('-').count() >= 3 && first.ends_with(|c: char| c.is_ascii_digit()) => {
            (first, rest)
        }
        _ => ("", id),
    }
}

fn version(provider: &str, line: &ModelLine, entry: &Entry, region: &str) -> Version {
    let mut version = tokens(provider, &line.model, entry);
    tiered(entry, &mut version);
    units(provider, line, entry, &mut version);
    images_at_the_price_of_text(provider, line, entry, &mut version);
    fill(&mut version);
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

/// The prices of tokens, by tier and threshold, as the keys spell them.
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

/// What a key such as `input_cost_per_token_above_200k_tokens_priority` is the price of.
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
        // A cached token of a range that names no price for it is input, not a cached token of the first range.
        if rates.get(Rate::CacheRead).is_none() {
            rates.set(Rate::CacheRead, rates.get(Rate::Input));
        }
        version.set(Conditions { above_input_tokens: start, ..Conditions::default() }, rates);
    }
}

/// Prices of what is billed by count; they belong to the base row.
fn units(provider: &str, line: &ModelLine, entry: &Entry, version: &mut Version) {
    let (mode, model) = (line.mode, line.model.as_str());
    let price = |key: &str| entry.get(key).and_then(|raw| number(raw)).and_then(|price| pico(price, 1));
    let nonzero = |key: &str| price(key).filter(|price| *price > 0);
    let mut rates = version.get(&Conditions::default()).copied().unwrap_or_default();
    let search = entry.get("search_context_cost_per_query").and_then(|raw| {
        let sizes: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get()).ok()?;
        number(sizes.get("search_context_size_medium")?)
    });
    // Perplexity's fee for searching is in the fee of each request.
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

/// A chat model that takes images, and whose entry has no other price for them, bills them as it bills text. The same
/// goes for audio at Google alone, which states one price "text, image, video, audio" for those models.
fn images_at_the_price_of_text(provider: &str, line: &ModelLine, entry: &Entry, version: &mut Version) {
    if line.mode != Mode::Chat {
        return;
    }
    let takes = |kind: &str| line.inputs.iter().any(|input| input == kind);
    let known = |rate: Rate| version.rows.iter().any(|(_, rates)| rates.get(rate).is_some());
    let image = takes("image") && !known(Rate::InputImage) && !entry.contains_key("input_cost_per_image");
    let audio = provider == "google" && takes("audio") && !known(Rate::InputAudio);
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

/// Completes the rows of tiers and thresholds: what such a row leaves out costs what it costs without the condition.
/// A cache write for an hour is left out where a shorter one is given, since its multiple is of the row's own input.
fn fill(version: &mut Version) {
    let stated = version.clone();
    let at = |tier, above_input_tokens| Conditions { tier, above_input_tokens, ..Conditions::default() };
    for (own, rates) in &stated.rows {
        let mut filled = *rates;
        let mut sources = vec![at(own.tier, 0), at(Tier::Standard, 0)];
        if own.tier != Tier::Batch {
            sources.insert(0, at(Tier::Standard, own.above_input_tokens));
        }
        for source in sources.iter().filter(|source| *source != own) {
            if let Some(source) = stated.get(source) {
                filled.fill_from(source);
            }
        }
        if own.tier != Tier::Standard && rates.get(Rate::CacheWrite5m).is_some() {
            filled.set(Rate::CacheWrite1h, rates.get(Rate::CacheWrite1h));
        }
        version.set(own.clone(), filled);
    }
}

/// Fireworks bills a cached token of a model at half the price of input where it states no other price:
/// docs.fireworks.ai/guides/prompt-caching.
fn cached_at_half_the_price(version: &mut Version) {
    for (_, rates) in &mut version.rows {
        if let (Some(input), None) = (rates.get(Rate::Input), rates.get(Rate::CacheRead)) {
            rates.set(Rate::CacheRead, Some(input / 2));
        }
    }
}

/// Hours with a price of their own.
fn off_peak(entry: &Entry, version: &mut Version) {
    let Some(block) = entry.get("off_peak_pricing") else { return };
    let Ok(block) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(block.get()) else { return };
    let shift = match text_of(&block, "weekday_timezone").as_deref() {
        None | Some("UTC") => 0,
        Some("Asia/Shanghai") => 16,
        Some(_) => return,
    };
    let windows =
        block.get("windows").and_then(|raw| serde_json::from_str::<Vec<serde_json::Value>>(raw.get()).ok());
    let mut window = Window::NEVER;
    for span in windows.unwrap_or_default() {
        let days: Vec<usize> = span["weekdays"].as_array().map_or_else(
            || (0..7).collect(),
            |days| {
                days.iter().filter_map(|day| usize::try_from(day.as_u64()?).ok()?.checked_sub(1)).collect()
            },
        );
        let hours = &span["hours_utc"];
        let hours: Vec<_> = hours.as_array().map_or_else(|| vec![hours], |hours| hours.iter().collect());
        for hours in hours.iter().filter_map(|hours| hours.as_str()) {
            add_hours(&mut window, hours, &days, shift);
        }
    }
    let mut rates = RateSet::default();
    for (name, rate) in TOKENS {
        rates.set(rate, block.get(name).and_then(|raw| number(raw)).and_then(|price| pico(price, 1)));
    }
    if let Some(base) = version.get(&Conditions::default()) {
        rates.fill_from(base);
    }
    version.set(Conditions { window: Some(window), ..Conditions::default() }, rates);
}

/// Adds the hours `10:00-00:00` (UTC) of days that are counted `shift` half hours east of UTC.
fn add_hours(window: &mut Window, hours: &str, days: &[usize], shift: usize) {
    let slot = |time: &str| -> Option<usize> {
        let (hour, minute) = time.split_once(':')?;
        Some(hour.parse::<usize>().ok()? * 2 + minute.parse::<usize>().ok()? / 30)
    };
    let Some((from, to)) = hours.split_once('-') else { return };
    let (Some(from), Some(to)) = (slot(from), slot(to)) else { return };
    let inside = |slot: usize| if from < to { (from..to).contains(&slot) } else { slot >= from || slot < to };
    for slot in (0..7 * 48).filter(|slot| inside(slot % 48)) {
        if days.contains(&((slot + shift) / 48 % 7)) {
            window.add(slot);
        }
    }
}

/// Regions and speeds that are priced as a multiple of everything else.
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

fn inputs(entry: &Entry) -> Vec<String> {
    let modalities: Vec<String> = entry
        .get("supported_modalities")
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let says = |key: &str| entry.get(key).is_some_and(|raw| raw.get() == "true");
    [("image", "supports_vision"), ("audio", "supports_audio_input"), ("video", "supports_video_input")]
        .into_iter()
        .filter(|(kind, key)| says(key) || modalities.iter().any(|modality| modality == kind))
        .map(|(kind, _)| kind.to_owned())
        .collect()
}

fn mode(mode: &str) -> Mode {
    match mode {
        "chat" | "responses" => Mode::Chat,
        "completion" => Mode::Completion,
        "embedding" => Mode::Embedding,
        "image_generation" | "image_edit" => Mode::Image,
        "audio_transcription" => Mode::Transcription,
        "audio_speech" => Mode::Speech,
        "video_generation" => Mode::Video,
        "realtime" => Mode::Realtime,
        "rerank" => Mode::Rerank,
        "search" => Mode::Search,
        "ocr" => Mode::Ocr,
        "moderation" => Mode::Moderation,
        _ => Mode::Other,
    }
}

fn text_of(entry: &Entry, key: &str) -> Option<String> {
    serde_json::from_str(entry.get(key)?.get()).ok()
}

fn count(entry: &Entry, key: &str) -> Option<u64> {
    u64::try_from(number(entry.get(key)?)?).ok().filter(|count| *count > 0)
}
