//! Looking at one organisation: what its budgets are, what was spent, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::ids::{AgentId, ModelKey, OrgId};
use ledger::period::Day;
use ledger::rollup::ModelCode;
use ledger::rollup::{OrgDay, Seen};
use ledger::settings::{BudgetSettings, OrganizationSettings};
use store::Store;
use store::alerts::{AgentCost, Alert, Watched};
use store::error::Result;
use tokio::sync::Semaphore;

use crate::forecast;
use crate::judge::{Figures, Verdict, judge};
use crate::outlets::Outlets;
use crate::spending::{self, Spending};
use crate::subjects::{self, Subject};
use crate::tell::Teller;

/// Decisions about one organisation's budgets that are stored at once.
const DECISIONS_AT_ONCE: usize = 8;

/// An organisation at a moment.
pub struct Look<'a> {
    /// The tables.
    pub store: &'a Store,
    /// Where alerts go.
    pub outlets: &'a Outlets,
    /// Whose turn it is to read raw events.
    pub reading: &'a Semaphore,
    /// Which one.
    pub org: &'a OrgId,
    /// What its events told of it.
    pub seen: Option<&'a Seen>,
    /// When.
    pub now: DateTime<Utc>,
    /// Until when whoever decides delivers it too.
    pub lease: DateTime<Utc>,
}

/// What was spent.
#[derive(Debug, Default)]
pub struct Spent {
    /// By the organisation.
    pub org: BTreeMap<Day, OrgDay>,
    /// The models that it used.
    pub names: BTreeMap<ModelCode, ModelKey>,
    /// By its agents, where any has a budget.
    pub agents: Option<Vec<AgentCost>>,
}

/// A budget of which something has to be told or noted.
pub struct Judged {
    /// Whose.
    pub subject: Subject,
    /// What is held against it.
    pub figures: Figures,
    /// What follows.
    pub verdict: Verdict,
}

impl Look<'_> {
    /// Decides what is to be decided, and answers the alerts that there are because of it.
    pub async fn decide(&self, watched: &Watched) -> Result<Vec<Alert>> {
        if !subjects::are_any(watched) {
            return Ok(Vec::new());
        }
        let settings = self.store.organization(self.org).await?;
        let today = Day::of(self.now, settings.timezone);
        let subjects = subjects::subjects(watched, today.month());
        let spent = self.spent(&subjects, today).await?;
        let judged = self.judge(subjects, &subjects::rules(watched), &spent, today).await?;
        self.store_decisions(watched, &settings, &judged, &spent).await
    }

    /// What was spent, as far as the budgets want to know. The organisation's days also name the models that its agents'
    /// days know by their codes.
    async fn spent(&self, subjects: &[Subject], today: Day) -> Result<Spent> {
        if subjects.is_empty() {
            return Ok(Spent::default());
        }
        let org = self.store.org_days(self.org, spending::months(today)).await?;
        let names = names(&org);
        let of_agents = subjects.iter().any(|subject| subject.agent().is_some());
        let agents = if of_agents {
            let models = names.keys().copied().collect();
            Some(self.store.agent_costs(self.org, spending::days(today), &models).await?)
        } else {
            None
        };
        Ok(Spent { org, names, agents })
    }

    /// What follows for each budget; those of which nothing does are left out.
    async fn judge(
        &self,
        subjects: Vec<Subject>,
        rules: &BudgetSettings,
        spent: &Spent,
        today: Day,
    ) -> Result<Vec<Judged>> {
        let of_agents = Spending::of_agents(spent.agents.as_deref().unwrap_or_default(), today);
        let of_org = Spending::of_org(&spent.org, today);
        let mut judged = Vec::with_capacity(subjects.len());
        let mut in_question = BTreeMap::new();
        for subject in subjects {
            let (spending, since) = match subject.agent() {
                None => (of_org, self.in_use_since(&of_org, today)),
                Some(agent) => {
                    let spending = of_agents.get(agent).copied().unwrap_or_default();
                    (spending, spending.since)
                }
            };
            let judge = |forecast| {
                let figures = spending.figures(forecast);
                (judge(subject.budget(rules).as_ref(), &figures, &subject.before), figures)
            };
            let known = forecast::has_history(since, today).then(|| spending.forecast(today)).flatten();
            let (verdict, figures) = judge(known.clone());
            if let (None, Some(agent)) = (known, subject.agent()) {
                let (otherwise, with_forecast) = judge(spending.forecast(today));
                // Whatever is told says whether there is a forecast.
                if otherwise != verdict || verdict != Verdict::default() {
                    in_question.insert(agent.clone(), (otherwise, with_forecast));
                }
            }
            judged.push(Judged { subject, figures, verdict });
        }
        self.settle(&mut judged, in_question, today).await?;
        judged.retain(|judged| judged.verdict != Verdict::default());
        Ok(judged)
    }

    /// Since when the organisation is in use. Months before those that were read are known from the registry.
    fn in_use_since(&self, spending: &Spending, today: Day) -> Option<Day> {
        let first = spending::months(today).first;
        let earlier = self.seen.is_some_and(|seen| seen.months.iter().any(|month| *month < first.month()));
        if earlier { Some(first) } else { spending.since }
    }

    /// Looks up since when those agents are known on whose history it depends what follows: there are few, since most
    /// have a call on the first of the days that were read anyway. An agent's history begins with its first event.
    async fn settle(
        &self,
        judged: &mut [Judged],
        mut in_question: BTreeMap<AgentId, (Verdict, Figures)>,
        today: Day,
    ) -> Result<()> {
        let agents: BTreeSet<_> = in_question.keys().cloned().collect();
        let known = self.store.agents_among(self.org, &agents).await?;
        for one in judged {
            let Some(agent) = one.subject.agent() else { continue };
            let seen = known.get(agent).and_then(|agent| agent.seen.as_ref());
            let Some(otherwise) = in_question.remove(agent) else { continue };
            if forecast::has_history(seen.map(|seen| seen.first), today) {
                (one.verdict, one.figures) = otherwise;
            }
        }
        Ok(())
    }

    async fn store_decisions(
        &self,
        watched: &Watched,
        settings: &OrganizationSettings,
        judged: &[Judged],
        spent: &Spent,
    ) -> Result<Vec<Alert>> {
        if judged.is_empty() {
            return Ok(Vec::new());
        }
        let teller = Teller::new(self, settings, judged, spent).await?;
        let deliveries = self.outlets.deliveries(&watched.destinations, self.now);
        let decisions = judged.iter().map(|judged| teller.decision(judged, &deliveries));
        let decisions: Vec<_> = decisions.collect::<Result<_>>()?;
        let stored: Vec<_> = stream::iter(decisions)
            .map(|decision| async move { self.store.decide(&decision).await })
            .buffered(DECISIONS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(stored.into_iter().flatten().collect())
    }
}

fn names(days: &BTreeMap<Day, OrgDay>) -> BTreeMap<ModelCode, ModelKey> {
    days.values().flat_map(|day| day.models.keys()).map(|key| (ModelCode::of(key), key.clone())).collect()
}
