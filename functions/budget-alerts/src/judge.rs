//! Which thresholds are crossed anew, which of them are told, and what no longer holds.
//!
//! - Of several that a figure crosses at once the highest is told. The others are superseded, as is a threshold below
//!   one that was told before, and a forecast of what the month has really cost by then.
//! - An alert no longer holds when its budget has been raised or taken away since, and the figure is back under the
//!   threshold. A forecast that falls by itself takes nothing back.

use ledger::alert::{Crossed, Decided, Kind, MAX_DECIDED};
use ledger::money::Usd;
use ledger::period::Month;
use ledger::settings::BudgetSettings;
use rust_decimal::Decimal;

use crate::forecast::Forecast;

/// A budget as it stands.
#[derive(Clone, Debug)]
pub struct Budget<'a> {
    /// For the month.
    pub amount: Usd,
    /// Its version.
    pub version: String,
    /// When to tell.
    pub rules: &'a BudgetSettings,
}

/// What is held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The cost of the month so far.
    pub cost: Usd,
    /// Calls of the month that had no price.
    pub unpriced: u64,
    /// What it is likely to cost, where that can be said.
    pub forecast: Option<Forecast>,
}

/// What follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Thresholds that are crossed and were not before: actual ones first, ascending.
    pub crossed: Vec<Decided>,
    /// What was told and no longer holds, oldest first.
    pub resolved: Vec<Decided>,
}

impl Figures {
    fn of(&self, kind: Kind) -> Option<Usd> {
        match kind {
            Kind::Actual => Some(self.cost),
            Kind::Forecast => self.forecast.as_ref().map(|forecast| forecast.cost),
        }
    }
}

/// Whether `figure` has reached so many percent of `budget`. At exactly so many it has; but nothing has reached
/// nothing.
pub fn is_crossed(figure: Usd, budget: Usd, threshold: u32) -> bool {
    let limit = budget.dollars().checked_mul(Decimal::new(threshold.into(), 2));
    !figure.is_zero() && limit.is_some_and(|limit| figure.dollars() >= limit)
}

/// What follows from `figures`, where `before` has been decided this month.
pub fn judge(budget: Option<&Budget<'_>>, figures: &Figures, before: &[Decided]) -> Verdict {
    let mut verdict = Verdict { crossed: Vec::new(), resolved: resolved(budget, figures, before) };
    let Some(budget) = budget else { return verdict };
    for kind in [Kind::Actual, Kind::Forecast] {
        if kind == Kind::Actual || budget.rules.forecast {
            verdict.crossed.extend(crossed(budget, kind, figures, before));
        }
    }
    verdict
}

fn crossed(budget: &Budget<'_>, kind: Kind, figures: &Figures, before: &[Decided]) -> Vec<Decided> {
    let Some(figure) = figures.of(kind) else { return Vec::new() };
    let earlier = || before.iter().filter(|one| one.version == budget.version && one.kind == kind);
    let is_new = |threshold: &u32| {
        is_crossed(figure, budget.amount, *threshold) && earlier().all(|one| one.threshold != *threshold)
    };
    let mut thresholds: Vec<u32> = budget.rules.thresholds.iter().copied().filter(is_new).collect();
    thresholds.sort_unstable();
    let told = thresholds.last().copied().filter(|highest| {
        let is_highest = earlier().all(|one| !one.told || one.threshold < *highest);
        let is_past = kind == Kind::Forecast && is_crossed(figures.cost, budget.amount, *highest);
        is_highest && !is_past
    });
    let decided = |threshold| Decided {
        version: budget.version.clone(),
        budget: budget.amount,
        kind,
        threshold,
        told: told == Some(threshold),
    };
    thresholds.into_iter().map(decided).collect()
}

fn resolved(budget: Option<&Budget<'_>>, figures: &Figures, before: &[Decided]) -> Vec<Decided> {
    let holds = |decided: &&Decided| {
        let Some(budget) = budget else { return false };
        let raised = budget.version != decided.version && budget.amount > decided.budget;
        let figure = figures.of(decided.kind);
        !raised || figure.is_none_or(|figure| is_crossed(figure, budget.amount, decided.threshold))
    };
    before.iter().filter(|decided| decided.told && !holds(decided)).cloned().collect()
}

/// What has been decided then: of earlier versions of the budget only what was told and still holds.
pub fn after(month: Month, version: Option<&str>, before: &[Decided], verdict: &Verdict) -> Crossed {
    let is_kept = |decided: &&Decided| {
        (decided.told || version == Some(decided.version.as_str())) && !verdict.resolved.contains(decided)
    };
    let mut decided: Vec<_> = before.iter().filter(is_kept).chain(&verdict.crossed).cloned().collect();
    // What is of this version comes last, and is never more than half of what is kept.
    decided.sort_by_key(|decided| version == Some(decided.version.as_str()));
    decided.drain(..decided.len().saturating_sub(MAX_DECIDED));
    Crossed { month, decided }
}

#[cfg(test)]
mod tests;
