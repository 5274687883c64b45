//! Alerts as they are stored, and what a run of the watch over budgets reads and writes.
//!
//! What is decided is one transaction: the alerts, each put only where there is none, the note of what was decided of
//! the budget, and for each alert that is to be told an entry among those that are due. What becomes of an alert
//! afterwards is written only over what was read before, so that of two writers one sees the other.

mod costs;
mod decide;
mod deliver;
mod list;
mod organizations;
mod watched;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

pub use costs::AgentCost;
pub use decide::{Decision, NewAlert};
pub use deliver::Change;
pub use list::{MAX_LISTED, Redelivery};
pub use organizations::{Listed, OrganizationsPage};
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
    /// Whose it is.
    pub org: OrgId,
    /// Its name.
    pub key: AlertKey,
    /// What it says, to the byte.
    pub message: String,
    /// To whom; none where it was superseded.
    pub deliveries: Vec<Delivery>,
    /// Whether it was superseded.
    pub superseded: bool,
    /// When it was decided.
    pub decided: DateTime<Utc>,
    /// When it was decided that it no longer holds.
    pub resolved: Option<DateTime<Utc>>,
    /// Until when nobody else delivers it.
    pub lease: Option<DateTime<Utc>>,
    /// The writes so far.
    pub(crate) writes: u64,
}

impl Alert {
    /// Its id.
    pub fn id(&self) -> MessageId {
        keys::alerts::message_id(&self.org, &self.key)
    }

    /// What it says, read.
    pub fn read(&self) -> Result<Message> {
        serde_json::from_str(&self.message).map_err(Error::internal)
    }

    /// How it goes with it: that it no longer holds shows only when nothing is left to deliver or to mend.
    pub fn status(&self) -> Status {
        match (self.superseded, Status::of(&self.deliveries)) {
            (true, _) => Status::Superseded,
            (false, Status::Sent) if self.resolved.is_some() => Status::Resolved,
            (false, status) => status,
        }
    }

    /// Whether somebody else is delivering it at `now`.
    pub fn is_leased(&self, now: DateTime<Utc>) -> bool {
        self.lease.is_some_and(|until| now < until)
    }

    fn parse(org: &OrgId, item: &Item) -> Result<Self> {
        version::check(item)?;
        let sk = decode::required(item, SK)?;
        let odd = || Error::Internal(format!("the alert {sk} of {org} cannot be read"));
        let instant = |name| decode::text(item, name).and_then(period::parse_instant);
        let writes = item.get(attr::WRITES).and_then(|value| value.as_n().ok()?.parse().ok());
        Ok(Self {
            org: org.clone(),
            key: sk.strip_prefix(attr::ALERT).and_then(AlertKey::parse).ok_or_else(odd)?,
            message: decode::required(item, attr::MESSAGE)?.to_owned(),
            deliveries: serde_json::from_str(decode::required(item, attr::DELIVERIES)?).map_err(|_| odd())?,
            superseded: decode::required(item, attr::STATUS)? == Status::Superseded.as_str(),
            decided: instant(attr::DECIDED).ok_or_else(odd)?,
            resolved: instant(attr::RESOLVED),
            lease: instant(attr::LEASE),
            writes: writes.ok_or_else(odd)?,
        })
    }
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn json<T: serde::Serialize>(value: &T) -> Result<AttributeValue> {
    Ok(super::s(serde_json::to_string(value).map_err(Error::internal)?))
}
