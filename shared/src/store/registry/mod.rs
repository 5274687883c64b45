//! The registry table: what is known of organisations, agents, projects and nodes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::keys::{self, PK, SK, registry as sort, seen as attr};
use super::{Item, Store, decode, failed, key_attributes, s};
use crate::cost::{self, CallCost, TokenCounts};
use crate::error::{Error, Result};
use crate::ids::{AgentId, OrgId};
use crate::money::{Quantity, Usd};
use crate::period::{self, Day, Month};
use crate::pricing::{Overrides, PriceBook, Prices};
use crate::rollup::{Latest, Seen, Subject};

/// The attribute that holds what was set through the registry, beside what events filled in.
pub const SETTINGS: &str = "settings";

/// Whether an agent is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// At work; what an agent is that nobody has registered.
    #[default]
    Online,
    /// Stopped for a while.
    Paused,
    /// Not yet at work.
    Draft,
    /// Not reachable.
    Offline,
    /// Gone; its history stays.
    Archived,
}

impl AgentStatus {
    /// The status as the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Paused => "paused",
            Self::Draft => "draft",
            Self::Offline => "offline",
            Self::Archived => "archived",
        }
    }
}

/// What is set of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSettings {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Whether it is at work.
    pub status: AgentStatus,
    /// What kind of work it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whom it works for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_title: Option<String>,
    /// The provider of its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_provider: Option<String>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// What a person in its role earns a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_equivalent_salary: Option<Usd>,
    /// Hours of human work that it is thought to save a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_hours_saved: Option<Quantity>,
    /// What it may cost a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_budget_monthly: Option<Usd>,
}

/// What is known of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// What was set, where someone registered it.
    pub settings: Option<AgentSettings>,
    /// What its events told, where there were any.
    pub seen: Option<Seen>,
}

impl Agent {
    /// Its status; an agent that nobody registered is at work.
    pub fn status(&self) -> AgentStatus {
        self.settings.as_ref().map(|settings| settings.status).unwrap_or_default()
    }

    /// Its host: as registered, else the last one that an event named, else its id.
    pub fn hostname(&self) -> &str {
        let registered = self.settings.as_ref().and_then(|settings| settings.hostname.as_deref());
        let named = || self.seen.as_ref().and_then(|seen| seen.host.as_ref()).map(|host| host.value.as_str());
        registered.or_else(named).unwrap_or(self.id.as_str())
    }
}

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

    /// All agents, registered or seen, by id: one query.
    pub async fn agents(&self, org: &OrgId) -> Result<Vec<Agent>> {
        let items = self.query(&self.tables().registry, &keys::all_of(org, sort::AGENT)).await?;
        items.iter().map(agent).collect()
    }

    /// Notes what was seen of a subject, and answers what is known of it then.
    ///
    /// Facts only grow, so this reads, merges and writes back if nobody else wrote in between, and does it again if
    /// somebody did.
    pub async fn see(&self, org: &OrgId, subject: &Subject, news: &Seen) -> Result<Seen> {
        let key = key_attributes(&subject.key(org));
        loop {
            let found = self
                .client
                .get_item()
                .table_name(&self.tables().registry)
                .set_key(Some(key.clone()))
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| failed("GetItem", &error))?;
            self.meter.read(found.consumed_capacity());
            let item = found.item.unwrap_or_default();
            let known = seen(&item)?;
            let mut merged = news.clone();
            if let Some(known) = &known {
                merged.merge(known);
                if !known.worth_storing(&merged) {
                    return Ok(known.clone());
                }
            }
            if self.write_seen(key.clone(), &merged, writes(&item)).await? {
                return Ok(merged);
            }
        }
    }

    /// Stores what was seen, where `writes` still counts the writes so far. Whether it does.
    async fn write_seen(&self, key: Item, seen: &Seen, writes: u64) -> Result<bool> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables().registry)
            .set_key(Some(key))
            .condition_expression("attribute_not_exists(#w) OR #w = :w")
            .expression_attribute_names("#w", attr::WRITES)
            .expression_attribute_values(":w", AttributeValue::N(writes.to_string()))
            .expression_attribute_values(":n", AttributeValue::N((writes + 1).to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut set = vec!["#w = :n".to_owned()];
        for (i, (name, value)) in seen_attributes(seen).into_iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#{i}"), name)
                .expression_attribute_values(format!(":{i}"), value);
            set.push(format!("#{i} = :{i}"));
        }
        match update.update_expression(format!("SET {}", set.join(","))).send().await {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                Ok(true)
            }
            Err(error) => {
                self.meter.write(None);
                match error.as_service_error() {
                    Some(refused) if refused.is_conditional_check_failed_exception() => Ok(false),
                    _ => Err(failed("UpdateItem", &error)),
                }
            }
        }
    }
}

