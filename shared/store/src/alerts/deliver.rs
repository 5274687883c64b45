//! Reading and writing alerts while they are delivered.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

use super::{Alert, json};
use crate::error::{Error, Result};
use crate::keys::alerts as attr;
use crate::table::{Write, WriteOutcome, equals};
use crate::{Store, n, s};
use ledger::alert::{AlertKey, Status};
use ledger::ids::OrgId;
use ledger::period;

/// What a write of an alert does to the list of due alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueChange {
    /// Leaves the list as it is.
    Keep,
    /// Removes the alert from the list.
    Remove,
    /// Adds the alert to the list.
    Add,
}

impl Store {
    /// The alerts that exist under `keys`, oldest first, and the errors of those that cannot be parsed.
    pub async fn alerts_by_key(&self, org: &OrgId, keys: &[AlertKey]) -> Result<(Vec<Alert>, Vec<Error>)> {
        // A call that names a key twice is rejected.
        let keys: BTreeSet<_> = keys.iter().collect();
        let keys: Vec<_> = keys.into_iter().map(|key| attr::alert(org, key)).collect();
        let (mut alerts, mut errors) = (Vec::new(), Vec::new());
        for item in self.registry.get_many(&keys).await? {
            match Alert::parse(org, &item) {
                Ok(alert) => alerts.push(alert),
                Err(error) => errors.push(error),
            }
        }
        alerts.sort_by(|a, b| (a.decided, &a.key).cmp(&(b.decided, &b.key)));
        Ok((alerts, errors))
    }

    /// Writes an alert's deliveries and lease, if it is still as it was read, and changes the list of due alerts with
    /// it. False if another writer came first, or if this very write was repeated after its response was lost.
    pub async fn write_alert(&self, alert: &mut Alert, change: DueChange) -> Result<bool> {
        let update = self.alert_update(alert)?;
        let written = match self.due_change(alert, change) {
            None => match update.send().await? {
                WriteOutcome::Conflict => false,
                outcome => outcome.applied()?,
            },
            Some(due) => self.registry.transact(vec![update, due]).await?.committed()?,
        };
        alert.writes += u64::from(written);
        Ok(written)
    }

    /// Writes an alert, if it is still as it was read.
    pub(super) fn alert_update(&self, alert: &Alert) -> Result<Write<'_>> {
        let update = self.registry.update_existing(&attr::alert(&alert.org, &alert.key));
        Ok(update
            .set(attr::DELIVERIES, json(&alert.deliveries)?)
            .set(attr::STATUS, s(Status::of(&alert.deliveries).as_str()))
            .set(attr::LEASE, lease(alert.lease))
            .set(attr::WRITES, n(alert.writes + 1))
            .only_if(equals(attr::WRITES, n(alert.writes))))
    }

    /// The change of the list of due alerts.
    pub(super) fn due_change(&self, alert: &Alert, change: DueChange) -> Option<Write<'_>> {
        let key = attr::due(&alert.org, &alert.key);
        match change {
            DueChange::Keep => None,
            DueChange::Remove => Some(self.registry.delete(&key)),
            // An update rather than a put: the role of the registry function allows no puts to this table.
            DueChange::Add => {
                Some(self.registry.update(&key).set(attr::DECIDED, s(period::rfc3339(alert.decided))))
            }
        }
    }
}

/// No lease is stored as a null, so that one update expression serves both cases.
fn lease(until: Option<DateTime<Utc>>) -> AttributeValue {
    until.map_or(AttributeValue::Null(true), |until| s(period::rfc3339(until)))
}
