//! Applies the rules of an organization: limits by day, week or month, days that cost far more than those before, and
//! calls without a price.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ledger::alert::{AlertKind, BudgetId, Crossing, RuleCause, RuleFacts, rule_version};
use ledger::ids::{ModelKey, Name};
use ledger::money::{MAX_SCALE, Usd, round};
use ledger::period::{Day, Month};
use ledger::rollup::Seen;
use ledger::settings::{AlertCondition, AlertRuleSettings, is_spike};
use rust_decimal::Decimal;
use store::alerts::Watched;

use crate::organization::Organization;
use crate::rule_costs::{Counted, RuleCosts, days_before};
use crate::thresholds::{Changes, is_crossed};

/// In percent: a rule has no thresholds below the one that it states.
const THRESHOLD: u32 = 100;

/// A rule whose condition holds, which has not been notified in this period.
pub struct Triggered {
    pub id: BudgetId,
    pub name: Option<Name>,
    pub facts: RuleFacts,
    pub used: Counted,
    /// The month that the period begins in.
    pub month: Month,
    pub changes: Changes,
    /// What was decided in that month before.
    pub before: Vec<Crossing>,
    /// The write count of the stored note of that.
    pub writes: Option<u64>,
}

impl Triggered {
    /// The amount of a limit.
    pub const fn amount(&self) -> Option<Usd> {
        match self.facts.condition {
            AlertCondition::Limit { amount, .. } => Some(amount),
            AlertCondition::Spike { .. } | AlertCondition::Unpriced { .. } => None,
        }
    }
}

/// The rules that are to be notified.
pub fn triggered(
    watched: &Watched,
    org: Organization<'_>,
    seen: Option<&Seen>,
    costs: &RuleCosts,
) -> Vec<Triggered> {
    let since = seen.map(|seen| seen.first_day(org.calendar.zone)).into_iter().chain(costs.first_day()).min();
    let rules = watched.rules.iter();
    let held = rules.filter_map(|(id, (rule, token))| {
        let (facts, used) = condition(rule, org.today(), since, costs)?;
        decided(watched, id, (rule, token), facts, used)
    });
    held.collect()
}

/// The figures of a rule whose condition holds.
fn condition(
    rule: &AlertRuleSettings,
    today: Day,
    since: Option<Day>,
    costs: &RuleCosts,
) -> Option<(RuleFacts, Counted)> {
    let scope = rule.scope.as_ref();
    let period = rule.condition.period(today);
    let used = costs.counted(scope, period);
    let (holds, mean, cause) = match rule.condition {
        AlertCondition::Limit { amount, .. } => (is_crossed(used.total.cost, amount, THRESHOLD), None, None),
        AlertCondition::Unpriced { requests } => {
            let most = used.models.iter().filter(|(_, used)| used.unpriced > 0);
            // Among equals the first by provider and model.
            let most = most.min_by_key(|(_, used)| Reverse(used.unpriced));
            (used.total.unpriced >= requests, None, most.map(|(key, _)| cause(key, &used, None)))
        }
        AlertCondition::Spike { factor_percent, days, minimum } => {
            let range = days_before(today, days);
            let before = costs.counted(scope, range);
            let has_history = since.is_some_and(|since| since <= range.first);
            let (now, then) = (used.total.cost, before.total.cost);
            let holds = has_history && is_spike(now, then, factor_percent, days, minimum);
            let most = largest_increase(&used, &before, days);
            let cause = most.map(|key| cause(key, &used, Some((&before, days))));
            (holds, mean(then, days), cause)
        }
    };
    let facts = RuleFacts {
        scope: rule.scope.clone(),
        condition: rule.condition.clone(),
        from: period.first,
        to: period.last,
        mean_daily_cost: mean,
        cause,
    };
    holds.then_some((facts, used))
}

/// The model whose cost has risen most above its mean, times the days of the mean. Among equals the first by name.
fn largest_increase<'a>(used: &'a Counted, before: &Counted, days: u32) -> Option<&'a ModelKey> {
    let increase = |key: &ModelKey, cost: Usd| {
        let then = before.models.get(key).map(|used| used.cost).unwrap_or_default();
        Some(cost.dollars().checked_mul(days.into())? - then.dollars())
    };
    let increases: BTreeMap<_, _> = used
        .models
        .iter()
        .filter_map(|(key, used)| Some((key, increase(key, used.cost)?)))
        .filter(|(_, increase)| *increase > Decimal::ZERO)
        .collect();
    increases.into_iter().min_by_key(|(_, increase)| Reverse(*increase)).map(|(key, _)| key)
}

fn cause(key: &ModelKey, used: &Counted, before: Option<(&Counted, u32)>) -> RuleCause {
    let of_model = used.models.get(key).copied().unwrap_or_default();
    let mean_daily_cost = before.and_then(|(before, days)| {
        mean(before.models.get(key).map(|used| used.cost).unwrap_or_default(), days)
    });
    RuleCause {
        provider: key.provider.clone(),
        model: key.model.clone(),
        cost: of_model.cost,
        mean_daily_cost,
        unpriced_requests: of_model.unpriced,
        agent: None,
    }
}

fn mean(cost: Usd, days: u32) -> Option<Usd> {
    Some(Usd::new(round(cost.dollars().checked_div(days.into())?, MAX_SCALE)))
}

/// What is to be decided about a rule whose condition holds; none if it was notified in this period.
fn decided(
    watched: &Watched,
    id: &Name,
    (rule, token): (&AlertRuleSettings, &str),
    facts: RuleFacts,
    used: Counted,
) -> Option<Triggered> {
    let id = BudgetId::Rule(id.clone());
    let month = facts.from.month();
    let note = watched.crossed.get(&id);
    let before = note.filter(|(note, _)| note.month == month).map(|(note, _)| note.crossings.clone());
    let before = before.unwrap_or_default();
    let version = rule_version(token, facts.from);
    if before.iter().any(|crossing| crossing.version == version) {
        return None;
    }
    let (kind, budget) = match facts.condition {
        AlertCondition::Limit { amount, .. } => (AlertKind::Actual, amount),
        AlertCondition::Spike { minimum, .. } => (AlertKind::Spike, minimum),
        AlertCondition::Unpriced { .. } => (AlertKind::Unpriced, Usd::ZERO),
    };
    let crossing = Crossing { version, budget, kind, threshold: THRESHOLD, notified: true };
    let changes = Changes { crossed: vec![crossing], resolved: Vec::new() };
    let writes = note.map(|(_, writes)| *writes);
    Some(Triggered { id, name: rule.name.clone(), facts, used, month, changes, before, writes })
}
