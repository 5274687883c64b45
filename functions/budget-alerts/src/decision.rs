//! What is stored of an evaluation: its alerts, and the note of what has been decided.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::alert::{Crossing, Delivery};
use store::Registry;
use store::alerts::{Alert, Decision, NewAlert};
use store::error::Result;

use crate::evaluation::Evaluation;
use crate::message::Messages;
use crate::rules::Triggered;
use crate::thresholds::decided_after;

/// Decisions of one organization that are stored at the same time.
const CONCURRENCY: usize = 8;

/// Stores decisions, and returns the alerts that exist because of them.
pub async fn store_all(registry: &Registry, decisions: Vec<Decision>) -> Result<Vec<Alert>> {
    let stored: Vec<_> = stream::iter(decisions)
        .map(|decision| async move { registry.decide(&decision).await })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    Ok(stored.into_iter().flatten().collect())
}

/// The decision that follows from an evaluation. Its alerts go to `deliveries`, and are leased to this run until
/// `lease`.
pub fn decision(
    messages: &Messages<'_>,
    evaluation: &Evaluation,
    deliveries: &[Delivery],
    lease: DateTime<Utc>,
) -> Result<Decision> {
    let Evaluation { budget, changes, .. } = evaluation;
    let (org, month) = (messages.org, messages.org.today().month());
    let mut alerts: Vec<_> = resolution(messages, evaluation, deliveries)?.into_iter().collect();
    for decided in &changes.crossed {
        let key = decided.key(&budget.id, month);
        let message = messages.crossed(evaluation, decided, &key)?;
        let deliveries = decided.notified.then(|| deliveries.to_vec());
        alerts.push(NewAlert { key, message, deliveries });
    }
    Ok(Decision {
        org: org.id.clone(),
        budget: budget.id.clone(),
        crossed: decided_after(month, budget.version(), &budget.before, changes),
        writes: budget.writes,
        alerts,
        resolved: changes.resolved.iter().map(|one| one.key(&budget.id, month)).collect(),
        now: org.now,
        lease,
    })
}

/// The decision that follows from a rule whose condition holds.
pub fn rule_decision(
    messages: &Messages<'_>,
    rule: &Triggered,
    deliveries: &[Delivery],
    lease: DateTime<Utc>,
) -> Result<Decision> {
    let alert = |crossing: &Crossing| {
        let key = crossing.key(&rule.id, rule.month);
        let message = messages.triggered(rule, crossing, &key)?;
        Ok(NewAlert { key, message, deliveries: Some(deliveries.to_vec()) })
    };
    let version = rule.changes.crossed.first().map(|crossing| crossing.version.as_str());
    Ok(Decision {
        org: messages.org.id.clone(),
        budget: rule.id.clone(),
        crossed: decided_after(rule.month, version, &rule.before, &rule.changes),
        writes: rule.writes,
        alerts: rule.changes.crossed.iter().map(alert).collect::<Result<_>>()?,
        resolved: Vec::new(),
        now: messages.org.now,
        lease,
    })
}

/// The one alert that says which alerts no longer hold. Its key is that of the highest of them, which is resolved only
/// once.
fn resolution(
    messages: &Messages<'_>,
    evaluation: &Evaluation,
    deliveries: &[Delivery],
) -> Result<Option<NewAlert>> {
    let mut resolved = evaluation.changes.resolved.clone();
    resolved.sort_by_key(|one| (Reverse(one.threshold), one.kind));
    let Some(highest) = resolved.first() else { return Ok(None) };
    let mut key = highest.key(&evaluation.budget.id, messages.org.today().month());
    key.resolved = true;
    let message = messages.resolved(evaluation, &resolved, &key)?;
    Ok(Some(NewAlert { key, message, deliveries: Some(deliveries.to_vec()) }))
}
