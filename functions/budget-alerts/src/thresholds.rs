//! Which thresholds are newly crossed, which of them are notified, and which alerts no longer hold.
//!
//! - Of several thresholds crossed at once, the highest is notified. The others are superseded. So is a threshold below
//!   one that was notified before, and a forecast threshold that the cost itself has crossed by then.
//! - An alert no longer holds when its budget has since been raised or removed and the figure is back under the
//!   threshold. A forecast that merely falls resolves nothing.

use ledger::alert::{AlertKind, Crossing, MAX_CROSSINGS, MonthCrossings};
use ledger::money::Usd;
use ledger::period::Month;
use rust_decimal::Decimal;

use crate::budgets::Limits;
use crate::spending::Figures;

/// What is to be decided about a budget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Thresholds that are crossed and were not before: actual ones first, ascending.
    pub crossed: Vec<Crossing>,
    /// Notified alerts that no longer hold, oldest first.
    pub resolved: Vec<Crossing>,
}

impl Changes {
    pub const fn is_empty(&self) -> bool {
        self.crossed.is_empty() && self.resolved.is_empty()
    }
}

fn figure(figures: &Figures, kind: AlertKind) -> Option<Usd> {
    match kind {
        AlertKind::Actual => Some(figures.cost),
        AlertKind::Forecast => figures.forecast.as_ref().map(|forecast| forecast.cost),
        // Rules decide about these.
        AlertKind::Spike | AlertKind::Unpriced => None,
    }
}

/// Whether `figure` ≥ `threshold` % of `budget`. A figure of zero never crosses, not even a budget of zero.
pub fn is_crossed(figure: Usd, budget: Usd, threshold: u32) -> bool {
    let limit = budget.dollars().checked_mul(Decimal::new(threshold.into(), 2));
    !figure.is_zero() && limit.is_some_and(|limit| figure.dollars() >= limit)
}

/// Compares `figures` with a budget of which `before` has been decided this month. A removed budget has no `limits`.
pub fn changes(limits: Option<&Limits<'_>>, figures: &Figures, before: &[Crossing]) -> Changes {
    let mut changes = Changes { crossed: Vec::new(), resolved: resolved(limits, figures, before) };
    let Some(limits) = limits else { return changes };
    for kind in [AlertKind::Actual, AlertKind::Forecast] {
        if kind == AlertKind::Actual || limits.rules.forecast {
            changes.crossed.extend(crossed(limits, kind, figures, before));
        }
    }
    changes
}

fn crossed(limits: &Limits<'_>, kind: AlertKind, figures: &Figures, before: &[Crossing]) -> Vec<Crossing> {
    let Some(figure) = figure(figures, kind) else { return Vec::new() };
    let earlier = || before.iter().filter(|one| one.version == limits.version && one.kind == kind);
    let is_new = |threshold: &u32| {
        is_crossed(figure, limits.amount, *threshold) && earlier().all(|one| one.threshold != *threshold)
    };
    let mut thresholds: Vec<u32> = limits.rules.thresholds.iter().copied().filter(is_new).collect();
    thresholds.sort_unstable();
    let notified = thresholds.last().copied().filter(|highest| {
        let is_highest = earlier().all(|one| !one.notified || one.threshold < *highest);
        let is_past = kind == AlertKind::Forecast && is_crossed(figures.cost, limits.amount, *highest);
        is_highest && !is_past
    });
    let decided = |threshold| Crossing {
        version: limits.version.clone(),
        budget: limits.amount,
        kind,
        threshold,
        notified: notified == Some(threshold),
    };
    thresholds.into_iter().map(decided).collect()
}

fn resolved(limits: Option<&Limits<'_>>, figures: &Figures, before: &[Crossing]) -> Vec<Crossing> {
    let holds = |decided: &&Crossing| {
        let Some(limits) = limits else { return false };
        let raised = limits.version != decided.version && limits.amount > decided.budget;
        let figure = figure(figures, decided.kind);
        !raised || figure.is_none_or(|figure| is_crossed(figure, limits.amount, decided.threshold))
    };
    before.iter().filter(|decided| decided.notified && !holds(decided)).cloned().collect()
}

/// What has been decided after `changes`. Of earlier versions of the budget, only notified alerts that still hold are
/// kept.
pub fn decided_after(
    month: Month,
    version: Option<&str>,
    before: &[Crossing],
    changes: &Changes,
) -> MonthCrossings {
    let is_kept = |decided: &&Crossing| {
        (decided.notified || version == Some(decided.version.as_str())) && !changes.resolved.contains(decided)
    };
    let mut decided: Vec<_> = before.iter().filter(is_kept).chain(&changes.crossed).cloned().collect();
    // The current version comes last, so that it is kept: it is never more than half of the maximum.
    decided.sort_by_key(|decided| version == Some(decided.version.as_str()));
    decided.drain(..decided.len().saturating_sub(MAX_CROSSINGS));
    MonthCrossings { month, crossings: decided }
}

#[cfg(test)]
mod tests;
