//! Applies merged prices to the data files: prices of the past stay, and a changed price is a new row.

use std::collections::{BTreeMap, BTreeSet};

use ledger::pricing::data::{Date, ModelLine, PriceLine, Rate};

use crate::merge::{MergedModel, is_new_step};
use crate::report::{Change, Report};
use crate::source::{Conditions, SourceModel, Version};
use crate::{Files, ProviderFiles};

/// The prices of a model in the data files, during a span of days.
#[derive(Clone, Debug)]
struct Span {
    from: Option<Date>,
    to: Option<Date>,
    version: Version,
    source: String,
    checked: Date,
}

impl Span {
    fn holds_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }
}

/// The files after the refresh, and what changed.
pub fn lay_over(files: &Files, merged: Vec<MergedModel>, today: Date) -> (Files, Report) {
    let mut new = files.clone();
    let mut report = Report::default();
    let mut by_provider: BTreeMap<String, Vec<MergedModel>> = BTreeMap::new();
    for model in merged {
        by_provider.entry(model.model.provider.clone()).or_default().push(model);
    }
    for (provider, models) in by_provider {
        let files = new.entry(provider.clone()).or_default();
        update_provider(&provider, files, models, today, &mut report);
    }
    (new, report)
}

fn update_provider(
    provider: &str,
    files: &mut ProviderFiles,
    models: Vec<MergedModel>,
    today: Date,
    report: &mut Report,
) {
    let mut lines: BTreeMap<String, ModelLine> =
        files.models.drain(..).map(|line| (line.model.to_lowercase(), line)).collect();
    let mut prices: BTreeMap<String, Vec<PriceLine>> = BTreeMap::new();
    for line in files.prices.drain(..) {
        prices.entry(line.model.to_lowercase()).or_default().push(line);
    }
    let listed: BTreeSet<_> = models.iter().map(|model| model.model.line.model.to_lowercase()).collect();
    for key in lines.keys().filter(|key| !listed.contains(*key)) {
        report.gone.push(format!("{provider}/{key}"));
    }
    let targets: BTreeMap<String, Vec<Version>> =
        models.iter().map(|m| (m.model.line.model.to_lowercase(), m.model.versions.clone())).collect();
    for MergedModel { model, source } in models {
        let key = model.line.model.to_lowercase();
        let old_line = lines.get(&key);
        let old = spans(prices.remove(&key).unwrap_or_default());
        if old_line.is_none() {
            report.new.push(format!("{provider}/{}", model.line.model));
        }
        let mut line = merged_line(old_line, &model.line, source, today);
        let mut model = model;
        if let Some(target) = targets.get(&line.priced_as.to_lowercase()).filter(|_| !old.is_empty()) {
            // A model that had its own prices keeps that history, and has the other model's prices from now on.
            model.versions.clone_from(target);
            line.priced_as.clear();
        }
        let spans = lay_model_over(&old, &model, source, today);
        report.compare(provider, &line.model, Change::between(rates(&old, today), rates(&spans, today)));
        let rows = write_spans(&line.model, &spans);
        lines.insert(key.clone(), line);
        prices.insert(key, rows);
    }
    release_days_of_snapshots(&mut lines);
    drop_ambiguous_aliases(&mut lines);
    files.models = lines.into_values().collect();
    files.prices = prices.into_values().flatten().collect();
}

fn merged_line(old: Option<&ModelLine>, new: &ModelLine, source: &str, today: Date) -> ModelLine {
    let mut line = new.clone();
    if let Some(old) = old {
        line.model.clone_from(&old.model);
        line.aliases.extend(old.aliases.iter().cloned());
        line.released = line.released.or(old.released);
        line.retires_on = line.retires_on.or(old.retires_on);
        line.context_tokens = line.context_tokens.or(old.context_tokens);
        line.output_tokens = line.output_tokens.or(old.output_tokens);
    }
    line.released = line.released.or_else(|| release_day(&line.model));
    line.aliases.sort();
    line.aliases.dedup();
    source.clone_into(&mut line.source);
    line.checked = Some(today);
    line
}

/// The day in a snapshot's id: `-20250929`, `@20250929` or `-2024-08-06`.
fn release_day(id: &str) -> Option<Date> {
    let compact = |at: usize| {
        let digits = id.get(at + 1..at + 9).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        let after = id.as_bytes().get(at + 9);
        let text = format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]);
        text.parse::<Date>().ok().filter(|_| after.is_none_or(|b| !b.is_ascii_digit()))
    };
    let dashed = |at: usize| id.get(at + 1..at + 11)?.parse::<Date>().ok();
    let starts = id.char_indices().filter(|(_, c)| matches!(c, '-' | '@')).map(|(at, _)| at);
    starts.filter_map(|at| dashed(at).or_else(|| compact(at))).find(|day| day.0 > 20_180_000)
}

/// Sets the release day of models without a day in their id to that of their first snapshot.
fn release_days_of_snapshots(lines: &mut BTreeMap<String, ModelLine>) {
    let mut first: BTreeMap<String, Date> = BTreeMap::new();
    for line in lines.values().filter(|line| !line.priced_as.is_empty()) {
        if let Some(day) = line.released {
            let known = first.entry(line.priced_as.to_lowercase()).or_insert(day);
            *known = day.min(*known);
        }
    }
    for (key, day) in first {
        if let Some(line) = lines.get_mut(&key) {
            line.released.get_or_insert(day);
        }
    }
}

