//! Builds the price book's data files from two public price lists: `prices/data.json` of pydantic/genai-prices and
//! `model_prices_and_context_window.json` of BerriAI/litellm.
//!
//! A refresh reads both lists, converts them to the terms of the book, merges them, and applies the result to the
//! existing files: prices of the past stay, and a changed price applies from the day of the refresh, or from the day
//! that a list states. Decisions of people are in separate files, which the refresh reads but never writes.

mod genai;
mod history;
mod litellm;
mod matching;
mod merge;
mod providers;
mod report;
mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use ledger::pricing::data::{Date, Malformed, ModelLine, PriceLine};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

pub use merge::Disagreement;
pub use report::Report;

/// The reason why a refresh stopped. No file has been written then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A list that is not JSON of the expected shape.
    #[error("{0}: {1}")]
    Json(&'static str, serde_json::Error),
    /// An entry of genai-prices that cannot be read.
    #[error("genai-prices: {0}")]
    GenaiPrices(String),
    /// A data file of the book that cannot be read.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// A data file that cannot be opened or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
}

/// The files of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderFiles {
    /// `models/<provider>.csv`.
    pub models: Vec<ModelLine>,
    /// `prices/<provider>.csv`.
    pub prices: Vec<PriceLine>,
}

/// The files that a refresh writes, by provider.
pub type Files = BTreeMap<String, ProviderFiles>;

/// The two lists, and when they were read.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'l> {
    /// The text of genai-prices' `data.json`.
    pub genai_prices: &'l str,
    /// The text of `LiteLLM`'s `model_prices_and_context_window.json`.
    pub litellm: &'l str,
    /// The day of the refresh.
    pub today: Date,
}

/// Decisions of people: the texts of files that a refresh reads and never writes.
#[derive(Clone, Debug)]
pub struct Decisions {
    /// `providers.csv`.
    pub providers: String,
    /// `preferences.csv`.
    pub preferences: String,
}

impl Decisions {
    /// Reads the files in `data`.
    pub fn read(data: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = data.join(name);
            std::fs::read_to_string(&path).map_err(|e| Error::File(path.display().to_string(), e))
        };
        Ok(Self { providers: read("providers.csv")?, preferences: read("preferences.csv")? })
    }
}

/// Applies both lists to `files`.
pub fn refresh(files: &Files, decisions: &Decisions, lists: Lists<'_>) -> Result<(Files, Report), Error> {
    let providers = providers::Providers::read(&decisions.providers)?;
    let preferences = providers::Preferences::read(&decisions.preferences)?;
    let genai = genai::read(lists.genai_prices, &providers, lists.today)?;
    let litellm = litellm::read(lists.litellm, &providers)?;
    let (merged, disagreements) = merge::merge(genai, litellm, &preferences, lists.today);
    let (new, mut report) = history::lay_over(files, merged, lists.today);
    report.disagreements = disagreements;
    Ok((new, report))
}

/// Reads the files below `data`.
pub fn read_files(data: &Path) -> Result<Files, Error> {
    let mut files = Files::new();
    for (folder, is_models) in [("models", true), ("prices", false)] {
        let folder = data.join(folder);
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.map_err(|e| Error::File(folder.display().to_string(), e))?.path();
            let Some(provider) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else {
                continue;
            };
            let name = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|e| Error::File(name.clone(), e))?;
            let provider = files.entry(provider).or_default();
            if is_models {
                provider.models = ModelLine::read(&name, &text)?;
            } else {
                provider.prices = PriceLine::read(&name, &text)?;
            }
        }
    }
    Ok(files)
}

/// Writes the files below `data`.
pub fn write_files(data: &Path, files: &Files) -> Result<(), Error> {
    let write = |path: std::path::PathBuf, text: String| {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, text))
            .map_err(|e| Error::File(path.display().to_string(), e))
    };
    for (provider, lines) in files {
        write(data.join("models").join(format!("{provider}.csv")), ModelLine::write(&lines.models))?;
        write(data.join("prices").join(format!("{provider}.csv")), PriceLine::write(&lines.prices))?;
    }
    Ok(())
}

/// A JSON number, or a number in a JSON string, with the digits that it was written with.
fn number(raw: &RawValue) -> Option<Decimal> {
    let text = raw.get().trim_matches('"');
    Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok().filter(|n| !n.is_sign_negative())
}

#[cfg(test)]
mod tests;
