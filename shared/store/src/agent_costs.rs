//! The costs of agents' days by model, without the rest of their figures.

use std::collections::{BTreeMap, BTreeSet};

use ledger::calendar::Generation;
use ledger::ids::{AgentId, OrgId};
use ledger::money::Usd;
use ledger::pack::{Table, View};
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentModelFigures, ModelCode};

use crate::Usage;
use crate::error::Result;
use crate::keys::Owner;

/// The cost of one agent on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCost {
    /// The day in the organization's time zone.
    pub day: Day,
    /// The agent's id.
    pub agent: AgentId,
    /// Cost by model, in no order.
    pub models: Vec<(ModelCode, Usd)>,
    /// The number of calls.
    pub requests: u64,
    /// The number of unpriced calls.
    pub unpriced: u64,
}

impl AgentCost {
    /// The cost of all models together.
    pub fn cost(&self) -> Usd {
        self.models.iter().map(|(_, cost)| *cost).sum()
    }
}

impl Usage {
    /// The cost of all agents within `days` by calls of `models`: one query of packs and one of pages, at the same time.
    pub async fn agent_costs(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
        models: &BTreeSet<ModelCode>,
    ) -> Result<Vec<AgentCost>> {
        if models.is_empty() {
            return Ok(Vec::new());
        }
        // Of what an organization's day counts as other, an agent's day may know the model.
        let models = (!models.contains(&ModelCode::other())).then_some(models);
        let costs = |views: &[Table]| views.iter().flat_map(Table::calls_by_model).collect::<Vec<_>>();
        let of_days =
            self.agent_views(&Owner::new(org, generation), days, &[View::AgentModels], costs).await?;
        Ok(of_days.into_iter().flat_map(|(day, rows)| of_agents(day, rows, models)).collect())
    }
}

fn of_agents(
    day: Day,
    rows: Vec<(AgentId, ModelCode, AgentModelFigures)>,
    models: Option<&BTreeSet<ModelCode>>,
) -> impl Iterator<Item = AgentCost> {
    let mut agents: BTreeMap<AgentId, AgentCost> = BTreeMap::new();
    for (agent, code, figures) in rows {
        if models.is_some_and(|models| !models.contains(&code)) {
            continue;
        }
        let of_agent = agents.entry(agent.clone()).or_insert_with(|| AgentCost {
            day,
            agent,
            models: Vec::new(),
            requests: 0,
            unpriced: 0,
        });
        if figures.cost != Usd::ZERO {
            of_agent.models.push((code, figures.cost));
        }
        of_agent.requests += figures.requests;
        of_agent.unpriced += figures.unpriced;
    }
    agents.into_values()
}
