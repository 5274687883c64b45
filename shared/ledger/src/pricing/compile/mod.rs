//! Turns the data files into the tables that the program reads in place: nothing is parsed or allocated at start.
//!
//! Numbers are little-endian `u32`s unless said otherwise, and a text is its offset and length in one pool of strings.
//! The layouts are those of [`tables`](super::tables), which reads them; a test compares every row of the files with
//! what the tables say.

mod families;
mod pool;
mod rows;
mod spellings;

use std::collections::BTreeMap;

use super::data::{
    AliasLine, FamilyLine, LifecycleLine, Malformed, Mode, ModelLine, OverrideLine, PriceLine, ProviderLine,
    RULES,
};
use families::family_of;
use pool::{Pool, Slots, Strings, push};
use rows::Rows;
#[cfg(test)]
pub(in crate::pricing) use spellings::complete as complete_spellings;

/// The texts of the data files.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// `providers.csv`.
    pub providers: String,
    /// `aliases.csv`.
    pub aliases: String,
    /// `overrides.csv`.
    pub overrides: String,
    /// `families.csv`.
    pub families: String,
    /// `lifecycle.csv`.
    pub lifecycle: String,
    /// `models/<provider>.csv`, by provider.
    pub models: BTreeMap<String, String>,
    /// `prices/<provider>.csv`, by provider.
    pub prices: BTreeMap<String, String>,
}

/// The compiled tables.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The pool of strings.
    pub strings: String,
    /// Providers.
    pub providers: Vec<u8>,
    /// Names of providers: a hash table.
    pub provider_names: Vec<u8>,
    /// Models, by provider and id.
    pub models: Vec<u8>,
    /// Names of models: a hash table.
    pub model_names: Vec<u8>,
    /// Prefix aliases.
    pub prefixes: Vec<u8>,
    /// Texts that prefix aliases do not catch.
    pub exceptions: Vec<u8>,
    /// Price rows.
    pub rows: Vec<u8>,
    /// Rate sets: a mask of 32 bits, then a `u16` for each bit, its place in `prices`.
    pub rates: Vec<u8>,
    /// Prices in picodollars, as `u64`.
    pub prices: Vec<u8>,
    /// Regions.
    pub regions: Vec<u8>,
    /// Windows: six `u64` each.
    pub windows: Vec<u8>,
    /// Lifecycle of each model.
    pub catalog: Vec<u8>,
    /// The aliases of the models.
    pub aliases: Vec<u8>,
}

/// The files of one provider, read.
struct Provider {
    line: ProviderLine,
    models: Vec<ModelLine>,
    prices: Vec<PriceLine>,
    aliases: Vec<AliasLine>,
}

/// The tables of a book.
///
/// # Errors
///
/// The first line that breaks a rule, of its own or together with others. Nothing is guessed or skipped.
pub fn compile(texts: &Texts) -> Result<Compiled, Malformed> {
    let providers = read(texts)?;
    let overrides = OverrideLine::read("overrides.csv", &texts.overrides)?;
    let families = FamilyLine::read("families.csv", &texts.families)?;
    let mut tables = Builder::default();
    for (place, provider) in providers.iter().enumerate() {
        tables.provider(u32_of(place), provider, &overrides, &families).map_err(|problem| Malformed {
            file: format!("{}.csv", provider.line.id),
            line: 0,
            problem,
        })?;
    }
    tables.finish().map_err(|problem| Malformed { file: "providers.csv".to_owned(), line: 0, problem })
}

fn read(texts: &Texts) -> Result<Vec<Provider>, Malformed> {
    let mut lines: BTreeMap<String, ProviderLine> = ProviderLine::read("providers.csv", &texts.providers)?
        .into_iter()
        .map(|line| (line.id.clone(), line))
        .collect();
    // A provider that needs no names, rules or multiples needs no line.
    for id in texts.models.keys().chain(texts.prices.keys()) {
        lines.entry(id.clone()).or_insert_with(|| ProviderLine {
            id: id.clone(),
            names: Vec::new(),
            rules: Vec::new(),
            write_5m: None,
            write_1h: None,
        });
    }
    let mut aliases: BTreeMap<String, Vec<AliasLine>> = BTreeMap::new();
    for line in AliasLine::read("aliases.csv", &texts.aliases)? {
        aliases.entry(line.provider.clone()).or_default().push(line);
    }
    let lifecycle = LifecycleLine::read("lifecycle.csv", &texts.lifecycle)?;
    let mut providers = Vec::new();
    for (id, line) in lines {
        let (mut models, mut prices) = (Vec::new(), Vec::new());
        if let Some(text) = texts.models.get(&id) {
            models = ModelLine::read(&format!("models/{id}.csv"), text)?;
        }
        if let Some(text) = texts.prices.get(&id) {
            prices = PriceLine::read(&format!("prices/{id}.csv"), text)?;
        }
        for line in lifecycle.iter().filter(|line| line.provider == id) {
            for model in
                models.iter_mut().filter(|model| rows::means(&line.model, &model.model.to_ascii_lowercase()))
            {
                model.released = line.released.or(model.released);
                model.retires_on = line.retires_on.or(model.retires_on);
            }
        }
        models.sort_by_key(|model| model.model.to_ascii_lowercase());
        providers.push(Provider { line, models, prices, aliases: aliases.remove(&id).unwrap_or_default() });
    }
    match aliases.into_keys().next() {
        None => Ok(providers),
        Some(id) => Err(Malformed {
            file: "aliases.csv".to_owned(),
            line: 0,
            problem: format!("no provider is called {id}"),
        }),
    }
}

