//! Storing the decision about a budget: exactly once, even if several runs decide at the same time.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Alert, RETENTION_DAYS, json};
use crate::error::Result;
use crate::keys::{PK, alerts as attr};
use crate::table::{TransactOutcome, Write, absent, equals, exists};
use crate::{Item, Store, n, new_item, s};
use ledger::alert::{AlertKey, BudgetId, Delivery, MonthCrossings};
use ledger::ids::OrgId;
use ledger::period;

/// Days after its month that the state of a budget is kept.
const STATE_DAYS: i64 = 40;

/// What one run decides about one budget.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The organization.
    pub org: OrgId,
    /// The budget.
    pub budget: BudgetId,
    /// The state of the budget after this decision.
    pub crossed: MonthCrossings,
    /// How often the state had been written when it was read; none if there was none.
    pub writes: Option<u64>,
    /// The new alerts: at most ten of each kind, and one that resolves others.
    pub alerts: Vec<NewAlert>,
    /// The alerts that no longer hold.
    pub resolved: Vec<AlertKey>,
    /// The time of the decision.
    pub now: DateTime<Utc>,
    /// Until when the run that decides also delivers, exclusively.
    pub lease: DateTime<Utc>,
}

/// An alert of a decision.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// Budget, month, kind and threshold.
    pub key: AlertKey,
    /// The message's JSON.
    pub message: String,
    /// One delivery per channel; none if the alert is superseded.
    pub deliveries: Option<Vec<Delivery>>,
}

/// One write of the transaction.
struct Step<'a> {
    write: Write<'a>,
    /// The position of the alert that the write belongs to.
    alert: Option<usize>,
}

/// The steps to leave out together with `step`: all of the same alert.
fn together(steps: &[Step<'_>], step: usize) -> Vec<usize> {
    let alert = steps[step].alert;
    let belongs = |other: &usize| *other == step || alert.is_some() && steps[*other].alert == alert;
    (0..steps.len()).filter(belongs).collect()
}

impl Store {
    /// Stores a decision and returns its alerts. Returns none if another run has decided about the same budget
    /// meanwhile; the next run decides what is left.
    ///
    /// An alert that exists already is left as it is, and so is an alert to be resolved that does not exist.
    pub async fn decide(&self, decision: &Decision) -> Result<Vec<Alert>> {
        let steps = self.steps(decision)?;
        let mut left_out = BTreeSet::new();
        loop {
            let included: Vec<_> = (0..steps.len()).filter(|step| !left_out.contains(step)).collect();
            let writes = included.iter().map(|step| steps[*step].write.clone()).collect();
            match self.registry.transact(writes).await? {
                TransactOutcome::Committed => return Ok(decision.stored(&steps, &left_out)),
                TransactOutcome::Conflict => return Ok(Vec::new()),
                // The first write is that of the state: it fails if another run has decided meanwhile.
                TransactOutcome::ConditionsFailed(failed) if failed.contains(&0) => return Ok(Vec::new()),
                TransactOutcome::ConditionsFailed(failed) => {
                    let failed = failed.into_iter().map(|position| included[position]);
                    left_out.extend(failed.flat_map(|step| together(&steps, step)));
                }
                throttled @ TransactOutcome::Throttled => {
                    throttled.committed()?;
                }
            }
        }
    }

    /// The write of the state first, then all others.
    fn steps(&self, decision: &Decision) -> Result<Vec<Step<'_>>> {
        let mut steps = vec![Step { write: self.write_state(decision)?, alert: None }];
        for (position, alert) in decision.alerts.iter().enumerate() {
            let put = self.registry.put(decision.alert(alert).item()?).only_if(absent(PK));
            steps.push(Step { write: put, alert: Some(position) });
            if alert.deliveries.as_ref().is_some_and(|deliveries| !deliveries.is_empty()) {
                let due = self.registry.put(new_item(&attr::due(&decision.org, &alert.key)));
                steps.push(Step { write: due, alert: Some(position) });
            }
        }
        for key in &decision.resolved {
            let resolve = self
                .registry
                .update_existing(&attr::alert(&decision.org, key))
                .set(attr::RESOLVED, s(period::rfc3339(decision.now)))
                .only_if(exists(PK));
            steps.push(Step { write: resolve, alert: None });
        }
        Ok(steps)
    }

    /// Writes the state of the budget, if it is still the one that was read.
    fn write_state(&self, decision: &Decision) -> Result<Write<'_>> {
        let Decision { org, budget, crossed, writes, .. } = decision;
        let end = crossed.month.last().start(Tz::UTC) + TimeDelta::days(STATE_DAYS);
        let unchanged = writes.map_or_else(|| absent(attr::WRITES), |writes| equals(attr::WRITES, n(writes)));
        let update = self.registry.update(&attr::crossed(org, budget));
        Ok(update
            .set(attr::STATE, json(crossed)?)
            .set(attr::EXPIRES, n(end.timestamp()))
            .set(attr::WRITES, n(writes.unwrap_or_default() + 1))
            .only_if(unchanged))
    }
}

impl Decision {
    /// A new alert, as it will be stored.
    fn alert(&self, new: &NewAlert) -> Alert {
        let deliveries = new.deliveries.clone().unwrap_or_default();
        Alert {
            org: self.org.clone(),
            key: new.key.clone(),
            message: new.message.clone(),
            lease: (!deliveries.is_empty()).then_some(self.lease),
            deliveries,
            superseded: new.deliveries.is_none(),
            decided: self.now,
            resolved: None,
            writes: 1,
        }
    }

    /// The alerts that were stored.
    fn stored(&self, steps: &[Step<'_>], left_out: &BTreeSet<usize>) -> Vec<Alert> {
        let is_stored = |position| left_out.iter().all(|step| steps[*step].alert != Some(position));
        let alerts = self.alerts.iter().enumerate().filter(|(position, _)| is_stored(*position));
        alerts.map(|(_, new)| self.alert(new)).collect()
    }
}

impl Alert {
    fn item(&self) -> Result<Item> {
        let id = self.id();
        let mut item = new_item(&attr::alert(&self.org, &self.key));
        let expires = (self.decided + TimeDelta::days(RETENTION_DAYS)).timestamp();
        item.extend([
            (attr::ORG.to_owned(), s(self.org.as_str())),
            (attr::PLACE.to_owned(), s(attr::place(self.decided, id.as_str()))),
            (attr::ID.to_owned(), s(attr::id(&self.org, id.as_str()))),
            (attr::MESSAGE.to_owned(), s(&self.message)),
            (attr::DELIVERIES.to_owned(), json(&self.deliveries)?),
            (attr::STATUS.to_owned(), s(self.status().as_str())),
            (attr::DECIDED.to_owned(), s(period::rfc3339(self.decided))),
            (attr::WRITES.to_owned(), n(self.writes)),
            (attr::EXPIRES.to_owned(), n(expires)),
        ]);
        item.extend(self.lease.map(|until| (attr::LEASE.to_owned(), s(period::rfc3339(until)))));
        Ok(item)
    }
}
