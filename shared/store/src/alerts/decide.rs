//! Deciding: once, whoever else decides at the same time.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as Refusal;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnConsumedCapacity, TransactWriteItem, Update};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Alert, RETENTION_DAYS, json, number};
use crate::error::{Error, Result};
use crate::keys::{Key, PK, VERSION, alerts as attr};
use crate::registry::came_second;
use crate::{Item, Store, key_attributes, new_item, s, transaction_failed, version};
use ledger::alert::{AlertKey, BudgetId, Delivery, MonthCrossings};
use ledger::ids::OrgId;
use ledger::period;

/// Days after its month that what was decided of a budget is kept.
const STATE_DAYS: i64 = 40;

/// What is decided of one budget in one run.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Whose budget.
    pub org: OrgId,
    /// Which.
    pub budget: BudgetId,
    /// What will have been decided then.
    pub crossed: MonthCrossings,
    /// The writes of what had been decided before, where anything had.
    pub writes: Option<u64>,
    /// The alerts, at most ten of each kind and one that takes others back.
    pub alerts: Vec<NewAlert>,
    /// The alerts that no longer hold.
    pub resolved: Vec<AlertKey>,
    /// When.
    pub now: DateTime<Utc>,
    /// Until when whoever decides delivers it too.
    pub lease: DateTime<Utc>,
}

/// An alert that is decided.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// Its name.
    pub key: AlertKey,
    /// What it says: JSON.
    pub message: String,
    /// To whom it is told; none where it is superseded.
    pub deliveries: Option<Vec<Delivery>>,
}

/// One item of the transaction.
struct Step {
    item: TransactWriteItem,
    /// The number of the alert without which it is left out.
    alert: Option<usize>,
}

/// What became of a transaction.
enum Taken {
    /// It is in.
    All,
    /// It is not, since these items were not as they had to be.
    Without(Vec<usize>),
    /// It is not, since somebody else was writing one of them.
    CameSecond,
}

/// What is left out together with a step: all of its alert.
fn together(steps: &[Step], step: usize) -> Vec<usize> {
    let alert = steps[step].alert;
    let belongs = |other: &usize| *other == step || alert.is_some() && steps[*other].alert == alert;
    (0..steps.len()).filter(belongs).collect()
}

impl Store {
    /// Stores a decision, and answers the alerts that there are because of it: none where somebody else has decided
    /// something of the same budget meanwhile, and what is left to decide is left to the next run.
    ///
    /// An alert that is there already, though it was not known of, is left as it is, and so is what was to be resolved
    /// and is not there.
    pub async fn decide(&self, decision: &Decision) -> Result<Vec<Alert>> {
        let steps = self.steps(decision)?;
        let mut left_out = BTreeSet::new();
        loop {
            let taken: Vec<_> = (0..steps.len()).filter(|step| !left_out.contains(step)).collect();
            let items = taken.iter().map(|step| steps[*step].item.clone()).collect();
            match self.take(items).await? {
                Taken::All => return Ok(decision.stored(&steps, &left_out)),
                // The note of what was decided is refused where somebody has decided something else meanwhile.
                Taken::CameSecond => return Ok(Vec::new()),
                Taken::Without(refused) if refused.contains(&0) => return Ok(Vec::new()),
                Taken::Without(refused) => {
                    let refused = refused.into_iter().map(|nth| taken[nth]);
                    left_out.extend(refused.flat_map(|step| together(&steps, step)));
                }
            }
        }
    }