fn spans(lines: Vec<PriceLine>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for line in lines {
        let conditions = Conditions {
            tier: line.tier,
            region: line.region,
            window: line.window,
            above_input_tokens: line.above_input_tokens,
        };
        let known = spans.iter_mut().find(|span| (span.from, span.to) == (line.from, line.to));
        if let Some(span) = known {
            span.version.set(conditions, line.rates);
            span.checked = span.checked.max(line.checked);
        } else {
            let version = Version { from: line.from, rows: vec![(conditions, line.rates)] };
            let Span { from, to, source, checked, .. } = Span {
                from: line.from,
                to: line.to,
                version: Version::default(),
                source: line.source,
                checked: line.checked,
            };
            spans.push(Span { from, to, version, source, checked });
        }
    }
    spans
}

fn write_spans(model: &str, spans: &[Span]) -> Vec<PriceLine> {
    let mut lines = Vec::new();
    for span in spans {
        for (conditions, rates) in &span.version.rows {
            let Conditions { tier, region, window, above_input_tokens } = conditions.clone();
            lines.push(PriceLine {
                model: model.to_owned(),
                from: span.from,
                to: span.to,
                tier,
                region,
                window,
                above_input_tokens,
                rates: *rates,
                source: span.source.clone(),
                checked: span.checked,
            });
        }
    }
    lines
}

/// The spans of a model after the refresh.
fn lay_model_over(old: &[Span], model: &SourceModel, source: &str, today: Date) -> Vec<Span> {
    let last_checked = old.iter().map(|span| span.checked).max();
    let mut starts: BTreeSet<Date> = [Date::MIN].into();
    starts.extend(old.iter().flat_map(|span| [span.from, span.to]).flatten());
    starts.extend(model.versions.iter().filter_map(|version| version.from));
    starts.extend(last_checked);
    starts.insert(today);
    let starts: Vec<_> = starts.into_iter().collect();
    let mut spans: Vec<Span> = Vec::new();
    for (place, day) in starts.iter().enumerate() {
        let own = old.iter().rfind(|span| span.holds_on(*day));
        let Some(mut span) = span_on(*day, own, model, last_checked, source, today) else { continue };
        span.from = Some(*day).filter(|day| *day > Date::MIN);
        span.to = starts.get(place + 1).copied();
        match spans.last_mut() {
            Some(last) if last.to == span.from && last.version.rows == span.version.rows => {
                last.to = span.to;
                if span.checked > last.checked {
                    (last.checked, last.source) = (span.checked, span.source);
                }
            }
            _ => spans.push(span),
        }
    }
    spans
}

/// The prices that hold from `day` on, until the next day on which anything may change.
fn span_on(
    day: Date,
    own: Option<&Span>,
    model: &SourceModel,
    last_checked: Option<Date>,
    source: &str,
    today: Date,
) -> Option<Span> {
    let listed = model.on(day).filter(|version| !version.rows.is_empty());
    let taken = |version: Version| {
        Some(Span { from: None, to: None, version, source: source.to_owned(), checked: today })
    };
    let Some(own) = own else {
        // The book has no price for this day, so the list's is the only one.
        return listed.filter(|_| last_checked.is_none_or(|checked| day >= checked)).cloned().and_then(taken);
    };
    let Some(listed) = listed else { return Some(own.clone()) };
    if own.version.agrees_with(listed) {
        let mut version = listed.clone();
        // A step by length that no list has any more ends now, and stays for the past.
        let ends = |conditions: &Conditions| day >= today && is_new_step(listed, conditions);
        let rows = own.version.rows.iter().filter(|(conditions, _)| !ends(conditions));
        version.fill_from(&Version { from: None, rows: rows.cloned().collect() });
        return taken(version);
    }
    let last_checked = last_checked.unwrap_or(Date::MIN);
    // A change that was announced at the last check, and did not happen.
    let withdrawn = own.from.is_some_and(|from| from > last_checked);
    let stated = listed.from.is_some_and(|from| from > last_checked);
    if day >= last_checked && (stated || withdrawn || day >= today) {
        return taken(listed.clone());
    }
    Some(own.clone())
}

fn rates(spans: &[Span], day: Date) -> Option<(u64, u64)> {
    let rates =
        spans.iter().rfind(|span| span.holds_on(day))?.version.get(&Conditions::default()).copied()?;
    Some((rates.get(Rate::Input)?, rates.get(Rate::Output).unwrap_or(0)))
}

fn drop_ambiguous_aliases(lines: &mut BTreeMap<String, ModelLine>) {
    let ids: BTreeSet<_> = lines.keys().cloned().collect();
    let mut taken = BTreeSet::new();
    for line in lines.values_mut() {
        line.aliases.retain(|alias| {
            let alias = alias.to_lowercase();
            !ids.contains(&alias) && taken.insert(alias)
        });
    }
}
