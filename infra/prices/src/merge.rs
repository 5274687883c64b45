//! Merges two lists of models into one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ledger::pricing::data::{Date, Mode, Rate, RateSet};

use crate::genai::Catalog;
use crate::providers::Preferences;
use crate::source::{Conditions, SourceModel, Version};

/// A model with its sources.
#[derive(Clone, Debug)]
pub struct MergedModel {
    /// The model.
    pub model: SourceModel,
    /// The lists that have it: `genai-prices`, `litellm`, or both, separated by `+`.
    pub source: &'static str,
}

/// A price about which the lists disagree.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// The provider's id.
    pub provider: String,
    /// The model's id in the list of `LiteLLM`.
    pub model: String,
    /// The rates in genai-prices.
    pub genai_prices: RateSet,
    /// The rates in `LiteLLM`.
    pub litellm: RateSet,
    /// The conditions.
    pub conditions: Conditions,
    /// The list whose price was taken.
    pub taken: &'static str,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conditions { tier, region, above_input_tokens, .. } = &self.conditions;
        write!(f, "{}/{} {tier}", self.provider, self.model)?;
        if !region.is_empty() {
            write!(f, " {region}")?;
        }
        if *above_input_tokens > 0 {
            write!(f, " above {above_input_tokens}")?;
        }
        let (mut genai, mut litellm) = (RateSet::default(), RateSet::default());
        for (rate, price) in self.genai_prices.iter() {
            if let Some(other) = self.litellm.get(rate).filter(|other| *other != price) {
                genai.set(rate, Some(price));
                litellm.set(rate, Some(other));
            }
        }
        write!(f, ": genai-prices {genai}; litellm {litellm}; taken: {}", self.taken)
    }
}

/// Merges both lists as of `today`.
pub fn merge(
    genai: Catalog,
    litellm: Vec<SourceModel>,
    preferences: &Preferences,
    today: Date,
) -> (Vec<MergedModel>, Vec<Disagreement>) {
    let litellm = one_per_id(litellm);
    // What a `-latest` name means changes. LiteLLM states each by name, while genai-prices matches them by rules.
    let stated: BTreeMap<_, _> = litellm
        .iter()
        .flat_map(|model| model.line.aliases.iter().map(move |alias| (alias, model)))
        .map(|(alias, model)| ((model.provider.clone(), alias.to_lowercase()), model.line.model.clone()))
        .collect();
    let mut places: Vec<Option<usize>> = Vec::new();
    let mut exact = Vec::new();
    for (place, model) in litellm.iter().enumerate() {
        let by_id = genai.models.iter().position(|(own, _)| {
            own.provider == model.provider && own.line.model.eq_ignore_ascii_case(&model.line.model)
        });
        let is_hosted = model.line.model.starts_with(VERTEX);
        let by_rule = || genai.find(&model.provider, &model.line.model).filter(|_| !is_hosted);
        let found = by_id.or_else(by_rule);
        places.push(found);
        exact.push((by_id.is_none(), place));
    }
    // Entries with the exact id come first: the snapshots are compared with them.
    exact.sort_unstable();
    let mut merged: Vec<_> =
        genai.models.into_iter().map(|(model, _)| MergedModel { model, source: "genai-prices" }).collect();
    let mut disagreements = Vec::new();
    let mut added = Vec::new();
    for (is_snapshot, place) in exact {
        let model = &litellm[place];
        let Some(known) = places[place].map(|known| &mut merged[known]) else {
            added.push(MergedModel { model: model.clone(), source: "litellm" });
            continue;
        };
        let found = disagreements_of(&known.model, model, preferences, today);
        let litellm_wins = found.first().is_some_and(|first| first.taken == "litellm");
        let known_price = known.model.on(today).and_then(plain_price);
        if !litellm_wins && is_of_vertex(model) && known_price != plain_price(&model.versions[0]) {
            added.push(MergedModel { model: at_vertex(model), source: "litellm" });
        }
        if !is_snapshot {
            take(known, model, today, litellm_wins);
            known.source = "genai-prices+litellm";
        } else if litellm_wins {
            added.push(MergedModel { model: model.clone(), source: "litellm" });
        } else if found.is_empty() && adds_steps(&known.model, model, today) {
            let mut model = model.clone();
            if let Some(current) = known.model.on(today) {
                model.versions[0].fill_from(current);
            }
            added.push(MergedModel { model, source: "genai-prices+litellm" });
        } else {
            if found.is_empty() {
                take(known, model, today, false);
            } else {
                take_regions(known, model, today);
            }
            let mut snapshot = SourceModel { provider: model.provider.clone(), ..SourceModel::default() };
            snapshot.line = model.line.clone();
            snapshot.line.priced_as.clone_from(&known.model.line.model);
            added.push(MergedModel { model: snapshot, source: "litellm" });
        }
        disagreements.extend(found);
    }
    merged.extend(added);
    for MergedModel { model, .. } in &mut merged {
        model.versions.iter_mut().for_each(units_in_base_row_alone);
    }
    drop_ambiguous_aliases(&mut merged, &stated);
    (merged, disagreements)
}