    async fn take(&self, items: Vec<TransactWriteItem>) -> Result<Taken> {
        let done = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let error = match done {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                return Ok(Taken::All);
            }
            Err(error) => error,
        };
        self.meter.write(None);
        let refused = refused(&error);
        if !refused.is_empty() {
            return Ok(Taken::Without(refused));
        }
        if came_second(&error) { Ok(Taken::CameSecond) } else { Err(transaction_failed(&error)) }
    }

    /// The note first, then everything else.
    fn steps(&self, decision: &Decision) -> Result<Vec<Step>> {
        let mut steps = vec![Step { item: self.note(decision)?, alert: None }];
        for (nth, alert) in decision.alerts.iter().enumerate() {
            steps.push(Step { item: self.put_alert(decision, alert)?, alert: Some(nth) });
            if alert.deliveries.as_ref().is_some_and(|deliveries| !deliveries.is_empty()) {
                let due = new_item(&attr::due(&decision.org, &alert.key));
                let put = Put::builder().table_name(&self.tables().registry).set_item(Some(due)).build();
                let put = put.map_err(Error::internal)?;
                steps.push(Step { item: TransactWriteItem::builder().put(put).build(), alert: Some(nth) });
            }
        }
        for key in &decision.resolved {
            let update = self
                .update(&attr::alert(&decision.org, key))
                .update_expression("SET #z = :z")
                .condition_expression("attribute_exists(#p)")
                .expression_attribute_names("#z", attr::RESOLVED)
                .expression_attribute_names("#p", PK)
                .expression_attribute_values(":z", s(period::rfc3339(decision.now)));
            let update = update.build().map_err(Error::internal)?;
            steps.push(Step { item: TransactWriteItem::builder().update(update).build(), alert: None });
        }
        Ok(steps)
    }

    /// What was decided, over what had been decided when it was read.
    fn note(&self, decision: &Decision) -> Result<TransactWriteItem> {
        let Decision { org, budget, crossed, writes, .. } = decision;
        let end = crossed.month.last().start(Tz::UTC) + TimeDelta::days(STATE_DAYS);
        let mut update = self
            .update(&attr::crossed(org, budget))
            .update_expression("SET #d = :d, #x = :x, #w = :n, #v = :v")
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":v", version::attribute())
            .expression_attribute_names("#d", attr::STATE)
            .expression_attribute_names("#x", attr::EXPIRES)
            .expression_attribute_names("#w", attr::WRITES)
            .expression_attribute_values(":d", json(crossed)?)
            .expression_attribute_values(":x", AttributeValue::N(end.timestamp().to_string()))
            .expression_attribute_values(":n", number(writes.unwrap_or_default() + 1));
        update = match writes {
            Some(writes) => {
                update.condition_expression("#w = :w").expression_attribute_values(":w", number(*writes))
            }
            None => update.condition_expression("attribute_not_exists(#w)"),
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(Error::internal)?).build())
    }

    fn put_alert(&self, decision: &Decision, alert: &NewAlert) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.tables().registry)
            .set_item(Some(decision.alert(alert).item()?))
            .condition_expression("attribute_not_exists(#p)")
            .expression_attribute_names("#p", PK);
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build())
    }

    fn update(&self, key: &Key) -> UpdateBuilder {
        Update::builder().table_name(&self.tables().registry).set_key(Some(key_attributes(key)))
    }
}

impl Decision {
    /// An alert of it, as it will be stored.
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

    /// The alerts that are in.
    fn stored(&self, steps: &[Step], left_out: &BTreeSet<usize>) -> Vec<Alert> {
        let is_in = |nth| left_out.iter().all(|step| steps[*step].alert != Some(nth));
        let alerts = self.alerts.iter().enumerate().filter(|(nth, _)| is_in(*nth));
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
            (attr::WRITES.to_owned(), number(self.writes)),
            (attr::EXPIRES.to_owned(), AttributeValue::N(expires.to_string())),
        ]);
        item.extend(self.lease.map(|until| (attr::LEASE.to_owned(), s(period::rfc3339(until)))));
        Ok(item)
    }
}

/// The items whose conditions did not hold; none where the transaction failed for any other reason.
fn refused<R>(error: &SdkError<Refusal, R>) -> Vec<usize> {
    let Some(Refusal::TransactionCanceledException(canceled)) = error.as_service_error() else {
        return Vec::new();
    };
    let codes = canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
    let refused = codes.enumerate().filter(|(_, code)| *code == "ConditionalCheckFailed");
    refused.map(|(nth, _)| nth).collect()
}
