//! One model of Bedrock under its many spellings: with and without a geography, a date and a version.

use std::collections::{BTreeMap, BTreeSet};

use super::super::data::{BedrockId, ModelLine, PriceLine, Rate, RateSet};
use super::rows::is_base;

/// Gives every spelling of a Claude model at Bedrock the rows that the lists have for another spelling alone, such as
/// batches and long context, times the factor between the two: a geography multiplies all prices of a model.
pub fn complete(prices: &mut Vec<PriceLine>) {
    for ids in groups(prices) {
        let of = |id: &str| prices.iter().filter(|line| line.model == id).cloned().collect::<Vec<_>>();
        let stated: Vec<_> = ids.iter().map(|id| (id.clone(), of(id))).collect();
        for (id, own) in &stated {
            let mut completed = own.clone();
            let mut donors: Vec<_> = stated
                .iter()
                .filter(|(other, _)| other != id)
                .filter_map(|(other, lines)| Some((factor(own, lines)?, other, lines)))
                .collect();
            // What is stated at the same price comes before what has to be multiplied.
            donors.sort_by_key(|(factor, ..)| factor.0 != factor.1);
            for (factor, other, lines) in donors {
                let is_global = [id, other].iter().any(|id| BedrockId::read(id).geography == "global");
                let with_regions = factor.0 == factor.1 && !is_global;
                for line in lines.iter().filter(|line| is_undated(line)) {
                    if line.region.is_empty() || with_regions {
                        take(&mut completed, id, line, factor);
                    }
                }
            }
            prices.retain(|line| line.model != *id);
            prices.extend(completed);
        }
    }
}

/// The ids of Claude models with prices of their own, by model. A date parts two models only where both are dated.
fn groups(prices: &[PriceLine]) -> Vec<Vec<String>> {
    let ids: BTreeSet<&str> = prices.iter().map(|line| line.model.as_str()).collect();
    let ids: Vec<_> = ids.into_iter().map(|id| (id, BedrockId::read(id))).collect();
    let claude = |id: &BedrockId<'_>| id.is_claude();
    let name = |id: &BedrockId<'_>| {
        let name = id.name.to_ascii_lowercase();
        name.strip_prefix("anthropic.").unwrap_or(&name).to_owned()
    };
    let mut dates: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, id) in ids.iter().filter(|(_, id)| claude(id) && !id.date.is_empty()) {
        dates.entry(name(id)).or_default().insert(id.date);
    }
    let mut groups: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
    for (text, id) in ids.iter().filter(|(_, id)| claude(id)) {
        let name = name(id);
        let is_one = dates.get(&name).is_none_or(|dates| dates.len() < 2);
        let date = if is_one { "" } else { id.date };
        groups.entry((name, date)).or_default().push((*text).to_owned());
    }
    groups.into_values().filter(|ids| ids.len() > 1).collect()
}

const fn is_undated(line: &PriceLine) -> bool {
    line.from.is_none() && line.to.is_none()
}

/// The price of `own` as a fraction of that of `other`, if it is the same for input and output.
fn factor(own: &[PriceLine], other: &[PriceLine]) -> Option<(u64, u64)> {
    let base = |lines: &[PriceLine]| {
        let base = lines.iter().find(|line| is_base(line) && is_undated(line))?;
        Some((base.rates.get(Rate::Input)?, base.rates.get(Rate::Output)?))
    };
    let ((input, output), (other_input, other_output)) = (base(own)?, base(other)?);
    let is_same =
        u128::from(input) * u128::from(other_output) == u128::from(output) * u128::from(other_input);
    (is_same && other_input > 0).then_some((input, other_input))
}

fn take(lines: &mut Vec<PriceLine>, id: &str, line: &PriceLine, factor: (u64, u64)) {
    let rates = multiplied(&line.rates, factor);
    let same = lines.iter_mut().find(|own| {
        (own.tier, &own.region, own.window, own.above_input_tokens)
            == (line.tier, &line.region, line.window, line.above_input_tokens)
    });
    match same {
        Some(own) => own.rates.fill_from(&rates),
        None => lines.push(PriceLine { model: id.to_owned(), rates, ..line.clone() }),
    }
}

/// Prices of tokens times a factor, rounded half-even to a picodollar; units cost the same everywhere.
fn multiplied(rates: &RateSet, (numerator, denominator): (u64, u64)) -> RateSet {
    let mut all = *rates;
    for (rate, price) in rates.iter().filter(|(rate, _)| !rate.is_unit()) {
        let (product, denominator) = (u128::from(price) * u128::from(numerator), u128::from(denominator));
        let (quotient, twice) = (product / denominator, product % denominator * 2);
        let up = twice > denominator || (twice == denominator && quotient % 2 == 1);
        all.set(rate, u64::try_from(quotient + u128::from(up)).ok());
    }
    all
}

/// The names of Bedrock's models without version and date, each with the place of the model that it means. Two dates
/// of a Claude model are two snapshots, of which the name means the later; other models differ by their version.
pub(super) fn short_names(models: &[ModelLine], first: u32) -> Vec<(String, u32)> {
    let taken: BTreeSet<_> = models
        .iter()
        .flat_map(|model| std::iter::once(&model.model).chain(&model.aliases))
        .map(|name| name.to_ascii_lowercase())
        .collect();
    let mut names: BTreeMap<String, Vec<(BedrockId<'_>, u32, &ModelLine)>> = BTreeMap::new();
    for (model, place) in models.iter().zip(first..) {
        let id = BedrockId::read(&model.model);
        let mut add = |geography: &str| {
            let front = if geography.is_empty() { String::new() } else { format!("{geography}.") };
            let name = format!("{front}{}", id.name).to_ascii_lowercase();
            if !taken.contains(&name) {
                names.entry(name).or_default().push((id, place, model));
            }
        };
        add(id.geography);
        // The price of every geography without a row of its own.
        if id.is_claude() && !["", "global", "us-gov", "regional"].contains(&id.geography) {
            add("regional");
        }
    }
    names.into_iter().filter_map(|(name, models)| Some((name, meant(models)?))).collect()
}

fn meant(models: Vec<(BedrockId<'_>, u32, &ModelLine)>) -> Option<u32> {
    let targets: BTreeSet<_> = models
        .iter()
        .map(|(_, _, model)| if model.priced_as.is_empty() { &model.model } else { &model.priced_as })
        .collect();
    if targets.len() > 1 && !models.iter().all(|(id, ..)| id.is_claude()) {
        return None;
    }
    let is_regional = |id: &BedrockId<'_>| id.geography == "regional";
    models
        .into_iter()
        .max_by_key(|(id, place, _)| (is_regional(id), id.date, std::cmp::Reverse(*place)))
        .map(|(_, place, _)| place)
}