fn agent(item: &Item) -> Result<Agent> {
    let id = decode::required(item, SK)?.strip_prefix(sort::AGENT).map(AgentId::new);
    let id = id.and_then(Result::ok).ok_or_else(|| Error::Internal("an agent has an odd key".to_owned()))?;
    Ok(Agent { id, settings: set(item)?, seen: seen(item)? })
}

/// What was set on an item through the registry.
fn set<T: serde::de::DeserializeOwned>(item: &Item) -> Result<Option<T>> {
    let settings = item.get(SETTINGS).cloned();
    settings.map(|settings| serde_dynamo::from_attribute_value(settings).map_err(Error::internal)).transpose()
}

fn writes(item: &Item) -> u64 {
    item.get(attr::WRITES)
        .and_then(|value| value.as_n().ok())
        .and_then(|n| n.parse().ok())
        .unwrap_or_default()
}

fn seen(item: &Item) -> Result<Option<Seen>> {
    let Some(first) = decode::text(item, attr::FIRST) else { return Ok(None) };
    let parse = || {
        let latest = |name| decode::text(item, name).and_then(period::parse_instant);
        Some(Seen {
            first: Day::parse(first)?,
            last: decode::text(item, attr::LAST).and_then(Day::parse)?,
            call_days: decode::texts(item, attr::CALL_DAYS)
                .iter()
                .map(|day| Day::parse(day))
                .collect::<Option<_>>()?,
            months: decode::texts(item, attr::MONTHS)
                .iter()
                .map(|month| Month::parse(month))
                .collect::<Option<_>>()?,
            host: latest(attr::HOST_AT)
                .zip(decode::text(item, attr::HOST))
                .map(|(at, host)| Latest { at, value: host.to_owned() }),
            sites: latest(attr::SITES_AT)
                .zip(item.get(attr::SITES).and_then(decode::number))
                .and_then(|(at, sites)| Some(Latest { at, value: u64::try_from(sites).ok()? })),
        })
    };
    let what = || format!("what was seen of {:?} {:?} cannot be read", item.get(PK), item.get(SK));
    parse().map(Some).ok_or_else(|| Error::Internal(what()))
}

fn seen_attributes(seen: &Seen) -> Vec<(&'static str, AttributeValue)> {
    let mut attributes =
        vec![(attr::FIRST, s(seen.first.to_string())), (attr::LAST, s(seen.last.to_string()))];
    // DynamoDB has no empty sets.
    if !seen.call_days.is_empty() {
        let days = seen.call_days.iter().map(ToString::to_string).collect();
        attributes.push((attr::CALL_DAYS, AttributeValue::Ss(days)));
    }
    if !seen.months.is_empty() {
        let months = seen.months.iter().map(ToString::to_string).collect();
        attributes.push((attr::MONTHS, AttributeValue::Ss(months)));
    }
    if let Some(host) = &seen.host {
        attributes.push((attr::HOST, s(&host.value)));
        attributes.push((attr::HOST_AT, s(period::rfc3339(host.at))));
    }
    if let Some(sites) = &seen.sites {
        attributes.push((attr::SITES, AttributeValue::N(sites.value.to_string())));
        attributes.push((attr::SITES_AT, s(period::rfc3339(sites.at))));
    }
    attributes
}
