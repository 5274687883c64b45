//! Agents' figures over many days.

use ledger::calendar::Generation;
use ledger::ids::{AgentId, OrgId};
use ledger::pack::View;
use ledger::period::{Day, Windows};
use ledger::rollup::{AgentModelFigures, ModelCode, WorkFigures};

use crate::Usage;
use crate::agent_parts::Part;
use crate::error::Result;
use crate::keys::Owner;

/// The calls and tasks of an agent. Those of several days are added up already where every window contains all or none of
/// these days; they bear the first of them.
pub type AgentTotal = (Day, AgentId, AgentModelFigures, WorkFigures);

/// An agent's calls of a model, added up likewise.
pub type AgentModelTotal = (Day, AgentId, ModelCode, AgentModelFigures);

impl Usage {
    /// The totals of all agents, to be added up over one of `windows`.
    pub async fn agent_totals_over(
        &self,
        org: &OrgId,
        generation: Generation,
        windows: &Windows,
    ) -> Result<Vec<AgentTotal>> {
        let [agents] = self.parts(&Owner::new(org, generation), windows, [View::Agents]).await?;
        Ok(totals(agents))
    }

    /// The calls of all agents by model, to be added up likewise.
    pub async fn agent_models_over(
        &self,
        org: &OrgId,
        generation: Generation,
        windows: &Windows,
    ) -> Result<Vec<AgentModelTotal>> {
        let [models] = self.parts(&Owner::new(org, generation), windows, [View::AgentModels]).await?;
        Ok(calls(models))
    }

    /// Both of these, which agree in every call of this function.
    pub async fn agents_over(
        &self,
        org: &OrgId,
        generation: Generation,
        windows: &Windows,
    ) -> Result<(Vec<AgentTotal>, Vec<AgentModelTotal>)> {
        let views = [View::Agents, View::AgentModels];
        let [agents, models] = self.parts(&Owner::new(org, generation), windows, views).await?;
        Ok((totals(agents), calls(models)))
    }
}

fn totals(parts: Vec<Part>) -> Vec<AgentTotal> {
    let of_part = |Part { first, rows, .. }| {
        let agents = rows.agent_totals().into_iter();
        agents.map(move |(agent, (calls, work))| (first, agent, calls, work))
    };
    parts.into_iter().flat_map(of_part).collect()
}

fn calls(parts: Vec<Part>) -> Vec<AgentModelTotal> {
    let of_part = |Part { first, rows, .. }| {
        let calls = rows.calls_by_model().collect::<Vec<_>>().into_iter();
        calls.map(move |(agent, model, figures)| (first, agent, model, figures))
    };
    parts.into_iter().flat_map(of_part).collect()
}
