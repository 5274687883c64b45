//! The settings that events are priced by and figures are shown by, and their cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::calendar::calendars;
use super::{ETAG, set};
use crate::error::Result;
use crate::keys;
use crate::keys::{SK, registry as sort};
use crate::table::Consistency;
use crate::{Item, Registry, decode};
use ledger::calendar::{Calendar, Calendars};
use ledger::ids::OrgId;
use ledger::pricing::{Book, OwnPrices};
use ledger::settings::{OrganizationSettings, PriceSettings, Settings};

/// How long readers of figures use cached settings.
const SETTINGS_AGE: Duration = Duration::from_secs(30);
/// The most organizations whose settings are cached.
const SETTINGS_KEPT: usize = 10_000;

/// The version of an organization's settings; none before their first change.
type Version = Option<String>;

/// Settings as they were read.
#[derive(Clone, Debug)]
struct Cached {
    read: Instant,
    /// The version that was read before the settings, so that they are at least as new; none if it was not read.
    version: Option<Version>,
    settings: Arc<Settings>,
}

/// The settings that were read last, by organization.
#[derive(Debug, Default)]
pub(crate) struct SettingsCache(Mutex<HashMap<OrgId, Cached>>);

impl SettingsCache {
    fn get(&self, org: &OrgId, holds: impl Fn(&Cached) -> bool) -> Option<Arc<Settings>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(org).filter(|cached| holds(cached)).map(|cached| cached.settings.clone())
    }

    fn put(&self, org: &OrgId, version: Option<Version>, settings: Arc<Settings>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= SETTINGS_KEPT {
            kept.clear();
        }
        kept.insert(org.clone(), Cached { read: Instant::now(), version, settings });
    }
}

impl Registry {
    /// The settings of an organization with every change that was answered before this call: what ingest prices by.
    ///
    /// Costs one read unit, a strongly consistent read of the version. The settings themselves are read only if that has
    /// changed: after it, so that a change in between makes them newer than their version, never older.
    pub async fn settings_now(&self, org: &OrgId) -> Result<Arc<Settings>> {
        let version = self.table.get(&keys::settings_version(org), Consistency::Strong).await?;
        let version = version.map(|item| decode::required(&item, ETAG).map(str::to_owned)).transpose()?;
        let current = |cached: &Cached| cached.version.as_ref() == Some(&version);
        if let Some(settings) = self.settings.get(org, current) {
            return Ok(settings);
        }
        let query = self.table.query(&keys::settings(org)).strong();
        let settings = Arc::new(read(&query.all(Ok).await?)?);
        self.settings.put(org, Some(version), settings.clone());
        Ok(settings)
    }

    /// The calendar in the cached settings of an organization, however old they are.
    pub(super) fn last_calendar(&self, org: &OrgId) -> Option<Calendar> {
        self.settings.get(org, |_| true).map(|settings| settings.calendar)
    }

    /// The cached settings of an organization, without reading the table.
    pub fn settings_at_hand(&self, org: &OrgId) -> Option<Arc<Settings>> {
        self.settings.get(org, |cached| cached.read.elapsed() < SETTINGS_AGE)
    }

    /// The settings of an organization as they were at most 30 seconds ago: enough to show figures by.
    pub async fn settings_cached(&self, org: &OrgId) -> Result<Arc<Settings>> {
        if let Some(settings) = self.settings_at_hand(org) {
            return Ok(settings);
        }
        let settings = Arc::new(self.settings(org).await?);
        self.settings.put(org, None, settings.clone());
        Ok(settings)
    }

    /// The settings of an organization: calendar, plan and own prices, in one query.
    pub async fn settings(&self, org: &OrgId) -> Result<Settings> {
        read(&self.table.query(&keys::settings(org)).all(Ok).await?)
    }
}

fn read(items: &[Item]) -> Result<Settings> {
    let (mut organization, mut plan, mut all) = (None, None, Calendars::default());
    let mut prices = Vec::new();
    for item in items {
        match decode::required(item, SK)? {
            sort::ORG => organization = set::<OrganizationSettings>(item)?,
            sort::CALENDAR => all = calendars(item)?,
            sort::PLAN => plan = set(item)?,
            key if key.starts_with(sort::PRICE) => prices.extend(set::<PriceSettings>(item)?),
            _ => {}
        }
    }
    Ok(Settings {
        calendar: all.active,
        tracked: all.tracked,
        own_prices: OwnPrices::new(Book::builtin(), prices.into_iter().map(Into::into)),
        organization: organization.unwrap_or_default(),
        plan,
    })
}