/// Joins the entries of several keys, including those of regions, to one model per id.
fn one_per_id(litellm: Vec<SourceModel>) -> Vec<SourceModel> {
    let mut by_id: BTreeMap<(String, String), Vec<SourceModel>> = BTreeMap::new();
    for model in litellm {
        by_id.entry((model.provider.clone(), model.line.model.to_lowercase())).or_default().push(model);
    }
    let together = by_id.into_values().flat_map(|mut models| {
        models.sort_by_key(|model| model.rank);
        let mut models = models.into_iter();
        let mut first = models.next().unwrap_or_default();
        let mut hosted = None;
        for other in models {
            let (own, theirs) = (&mut first.versions[0], &other.versions[0]);
            if own.agrees_with(theirs) {
                let known = own.clone();
                let rows = theirs.rows.iter().filter(|(conditions, _)| !is_new_step(&known, conditions));
                own.fill_from(&Version { from: None, rows: rows.cloned().collect() });
            } else if is_of_vertex(&other) && plain_price(own) != plain_price(theirs) {
                hosted.get_or_insert_with(|| at_vertex(&other));
            }
            complete(&mut first.line, &other.line);
        }
        std::iter::once(first).chain(hosted)
    });
    together.collect()
}

/// The prefix of the ids of models that Vertex AI bills at another price than the Gemini API.
const VERTEX: &str = "vertex_ai/";

/// Whether an entry is Vertex AI's for a model that the Gemini API also has. Names of the Gemini API have a better
/// rank.
fn is_of_vertex(model: &SourceModel) -> bool {
    let id = &model.line.model;
    model.provider == "google" && model.rank > 1 && (id.starts_with("gemini-") || id.starts_with("gemma-"))
}

fn at_vertex(model: &SourceModel) -> SourceModel {
    let mut hosted = model.clone();
    hosted.line.model = format!("{VERTEX}{}", model.line.model);
    hosted.line.aliases.clear();
    hosted
}

fn plain_price(version: &Version) -> Option<(Option<u64>, Option<u64>)> {
    version.get(&Conditions::default()).map(|rates| (rates.get(Rate::Input), rates.get(Rate::Output)))
}

/// Adds what `model` has and `known` lacks. Where they differ, `litellm_wins` decides.
fn take(known: &mut MergedModel, model: &SourceModel, today: Date, litellm_wins: bool) {
    complete(&mut known.model.line, &model.line);
    if model.line.mode != Mode::Unknown {
        known.model.line.mode = model.line.mode;
    }
    let theirs = &model.versions[0];
    let Some(current) = known.model.on_mut(today) else { return };
    if has_windows(theirs) {
        current.rows.clone_from(&theirs.rows);
        return;
    }
    if litellm_wins {
        let own = std::mem::replace(&mut current.rows, theirs.rows.clone());
        let same_tokens = |conditions: &Conditions, rates: &RateSet| {
            let base = Conditions { region: conditions.region.clone(), ..Conditions::default() };
            let both = [(theirs.get(&base), own.iter().find(|(other, _)| *other == base))];
            both.iter().all(|(theirs, own)| match (theirs, own) {
                (Some(theirs), Some((_, own))) => {
                    [Rate::Input, Rate::Output].iter().all(|rate| theirs.get(*rate) == own.get(*rate))
                }
                _ => false,
            }) && !rates.is_empty()
        };
        let rest =
            Version { from: None, rows: own.iter().filter(|(c, r)| same_tokens(c, r)).cloned().collect() };
        current.fill_from(&rest);
    } else {
        let rows = compatible(current, theirs);
        current.fill_from(&rows);
    }
}

/// The rows of `theirs` that may complete `own`. A step by length or a tier belongs to the plain price of its own list,
/// so a row with conditions that `own` does not have is only taken if both lists have the same plain price.
fn compatible(own: &Version, theirs: &Version) -> Version {
    let is_same = |region: &str| {
        let plain = Conditions { region: region.to_owned(), ..Conditions::default() };
        let Some(known) = own.get(&plain) else { return true };
        theirs.get(&plain).is_some_and(|other| {
            let both = [Rate::Input, Rate::Output].map(|rate| known.get(rate).zip(other.get(rate)));
            both.into_iter().flatten().all(|(own, theirs)| own == theirs)
        })
    };
    let fits = |conditions: &Conditions| {
        let region = conditions.region.as_str();
        // The price of a region by name, such as `us-gov-west-1`, does not depend on the plain one.
        own.get(conditions).is_some() || (is_same(region) && (region.contains('-') || is_same("")))
    };
    let rows = theirs.rows.iter().filter(|(conditions, _)| fits(conditions));
    Version { from: None, rows: rows.cloned().collect() }
}

