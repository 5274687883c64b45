//! The budgets of an organisation, and what was decided of them.

use std::collections::BTreeSet;

use ledger::alert::{BudgetId, Decided, version};
use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::period::Month;
use ledger::settings::BudgetSettings;
use store::alerts::Watched;

use crate::judge::Budget;

/// A budget, or one that was taken away after something was told of it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Whose.
    pub id: BudgetId,
    /// How much, and which version of it; none where it was taken away.
    pub amount: Option<(Usd, String)>,
    /// What was decided of it this month.
    pub before: Vec<Decided>,
    /// The writes of the note about that, of whatever month it is.
    pub writes: Option<u64>,
}

impl Subject {
    /// The agent, where it is one's.
    pub const fn agent(&self) -> Option<&AgentId> {
        match &self.id {
            BudgetId::Organization => None,
            BudgetId::Agent(agent) => Some(agent),
        }
    }

    /// The budget as it stands.
    pub fn budget<'a>(&self, rules: &'a BudgetSettings) -> Option<Budget<'a>> {
        let (amount, version) = self.amount.clone()?;
        Some(Budget { amount, version, rules })
    }
}

/// When an organisation wants to hear of its budgets, and of its agents'.
pub fn rules(watched: &Watched) -> BudgetSettings {
    watched.budget.as_ref().map(|(rules, _)| rules.clone()).unwrap_or_default()
}

/// Whether there is any budget, or was one lately: else nothing more has to be read.
pub fn are_any(watched: &Watched) -> bool {
    let own = watched.budget.as_ref().is_some_and(|(rules, _)| rules.monthly.is_some());
    own || !watched.agents.is_empty() || !watched.crossed.is_empty()
}

/// All that are to be looked at in `month`.
pub fn subjects(watched: &Watched, month: Month) -> Vec<Subject> {
    let rules = rules(watched);
    let own = watched
        .budget
        .as_ref()
        .and_then(|(set, etag)| Some((BudgetId::Organization, (set.monthly?, version(etag, &rules)))));
    let agents = watched.agents.iter().map(|budget| {
        (BudgetId::Agent(budget.agent.clone()), (budget.monthly, version(&budget.token, &rules)))
    });
    let standing: Vec<_> = own.into_iter().chain(agents).collect();
    let known: BTreeSet<_> = standing.iter().map(|(id, _)| id.clone()).collect();
    let gone = watched.crossed.keys().filter(|id| !known.contains(id)).cloned().map(|id| (id, None));
    let all = standing.into_iter().map(|(id, amount)| (id, Some(amount))).chain(gone);
    all.map(|(id, amount)| {
        let note = watched.crossed.get(&id);
        let before = note.filter(|(note, _)| note.month == month).map(|(note, _)| note.decided.clone());
        let (before, writes) = (before.unwrap_or_default(), note.map(|(_, writes)| *writes));
        Subject { id, amount, before, writes }
    })
    .filter(|subject| subject.amount.is_some() || !subject.before.is_empty())
    .collect()
}
