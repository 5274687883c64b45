//! The list of alerts, and asking for one to be delivered again.

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::{Alert, Change};
use crate::error::{Error, Result};
use crate::keys::{Key, PK, SK, alerts as attr};
use crate::registry::{Editor, Entity, Setting};
use crate::{Store, decode, failed, key_attributes, s};
use ledger::alert::{AlertKey, BudgetId, Channel, DeliveryState, Status};
use ledger::ids::OrgId;

/// The most alerts that are listed at once.
pub const MAX_LISTED: u32 = 500;
/// Attempts at asking for an alert anew; each further one is made since a run wrote it meanwhile.
const ATTEMPTS: u32 = 20;

/// What an alert is told anew, as the activity log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redelivery {
    /// The outlets that are due.
    pub due: Vec<Channel>,
}

impl Setting for Redelivery {}

impl Redelivery {
    fn of(alert: &Alert) -> Self {
        let due = alert.deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Pending);
        Self { due: due.map(|delivery| delivery.channel.clone()).collect() }
    }
}

impl Store {
    /// The newest alerts of an organisation, newest first, then by id; of one status, or all. An alert is found a moment
    /// after it was decided, since an index is asked.
    pub async fn alerts(&self, org: &OrgId, status: Option<Status>, most: usize) -> Result<Vec<Alert>> {
        let mut alerts = Vec::new();
        let mut start = None;
        while alerts.len() < most {
            // The limit is one of what is read: of one status there may be few among many.
            let limit = if status.is_none() { most - alerts.len() } else { MAX_LISTED as usize };
            let page = self
                .range_query(&self.tables().registry, (attr::ORG, attr::PLACE), &attr::all_places(org))
                .index_name(attr::BY_TIME)
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed("Query", &error))?;
            self.meter.read(page.consumed_capacity());
            for item in page.items() {
                let alert = Alert::parse(org, item)?;
                if status.is_none_or(|status| alert.status() == status) {
                    alerts.push(alert);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        alerts.truncate(most);
        Ok(alerts)
    }

    /// The alert with an id, as it is now.
    pub async fn alert(&self, org: &OrgId, id: &str) -> Result<Option<Alert>> {
        let found = self
            .client
            .query()
            .table_name(&self.tables().registry)
            .index_name(attr::BY_ID)
            .key_condition_expression("#i = :i")
            .expression_attribute_names("#i", attr::ID)
            .expression_attribute_values(":i", s(attr::id(org, id)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("Query", &error))?;
        self.meter.read(found.consumed_capacity());
        let Some(item) = found.items().first() else { return Ok(None) };
        let key =
            Key { pk: decode::required(item, PK)?.to_owned(), sk: decode::required(item, SK)?.to_owned() };
        self.alert_at(org, &key).await
    }

    /// The alert with a name, as it is now.
    pub async fn alert_now(&self, org: &OrgId, key: &AlertKey) -> Result<Option<Alert>> {
        self.alert_at(org, &attr::alert(org, key)).await
    }

    async fn alert_at(&self, org: &OrgId, key: &Key) -> Result<Option<Alert>> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables().registry)
            .set_key(Some(key_attributes(key)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        self.meter.read(found.consumed_capacity());
        found.item.map(|item| Alert::parse(org, &item)).transpose()
    }

    /// Makes every outlet of an alert due, and leaves an entry about it in the activity log: one transaction.
    pub async fn redeliver(&self, editor: &Editor, id: &str) -> Result<Alert> {
        for _ in 0..ATTEMPTS {
            let alert = self.alert(&editor.org, id).await?.ok_or(Error::NotFound("Alert not found"))?;
            if let Some(why) = nobody(&alert) {
                return Err(Error::Conflict(why.to_owned()));
            }
            let mut again = alert.clone();
            again.deliveries.iter_mut().for_each(|delivery| delivery.redeliver(editor.now));
            again.lease = None;
            let zone = self.organization(&editor.org).await?.timezone;
            let (before, after) = (Redelivery::of(&alert), Redelivery::of(&again));
            let entry = editor.event(&entity(&alert), zone, Some(&before), Some(&after))?;
            let update = TransactWriteItem::builder().update(self.alert_update(&again)?).build();
            let due = self.due_change(&again, Change::Again)?;
            if self.transact([update].into_iter().chain(due).collect(), entry).await? {
                again.writes += 1;
                return Ok(again);
            }
        }
        Err(Error::Unavailable("others keep changing the same alert".to_owned()))
    }
}

/// Why an alert is told to nobody, where it is.
fn nobody(alert: &Alert) -> Option<&'static str> {
    if alert.superseded {
        return Some("This alert was superseded by one of a higher threshold, and is told to nobody.");
    }
    alert.deliveries.is_empty().then_some("This alert was decided when there was nobody to tell.")
}

/// The alert as the activity log names it: it is one of the agent's whose budget it is about.
fn entity(alert: &Alert) -> Entity<'_> {
    let agent = match &alert.key.budget {
        BudgetId::Organization => None,
        BudgetId::Agent(agent) => Some(agent),
    };
    let key = attr::alert(&alert.org, &alert.key);
    Entity { key, what: format!("alert {}", alert.id()), agent, always_there: false }
}