#[derive(Default)]
struct Builder {
    tables: Compiled,
    strings: Strings,
    provider_names: Slots,
    model_names: Slots,
    rows: Rows,
    models: u32,
}

impl Builder {
    fn provider(
        &mut self,
        place: u32,
        provider: &Provider,
        overrides: &[OverrideLine],
        families: &[FamilyLine],
    ) -> Result<(), String> {
        let Provider { line, models, prices, aliases } = provider;
        for name in std::iter::once(&line.id).chain(&line.names) {
            let text = self.strings.add(name);
            self.provider_names.add(0, name, text, place)?;
        }
        let first = self.models;
        let mut places = BTreeMap::new();
        for (offset, model) in models.iter().enumerate() {
            if places.insert(model.model.to_ascii_lowercase(), first + u32_of(offset)).is_some() {
                return Err(format!("{} is listed twice", model.model));
            }
        }
        check_names(models, aliases, &places)?;
        let mut prices = prices.clone();
        rows::decide(&line.id, &mut prices, overrides);
        let is_bedrock = line.rules.iter().any(|rule| rule == "bedrock");
        if is_bedrock {
            spellings::complete(&mut prices);
        }
        let mut by_model: BTreeMap<String, Vec<&PriceLine>> = BTreeMap::new();
        for price in &prices {
            by_model.entry(price.model.to_ascii_lowercase()).or_default().push(price);
        }
        if let Some(unknown) = by_model.keys().find(|model| !places.contains_key(*model)) {
            return Err(format!("{unknown} has prices but is no model"));
        }
        for model in models {
            let key =
                if model.priced_as.is_empty() { &model.model } else { &model.priced_as }.to_ascii_lowercase();
            let target = *places.get(&key).ok_or_else(|| format!("{key} is no model"))?;
            if !model.priced_as.is_empty() && by_model.contains_key(&model.model.to_ascii_lowercase()) {
                return Err(format!("{} is priced as another model and has prices of its own", model.model));
            }
            let prices = by_model.get(&key).map_or(&[][..], Vec::as_slice);
            let (start, len) = self.rows.add(&line.id, &key, prices, &mut self.strings)?;
            let id = self.strings.add(&model.model);
            self.model_names.add(place, &model.model, id, self.models)?;
            push(&mut self.tables.models, &[place, id.0, id.1, start, len, target]);
            self.catalog(place, &line.id, model, aliases, families)?;
            self.models += 1;
        }
        for (name, model) in if is_bedrock { spellings::short_names(models, first) } else { Vec::new() } {
            let text = self.strings.add(&name);
            self.model_names.add(place, &name, text, model)?;
        }
        let prefix_start = u32_of(self.tables.prefixes.len() / 20);
        self.prefixes(aliases, &places);
        let prefix_len = u32_of(self.tables.prefixes.len() / 20) - prefix_start;
        let mut rules = 0;
        for rule in &line.rules {
            let bit =
                RULES.iter().position(|known| known == rule).ok_or_else(|| format!("{rule} is no rule"))?;
            rules |= 1 << bit;
        }
        let multiple =
            |multiple: Option<u64>| multiple.map_or(0, |multiple| u32::try_from(multiple).unwrap_or(0));
        let id = self.strings.add(&line.id);
        let (write_5m, write_1h) = (multiple(line.write_5m), multiple(line.write_1h));
        let models = self.models - first;
        push(
            &mut self.tables.providers,
            &[id.0, id.1, rules, write_5m, write_1h, first, models, prefix_start, prefix_len],
        );
        Ok(())
    }

