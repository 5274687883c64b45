//! Stored alerts, and what the budget-alerts function reads and writes.
//!
//! A decision is one transaction: the alerts, each put only if it does not exist yet, the state of the budget, and an
//! entry in the list of due alerts for each alert that has to be delivered. Later writes of an alert are conditional on
//! what was read, so that of two writers one notices the other.

mod decide;
mod deliver;
mod list;
mod organizations;
mod watched;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

pub use decide::{Decision, NewAlert};
pub use deliver::DueChange;
pub use list::{MAX_LISTED, Redelivery};
pub use organizations::{ListedOrganization, OrganizationsPage};
pub use watched::{AgentBudget, Watched};

use super::keys::{self, SK, alerts as attr};
use super::{Item, decode, version};
use crate::error::{Error, Result};
use ledger::alert::MessageId;
use ledger::alert::{AlertKey, Delivery, Message, Status};
use ledger::ids::OrgId;
use ledger::period;

/// Days that an alert is kept.
pub const RETENTION_DAYS: i64 = 400;

/// An alert as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The organization.
    pub org: OrgId,
    /// Budget, month, kind and threshold: what makes the alert unique.
    pub key: AlertKey,
    /// The message's JSON, whose exact bytes are signed and sent.
    pub message: String,
    /// One delivery per channel; none if the alert is superseded.
    pub deliveries: Vec<Delivery>,
    /// Whether an alert of a higher threshold replaced it.
    pub superseded: bool,
    /// When it was decided.
    pub decided: DateTime<Utc>,
    /// When it was found to no longer hold.
    pub resolved: Option<DateTime<Utc>>,
    /// Until when one run delivers it exclusively.
    pub lease: Option<DateTime<Utc>>,
    /// How often it was written: its optimistic lock.
    pub(crate) writes: u64,
}

impl Alert {
    /// The message id, which webhooks carry and URLs name.
    pub fn id(&self) -> MessageId {
        keys::alerts::message_id(&self.org, &self.key)
    }

    /// The parsed message.
    pub fn read(&self) -> Result<Message> {
        serde_json::from_str(&self.message).map_err(Error::internal)
    }

    /// The state of the alert. It shows as resolved only when no delivery is pending or dead-lettered.
    pub fn status(&self) -> Status {
        match (self.superseded, Status::of(&self.deliveries)) {
            (true, _) => Status::Superseded,
            (false, Status::Sent) if self.resolved.is_some() => Status::Resolved,
            (false, status) => status,
        }
    }

    /// Whether its message is one that receivers get.
    pub const fn can_be_delivered(&self) -> bool {
        !self.superseded
    }

    /// Whether another run is delivering it at `now`.
    pub fn is_leased(&self, now: DateTime<Utc>) -> bool {
        self.lease.is_some_and(|until| now < until)
    }

    fn parse(org: &OrgId, item: &Item) -> Result<Self> {
        version::check(item)?;
        let sk = decode::required(item, SK)?;
        let malformed = || Error::Internal(format!("the alert {sk} of {org} is malformed"));
        let instant = |name| decode::text(item, name).and_then(period::parse_instant);
        let writes = item.get(attr::WRITES).and_then(|value| value.as_n().ok()?.parse().ok());
        let deliveries = decode::required(item, attr::DELIVERIES)?;
        Ok(Self {
            org: org.clone(),
            key: sk.strip_prefix(attr::ALERT).and_then(attr::parse_alert).ok_or_else(malformed)?,
            message: decode::required(item, attr::MESSAGE)?.to_owned(),
            deliveries: serde_json::from_str(deliveries).map_err(|_| malformed())?,
            superseded: decode::required(item, attr::STATUS)? == Status::Superseded.as_str(),
            decided: instant(attr::DECIDED).ok_or_else(malformed)?,
            resolved: instant(attr::RESOLVED),
            lease: instant(attr::LEASE),
            writes: writes.ok_or_else(malformed)?,
        })
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<AttributeValue> {
    Ok(super::s(serde_json::to_string(value).map_err(Error::internal)?))
}
