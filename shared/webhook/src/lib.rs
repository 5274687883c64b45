//! Signed webhooks, as [Standard Webhooks](https://www.standardwebhooks.com) prescribes them, to addresses that anyone
//! may reach and to no others.
//!
//! A message is `POST`ed as JSON with the headers `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`.
//! It is sent once: no redirection is followed, no proxy used, nothing tried again. Whether trying again can help is
//! said by the [`Failure`].

pub mod address;
mod answer;
mod resolver;
mod sign;
mod target;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use reqwest::dns::Resolve;
use reqwest::redirect;
use reqwest::{Client, ClientBuilder};

pub use answer::{MAX_ANSWER, MAX_RETRY_AFTER};
pub use ledger::alert::{Failure, MessageId, Verdict};
pub use sign::{SECRET_BYTES, SECRET_PREFIX, new_secret, secret_bytes};
pub use target::{MAX_URL, Target, Unfit};

/// The longest that sending may take, from the look-up of the name to the last byte of the answer.
pub const LIMIT: Duration = Duration::from_secs(10);

/// The id of a message that is sent once.
pub fn unique_id() -> MessageId {
    MessageId::from_random(rand::random())
}

/// Where webhooks may go, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether loopback addresses may be reached too, by http and https: on a developer's machine only.
    pub allow_local: bool,
    /// The longest that sending may take.
    pub limit: Duration,
}

impl Policy {
    /// The policy of a function. Only the local stack allows local addresses.
    pub const fn new(allow_local: bool) -> Self {
        Self { allow_local, limit: LIMIT }
    }
}

/// Sends webhooks. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: Client,
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
    pub fn new(policy: Policy) -> Result<Self, reqwest::Error> {
        Self::over(Client::builder(), Arc::new(resolver::System), policy)
    }

    /// The same over another transport, which may trust other root certificates, and with another way to look names
    /// up. Neither can widen the policy.
    pub fn over(
        transport: ClientBuilder,
        names: Arc<dyn Resolve>,
        policy: Policy,
    ) -> Result<Self, reqwest::Error> {
        let client = transport
            .user_agent(concat!("Fleetledger/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(resolver::Guard { names, allow_local: policy.allow_local }))
            .https_only(!policy.allow_local)
            // Whoever answers must not choose where the next request goes, nor must the environment.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .timeout(policy.limit)
            // A connection that is kept would go on to an address that its name may no longer stand for.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { client, policy })
    }

    /// Sends `body`, which is JSON, to `url` as the message `id`, signed at `at` with each of `secrets` (`whsec_…`, at
    /// least one). A message that is sent again has the same `id` and body, and a new `at`.
    pub async fn send(
        &self,
        url: &str,
        secrets: &[&str],
        id: &MessageId,
        at: DateTime<Utc>,
        body: &[u8],
    ) -> Result<Sent, Failure> {
        let target = Target::parse(url, self.policy.allow_local);
        let target = target.map_err(|unfit| Failure::for_good(format!("Not sent: {unfit}.")))?;
        let timestamp = at.timestamp();
        let signatures = sign::signatures(secrets, id, timestamp, body)
            .ok_or_else(|| Failure::for_good("Not sent: there is no secret to sign with.".to_owned()))?;
        let request = self
            .client
            .post(target.into_url())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", id.as_str())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures)
            .body(body.to_vec());
        match request.send().await {
            Ok(response) => answer::read(response, at).await,
            Err(error) => Err(answer::none(&error, self.policy.limit)),
        }
    }
}
