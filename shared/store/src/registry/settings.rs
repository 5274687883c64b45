//! The settings that ingest needs of an organization, cached for a short time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::set;
use crate::error::Result;
use crate::keys;
use crate::keys::{SK, registry as sort};
use crate::{Item, Registry, decode};
use ledger::ids::OrgId;
use ledger::pricing::{Book, OwnPrices};
use ledger::settings::{OrganizationSettings, PriceSettings, Settings};

/// How long settings are cached: a change takes effect within this time.
const SETTINGS_AGE: Duration = Duration::from_secs(30);
/// The most organizations whose settings are cached.
const SETTINGS_KEPT: usize = 10_000;

/// Settings that were read less than [`SETTINGS_AGE`] ago, by organization.
#[derive(Debug, Default)]
pub(crate) struct SettingsCache(Mutex<HashMap<OrgId, (Instant, Arc<Settings>)>>);

impl SettingsCache {
    fn get(&self, org: &OrgId) -> Option<Arc<Settings>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(org).filter(|(read, _)| read.elapsed() < SETTINGS_AGE).map(|(_, settings)| settings.clone())
    }

    fn put(&self, org: &OrgId, settings: Arc<Settings>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= SETTINGS_KEPT {
            kept.clear();
        }
        kept.insert(org.clone(), (Instant::now(), settings));
    }
}

impl Registry {
    /// The cached settings of an organization, without reading the table.
    pub fn settings_at_hand(&self, org: &OrgId) -> Option<Arc<Settings>> {
        self.settings.get(org)
    }

    /// The settings of an organization as they were at most 30 seconds ago.
    pub async fn settings_cached(&self, org: &OrgId) -> Result<Arc<Settings>> {
        if let Some(settings) = self.settings.get(org) {
            return Ok(settings);
        }
        let settings = Arc::new(self.settings(org).await?);
        self.settings.put(org, settings.clone());
        Ok(settings)
    }

    /// The settings of an organization: time zone, plan and own prices, in one query.
    pub async fn settings(&self, org: &OrgId) -> Result<Settings> {
        read(&self.table.query(&keys::settings(org)).all(Ok).await?)
    }

    /// The same, strongly consistent: with every price that a request has set before.
    pub async fn settings_of_now(&self, org: &OrgId) -> Result<Settings> {
        read(&self.table.query(&keys::settings(org)).strong().all(Ok).await?)
    }
}

fn read(items: &[Item]) -> Result<Settings> {
    let (mut organization, mut plan) = (None, None);
    let mut prices = Vec::new();
    for item in items {
        match decode::required(item, SK)? {
            sort::ORG => organization = set::<OrganizationSettings>(item)?,
            sort::PLAN => plan = set(item)?,
            key if key.starts_with(sort::PRICE) => prices.extend(set::<PriceSettings>(item)?),
            _ => {}
        }
    }
    let organization = organization.unwrap_or_default();
    Ok(Settings {
        zone: organization.timezone,
        own_prices: OwnPrices::new(Book::builtin(), prices.into_iter().map(Into::into)),
        organization,
        plan,
    })
}
