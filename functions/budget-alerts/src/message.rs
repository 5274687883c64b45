//! The JSON of alerts about an organization's budgets.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SubsecRound;
use ledger::alert::{
    AlertKey, BudgetForecast, BudgetId, Crossing, Facts, ForecastBasis, MESSAGE_VERSION, Message,
    MessageType, ModelCost, Party, Period, Resolution, RuleFacts, Subject, SubjectCost, SubjectKind,
    TopCosts, Window,
};
use ledger::ids::{AgentId, ModelKey};
use ledger::money::{Number, Usd, percent};
use ledger::roster::Agent;
use rust_decimal::Decimal;
use store::Registry;
use store::error::{Error, Result};
use store::keys::alerts::message_id;

use crate::evaluation::Evaluation;
use crate::forecast::{BASIS_DAYS, Forecast};
use crate::organization::Organization;
use crate::recent::{LargestCosts, RecentCosts};
use crate::rule_costs::{RuleCosts, is_of_model};
use crate::rules::Triggered;

/// Composes the messages about an organization's budgets.
pub struct Messages<'a> {
    pub org: Organization<'a>,
    window: Window,
    largest: BTreeMap<BudgetId, LargestCosts>,
    /// For each rule, the agent that its cause cost most for.
    callers: BTreeMap<BudgetId, AgentId>,
    /// The agents that are named.
    agents: BTreeMap<AgentId, Agent>,
}

impl<'a> Messages<'a> {
    /// Reads the names of the agents that messages about `evaluations` mention.
    pub async fn prepare(
        registry: &Registry,
        org: Organization<'a>,
        recent: &RecentCosts,
        evaluations: &[Evaluation],
        (rules, costs): (&[Triggered], &RuleCosts),
    ) -> Result<Self> {
        let budgets = evaluations.iter().map(|evaluation| &evaluation.budget);
        let mut largest: BTreeMap<_, _> =
            budgets.clone().map(|budget| (budget.id.clone(), recent.largest(budget.agent()))).collect();
        let mut callers = BTreeMap::new();
        for Triggered { id, facts: RuleFacts { scope, cause, .. }, .. } in rules {
            let scope = scope.as_ref();
            let is_of =
                |agent: &AgentId, model: &ModelKey| costs.is_of(agent, scope) && is_of_model(model, scope);
            largest.insert(id.clone(), recent.largest_of(is_of));
            let is_cause = |model: &ModelKey| {
                cause
                    .as_ref()
                    .is_some_and(|cause| model.provider == cause.provider && model.model == cause.model)
            };
            let most = recent.largest_of(|agent, model| is_of(agent, model) && is_cause(model));
            callers.extend(most.agents.into_iter().next().map(|(agent, _)| (id.clone(), agent)));
        }
        let spenders = largest.values().flat_map(|largest| &largest.agents).map(|(agent, _)| agent);
        let spenders = spenders.chain(callers.values());
        let mentioned: BTreeSet<_> =
            spenders.chain(budgets.filter_map(|budget| budget.agent())).cloned().collect();
        let agents = registry.agents_among(org.id, &mentioned).await?;
        Ok(Self { org, window: recent.window, largest, callers, agents })
    }

    /// The message that a threshold was crossed.
    pub fn crossed(&self, evaluation: &Evaluation, decided: &Crossing, key: &AlertKey) -> Result<String> {
        let also_crossed_percent = below(decided, &evaluation.changes.crossed);
        let facts = Facts { also_crossed_percent, ..self.facts(evaluation, decided, key) };
        self.json(MessageType::ThresholdCrossed, facts)
    }

    /// The message that the alerts about `resolved`, the highest first, no longer hold.
    pub fn resolved(&self, evaluation: &Evaluation, resolved: &[Crossing], key: &AlertKey) -> Result<String> {
        let (budget, month) = (&evaluation.budget.id, self.org.today().month());
        let resolution = |one: &Crossing| Resolution {
            id: message_id(self.org.id, &one.key(budget, month)).to_string(),
            kind: one.kind,
            threshold_percent: one.threshold,
        };
        let resolves = resolved.iter().map(resolution).collect();
        let highest = resolved.first().ok_or_else(|| Error::internal("nothing is resolved"))?;
        let facts = Facts { resolves, ..self.facts(evaluation, highest, key) };
        self.json(MessageType::Resolved, facts)
    }

