//! Reads `prices/data.json` of genai-prices.

use std::collections::BTreeSet;

use ledger::pricing::data::{Date, Mode, ModelLine, Rate, RateSet, Tier, Window};
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::matching::Rule;
use crate::providers::Providers;
use crate::source::{Conditions, SourceModel, Version, of_tier, pico, set_cache_write};
use crate::{Error, number};

/// The models of the file, and the rules that say which ids mean them.
#[derive(Debug)]
pub struct Catalog {
    /// By provider, in the order of the file: an id means the first model whose rule matches.
    pub models: Vec<(SourceModel, Rule)>,
}

impl Catalog {
    /// The index of the model that `id` means at `provider`.
    pub fn find(&self, provider: &str, id: &str) -> Option<usize> {
        let id = id.to_lowercase();
        self.models.iter().position(|(model, rule)| model.provider == provider && rule.matches(&id))
    }
}

/// The prices per million tokens.
const TOKENS: [(&str, Rate); 9] = [
    ("input_mtok", Rate::Input),
    ("output_mtok", Rate::Output),
    ("cache_read_mtok", Rate::CacheRead),
    ("cache_write_mtok", Rate::CacheWrite5m),
    ("cache_write_1h_mtok", Rate::CacheWrite1h),
    ("input_audio_mtok", Rate::InputAudio),
    ("input_image_mtok", Rate::InputImage),
    ("output_audio_mtok", Rate::OutputAudio),
    ("cache_audio_read_mtok", Rate::CacheReadAudio),
];

/// The prices of units, and the number of units that they are for.
const UNITS: [(&str, Rate, u64); 7] = [
    ("web_searches_kcount", Rate::WebSearch, 1000),
    ("storage_searches_kcount", Rate::FileSearch, 1000),
    ("audio_hours", Rate::AudioSeconds, 3600),
    ("input_audio_hours", Rate::AudioSeconds, 3600),
    ("requests_kcount", Rate::Requests, 1000),
    ("input_document_kpages", Rate::Pages, 1000),
    ("input_mchars", Rate::Characters, 1_000_000),
];

/// Reads the file as of `today`.
pub fn read(text: &str, providers: &Providers, today: Date) -> Result<Catalog, Error> {
    let file: Vec<Value> = serde_json::from_str(text).map_err(|e| Error::Json("genai-prices", e))?;
    let mut catalog = Catalog { models: Vec::new() };
    for provider in &file {
        let id = providers.id(provider["id"].as_str().unwrap_or_default());
        for entry in provider["models"].as_array().into_iter().flatten() {
            let rule = Rule::read(&entry["match"]).map_err(Error::GenaiPrices)?;
            let model = model(&id, entry, &rule, today).map_err(Error::GenaiPrices)?;
            if !model.versions.iter().all(|version| version.rows.is_empty()) {
                catalog.models.push((model, rule));
            }
        }
    }
    keep_unambiguous_aliases(&mut catalog);
    Ok(catalog)
}

/// Keeps the text of a rule as an alias only if the file's rules map it to this model, and no model has it as its id.
fn keep_unambiguous_aliases(catalog: &mut Catalog) {
    let ids: BTreeSet<_> =
        catalog.models.iter().map(|(m, _)| (m.provider.clone(), m.line.model.to_lowercase())).collect();
    for place in 0..catalog.models.len() {
        let provider = catalog.models[place].0.provider.clone();
        let mut aliases = std::mem::take(&mut catalog.models[place].0.line.aliases);
        aliases.retain(|alias| {
            catalog.find(&provider, alias) == Some(place) && !ids.contains(&(provider.clone(), alias.clone()))
        });
        aliases.sort();
        aliases.dedup();
        catalog.models[place].0.line.aliases = aliases;
    }
}

