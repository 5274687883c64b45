//! The identity provider's keys: fetched when first needed, cached for an hour, and longer if the provider is down.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::sync::{Mutex, RwLock};
use tokio::time::Instant;

use super::jwk::{self, Key, KeySet};
use crate::error::{Error, Result};

/// Age at which the keys are fetched again.
pub(super) const MAX_AGE: Duration = Duration::from_hours(1);
/// Minimum time between two fetches, so that tokens with made-up key ids cannot flood the provider.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(30);
/// Minimum time between two fetches until the first one succeeds.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout of a fetch, from connecting to the last byte.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum size of a document.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// The keys listed at one URL.
pub(super) struct Jwks {
    client: Client,
    url: Url,
    cache: RwLock<Option<Cached>>,
    /// When the latest fetch started, successful or not. The lock is held during a fetch.
    attempted: Mutex<Option<Instant>>,
}

struct Cached {
    keys: KeySet,
    at: Instant,
}

/// A key without a `kid` stands under the empty one: it verifies tokens without a `kid`, as the only key of a set.
fn find<'a>(keys: &'a KeySet, kid: Option<&str>) -> Option<&'a Arc<Key>> {
    match kid {
        Some(kid) => keys.get(kid),
        None => keys.values().next().filter(|_| keys.len() == 1),
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    // The `Display` of the error omits its cause.
    #[error("{0:?}")]
    Transport(#[from] reqwest::Error),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("not a JWKS document: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Jwks {
    pub fn new(url: Url, timeout: Duration) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("fleetledger/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            // The source of the keys is configured, not negotiated.
            .redirect(Policy::none())
            // A pooled connection would be dead by the next fetch, after an hour or a frozen process.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { client, url, cache: RwLock::new(None), attempted: Mutex::new(None) })
    }

    /// Fetches the keys at start-up, so that the first request need not wait for them.
    pub async fn warm(&self, now: Instant) {
        self.refresh(now, false).await;
    }

    /// The key with this `kid`; without one, the only key that there is.
    pub async fn key(&self, kid: Option<&str>, now: Instant) -> Result<Arc<Key>> {
        let cached = self.cache.read().await;
        let fetched = cached.as_ref().and_then(|it| find(&it.keys, kid).is_some().then_some(it.at));
        drop(cached);
        if fetched.is_none_or(|at| now.saturating_duration_since(at) >= MAX_AGE) {
            self.refresh(now, fetched.is_some()).await;
        }
        match &*self.cache.read().await {
            None => Err(Error::Unavailable("the identity provider's keys could not be fetched".to_owned())),
            Some(cached) => find(&cached.keys, kid).cloned().ok_or_else(|| match kid {
                Some(_) => Error::Unauthenticated("no usable key has the token's kid".to_owned()),
                None => Error::Unauthenticated("no kid, and there is not exactly one key".to_owned()),
            }),
        }
    }

    /// Fetches the keys unless that was attempted a moment ago. Concurrent callers wait for the same fetch, or
    /// continue with the old keys if those suffice.
    async fn refresh(&self, now: Instant, old_will_do: bool) {
        let mut attempted = match self.attempted.try_lock() {
            Ok(attempted) => attempted,
            Err(_) if old_will_do => return,
            Err(_) => self.attempted.lock().await,
        };
        // Without keys every request fails and is told to retry after a second.
        let interval = if self.cache.read().await.is_some() { MIN_INTERVAL } else { FIRST_INTERVAL };
        if attempted.is_some_and(|at| now.saturating_duration_since(at) < interval) {
            return;
        }
        // Set first, so that a caller that disconnects during the fetch does not cause another one.
        *attempted = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                if keys.is_empty() {
                    tracing::warn!("the JWKS document has no usable key");
                }
                *self.cache.write().await = Some(Cached { keys, at: now });
            }
            Err(error) => tracing::warn!(%error, "JWKS fetch failed"),
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(jwk::parse(&body)?)
    }
}
