//! Small books for tests, and the text of the book that ships with the program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::catalog::Book;
use super::compile::{Texts, compile, complete_spellings};
use super::data::{Malformed, ModelLine, OverrideLine, PriceLine};
use super::tables::Tables;

/// A book of the given texts, without their headers. A model that only has prices is added.
pub(super) struct Sketch {
    texts: Texts,
}

impl Sketch {
    /// A book without any line.
    pub(super) fn new() -> Self {
        let texts = Texts {
            providers: "provider,names,rules,write_5m,write_1h,note\n".into(),
            aliases: "provider,alias,model,reason\n".into(),
            overrides: "provider,model,tier,rates,decided,reason\n".into(),
            families: "developer,family,tier,patterns,note\n".into(),
            lifecycle: "provider,model,released,retires_on,reason\n".into(),
            ..Texts::default()
        };
        Self { texts }
    }

    /// Adds a line of `providers.csv`.
    pub(super) fn provider(mut self, line: &str) -> Self {
        writeln!(self.texts.providers, "{line}").unwrap();
        self
    }

    /// Adds a line of `aliases.csv`.
    pub(super) fn alias(mut self, line: &str) -> Self {
        writeln!(self.texts.aliases, "{line},test").unwrap();
        self
    }

    /// Adds a line of `overrides.csv`.
    pub(super) fn decided(mut self, line: &str) -> Self {
        writeln!(self.texts.overrides, "{line},2026-01-01,test").unwrap();
        self
    }

    /// Adds a line of `lifecycle.csv`.
    pub(super) fn lifecycle(mut self, line: &str) -> Self {
        writeln!(self.texts.lifecycle, "{line},test").unwrap();
        self
    }

    /// Adds a model: `model,priced_as,aliases` and nothing else.
    pub(super) fn model(mut self, provider: &str, line: &str) -> Self {
        let header = ModelLine::COLUMNS.join(",") + "\n";
        let text = self.texts.models.entry(provider.into()).or_insert(header);
        writeln!(text, "{line},,,,,,,,,test,").unwrap();
        self
    }

    /// Adds a price row: `model,from,to,tier,region,window,above,rates`.
    pub(super) fn price(mut self, provider: &str, line: &str) -> Self {
        let header = PriceLine::COLUMNS.join(",") + "\n";
        let text = self.texts.prices.entry(provider.into()).or_insert(header);
        writeln!(text, "{line},test,2026-01-01").unwrap();
        self
    }

    /// Compiles the book. The tables stay for the rest of the test run.
    pub(super) fn compile(mut self) -> Result<Book, Malformed> {
        for (provider, prices) in &self.texts.prices {
            let known =
                self.texts.models.entry(provider.clone()).or_insert(ModelLine::COLUMNS.join(",") + "\n");
            for line in PriceLine::read("prices", prices)? {
                let start = format!("{},", line.model);
                if !known.lines().any(|own| own.to_lowercase().starts_with(&start.to_lowercase())) {
                    writeln!(known, "{start},,,,,,,,,,test,").unwrap();
                }
            }
        }
        let tables = compile(&self.texts)?;
        let keep = |table: Vec<u8>| -> &'static [u8] { Box::leak(table.into_boxed_slice()) };
        let tables = Tables {
            strings: Box::leak(tables.strings.into_boxed_str()),
            providers: keep(tables.providers),
            provider_names: keep(tables.provider_names),
            models: keep(tables.models),
            model_names: keep(tables.model_names),
            prefixes: keep(tables.prefixes),
            exceptions: keep(tables.exceptions),
            rows: keep(tables.rows),
            rates: keep(tables.rates),
            prices: keep(tables.prices),
            regions: keep(tables.regions),
            windows: keep(tables.windows),
            catalog: keep(tables.catalog),
            aliases: keep(tables.aliases),
        };
        Ok(Book { tables: Box::leak(Box::new(tables)) })
    }

    /// The book.
    pub(super) fn book(self) -> Book {
        self.compile().unwrap()
    }
}

/// The models and price rows of the data files, by provider, with the prices that people decided on for single models
/// and the rows that one spelling of a model at Bedrock has from another.
pub(super) fn files() -> BTreeMap<String, (Vec<ModelLine>, Vec<PriceLine>)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let decided = OverrideLine::read("overrides.csv", include_str!("../../data/overrides.csv")).unwrap();
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(data.join("models")).unwrap() {
        let path = entry.unwrap().path();
        let provider = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let models = ModelLine::read(&provider, &fs::read_to_string(&path).unwrap()).unwrap();
        let prices =
            fs::read_to_string(data.join("prices").join(path.file_name().unwrap())).unwrap_or_default();
        let mut prices =
            if prices.is_empty() { Vec::new() } else { PriceLine::read(&provider, &prices).unwrap() };
        for line in &mut prices {
            let own = decided.iter().filter(|own| own.provider == provider && own.model == line.model);
            for own in own.filter(|own| own.tier.is_none_or(|tier| tier == line.tier)) {
                own.rates.iter().for_each(|(rate, price)| line.rates.set(rate, Some(price)));
            }
        }
        if provider == "aws" {
            complete_spellings(&mut prices);
        }
        files.insert(provider, (models, prices));
    }
    files
}