    fn prefixes(&mut self, aliases: &[AliasLine], places: &BTreeMap<String, u32>) {
        // Longest first: the first one that matches is the longest.
        let mut prefixes: Vec<_> = aliases.iter().filter(|line| line.prefix).collect();
        prefixes.sort_by_key(|line| std::cmp::Reverse(line.alias.len()));
        for line in prefixes {
            let Some(model) = places.get(&line.model.to_ascii_lowercase()) else { continue };
            let start = u32_of(self.tables.exceptions.len() / 8);
            for exception in &line.exceptions {
                let text = self.strings.add(exception);
                push(&mut self.tables.exceptions, &[text.0, text.1]);
            }
            let text = self.strings.add(&line.alias);
            push(&mut self.tables.prefixes, &[text.0, text.1, *model, start, u32_of(line.exceptions.len())]);
        }
    }

    fn catalog(
        &mut self,
        provider_place: u32,
        provider: &str,
        model: &ModelLine,
        aliases: &[AliasLine],
        families: &[FamilyLine],
    ) -> Result<(), String> {
        let family = family_of(families, provider, &model.model);
        let (developer, name, tier) = family.map_or(("", "", 0), |family| {
            let tiers = ["", "economy", "standard", "flagship"];
            let tier = tiers.iter().position(|tier| *tier == family.tier).map_or(0, u32_of);
            (family.developer.as_str(), family.family.as_str(), tier)
        });
        let mode = Mode::ALL.iter().position(|mode| *mode == model.mode).map_or(0, u32_of);
        let mut inputs = 0;
        for input in &model.inputs {
            let bit = ["image", "audio", "video"].iter().position(|known| known == input);
            inputs |= 1 << bit.ok_or_else(|| format!("{input} is no kind of input"))?;
        }
        let own = model.aliases.iter().map(|alias| ('=', alias));
        let stated = aliases.iter().filter(|line| line.model.eq_ignore_ascii_case(&model.model));
        let stated = stated.map(|line| (if line.prefix { '^' } else { '=' }, &line.alias));
        let start = u32_of(self.tables.aliases.len() / 8);
        for (kind, alias) in own.chain(stated) {
            let text = self.strings.add(&format!("{kind}{alias}"));
            push(&mut self.tables.aliases, &[text.0, text.1]);
            if kind == '=' {
                self.model_names.add(provider_place, alias, (text.0 + 1, text.1 - 1), self.models)?;
            }
        }
        let len = u32_of(self.tables.aliases.len() / 8) - start;
        let successor = self.strings.add(&model.successor);
        let developer = self.strings.add(developer);
        let name = self.strings.add(name);
        let day = |day: Option<super::data::Date>| day.map_or(0, |day| day.0);
        let count = |count: Option<u64>| count.map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX));
        // The list of LiteLLM is the one that names retirement days.
        let listed = u32::from(model.source.contains("litellm"));
        let flags = mode | u32::from(model.deprecated) << 8 | listed << 9 | tier << 16 | inputs << 24;
        push(
            &mut self.tables.catalog,
            &[
                flags,
                day(model.released),
                day(model.retires_on),
                successor.0,
                successor.1,
                developer.0,
                developer.1,
                name.0,
                name.1,
                count(model.context_tokens),
                count(model.output_tokens),
                start,
                len,
            ],
        );
        Ok(())
    }

    fn finish(self) -> Result<Compiled, String> {
        let Self { mut tables, strings, provider_names, model_names, rows, .. } = self;
        let Pool { rows, rates, prices, regions, windows } = rows.finish()?;
        tables.strings = strings.text;
        tables.provider_names = provider_names.table();
        tables.model_names = model_names.table();
        Ok(Compiled { rows, rates, prices, regions, windows, ..tables })
    }
}

/// A place or length. The book has some thousand rows.
fn u32_of(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// An alias means one model; an alias that is also an id would never be reached.
fn check_names(
    models: &[ModelLine],
    aliases: &[AliasLine],
    places: &BTreeMap<String, u32>,
) -> Result<(), String> {
    let unknown = aliases.iter().find(|line| !places.contains_key(&line.model.to_ascii_lowercase()));
    if let Some(line) = unknown {
        return Err(format!("the alias {} means no model", line.alias));
    }
    let mut names = BTreeMap::new();
    let of_models =
        models.iter().flat_map(|model| model.aliases.iter().map(move |alias| (alias, &model.model)));
    let of_people = aliases.iter().filter(|line| !line.prefix).map(|line| (&line.alias, &line.model));
    for (alias, model) in of_models.chain(of_people) {
        let key = alias.to_ascii_lowercase();
        if places.contains_key(&key) {
            return Err(format!("the alias {alias} of {model} is the id of a model"));
        }
        if names.insert(key, model).is_some_and(|other| other != model) {
            return Err(format!("the alias {alias} of {model} already means another model"));
        }
    }
    Ok(())
}
