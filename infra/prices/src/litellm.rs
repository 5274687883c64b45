//! Reads `model_prices_and_context_window.json` of `LiteLLM`.

use std::collections::{BTreeMap, HashMap};

use ledger::pricing::data::{Date, Mode, ModelLine};
use serde_json::value::RawValue;

use crate::providers::Providers;
use crate::source::SourceModel;
use crate::{Error, number};

mod hours;
mod prices;

use prices::version;

/// The fields of an entry, with numbers in the digits of the file.
type Entry = BTreeMap<String, Box<RawValue>>;

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
            // A commitment is bought by the hour, so its calls have no price.
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