fn model(provider: &str, entry: &Value, rule: &Rule, today: Date) -> Result<SourceModel, String> {
    let id = entry["id"].as_str().ok_or("a model without an id")?;
    let lower = id.to_lowercase();
    let usable =
        |text: &&str| !text.ends_with(['-', '@', ':', '.']) && *text != lower && !text.contains([',', '|']);
    let mut line = ModelLine {
        model: id.to_owned(),
        aliases: rule.texts().into_iter().filter(usable).map(str::to_owned).collect(),
        deprecated: entry["deprecated"].as_bool().unwrap_or(false),
        context_tokens: entry["context_window"].as_u64().filter(|tokens| *tokens > 0),
        ..ModelLine::default()
    };
    let mut versions = versions(&lower, &entry["prices"], today)?;
    if let Some(current) = versions.iter_mut().rfind(|version| version.from.is_none_or(|from| from <= today))
    {
        variants(provider, &lower, entry, current, today);
    }
    line.mode = mode(&lower, &versions);
    let verified = entry["price_comments"].as_str().and_then(|comment| last_date(comment, today));
    Ok(SourceModel { provider: provider.to_owned(), line, versions, verified, rank: 0 })
}

/// `prices` is one object, or a list of objects with conditions, of which the last that is met applies.
fn versions(model: &str, prices: &Value, today: Date) -> Result<Vec<Version>, String> {
    let Some(list) = prices.as_array() else {
        let rows = rows(model, Tier::Standard, prices, None);
        return Ok(vec![Version { from: None, rows }]);
    };
    let mut versions = vec![Version::default()];
    let mut windows = Vec::new();
    for conditional in list {
        let constraint = &conditional["constraint"];
        let rows = rows(model, Tier::Standard, &conditional["prices"], None);
        if let Some(start) = constraint["start_date"].as_str() {
            versions.push(Version { from: Some(start.parse()?), rows });
        } else if let Some(start) = constraint["start_time"].as_str() {
            windows.push((window(start, constraint["end_time"].as_str().unwrap_or_default())?, rows));
        } else {
            versions[0].rows = rows;
        }
    }
    versions.sort_by_key(|version| version.from);
    // The format cannot express both a day and hours, so hours are part of the current version.
    if let Some(current) = versions.iter_mut().rfind(|version| version.from.is_none_or(|from| from <= today))
    {
        for (window, rows) in windows {
            for (conditions, rates) in rows {
                current.set(Conditions { window: Some(window), ..conditions }, rates);
            }
        }
    }
    Ok(versions)
}

/// The window from `start` to `end` (UTC) of every day, in half hours.
fn window(start: &str, end: &str) -> Result<Window, String> {
    let slot = |time: &str| -> Result<usize, String> {
        let malformed = || format!("{time:?} is not a time in UTC");
        let number = |range: std::ops::Range<usize>| -> Result<usize, String> {
            time.get(range).and_then(|part| part.parse().ok()).ok_or_else(malformed)
        };
        if !matches!(time.get(8..), Some("" | "Z" | "+00:00")) {
            return Err(malformed());
        }
        Ok(number(0..2)? * 2 + number(3..5)? / 30)
    };
    let (from, to) = (slot(start)?, slot(end)?);
    let mut window = Window::NEVER;
    for day in 0..7 {
        let inside =
            |slot: &usize| if from < to { (from..to).contains(slot) } else { *slot >= from || *slot < to };
        (0..48).filter(inside).for_each(|slot| window.add(day * 48 + slot));
    }
    Ok(window)
}

/// The rows of a price object: one, and one for each threshold. Rates that the object lacks are taken from the
/// `standard` prices of its provider.
fn rows(
    model: &str,
    tier: Tier,
    prices: &Value,
    standard: Option<(&str, &Version)>,
) -> Vec<(Conditions, RateSet)> {
    let empty = Map::new();
    let prices = prices.as_object().unwrap_or(&empty);
    let mut steps: BTreeSet<u64> = prices.values().flat_map(tiers).map(|(start, _)| start).collect();
    steps.insert(0);
    let at = |above_input_tokens| Conditions { above_input_tokens, ..Conditions::default() };
    if let Some((_, standard)) = standard {
        steps.extend(standard.rows.iter().map(|(conditions, _)| conditions.above_input_tokens));
    }
    let mut version = Version::default();
    for step in steps {
        let mut rates = RateSet::default();
        for (name, rate) in TOKENS {
            let price = price_at(prices.get(name), step).and_then(|price| pico(price, 1_000_000));
            match rate {
                Rate::CacheWrite5m => set_cache_write(&mut rates, model, price),
                _ => rates.set(rate, price),
            }
        }
        let image = price_at(prices.get("output_image_mtok"), step).and_then(|price| pico(price, 1_000_000));
        rates.set(Rate::OutputImage, image);
        for (name, rate, per) in UNITS {
            if let Some(price) = price_at(prices.get(name), step).and_then(|price| pico(price, per)) {
                rates.set(rate, Some(price));
            }
        }
        if let Some((provider, standard)) = standard {
            let mut steps = standard
                .rows
                .iter()
                .filter(|(own, _)| own.above_input_tokens <= step && own.window.is_none());
            if let Some((_, base)) = steps.rfind(|(own, _)| *own == at(own.above_input_tokens)) {
                rates.fill_from(&of_tier(provider, base, &rates));
            }
        }
        version.set(Conditions { tier, above_input_tokens: step, ..Conditions::default() }, rates);
    }
    version.rows
}

