//! Webhooks signed per [Standard Webhooks](https://www.standardwebhooks.com), sent to public addresses only.
//!
//! A message is `POST`ed as JSON with the headers `webhook-id`, `webhook-timestamp` (Unix seconds) and
//! `webhook-signature`. It is sent once: redirects are not followed, no proxy is used, and nothing is retried. The
//! [`DeliveryFailure`] says whether a retry can help.

pub mod address;
mod resolver;
mod response;
mod sign;
mod webhook_url;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use reqwest::dns::Resolve;
use reqwest::redirect;
use reqwest::{Client, ClientBuilder};

use resolver::PublicResolver;

pub use ledger::alert::{DeliveryFailure, MessageId, RetryAdvice};
pub use response::{MAX_RESPONSE_BYTES, MAX_RETRY_AFTER};
pub use sign::{SECRET_BYTES, SECRET_PREFIX, new_secret, secret_bytes};
pub use webhook_url::{MAX_URL_BYTES, WebhookUrl, WebhookUrlError};

/// The timeout of sending, from the DNS lookup to the last byte of the response.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// The id of a message that is not retried.
pub fn unique_id() -> MessageId {
    MessageId::from_random(rand::random())
}

/// Where webhooks may be sent, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether loopback addresses are allowed as well, by http and https. For a developer's machine only.
    pub allow_local: bool,
    /// The timeout of sending, from the DNS lookup to the last byte of the response.
    pub timeout: Duration,
}

impl Policy {
    /// A policy with the default timeout. Only the local stack allows local addresses.
    pub const fn new(allow_local: bool) -> Self {
        Self { allow_local, timeout: TIMEOUT }
    }
}

/// Sends webhooks. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: Client,
    policy: Policy,
}

/// A webhook that the receiver accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The status of the response, 200 to 299.
    pub status: u16,
}

impl Webhooks {
    /// A sender that enforces `policy` and uses the system's resolver. Creating one reads the root certificates, which
    /// takes some milliseconds, so create it once and keep it.
    pub fn new(policy: Policy) -> Result<Self, reqwest::Error> {
        Self::with_transport(Client::builder(), Arc::new(resolver::SystemResolver), policy)
    }

    /// Like [`Self::new`] with another transport, which may trust other root certificates, and another resolver.
    /// Neither can widen the policy.
    pub fn with_transport(
        transport: ClientBuilder,
        resolver: Arc<dyn Resolve>,
        policy: Policy,
    ) -> Result<Self, reqwest::Error> {
        let client = transport
            .user_agent(concat!("Fleetledger/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(PublicResolver { inner: resolver, allow_local: policy.allow_local }))
            .https_only(!policy.allow_local)
            // Neither the receiver nor the environment may choose where the next request goes.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .timeout(policy.timeout)
            // A pooled connection would keep using an address after the name no longer resolves to it.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { client, policy })
    }

    /// Sends the JSON `body` to `url` as the message `id`, signed at `at` with each of `secrets` (`whsec_…`, at least
    /// one). A retry of a message has the same `id` and body, and a new `at`.
    pub async fn send(
        &self,
        url: &str,
        secrets: &[&str],
        id: &MessageId,
        at: DateTime<Utc>,
        body: &[u8],
    ) -> Result<Sent, DeliveryFailure> {
        let url = WebhookUrl::parse(url, self.policy.allow_local);
        let url = url.map_err(|error| DeliveryFailure::permanent(format!("Not sent: {error}.")))?;
        let timestamp = at.timestamp();
        let signatures = sign::signatures(secrets, id, timestamp, body).ok_or_else(|| {
            DeliveryFailure::permanent("Not sent: there is no secret to sign with.".to_owned())
        })?;
        let request = self
            .client
            .post(url.into_url())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", id.as_str())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures)
            .body(body.to_vec());
        match request.send().await {
            Ok(response) => response::read(response, at).await,
            Err(error) => Err(response::failure_without_response(&error, self.policy.timeout)),
        }
    }
}
