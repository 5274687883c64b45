use ledger::period::Day;
use ledger::settings::BudgetSettings;
use proptest::prelude::*;

use super::*;
use crate::forecast::{self, Forecast};

fn usd(text: &str) -> Usd {
    Usd::new(Decimal::from_str_exact(text).unwrap())
}

fn figures(cost: &str, forecast: Option<&str>) -> Figures {
    let basis = forecast::basis(Day::parse("2026-09-15").unwrap());
    let forecast = forecast.map(|cost| Forecast { cost: usd(cost), mean: Usd::ZERO, basis, days_left: 15 });
    Figures { cost: usd(cost), unpriced: 0, forecast }
}

fn rules(thresholds: &[u32]) -> BudgetSettings {
    BudgetSettings { thresholds: thresholds.to_vec(), ..BudgetSettings::default() }
}

fn budget<'a>(amount: &str, version: &str, rules: &'a BudgetSettings) -> Limits<'a> {
    Limits { amount: usd(amount), version: version.to_owned(), rules }
}

/// Crossings in short: `a80!` is the actual cost at 80 %, notified.
fn brief(decided: &[Crossing]) -> String {
    let one = |decided: &Crossing| {
        let notified = if decided.notified { "!" } else { "" };
        format!("{}{}{notified}", &decided.kind.as_str()[..1], decided.threshold)
    };
    decided.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn month() -> Month {
    Month::parse("2026-09").unwrap()
}

/// Evaluates figures one after the other. Returns what each evaluation crosses and what it resolves.
fn evaluate(steps: &[(Option<&Limits<'_>>, Figures)]) -> Vec<(String, String)> {
    let mut before = Vec::new();
    let mut evaluate = |(budget, figures): &(Option<&Limits<'_>>, Figures)| {
        let changes = changes(*budget, figures, &before);
        let version = budget.map(|budget| budget.version.as_str());
        before = decided_after(month(), version, &before, &changes).crossings;
        (brief(&changes.crossed), brief(&changes.resolved))
    };
    steps.iter().map(&mut evaluate).collect()
}

#[test]
fn a_threshold_is_crossed_at_exactly_its_percentage() {
    for (figure, budget, threshold, expected) in [
        ("100", "100", 100, true),
        ("99.999999999999", "100", 100, false),
        ("100.000000000001", "100", 100, true),
        ("0.5", "1", 50, true),
        ("0.499999999999", "1", 50, false),
        // Products that a float would get wrong.
        ("0.07", "0.7", 10, true),
        ("1.1", "1", 110, true),
        ("10", "1", 1000, true),
        ("9.999999", "1", 1000, false),
        ("0", "100", 1, false),
        ("0", "0", 100, false),
        ("0.000000000001", "0", 1000, true),
        ("1000000000000", "999999999999.999999", 100, true),
        ("9999999999999.999999999999", "1000000000000", 1000, false),
    ] {
        assert_eq!(
            is_crossed(usd(figure), usd(budget), threshold),
            expected,
            "{figure} {budget} {threshold}"
        );
    }
}

#[test]
fn the_highest_crossed_threshold_is_notified_and_lower_ones_are_superseded() {
    let rules = rules(&[50, 80, 100, 120]);
    let budget = budget("100", "v", &rules);
    let steps = evaluate(&[
        (Some(&budget), figures("49.99", None)),
        (Some(&budget), figures("85", None)),
        (Some(&budget), figures("85", None)),
        (Some(&budget), figures("100", None)),
        (Some(&budget), figures("500", None)),
    ]);
    let crossed: Vec<_> = steps.iter().map(|(crossed, _)| crossed.as_str()).collect();
    assert_eq!(crossed, ["", "a50 a80!", "", "a100!", "a120!"]);
}

#[test]
fn a_threshold_below_a_notified_one_is_superseded() {
    let (few, more) = (rules(&[80]), rules(&[50, 80]));
    // The version stays the same although the thresholds differ, as when two runs see different settings.
    let steps = evaluate(&[
        (Some(&budget("100", "v", &few)), figures("90", None)),
        (Some(&budget("100", "v", &more)), figures("90", None)),
    ]);
    assert_eq!(steps[1].0, "a50");
}

#[test]
fn a_forecast_threshold_is_notified_until_the_cost_itself_crosses_it() {
    let rules = rules(&[50, 80, 100]);
    let budget = budget("100", "v", &rules);
    let steps = evaluate(&[
        (Some(&budget), figures("20", Some("60"))),
        (Some(&budget), figures("55", Some("79.99"))),
        (Some(&budget), figures("85", Some("130"))),
        (Some(&budget), figures("100", Some("130"))),
    ]);
    let crossed: Vec<_> = steps.iter().map(|(crossed, _)| crossed.as_str()).collect();
    assert_eq!(crossed, ["f50!", "a50!", "a80! f80 f100!", "a100!"]);
    // A threshold that the cost has crossed is not notified as a forecast.
    let steps = evaluate(&[(Some(&budget), figures("90", Some("95")))]);
    assert_eq!(steps[0].0, "a50 a80! f50 f80");
}

#[test]
fn forecasts_are_ignored_where_they_are_switched_off() {
    let rules = BudgetSettings { forecast: false, ..rules(&[50]) };
    let budget = budget("100", "v", &rules);
    assert_eq!(evaluate(&[(Some(&budget), figures("20", Some("60")))])[0].0, "");
}

#[test]
fn a_raised_budget_resolves_alerts_below_their_threshold_once() {
    let rules = rules(&[50, 80, 100]);
    let (low, high, higher) =
        (budget("100", "1", &rules), budget("150", "2", &rules), budget("1000", "3", &rules));
    let steps = evaluate(&[
        (Some(&low), figures("60", None)),
        (Some(&low), figures("105", None)),
        (Some(&high), figures("105", None)),
        (Some(&high), figures("105", None)),
        (Some(&higher), figures("106", None)),
        (Some(&higher), figures("106", None)),
        (None, figures("106", None)),
    ]);
    let pair = |crossed: &str, resolved: &str| (crossed.to_owned(), resolved.to_owned());
    assert_eq!(
        steps,
        [
            pair("a50!", ""),
            pair("a80 a100!", ""),
            // 70 %: half of the new budget is newly crossed, and the old alert about a half still holds.
            pair("a50!", "a100!"),
            pair("", ""),
            pair("", "a50! a50!"),
            pair("", ""),
            pair("", ""),
        ]
    );
}

#[test]
fn a_removed_budget_resolves_everything_and_a_lowered_one_nothing() {
    let rules = rules(&[50]);
    let (first, lower) = (budget("100", "1", &rules), budget("90", "2", &rules));
    let steps = evaluate(&[
        (Some(&first), figures("60", Some("70"))),
        (Some(&lower), figures("60", Some("70"))),
        (None, figures("60", Some("70"))),
        (None, figures("60", Some("70"))),
    ]);
    let steps: Vec<_> =
        steps.iter().map(|(crossed, resolved)| (crossed.as_str(), resolved.as_str())).collect();
    assert_eq!(steps, [("a50! f50", ""), ("a50! f50", ""), ("", "a50! a50!"), ("", "")]);
}

#[test]
fn changed_thresholds_start_over_and_resolve_nothing() {
    let (some, others) = (rules(&[50]), rules(&[50, 55]));
    let (first, second) = (budget("100", "1", &some), budget("100", "2", &others));
    let steps = evaluate(&[(Some(&first), figures("60", None)), (Some(&second), figures("60", None))]);
    assert_eq!(steps[1], ("a50 a55!".to_owned(), String::new()));
}

#[test]
fn a_falling_forecast_resolves_nothing_but_a_raised_budget_does() {
    let rules = rules(&[50]);
    let (first, second) = (budget("100", "1", &rules), budget("110", "2", &rules));
    let steps = evaluate(&[
        (Some(&first), figures("20", Some("60"))),
        (Some(&first), figures("20", Some("40"))),
        (Some(&second), figures("20", Some("60"))),
        (Some(&second), figures("20", Some("50"))),
    ]);
    let steps: Vec<_> =
        steps.iter().map(|(crossed, resolved)| (crossed.as_str(), resolved.as_str())).collect();
    assert_eq!(steps, [("f50!", ""), ("", ""), ("f50!", ""), ("", "f50!")]);
}

#[test]
fn at_most_forty_decisions_are_kept() {
    let rules = rules(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let mut before = Vec::new();
    for change in 0..100 {
        let budget = budget("100", &change.to_string(), &rules);
        for cost in 1..=10 {
            let figures = figures(&cost.to_string(), Some(&(cost + 1).to_string()));
            let changes = changes(Some(&budget), &figures, &before);
            before = decided_after(month(), Some(&budget.version), &before, &changes).crossings;
        }
        assert!(before.len() <= MAX_CROSSINGS);
        assert_eq!(before.iter().filter(|one| one.version == budget.version).count(), 20);
    }
}

proptest! {
    #[test]
    fn each_threshold_is_decided_once_and_only_higher_ones_are_notified(
        costs in prop::collection::vec((0_u32..200, 0_u32..200), 1..20),
        thresholds in prop::collection::btree_set(1_u32..=200, 1..10),
    ) {
        let rules = rules(&thresholds.iter().copied().collect::<Vec<_>>());
        let budget = budget("100", "v", &rules);
        let (mut before, mut all, mut cost) = (Vec::new(), Vec::new(), 0);
        for (more, rest) in costs {
            cost += more / 8;
            let figures = figures(&cost.to_string(), Some(&(cost + rest).to_string()));
            let changes = changes(Some(&budget), &figures, &before);
            prop_assert!(changes.resolved.is_empty());
            before = decided_after(month(), Some("v"), &before, &changes).crossings;
            all.extend(changes.crossed);
            let reached = thresholds.iter().filter(|threshold| **threshold <= cost).count();
            prop_assert_eq!(before.iter().filter(|one| one.kind == AlertKind::Actual).count(), reached);
        }
        let mut distinct: Vec<_> = all.iter().map(|one| (one.kind, one.threshold)).collect();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), all.len());
        for kind in [AlertKind::Actual, AlertKind::Forecast] {
            let notified: Vec<_> = all.iter().filter(|one| one.kind == kind && one.notified).map(|one| one.threshold).collect();
            prop_assert!(notified.is_sorted_by(|a, b| a < b), "{notified:?}");
            // The highest threshold that the cost reached was notified.
            if kind == AlertKind::Actual {
                let highest = all.iter().filter(|one| one.kind == kind).map(|one| one.threshold).max();
                prop_assert_eq!(notified.last().copied(), highest);
            }
        }
    }
}
