//! Reads what the rules of an organization count: its days and, where a rule is about agents or departments, the days of
//! all agents. One query more for each month that the rules reach back to, however many rules there are.

use std::collections::BTreeMap;

use ledger::ids::{AgentId, ModelKey};
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::{ModelCode, OrgDay};
use ledger::settings::{AlertCondition, AlertDimension, AlertRuleSettings, AlertScope};
use store::agent_costs::AgentCost;
use store::error::Result;

use crate::Tables;
use crate::organization::Organization;

/// The days of an organization, as far as its rules need them.
#[derive(Debug, Default)]
pub struct RuleCosts {
    days: BTreeMap<Day, OrgDay>,
    agents: Vec<AgentCost>,
    models: BTreeMap<ModelCode, ModelKey>,
    departments: BTreeMap<AgentId, String>,
}

/// What was used of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleUse {
    pub cost: Usd,
    pub unpriced: u64,
}

/// What a rule counts of some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub total: RuleUse,
    /// By model. The days of agents do not say which of their models have no price.
    pub models: BTreeMap<ModelKey, RuleUse>,
}

impl Counted {
    fn add(&mut self, model: Option<&ModelKey>, used: RuleUse) {
        let of_model = model.map(|model| self.models.entry(model.clone()).or_default());
        for sum in of_model.into_iter().chain([&mut self.total]) {
            sum.cost += used.cost;
            sum.unpriced += used.unpriced;
        }
    }
}

impl RuleCosts {
    pub async fn read<'a>(
        tables: &Tables,
        org: Organization<'_>,
        rules: impl Iterator<Item = &'a AlertRuleSettings> + Clone,
    ) -> Result<Self> {
        let Some(days) = days(rules.clone(), org.today()) else { return Ok(Self::default()) };
        let uses = |dimension| {
            rules.clone().any(|rule| rule.scope.as_ref().is_some_and(|scope| scope.dimension == dimension))
        };
        let generation = org.calendar.generation;
        let org_days = tables.usage.org_days(org.id, generation, days).await?;
        let models = org_days.values().flat_map(|day| day.models.keys());
        let models: BTreeMap<_, _> = models.map(|key| (ModelCode::of(key), key.clone())).collect();
        let mut costs = Self { days: org_days, models, ..Self::default() };
        if uses(AlertDimension::Agent) || uses(AlertDimension::Department) {
            let codes = costs.models.keys().copied().collect();
            costs.agents = tables.usage.agent_costs(org.id, generation, days, &codes).await?;
        }
        if uses(AlertDimension::Department) {
            let agents = tables.registry.agents(org.id).await?.into_iter();
            costs.departments =
                agents.filter_map(|agent| Some((agent.id, agent.settings?.department?))).collect();
        }
        Ok(costs)
    }

    /// The first day with a call, among those that were read.
    pub fn first_day(&self) -> Option<Day> {
        let used = self.days.iter().find(|(_, day)| day.models.values().any(|model| model.requests > 0));
        used.map(|(day, _)| *day)
    }

    /// What a scope used on some days.
    pub fn counted(&self, scope: Option<&AlertScope>, days: DayRange) -> Counted {
        let mut counted = Counted::default();
        if let Some(AlertScope { dimension: AlertDimension::Agent | AlertDimension::Department, .. }) = scope
        {
            for day in
                self.agents.iter().filter(|day| days.contains(day.day) && self.is_of(&day.agent, scope))
            {
                for (code, cost) in &day.models {
                    let used = RuleUse { cost: *cost, unpriced: 0 };
                    counted.add(self.models.get(code), used);
                }
                counted.add(None, RuleUse { cost: Usd::ZERO, unpriced: day.unpriced });
            }
            return counted;
        }
        for (_, day) in self.days.iter().filter(|(day, _)| days.contains(**day)) {
            for (key, figures) in day.models.iter().filter(|(key, _)| is_of_model(key, scope)) {
                counted.add(Some(key), RuleUse { cost: figures.cost(), unpriced: figures.unpriced });
            }
        }
        counted
    }

    /// Whether a scope includes what an agent does, as far as agents decide that.
    pub fn is_of(&self, agent: &AgentId, scope: Option<&AlertScope>) -> bool {
        scope.is_none_or(|AlertScope { dimension, value }| match dimension {
            AlertDimension::Agent => agent.as_str() == value.as_str(),
            AlertDimension::Department => {
                self.departments.get(agent).is_some_and(|department| department == value.as_str())
            }
            AlertDimension::Model | AlertDimension::Provider => true,
        })
    }
}

/// Whether a scope includes calls of a model, as far as models decide that.
pub fn is_of_model(key: &ModelKey, scope: Option<&AlertScope>) -> bool {
    scope.is_none_or(|AlertScope { dimension, value }| match dimension {
        AlertDimension::Model => key.model == value.as_str(),
        AlertDimension::Provider => key.provider == value.as_str(),
        AlertDimension::Agent | AlertDimension::Department => true,
    })
}

/// The days before today that the mean of a spike is taken of.
pub fn days_before(today: Day, days: u32) -> DayRange {
    DayRange { first: today.minus(days), last: today.minus(1) }
}

/// The days that the rules need.
fn days<'a>(rules: impl Iterator<Item = &'a AlertRuleSettings>, today: Day) -> Option<DayRange> {
    let needed = rules.map(|rule| {
        let DayRange { first, last } = rule.condition.period(today);
        match rule.condition {
            AlertCondition::Spike { days, .. } => DayRange { first: days_before(today, days).first, last },
            AlertCondition::Limit { .. } | AlertCondition::Unpriced { .. } => DayRange { first, last },
        }
    });
    needed.reduce(|one, other| DayRange { first: one.first.min(other.first), last: one.last.max(other.last) })
}
