//! Signed webhooks, as [Standard Webhooks](https://www.standardwebhooks.com) prescribes them, to addresses that anyone
//! may reach and to no others.

mod failure;
mod id;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use failure::{Failure, Verdict};
pub use id::MessageId;

use crate::config::Config;

/// The longest that sending may take, from the look-up of the name to the last byte of the answer.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Where webhooks may go, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether loopback addresses may be reached too, by http and https: on a developer's machine only.
    pub allow_local: bool,
    /// The longest that sending may take.
    pub limit: Duration,
}

impl Policy {
    /// What a function's configuration says.
    pub const fn of(config: &Config) -> Self {
        Self { allow_local: config.allow_local_webhooks, limit: LIMIT }
    }
}

/// Sends webhooks. Clones share their connections' settings.
#[derive(Clone, Debug)]
pub struct Webhooks {
    policy: Policy,
}

/// A webhook that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What the receiver answered, 200 to 299.
    pub status: u16,
}

impl Webhooks {
    /// A sender that keeps to `policy` and looks names up as this machine does. It costs some milliseconds, since root
    /// certificates are read: make one and keep it.
    pub fn new(policy: Policy) -> crate::Result<Self> {
        Ok(Self { policy })
    }

    /// Sends `body`, which is JSON, to `url` as the message `id`, signed at `at` with each of `secrets` (`whsec_…`, at
    /// least one). A message that is sent again has the same `id` and body, and a new `at`.
    #[allow(clippy::unused_async, reason = "the interface comes first")]
    pub async fn send(
        &self,
        url: &str,
        secrets: &[&str],
        id: &MessageId,
        at: DateTime<Utc>,
        body: &[u8],
    ) -> Result<Sent, Failure> {
        let _ = (self.policy, url, secrets, id, at, body);
        Err(Failure { verdict: Verdict::GiveUp, status: None, detail: "not sent".to_owned() })
    }
}
