//! One organization's part of a run: find its budgets, decide, mark what is decided, and notify.
//!
//! Marking comes first, so that nothing is decided twice: an alert is stored as due together with the note that its
//! threshold was decided, and is delivered from there, by this run or by a later one.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ledger::ids::OrgId;
use ledger::rollup::Seen;
use store::alerts::{Alert, Watched};
use store::error::{Error, Result};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;

use crate::budgets::{self, Budgets};
use crate::claim;
use crate::deadline::Deadline;
use crate::decision;
use crate::deliver::Deliverer;
use crate::evaluation::evaluate;
use crate::message::Messages;
use crate::metrics::Counts;
use crate::organization::Organization;
use crate::rule_costs::RuleCosts;
use crate::rules;
use crate::services::Services;
use crate::spending::Costs;

/// The counts of an organization, which may be above zero even where something failed, and the first failure.
pub type WatchOutcome = (Counts, Option<Error>);

/// An organization that a run watches.
pub struct Watch {
    pub services: Arc<Services>,
    pub deadline: Deadline,
    /// When the run will be over at the latest; until then the alerts it works on are leased to it.
    pub ends: DateTime<Utc>,
    pub org: OrgId,
    /// What the organization's events say about it.
    pub seen: Option<Seen>,
}

impl Watch {
    /// Watches the organization, but not beyond the run's deadline.
    pub async fn until_deadline(self, permit: OwnedSemaphorePermit) -> WatchOutcome {
        let late = || Error::Unavailable("the run's time was over".to_owned());
        timeout_at(self.deadline.cancel_at, self.watch(permit))
            .await
            .unwrap_or_else(|_| (Counts::default(), Some(late())))
    }

    /// Evaluates the budgets, then gives up the `permit`, and delivers. Alerts of earlier runs are delivered even if
    /// the evaluation fails.
    async fn watch(&self, permit: OwnedSemaphorePermit) -> WatchOutcome {
        let watched = match self.services.tables.registry.watched(&self.org).await {
            Ok(watched) => watched,
            Err(fault) => return (Counts::default(), Some(fault)),
        };
        let decided = self.decide(&watched).await;
        drop(permit);
        let (new, fault) = decided.map_or_else(|fault| (Vec::new(), Some(fault)), |new| (new, None));
        let mut counts = count(&new);
        let (delivered, undelivered) = self.notify(&watched, new).await;
        counts += delivered;
        (counts, fault.or(undelivered))
    }

    /// Decides which alerts there are to be, and stores them.
    async fn decide(&self, watched: &Watched) -> Result<Vec<Alert>> {
        if !budgets::any(watched) {
            return Ok(Vec::new());
        }
        let Services { tables, clock, channels, recent } = &*self.services;
        let now = clock.now();
        let (settings, calendar) = tables.registry.organization_and_calendar(&self.org).await?;
        let org = Organization { id: &self.org, settings: &settings, calendar, now };
        let budgets = Budgets::of_month(watched, org.today().month());
        let costs = Costs::read(&tables.usage, org, self.seen.as_ref(), &budgets).await?;
        let evaluations = evaluate(&tables.registry, org, budgets, &costs).await?;
        let rule_costs = RuleCosts::read(tables, org, watched.rules.values().map(|(rule, _)| rule)).await?;
        let rules = rules::triggered(watched, org, self.seen.as_ref(), &rule_costs);
        if evaluations.is_empty() && rules.is_empty() {
            return Ok(Vec::new());
        }
        let recent = recent.read(org, &costs).await?;
        let messages =
            Messages::prepare(&tables.registry, org, &recent, &evaluations, (&rules, &rule_costs)).await?;
        let deliveries = channels.deliveries(&watched.destinations, now);
        let decision = |evaluation| decision::decision(&messages, evaluation, &deliveries, self.ends);
        let of_rule = |rule| decision::rule_decision(&messages, rule, &deliveries, self.ends);
        let decisions = evaluations.iter().map(decision).chain(rules.iter().map(of_rule));
        let decisions = decisions.collect::<Result<_>>()?;
        decision::store_all(&tables.registry, decisions).await
    }

    /// Delivers the new alerts and those that earlier runs left.
    async fn notify(&self, watched: &Watched, new: Vec<Alert>) -> WatchOutcome {
        let (mut alerts, claim_faults) =
            claim::claim(&self.services, &self.org, &watched.due, self.ends).await;
        alerts.extend(new);
        let deliverer = Deliverer {
            services: &self.services,
            org: &self.org,
            destinations: &watched.destinations,
            deadline: self.deadline,
        };
        let (counts, faults) = deliverer.deliver(alerts).await;
        (counts, claim_faults.into_iter().chain(faults).next())
    }
}

fn count(alerts: &[Alert]) -> Counts {
    let mut counts = Counts::default();
    for alert in alerts {
        if alert.superseded { counts.superseded += 1 } else { counts.decided += 1 }
    }
    counts
}
