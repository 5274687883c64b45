//! The budgets of an organization, and what was decided about each of them this month.

use std::collections::BTreeSet;

use ledger::alert::{BudgetId, Crossing, budget_version};
use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::period::Month;
use ledger::settings::BudgetSettings;
use store::alerts::Watched;

/// An organization's budget and those of its agents.
#[derive(Clone, Debug)]
pub struct Budgets {
    /// The thresholds, which are the same for all.
    pub rules: BudgetSettings,
    pub all: Vec<Budget>,
}

/// A budget, or one that was removed after thresholds of it had been decided this month.
#[derive(Clone, Debug)]
pub struct Budget {
    pub id: BudgetId,
    /// The amount and its version; none where the budget was removed.
    pub amount: Option<(Usd, String)>,
    /// The thresholds decided this month.
    pub before: Vec<Crossing>,
    /// The write count of the stored note of decided thresholds, whatever month that is of.
    pub writes: Option<u64>,
}

/// The limits that a budget in force sets.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    /// For the month.
    pub amount: Usd,
    pub version: String,
    pub rules: &'a BudgetSettings,
}

impl Budget {
    /// The agent whose budget it is; none for the organization's.
    pub const fn agent(&self) -> Option<&AgentId> {
        match &self.id {
            BudgetId::Organization | BudgetId::Rule(_) => None,
            BudgetId::Agent(agent) => Some(agent),
        }
    }

    pub fn version(&self) -> Option<&str> {
        self.amount.as_ref().map(|(_, version)| version.as_str())
    }

    pub fn limits<'a>(&self, rules: &'a BudgetSettings) -> Option<Limits<'a>> {
        let (amount, version) = self.amount.clone()?;
        Some(Limits { amount, version, rules })
    }
}

/// Whether there is a rule or a budget, or was one until recently. If not, nothing else has to be read.
pub fn any(watched: &Watched) -> bool {
    let own = watched.budget.as_ref().is_some_and(|(rules, _)| rules.monthly.is_some());
    own || !watched.agents.is_empty() || !watched.crossed.is_empty() || !watched.rules.is_empty()
}

impl Budgets {
    /// The budgets to be evaluated in `month`.
    pub fn of_month(watched: &Watched, month: Month) -> Self {
        let rules = watched.budget.as_ref().map(|(rules, _)| rules.clone()).unwrap_or_default();
        let in_force = in_force(watched, &rules);
        let known: BTreeSet<_> = in_force.iter().map(|(id, _)| id.clone()).collect();
        let is_budget = |id: &&BudgetId| !matches!(id, BudgetId::Rule(_));
        let removed = watched.crossed.keys().filter(is_budget).filter(|id| !known.contains(id));
        let removed = removed.cloned().map(|id| (id, None));
        let all = in_force.into_iter().map(|(id, amount)| (id, Some(amount))).chain(removed);
        let all = all
            .map(|(id, amount)| {
                let note = watched.crossed.get(&id);
                let before =
                    note.filter(|(note, _)| note.month == month).map(|(note, _)| note.crossings.clone());
                let (before, writes) = (before.unwrap_or_default(), note.map(|(_, writes)| *writes));
                Budget { id, amount, before, writes }
            })
            .filter(|budget| budget.amount.is_some() || !budget.before.is_empty())
            .collect();
        Self { rules, all }
    }

    /// Whether any agent has a budget.
    pub fn any_of_agents(&self) -> bool {
        self.all.iter().any(|budget| budget.agent().is_some())
    }
}

fn in_force(watched: &Watched, rules: &BudgetSettings) -> Vec<(BudgetId, (Usd, String))> {
    let own = watched
        .budget
        .as_ref()
        .and_then(|(set, etag)| Some((BudgetId::Organization, (set.monthly?, budget_version(etag, rules)))));
    let agents = watched.agents.iter().map(|budget| {
        (BudgetId::Agent(budget.agent.clone()), (budget.monthly, budget_version(&budget.token, rules)))
    });
    own.into_iter().chain(agents).collect()
}
