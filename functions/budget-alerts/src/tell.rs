//! What is said of a decision.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use store::keys::alerts::message_id;

use ledger::alert::{
    AlertKey, BudgetForecast, BudgetId, Decided, Delivery, Facts, ForecastBasis, MESSAGE_VERSION, Message,
    MessageType, ModelCost, Party, Period, Resolution, Subject, SubjectCost, SubjectKind, TopCosts, Window,
};
use ledger::ids::{AgentId, ModelKey};
use ledger::money::{Number, Usd, percent};
use ledger::period::Day;
use ledger::roster::Agent;
use ledger::settings::OrganizationSettings;
use rust_decimal::Decimal;
use store::alerts::{Decision, NewAlert};
use store::error::{Error, Result};

use crate::forecast::{BASIS_DAYS, Forecast};
use crate::judge;
use crate::lately::Lately;
use crate::look::{Judged, Look, Spent};
use crate::top::{self, Top};

/// Knows whose decisions are told, the names of all that is named, and what was spent lately.
pub struct Teller<'a> {
    look: &'a Look<'a>,
    settings: &'a OrganizationSettings,
    today: Day,
    window: Window,
    tops: BTreeMap<BudgetId, Top>,
    agents: BTreeMap<AgentId, Agent>,
}

impl<'a> Teller<'a> {
    /// Reads what is to be said of `judged` and was not read before: most runs have nothing to say.
    pub async fn new(
        look: &'a Look<'a>,
        settings: &'a OrganizationSettings,
        judged: &[Judged],
        spent: &Spent,
    ) -> Result<Self> {
        let today = Day::of(look.now, settings.timezone);
        let lately = Lately::read(look, settings.timezone, spent).await?;
        let top = |judged: &Judged| {
            let top = top::top(&lately, judged.subject.agent());
            (judged.subject.id.clone(), top)
        };
        let tops: BTreeMap<_, _> = judged.iter().map(top).collect();
        let named = tops.values().flat_map(|top| &top.agents).map(|(agent, _)| agent);
        let named: BTreeSet<_> =
            named.chain(judged.iter().filter_map(|one| one.subject.agent())).cloned().collect();
        let agents = look.store.agents_among(look.org, &named).await?;
        Ok(Self { look, settings, today, window: lately.window, tops, agents })
    }

    /// All that is to be stored of a decision, and is told by way of `deliveries`.
    pub fn decision(&self, judged: &Judged, deliveries: &[Delivery]) -> Result<Decision> {
        let Judged { subject, verdict, .. } = judged;
        let (month, version) =
            (self.today.month(), subject.amount.as_ref().map(|(_, version)| version.as_str()));
        let mut alerts: Vec<_> = self.resolution(judged, deliveries)?.into_iter().collect();
        for decided in &verdict.crossed {
            let key = decided.key(&subject.id, month);
            let also_crossed_percent = below(decided, &verdict.crossed);
            let facts = Facts { also_crossed_percent, ..self.facts(judged, decided, &key) };
            let message = self.message(MessageType::ThresholdCrossed, facts)?;
            let deliveries = decided.told.then(|| deliveries.to_vec());
            alerts.push(NewAlert { key, message, deliveries });
        }
        Ok(Decision {
            org: self.look.org.clone(),
            budget: subject.id.clone(),
            crossed: judge::after(month, version, &subject.before, verdict),
            writes: subject.writes,
            alerts,
            resolved: verdict.resolved.iter().map(|one| one.key(&subject.id, month)).collect(),
            now: self.look.now,
            lease: self.look.lease,
        })
    }