fn tiers(price: &Value) -> Vec<(u64, &Value)> {
    let tiers = price["tiers"].as_array().into_iter().flatten();
    tiers.filter_map(|tier| Some((tier["start"].as_u64()?, &tier["price"]))).collect()
}

fn price_at(price: Option<&Value>, step: u64) -> Option<Decimal> {
    let price = price?;
    let step = tiers(price).into_iter().rfind(|(start, _)| *start <= step && step > 0);
    let value =
        step.map_or_else(|| if price.is_object() { &price["base"] } else { price }, |(_, price)| price);
    number(&RawValue::from_string(value.to_string()).ok()?)
}

/// The current prices of service tiers. Their start is the day on which the list's authors first checked them, so they
/// are used for the whole of the current version.
fn variants(provider: &str, model: &str, entry: &Value, current: &mut Version, today: Date) {
    let standard = current.clone();
    let has_begun = |variant: &&Value| {
        let start = variant["constraint"]["start_date"].as_str().and_then(|start| start.parse::<Date>().ok());
        start.is_none_or(|start| start <= today)
    };
    let variants = entry["price_variants"].as_array().map_or(&[][..], Vec::as_slice);
    // The first one that applies takes precedence, so it is set last.
    for variant in variants.iter().filter(has_begun).rev() {
        let when = &variant["when"];
        let tier = match (when["processing"].as_str(), when["service_tier"].as_str(), when["speed"].as_str())
        {
            (Some("batch"), None, None) => Tier::Batch,
            (None, Some("flex"), None) => Tier::Flex,
            (None, Some("priority"), None) => Tier::Priority,
            (None, Some("fast"), None) | (None, None, Some("fast")) => Tier::Fast,
            _ => continue,
        };
        let mut base = standard.clone();
        if provider == "anthropic" {
            // The price of a write for an hour is derived from the tier's own input price.
            base.rows.iter_mut().for_each(|(_, rates)| rates.set(Rate::CacheWrite1h, None));
        }
        let rows = rows(model, tier, &variant["prices"], Some((provider, &base)));
        for (conditions, rates) in rows {
            current.set(conditions, rates);
        }
    }
}

/// Guesses the mode, which the file does not have. A model with a price for output tokens is assumed to be a chat
/// model, unless its name says otherwise.
fn mode(id: &str, versions: &[Version]) -> Mode {
    let is = |words: &[&str]| words.iter().any(|word| id.contains(word));
    let output =
        versions.iter().flat_map(|version| &version.rows).any(|(_, rates)| rates.get(Rate::Output) > Some(0));
    if is(&["embed", "voyage-"]) {
        Mode::Embedding
    } else if is(&["rerank"]) {
        Mode::Rerank
    } else if is(&["tts", "speech"]) {
        Mode::Speech
    } else if is(&["whisper", "transcribe"]) {
        Mode::Transcription
    } else if is(&["realtime", "-live"]) {
        Mode::Realtime
    } else if is(&["image", "dall-e", "flux"]) {
        Mode::Image
    } else if is(&["ocr"]) {
        Mode::Ocr
    } else if output {
        Mode::Chat
    } else {
        Mode::Unknown
    }
}

/// The last day that a note names, such as "verified on 2026-10-14".
fn last_date(note: &str, today: Date) -> Option<Date> {
    let days = note.char_indices().filter_map(|(at, _)| note.get(at..at + 10)?.parse::<Date>().ok());
    days.filter(|day| *day <= today).max()
}