/// Takes the prices of regions by name, such as `us-gov-west-1`: they do not depend on the price that is in doubt.
fn take_regions(known: &mut MergedModel, model: &SourceModel, today: Date) {
    let is_named = |region: &str| region.contains('-');
    let rows = model.versions[0].rows.iter().filter(|(conditions, _)| is_named(&conditions.region));
    let regions = Version { from: None, rows: rows.cloned().collect() };
    if let Some(current) = known.model.on_mut(today) {
        current.fill_from(&regions);
    }
}

/// Whether a row is a step by length that `version` lacks although it has prices for the tier and region. Then two APIs
/// of the provider, such as Vertex AI and the Gemini API, bill the same model in different ways.
pub fn is_new_step(version: &Version, conditions: &Conditions) -> bool {
    let plain = Conditions { above_input_tokens: 0, ..conditions.clone() };
    conditions.above_input_tokens > 0 && version.get(conditions).is_none() && version.get(&plain).is_some()
}

fn adds_steps(known: &SourceModel, model: &SourceModel, today: Date) -> bool {
    let theirs = &model.versions[0];
    known.on(today).is_some_and(|own| theirs.rows.iter().any(|(conditions, _)| is_new_step(own, conditions)))
}

fn has_windows(version: &Version) -> bool {
    version.rows.iter().any(|(conditions, _)| conditions.window.is_some())
}

/// The prices that differ between the lists. A decision of people is followed, or else the list that was checked later.
/// The notes of genai-prices state a day; without one, the list counts as checked today.
fn disagreements_of(
    genai: &SourceModel,
    litellm: &SourceModel,
    preferences: &Preferences,
    today: Date,
) -> Vec<Disagreement> {
    let (Some(own), Some(theirs)) = (genai.on(today), litellm.on(today)) else { return Vec::new() };
    if has_windows(theirs) {
        return Vec::new();
    }
    let later =
        if genai.verified.is_some_and(|verified| verified < today) { "litellm" } else { "genai-prices" };
    let taken = preferences.list(&litellm.provider, &litellm.line.model).unwrap_or(later);
    let rows = own.rows.iter().filter_map(|(conditions, rates)| {
        let other = theirs.get(conditions).filter(|other| !rates.agrees_with(other))?;
        Some(Disagreement {
            provider: litellm.provider.clone(),
            model: litellm.line.model.clone(),
            genai_prices: *rates,
            litellm: *other,
            conditions: conditions.clone(),
            taken,
        })
    });
    rows.collect()
}

/// Adds what `other` states about the lifecycle and `own` lacks.
fn complete(own: &mut ledger::pricing::data::ModelLine, other: &ledger::pricing::data::ModelLine) {
    if own.mode == Mode::Unknown {
        own.mode = other.mode;
    }
    if own.inputs.is_empty() {
        own.inputs.clone_from(&other.inputs);
    }
    if own.successor.is_empty() {
        own.successor.clone_from(&other.successor);
    }
    own.retires_on = own.retires_on.or(other.retires_on);
    own.context_tokens = own.context_tokens.or(other.context_tokens);
    own.output_tokens = own.output_tokens.or(other.output_tokens);
    own.aliases.extend(other.aliases.iter().cloned());
}

/// Drops aliases that are ids of other models, or that mean several models.
fn drop_ambiguous_aliases(merged: &mut [MergedModel], stated: &BTreeMap<(String, String), String>) {
    let ids: BTreeSet<_> =
        merged.iter().map(|m| (m.model.provider.clone(), m.model.line.model.to_lowercase())).collect();
    let mut taken = BTreeSet::new();
    for MergedModel { model, .. } in merged {
        let provider = &model.provider;
        model.line.aliases.retain(|alias| {
            let key = (provider.clone(), alias.to_lowercase());
            // Government regions have their own prices, which a rule of genai-prices overlooks.
            if provider == "aws" && alias.starts_with("us-gov.") {
                return false;
            }
            let is_stated = stated.get(&key).is_none_or(|id| id.eq_ignore_ascii_case(&model.line.model));
            is_stated && !ids.contains(&key) && taken.insert(key)
        });
        model.line.aliases.sort();
    }
}

/// Removes the prices of units from all rows but the base row, because they are the same in every row.
fn units_in_base_row_alone(version: &mut Version) {
    let Some(base) = version.get(&Conditions::default()).copied() else { return };
    for (conditions, rates) in &mut version.rows {
        for rate in Rate::UNITS {
            if *conditions != Conditions::default() && rates.get(*rate) == base.get(*rate) {
                rates.set(*rate, None);
            }
        }
    }
}