    /// The message that the condition of a rule holds.
    pub fn triggered(&self, rule: &Triggered, decided: &Crossing, key: &AlertKey) -> Result<String> {
        let mut facts = rule.facts.clone();
        if let Some((cause, agent)) = facts.cause.as_mut().zip(self.callers.get(&rule.id)) {
            cause.agent = Some(self.name(agent).unwrap_or_else(|| agent.to_string()));
        }
        let Organization { id, settings, calendar, .. } = self.org;
        let (start, end) = (facts.from.start(calendar.zone), facts.to.next().start(calendar.zone));
        let used = rule.used.total;
        let facts = Facts {
            id: message_id(id, key).to_string(),
            summary: String::new(),
            organization: Party { id: id.to_string(), name: settings.name.clone() },
            subject: self.subject(&rule.id, rule.name.as_ref().map(ToString::to_string)),
            kind: decided.kind,
            threshold_percent: decided.threshold,
            also_crossed_percent: Vec::new(),
            budget: rule.amount(),
            cost: used.cost,
            utilization_percent: utilization(used.cost, rule.amount()),
            forecast: None,
            period: Period { start, end, month: rule.month.to_string(), ..self.period() },
            top: self.top(&rule.id),
            unpriced_requests: used.unpriced,
            is_lower_bound: used.unpriced > 0,
            resolves: Vec::new(),
            rule: Some(facts),
        };
        self.json(MessageType::RuleTriggered, facts)
    }

    /// The facts that every alert about a budget states.
    fn facts(&self, evaluation: &Evaluation, decided: &Crossing, key: &AlertKey) -> Facts {
        let Evaluation { budget, figures, .. } = evaluation;
        let amount = budget.amount.as_ref().map(|(amount, _)| *amount);
        let Organization { id, settings, .. } = self.org;
        Facts {
            id: message_id(id, key).to_string(),
            summary: String::new(),
            organization: Party { id: id.to_string(), name: settings.name.clone() },
            subject: self.subject(&budget.id, None),
            kind: decided.kind,
            threshold_percent: decided.threshold,
            also_crossed_percent: Vec::new(),
            budget: amount,
            cost: figures.cost,
            utilization_percent: utilization(figures.cost, amount),
            forecast: figures.forecast.as_ref().map(|forecast| budget_forecast(forecast, amount)),
            period: self.period(),
            top: self.top(&budget.id),
            unpriced_requests: figures.unpriced,
            is_lower_bound: figures.unpriced > 0,
            resolves: Vec::new(),
            rule: None,
        }
    }

    fn json(&self, message_type: MessageType, facts: Facts) -> Result<String> {
        let data = Facts { summary: facts.sentence(message_type), ..facts };
        let message = Message {
            message_type,
            version: MESSAGE_VERSION,
            timestamp: self.org.now.trunc_subsecs(3),
            data,
        };
        serde_json::to_string(&message).map_err(Error::internal)
    }

    /// `rule` is the name of a rule, which the budget's id does not tell.
    fn subject(&self, budget: &BudgetId, rule: Option<String>) -> Subject {
        match budget {
            BudgetId::Organization => Subject {
                subject_type: SubjectKind::Organization,
                id: self.org.id.to_string(),
                name: self.org.settings.name.clone(),
            },
            BudgetId::Rule(id) => Subject { subject_type: SubjectKind::Rule, id: id.to_string(), name: rule },
            BudgetId::Agent(id) => {
                Subject { subject_type: SubjectKind::Agent, id: id.to_string(), name: self.name(id) }
            }
        }
    }

    fn name(&self, agent: &AgentId) -> Option<String> {
        self.agents.get(agent)?.settings.as_ref()?.name.clone()
    }

    fn period(&self) -> Period {
        let (month, zone) = (self.org.today().month(), self.org.calendar.zone);
        Period {
            month: month.to_string(),
            time_zone: zone.name().to_owned(),
            start: month.first().start(zone),
            end: month.next().first().start(zone),
        }
    }

    fn top(&self, budget: &BudgetId) -> TopCosts {
        let window = self.window;
        let Some(largest) = self.largest.get(budget) else {
            return TopCosts { window, agents: Vec::new(), models: Vec::new() };
        };
        let agent = |(id, cost): &(AgentId, Usd)| SubjectCost {
            id: id.to_string(),
            name: self.name(id),
            cost: *cost,
        };
        let model = |(key, cost): &(ModelKey, Usd)| ModelCost {
            provider: key.provider.clone(),
            model: key.model.clone(),
            cost: *cost,
        };
        TopCosts {
            window,
            agents: largest.agents.iter().map(agent).collect(),
            models: largest.models.iter().map(model).collect(),
        }
    }
}

/// The lower thresholds that `notified` supersedes.
fn below(notified: &Crossing, crossed: &[Crossing]) -> Vec<u32> {
    let is_below = |one: &&Crossing| {
        notified.notified && one.kind == notified.kind && one.threshold < notified.threshold
    };
    crossed.iter().filter(is_below).map(|one| one.threshold).collect()
}

fn utilization(cost: Usd, budget: Option<Usd>) -> Number {
    percent(cost.dollars(), budget.map_or(Decimal::ZERO, Usd::dollars))
}

fn budget_forecast(forecast: &Forecast, budget: Option<Usd>) -> BudgetForecast {
    BudgetForecast {
        cost: forecast.cost,
        utilization_percent: utilization(forecast.cost, budget),
        days_left: forecast.days_left,
        basis: ForecastBasis {
            days: BASIS_DAYS,
            from: forecast.basis.first,
            to: forecast.basis.last,
            mean_daily_cost: forecast.mean,
        },
    }
}
