//! What decides how an organisation's events are taken in, and a short memory of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::time::Instant;

use super::{OrganizationSettings, PlanSettings, PriceSettings, set};
use crate::cost::{self, CallCost, TokenCounts};
use crate::error::{Error, Result};
use crate::ids::OrgId;
use crate::money::Usd;
use crate::pricing::{Override, Overrides, PriceBook, Prices};
use crate::store::keys::{self, SK, registry as sort};
use crate::store::{Item, Store, decode};

/// What an organisation has set that decides how its events are taken in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zone that cuts its days.
    pub zone: Tz,
    /// Its own prices.
    pub overrides: Overrides,
    /// All that it has set of itself, the zone included.
    pub organization: OrganizationSettings,
    /// Its subscription, where it has one.
    pub plan: Option<PlanSettings>,
}

impl Settings {
    /// What a call of `model` at `at` costs: at the organisation's own price, else at the book's.
    pub fn price_call(
        &self,
        provider: &str,
        model: &str,
        at: DateTime<Utc>,
        tokens: &TokenCounts,
        provider_cost: Option<Usd>,
    ) -> CallCost {
        let prices = Prices::new(PriceBook::builtin(), &self.overrides);
        cost::price_call(prices, provider, model, at, tokens, provider_cost)
    }
}

/// How long settings are believed: a change is honoured within this time.
const SETTINGS_AGE: Duration = Duration::from_secs(30);
/// Organisations whose settings are kept in memory.
const SETTINGS_KEPT: usize = 10_000;

/// Settings that were read a short while ago.
#[derive(Debug, Default)]
pub(in crate::store) struct SettingsCache(Mutex<HashMap<OrgId, (Instant, Arc<Settings>)>>);

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

impl Store {
    /// The same as [`Self::settings_cached`], where that asks no table.
    pub fn settings_at_hand(&self, org: &OrgId) -> Option<Arc<Settings>> {
        self.settings.get(org)
    }

    /// How an organisation's events are taken in, as it was at most 30 seconds ago.
    pub async fn settings_cached(&self, org: &OrgId) -> Result<Arc<Settings>> {
        if let Some(settings) = self.settings.get(org) {
            return Ok(settings);
        }
        let settings = Arc::new(self.settings(org).await?);
        self.settings.put(org, settings.clone());
        Ok(settings)
    }

    /// How an organisation's events are taken in: one query.
    pub async fn settings(&self, org: &OrgId) -> Result<Settings> {
        read(&self.query(&self.tables().registry, &keys::settings(org)).await?)
    }
}

fn read(items: &[Item]) -> Result<Settings> {
    let (mut organization, mut plan, mut prices) = (None, None, Vec::new());
    for item in items {
        match decode::required(item, SK)? {
            sort::ORG => organization = set::<OrganizationSettings>(item)?,
            sort::PLAN => plan = set(item)?,
            key if key.starts_with(sort::PRICE) => {
                let price = set::<PriceSettings>(item)?.map(Override::try_from).transpose();
                prices.extend(price.map_err(Error::internal)?);
            }
            _ => {}
        }
    }
    let organization = organization.unwrap_or_default();
    Ok(Settings { zone: organization.timezone, overrides: Overrides::new(prices), organization, plan })
}
