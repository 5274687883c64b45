//! Listing alerts, and requesting that one is delivered again.

use serde::{Deserialize, Serialize};

use super::{Alert, DueChange};
use crate::error::{Error, Result};
use crate::keys::{Key, KeyRange, PK, SK, alerts as attr};
use crate::registry::{Editor, Entity, Setting};
use crate::table::{Consistency, Index};
use crate::{Events, Item, Registry, decode};
use ledger::alert::{AlertKey, BudgetId, Channel, Delivery, DeliveryState, Status};
use ledger::ids::OrgId;

/// The most alerts in one listing.
pub const MAX_LISTED: u32 = 500;
/// Attempts at requesting a redelivery. Each further attempt follows a competing write.
const ATTEMPTS: u32 = 20;

/// The index of an organization's alerts, newest first.
const BY_TIME: Index = Index { name: attr::BY_TIME, pk: attr::ORG, sk: Some(attr::PLACE) };
/// The index of alerts by id.
const BY_ID: Index = Index { name: attr::BY_ID, pk: attr::ID, sk: None };

/// A redelivery, as the activity log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redelivery {
    /// The channels to which the alert will be delivered.
    pub due: Vec<Channel>,
}

impl Setting for Redelivery {}

impl Redelivery {
    fn of(alert: &Alert) -> Self {
        let due = alert.deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Pending);
        Self { due: due.map(|delivery| delivery.channel.clone()).collect() }
    }
}

impl Registry {
    /// The newest alerts of an organization, of one status or all, newest first, then by id. Eventually consistent: an
    /// alert shows up in the index a moment after it was decided.
    pub async fn alerts(&self, org: &OrgId, status: Option<Status>, most: usize) -> Result<Vec<Alert>> {
        let mut query = self.table.query_index(BY_TIME, &attr::all_places(org));
        if status.is_some() {
            // Few of many alerts may have this status, so that small pages would be many.
            query = query.page_size(MAX_LISTED as usize);
        }
        let alert = |item: Item| {
            let alert = Alert::parse(org, &item)?;
            Ok(status.is_none_or(|status| alert.status() == status).then_some(alert))
        };
        query.first(most, alert).await
    }

    /// The alert with this id: the index gives its key, and the table the alert, strongly consistent.
    pub async fn alert(&self, org: &OrgId, id: &str) -> Result<Option<Alert>> {
        let range = KeyRange { pk: attr::id(org, id), from: String::new(), to: String::new() };
        // The index holds only keys, which have no version.
        let found = self.table.query_index(BY_ID, &range).any_version().page().await?.items;
        let Some(item) = found.first() else { return Ok(None) };
        let key =
            Key { pk: decode::required(item, PK)?.to_owned(), sk: decode::required(item, SK)?.to_owned() };
        self.alert_at(org, &key).await
    }

    /// The alert with this key, strongly consistent.
    pub async fn alert_now(&self, org: &OrgId, key: &AlertKey) -> Result<Option<Alert>> {
        self.alert_at(org, &attr::alert(org, key)).await
    }

    async fn alert_at(&self, org: &OrgId, key: &Key) -> Result<Option<Alert>> {
        let item = self.table.get(key, Consistency::Strong).await?;
        item.map(|item| Alert::parse(org, &item)).transpose()
    }

    /// Makes every delivery of an alert due again, also to destinations that were added after it was decided, and stores
    /// an audit entry about it among `events`: one transaction.
    pub async fn redeliver(&self, events: &Events, editor: &Editor, id: &str) -> Result<Alert> {
        for _ in 0..ATTEMPTS {
            let alert = self.alert(&editor.org, id).await?.ok_or(Error::NotFound("Alert not found"))?;
            if !alert.can_be_delivered() {
                let why = "This alert was superseded by one of a higher threshold, and is not delivered.";
                return Err(Error::Conflict(why.to_owned()));
            }
            let mut again = alert.clone();
            again.deliveries.iter_mut().for_each(|delivery| delivery.redeliver(editor.now));
            let destinations = self.destinations(&editor.org).await?;
            let webhooks = destinations.into_iter().map(|(id, _)| Channel::Webhook(id));
            let added = webhooks.filter(|webhook| again.deliveries.iter().all(|one| one.channel != *webhook));
            let added: Vec<_> = added.map(|webhook| Delivery::new(webhook, editor.now)).collect();
            again.deliveries.extend(added);
            if again.deliveries.is_empty() {
                return Err(Error::Conflict("There is no channel to deliver this alert to.".to_owned()));
            }
            again.lease = None;
            let (before, after) = (Redelivery::of(&alert), Redelivery::of(&again));
            let entry = editor.event(&entity(&alert), Some(&before), Some(&after))?;
            let due = self.due_change(&again, DueChange::Add);
            let changes = [self.alert_update(&again)?].into_iter().chain(due).collect();
            if self.change_with_entry(changes, events.put(entry)).await? {
                again.writes += 1;
                return Ok(again);
            }
        }
        Err(Error::Unavailable("other writers keep changing the same alert".to_owned()))
    }
}

/// The alert as the subject of an audit entry, filed under the agent whose budget it is about.
fn entity(alert: &Alert) -> Entity<'_> {
    let agent = match &alert.key.budget {
        BudgetId::Organization | BudgetId::Rule(_) => None,
        BudgetId::Agent(agent) => Some(agent),
    };
    let key = attr::alert(&alert.org, &alert.key);
    Entity { key, what: format!("alert {}", alert.id()), agent, always_there: false }
}
