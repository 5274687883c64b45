//! All that a run of budget-alerts needs of an organization, in one query.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::keys::{SK, alerts as attr, registry as sort};
use crate::registry::{set, stored};
use crate::{Item, Registry, decode, keys};
use ledger::alert::{AlertKey, BudgetId, MonthCrossings};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::money::Usd;
use ledger::settings::{AgentBudgetSettings, AlertRuleSettings, BudgetSettings, DestinationSettings};

/// Budgets, their state, and pending alerts of an organization.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The organization's budget, which also has the rules for all budgets, and its version; none if it is not set.
    pub budget: Option<(BudgetSettings, String)>,
    /// The agents' budgets.
    pub agents: Vec<AgentBudget>,
    /// The alert rules by id, and their versions.
    pub rules: BTreeMap<Name, (AlertRuleSettings, String)>,
    /// The thresholds that each budget has crossed, in the last month with a decision, and how often that was written.
    pub crossed: BTreeMap<BudgetId, (MonthCrossings, u64)>,
    /// Webhook destinations by id.
    pub destinations: BTreeMap<Name, DestinationSettings>,
    /// The keys of the alerts that have pending deliveries.
    pub due: Vec<AlertKey>,
}

/// An agent's monthly budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentBudget {
    /// The agent's id.
    pub agent: AgentId,
    /// The budget.
    pub monthly: Usd,
    /// The version of the budget.
    pub token: String,
}

impl Registry {
    /// All that a run needs of an organization: one query, which is one small read if it has no budgets.
    pub async fn watched(&self, org: &OrgId) -> Result<Watched> {
        let mut watched = Watched::default();
        for item in self.table.query(&keys::alerts::watched(org)).all(Ok).await? {
            let sk = decode::required(&item, SK)?;
            let malformed = |_| Error::Internal(format!("the item {sk} of {org} is malformed"));
            watched.take(sk, &item).map_err(malformed)?;
        }
        Ok(watched)
    }
}

impl Watched {
    fn take(&mut self, sk: &str, item: &Item) -> Result<()> {
        let malformed = || Error::Internal(String::new());
        if sk == sort::BUDGET {
            let stored = stored::<BudgetSettings>(item)?;
            self.budget = stored.settings.zip(stored.etag);
        } else if let Some(agent) = sk.strip_prefix(sort::AGENT_BUDGET) {
            let stored = stored::<AgentBudgetSettings>(item)?;
            let (settings, token) = stored.settings.zip(stored.etag).ok_or_else(malformed)?;
            let agent = AgentId::new(agent).map_err(Error::internal)?;
            self.agents.push(AgentBudget { agent, monthly: settings.monthly, token });
        } else if let Some(id) = sk.strip_prefix(sort::ALERT_RULE) {
            // A deleted rule has no settings.
            let stored = stored::<AlertRuleSettings>(item)?;
            let id = Name::new(id).map_err(Error::internal)?;
            self.rules.extend(stored.settings.zip(stored.etag).map(|rule| (id, rule)));
        } else if let Some(budget) = sk.strip_prefix(attr::CROSSED) {
            let budget = attr::parse_budget(budget).ok_or_else(malformed)?;
            let state =
                serde_json::from_str(decode::required(item, attr::STATE)?).map_err(Error::internal)?;
            let writes = item.get(attr::WRITES).and_then(|value| value.as_n().ok()?.parse().ok());
            self.crossed.insert(budget, (state, writes.ok_or_else(malformed)?));
        } else if let Some(id) = sk.strip_prefix(sort::DESTINATION) {
            let id = Name::new(id).map_err(Error::internal)?;
            self.destinations.insert(id, set(item)?.ok_or_else(malformed)?);
        } else if let Some(key) = sk.strip_prefix(attr::DUE) {
            self.due.push(attr::parse_alert(key).ok_or_else(malformed)?);
        }
        Ok(())
    }
}
