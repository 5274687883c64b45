//! What decides how an organisation's events are taken in, and a short memory of it.

/// What an organisation has set that decides how its events are taken in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zone that cuts its days.
    pub zone: Tz,
    /// Its own prices.
    pub overrides: Overrides,
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
pub(super) struct SettingsCache(Mutex<HashMap<OrgId, (Instant, Arc<Settings>)>>);

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

    /// How an organisation's events are taken in, as it was at most [`SETTINGS_AGE`] ago.
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
        let items = self.query(&self.tables().registry, &keys::settings(org)).await?;
        let mut settings = Settings { zone: Tz::UTC, overrides: Overrides::default() };
        for item in &items {
            if decode::required(item, SK)? == sort::ORG {
                #[derive(Deserialize)]
                struct Organization {
                    timezone: Option<Tz>,
                }
                let set: Option<Organization> = set(item)?;
                settings.zone = set.and_then(|set| set.timezone).unwrap_or(Tz::UTC);
            }
        }
        Ok(settings)
    }
}
