//! Keys with which exporters send events, for senders that can only send static headers: `flk_<id>_<secret>`. The id
//! begins with the organization, so that a key is found without an index.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use ledger::ids::{Name, OrgId};
use ledger::settings::KeySettings;
use store::Registry;
use tokio::time::Instant;

use super::{Claims, Scope, refused};
use crate::error::Result;

/// What every key begins with.
pub const PREFIX: &str = "flk_";
/// How long a key is cached: with DynamoDB's replication lag, a new key is accepted and a deleted one refused within 30
/// seconds.
const MAX_AGE: Duration = Duration::from_secs(25);
/// How many keys are cached. Made-up keys are cached as well, so that repeating one costs no read.
const CACHED: usize = 1_000;

/// A new key: the id, and the whole key that its owner is shown once.
#[derive(Debug)]
pub struct NewKey {
    /// The id.
    pub id: Name,
    /// The key.
    pub key: String,
    /// The secret, which is stored as a hash.
    pub secret: String,
}

impl NewKey {
    /// A random key of `org`.
    pub fn random(org: &OrgId) -> Result<Self> {
        let id = Name::new(format!("{org}-{:08x}", rand::random::<u32>()))
            .map_err(crate::error::Error::internal)?;
        let secret = format!("{:032x}{:016x}", rand::random::<u128>(), rand::random::<u64>());
        Ok(Self { key: format!("{PREFIX}{id}_{secret}"), id, secret })
    }
}

/// The parts of a key: organization, id and secret.
fn parts(key: &str) -> Option<(OrgId, Name, &str)> {
    let (id, secret) = key.strip_prefix(PREFIX)?.rsplit_once('_')?;
    let (org, _) = id.rsplit_once('-')?;
    Some((OrgId::new(org).ok()?, Name::new(id).ok()?, secret))
}

/// The holder of a valid key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    /// What the key grants.
    pub claims: Claims,
    /// Tags for the events that are sent with it.
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone)]
struct Cached {
    at: Instant,
    key: Option<Arc<KeySettings>>,
    /// The last day on which the registry knows the key to have been used.
    used: Option<NaiveDate>,
}

/// Verifies keys.
pub struct ApiKeys {
    /// Absent in functions whose routes are all public: every key is refused.
    registry: Option<Registry>,
    cache: Mutex<HashMap<Name, Cached>>,
}

impl ApiKeys {
    /// Keys in `registry`.
    pub fn new(registry: Option<Registry>) -> Self {
        Self { registry, cache: Mutex::default() }
    }

    /// Verifies `key` at `now`, by the wall clock, and returns what it grants. The first use on a day is recorded.
    pub async fn verify(&self, key: &str, now: DateTime<Utc>) -> Result<KeyHolder> {
        let (org, id, secret) = parts(key).ok_or_else(|| refused("not a key"))?;
        let registry = self.registry.as_ref().ok_or_else(|| refused("no registry of keys"))?;
        let cached = match self.cached(&id) {
            Some(cached) => cached,
            None => self.fetch(registry, &org, &id).await?,
        };
        let settings =
            cached.key.filter(|key| key.has_secret(secret)).ok_or_else(|| refused("unknown key"))?;
        if !settings.is_valid_at(now) {
            return Err(refused("the key has expired"));
        }
        let today = now.date_naive();
        if cached.used.is_none_or(|used| used < today) {
            self.record_use(registry, &org, &id, today).await;
        }
        let scopes = settings.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect();
        Ok(KeyHolder {
            claims: Claims { org, subject: format!("key {id}"), scopes },
            tags: settings.tags.clone(),
        })
    }

    fn cached(&self, id: &Name) -> Option<Cached> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(id).filter(|cached| cached.at.elapsed() < MAX_AGE).cloned()
    }

    async fn fetch(&self, registry: &Registry, org: &OrgId, id: &Name) -> Result<Cached> {
        let stored = registry.api_key(org, id).await?;
        let used = stored.as_ref().and_then(|stored| stored.used);
        let cached = Cached { at: Instant::now(), key: stored.map(|stored| Arc::new(stored.settings)), used };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(id.clone(), cached.clone());
        Ok(cached)
    }

    /// A failure is only logged: the day of the last use is not worth a refused request.
    async fn record_use(&self, registry: &Registry, org: &OrgId, id: &Name, day: NaiveDate) {
        if let Some(cached) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get_mut(id) {
            cached.used = Some(day);
        }
        if let Err(error) = registry.record_key_use(org, id, day).await {
            tracing::warn!(%error, "the use of a key was not recorded");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_organization_whatever_that_contains() {
        for org in ["acme", "a-b", "a_b", "flk_x-1", "A.b~c-"] {
            let Ok(org) = OrgId::new(org) else { continue };
            let new = NewKey::random(&org).unwrap();
            assert_eq!(parts(&new.key), Some((org, new.id.clone(), new.secret.as_str())), "{}", new.key);
            assert_eq!(new.key, format!("flk_{}_{}", new.id, new.secret));
        }
    }

    #[test]
    fn other_text_is_no_key() {
        for text in ["", "flk_", "flk_a_b", "flk_-1_s", "xlk_acme-1_s", "flk_acme-1", "FLK_acme-1_s"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn without_a_registry_every_key_is_refused() {
        let key = NewKey::random(&OrgId::new("acme").unwrap()).unwrap().key;
        assert!(ApiKeys::new(None).verify(&key, DateTime::UNIX_EPOCH).await.is_err());
    }
}
