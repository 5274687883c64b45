//! All that a run has to know of an organisation, in one query.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::keys::{SK, alerts as attr, registry as sort};
use crate::registry::{set, stored};
use crate::{Item, Store, decode, keys};
use ledger::alert::{AlertKey, BudgetId, MonthCrossings};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::money::Usd;
use ledger::settings::{AgentBudgetSettings, BudgetSettings, DestinationSettings};

/// What a run has to know of an organisation.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The organisation's budget and the rules for all budgets, with its version, where somebody has set it.
    pub budget: Option<(BudgetSettings, String)>,
    /// Its agents' budgets.
    pub agents: Vec<AgentBudget>,
    /// What was decided, in whatever month was the last.
    pub crossed: BTreeMap<BudgetId, (MonthCrossings, u64)>,
    /// Where alerts are sent to, by id.
    pub destinations: BTreeMap<Name, DestinationSettings>,
    /// The alerts that are still to be delivered, by their keys.
    pub due: Vec<AlertKey>,
}

/// What an agent may cost a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentBudget {
    /// Who.
    pub agent: AgentId,
    /// How much.
    pub monthly: Usd,
    /// The version of the amount.
    pub token: String,
}

impl Store {
    /// What a run has to know of an organisation: one query, which is one small read where it has no budgets.
    pub async fn watched(&self, org: &OrgId) -> Result<Watched> {
        let mut watched = Watched::default();
        for item in self.query(&self.tables().registry, &keys::alerts::watched(org)).await? {
            let sk = decode::required(&item, SK)?;
            let odd = |_| Error::Internal(format!("the item {sk} of {org} cannot be read"));
            watched.take(sk, &item).map_err(odd)?;
        }
        Ok(watched)
    }
}

impl Watched {
    fn take(&mut self, sk: &str, item: &Item) -> Result<()> {
        let odd = || Error::Internal(String::new());
        if sk == sort::BUDGET {
            let stored = stored::<BudgetSettings>(item)?;
            self.budget = stored.settings.zip(stored.etag);
        } else if let Some(agent) = sk.strip_prefix(sort::AGENT_BUDGET) {
            let stored = stored::<AgentBudgetSettings>(item)?;
            let (settings, token) = stored.settings.zip(stored.etag).ok_or_else(odd)?;
            let agent = AgentId::new(agent).map_err(Error::internal)?;
            self.agents.push(AgentBudget { agent, monthly: settings.monthly, token });
        } else if let Some(budget) = sk.strip_prefix(attr::CROSSED) {
            let budget = BudgetId::parse(budget).ok_or_else(odd)?;
            let state =
                serde_json::from_str(decode::required(item, attr::STATE)?).map_err(Error::internal)?;
            let writes = item.get(attr::WRITES).and_then(|value| value.as_n().ok()?.parse().ok());
            self.crossed.insert(budget, (state, writes.ok_or_else(odd)?));
        } else if let Some(id) = sk.strip_prefix(sort::DESTINATION) {
            let id = Name::new(id).map_err(Error::internal)?;
            self.destinations.insert(id, set(item)?.ok_or_else(odd)?);
        } else if let Some(key) = sk.strip_prefix(attr::DUE) {
            self.due.push(AlertKey::parse(key).ok_or_else(odd)?);
        }
        Ok(())
    }
}