    /// The one alert that takes back all that no longer holds. It is named after the highest of them, which is taken
    /// back but once.
    fn resolution(&self, judged: &Judged, deliveries: &[Delivery]) -> Result<Option<NewAlert>> {
        let mut resolved = judged.verdict.resolved.clone();
        resolved.sort_by_key(|one| (Reverse(one.threshold), one.kind));
        let Some(highest) = resolved.first() else { return Ok(None) };
        let (budget, month) = (&judged.subject.id, self.today.month());
        let mut key = highest.key(budget, month);
        key.resolved = true;
        let resolution = |one: &Decided| Resolution {
            id: message_id(self.look.org, &one.key(budget, month)).to_string(),
            kind: one.kind,
            threshold_percent: one.threshold,
        };
        let resolves = resolved.iter().map(resolution).collect();
        let facts = Facts { resolves, ..self.facts(judged, highest, &key) };
        let message = self.message(MessageType::Resolved, facts)?;
        Ok(Some(NewAlert { key, message, deliveries: Some(deliveries.to_vec()) }))
    }

    /// What every alert about a budget says.
    fn facts(&self, judged: &Judged, decided: &Decided, key: &AlertKey) -> Facts {
        let Judged { subject, figures, .. } = judged;
        let budget = subject.amount.as_ref().map(|(amount, _)| *amount);
        Facts {
            id: message_id(self.look.org, key).to_string(),
            summary: String::new(),
            organization: Party { id: self.look.org.to_string(), name: self.settings.name.clone() },
            subject: self.subject(&subject.id),
            kind: decided.kind,
            threshold_percent: decided.threshold,
            also_crossed_percent: Vec::new(),
            budget,
            cost: figures.cost,
            utilization_percent: share(figures.cost, budget),
            forecast: figures.forecast.as_ref().map(|forecast| shown(forecast, budget)),
            period: self.period(),
            top: self.top(&subject.id),
            unpriced_requests: figures.unpriced,
            is_lower_bound: figures.unpriced > 0,
            resolves: Vec::new(),
        }
    }

    fn message(&self, message_type: MessageType, facts: Facts) -> Result<String> {
        let data = Facts { summary: facts.sentence(message_type), ..facts };
        let message = Message { message_type, version: MESSAGE_VERSION, timestamp: self.look.now, data };
        serde_json::to_string(&message).map_err(Error::internal)
    }

    fn subject(&self, budget: &BudgetId) -> Subject {
        match budget {
            BudgetId::Organization => Subject {
                subject_type: SubjectKind::Organization,
                id: self.look.org.to_string(),
                name: self.settings.name.clone(),
            },
            BudgetId::Agent(id) => {
                Subject { subject_type: SubjectKind::Agent, id: id.to_string(), name: self.name(id) }
            }
        }
    }

    fn name(&self, agent: &AgentId) -> Option<String> {
        self.agents.get(agent)?.settings.as_ref()?.name.clone()
    }

    fn period(&self) -> Period {
        let (month, zone) = (self.today.month(), self.settings.timezone);
        Period {
            month: month.to_string(),
            time_zone: zone.name().to_owned(),
            start: month.first().start(zone),
            end: month.next().first().start(zone),
        }
    }

    fn top(&self, budget: &BudgetId) -> TopCosts {
        let window = self.window;
        let Some(top) = self.tops.get(budget) else {
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
            agents: top.agents.iter().map(agent).collect(),
            models: top.models.iter().map(model).collect(),
        }
    }
}

/// The thresholds that `told` is told in the place of.
fn below(told: &Decided, all: &[Decided]) -> Vec<u32> {
    let is_below = |one: &&Decided| told.told && one.kind == told.kind && one.threshold < told.threshold;
    all.iter().filter(is_below).map(|one| one.threshold).collect()
}

fn share(cost: Usd, budget: Option<Usd>) -> Number {
    percent(cost.dollars(), budget.map_or(Decimal::ZERO, Usd::dollars))
}

fn shown(forecast: &Forecast, budget: Option<Usd>) -> BudgetForecast {
    BudgetForecast {
        cost: forecast.cost,
        utilization_percent: share(forecast.cost, budget),
        days_left: forecast.days_left,
        basis: ForecastBasis {
            days: BASIS_DAYS,
            from: forecast.basis.first,
            to: forecast.basis.last,
            mean_daily_cost: forecast.mean,
        },
    }
}
