//! Changing the registry: the change and its audit entry are one transaction.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use tokio::time::sleep;

use super::audit::AuditEntry;
use super::{ETAG, IfMatch, SETTINGS, Setting, Stored};
use crate::error::{Error, Result};
use crate::events::RawEvent;
use crate::keys;
use crate::keys::registry::FORMER_NAME;
use crate::keys::{Key, seen};
use crate::table::{Write, absent, equals, full_jitter};
use crate::{Events, Registry, s};
use ledger::dimension::Dimension;
use ledger::ids::{AgentId, OrgId};
use ledger::settings::AgentBudgetSettings;

/// The version of settings that were never set, but have defaults that can be read.
pub const UNSET: &str = "unset";
/// Attempts at one change. Each further attempt follows a competing change.
const ATTEMPTS: u32 = 20;
/// The longest pause before the second attempt; it grows by as much with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause before any attempt.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Who makes a change, and when.
#[derive(Clone, Debug)]
pub struct Editor {
    /// The organization whose registry is changed.
    pub org: OrgId,
    /// The subject of the caller's token.
    pub who: String,
    /// The condition on the current version.
    pub if_match: IfMatch,
    /// The time of the change.
    pub now: DateTime<Utc>,
    /// Days that the audit entry is kept, as any event.
    pub retention_days: u32,
}

impl Editor {
    /// The audit entry of a change from `before` to `after`.
    pub(crate) fn event<T: Setting>(
        &self,
        entity: &Entity<'_>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<RawEvent> {
        let (org, agent) = (&self.org, entity.agent);
        let entry = AuditEntry { org, time: self.now, agent, who: &self.who, what: &entity.what };
        RawEvent::new(&entry.event(before, after)?, rand::random(), self.now, self.retention_days)
    }
}

/// The subject of a change.
#[derive(Clone, Debug)]
pub struct Entity<'a> {
    /// The key of its registry item.
    pub key: Key,
    /// Its name in the activity log.
    pub what: String,
    /// The agent that the change is about, if any.
    pub agent: Option<&'a AgentId>,
    /// Whether it can be read even if it was never set.
    pub always_there: bool,
}

/// The change to make to the stored settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// None: nothing is written, not even an audit entry.
    Keep,
    /// Set the settings to this.
    Set(T),
    /// Remove the settings. What events reported stays.
    Clear,
}

impl<T> Next<T> {
    /// Removes the settings, or fails with `missing` if there are none.
    pub fn clear(stored: &Stored<T>, missing: &'static str) -> Result<Self> {
        if stored.settings.is_some() { Ok(Self::Clear) } else { Err(Error::NotFound(missing)) }
    }
}

impl<T: PartialEq> Next<T> {
    /// Sets `wanted`, unless the settings are the same already.
    pub fn to(wanted: T, stored: &Stored<T>) -> Self {
        if stored.settings.as_ref() == Some(&wanted) { Self::Keep } else { Self::Set(wanted) }
    }
}

impl<T> Stored<T> {
    /// The version that `If-Match` is compared with; none if there is nothing to read.
    pub fn version(&self, always_there: bool) -> Option<&str> {
        let there = self.exists() || always_there;
        there.then(|| self.etag.as_deref().unwrap_or(UNSET))
    }
}

impl Registry {
    /// Changes settings as `decide` says in view of the stored ones, stores the audit entry among `events`, and returns
    /// the result.
    ///
    /// `decide` is called again after a competing change, so that the audit entry's `before` is always what this change
    /// replaced, and only one of several changes with the same `If-Match` succeeds.
    pub async fn change<T: Setting>(
        &self,
        events: &Events,
        editor: &Editor,
        entity: &Entity<'_>,
        decide: impl Fn(&Stored<T>) -> Result<Next<T>>,
    ) -> Result<Stored<T>> {
        for attempt in 1..=ATTEMPTS {
            let stored = self.stored::<T>(&entity.key).await?;
            let decided = decide(&stored);
            // RFC 9110, 13.2.1: a condition counts only if the request would succeed without it.
            if !matches!(decided, Err(Error::NotFound(_))) {
                editor.if_match.check(stored.version(entity.always_there))?;
            }
            let next = match decided? {
                Next::Keep => return Ok(stored),
                Next::Set(settings) => Some(settings),
                Next::Clear => None,
            };
            let event = editor.event(entity, stored.settings.as_ref(), next.as_ref())?;
            let etag = next.is_some().then(new_etag);
            let mut changes =
                vec![self.item_change(&entity.key, &stored, next.as_ref().zip(etag.as_deref()))?];
            changes.extend(self.budget_change(editor, entity, stored.settings.as_ref(), next.as_ref())?);
            if keys::is_of_settings(&entity.key) {
                changes.push(self.version_change(&editor.org));
            }
            if let Some(wanted) = next.as_ref().and_then(T::rollups) {
                changes.extend(self.rollups_change(events, editor, wanted).await?);
            }
            if self.change_with_entry(changes, events.put(event)).await? {
                return Ok(Stored { settings: next, etag, ..stored });
            }
            sleep(full_jitter(LONGEST_PAUSE.min(FIRST_PAUSE * attempt))).await;
        }
        Err(Error::Unavailable("other writers keep changing the same item".to_owned()))
    }

    /// The change of an item, which applies only to the version that was read.
    fn item_change<T: Setting>(
        &self,
        key: &Key,
        stored: &Stored<T>,
        next: Option<(&T, &str)>,
    ) -> Result<Write<'_>> {
        let unchanged = stored.etag.as_ref().map_or_else(|| absent(ETAG), |etag| equals(ETAG, s(etag)));
        let lasting_name = stored.settings.as_ref().and_then(T::lasting_name);
        let write = match (next, lasting_name) {
            (Some((settings, etag)), _) => {
                self.table.update(key).set(SETTINGS, attribute(settings)?).set(ETAG, s(etag))
            }
            // Even if no event named it yet: some may be on their way to the aggregator.
            (None, Some(name)) => {
                self.table.update(key).remove(SETTINGS).remove(ETAG).set(FORMER_NAME, s(name))
            }
            // An item that would be left empty is deleted, unless an event names it at this very moment.
            (None, None) if stored.seen.is_none() => self.table.delete(key).only_if(absent(seen::FIRST)),
            (None, None) => self.table.update_existing(key).remove(SETTINGS).remove(ETAG),
        };
        Ok(write.only_if(unchanged))
    }

    /// The change of an agent's budget in its own item, if the change is one of that. The budget has a version of its
    /// own, which changes with none of the agent's other settings.
    fn budget_change<T: Setting>(
        &self,
        editor: &Editor,
        entity: &Entity<'_>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Option<Write<'_>>> {
        let budget = |set: Option<&T>| set.and_then(T::agent_budget);
        let (Some(agent), after) = (entity.agent, budget(after)) else { return Ok(None) };
        if budget(before) == after {
            return Ok(None);
        }
        let key = keys::agent_budget(&editor.org, agent);
        let Some(monthly) = after else { return Ok(Some(self.table.delete(&key))) };
        let settings = attribute(&AgentBudgetSettings { monthly })?;
        Ok(Some(self.table.update(&key).set(SETTINGS, settings).set(ETAG, s(new_etag()))))
    }

    /// Has the organization's calendars follow its time zone and its tracked dimensions.
    async fn rollups_change(
        &self,
        events: &Events,
        editor: &Editor,
        (zone, dimensions): (Tz, &[Dimension]),
    ) -> Result<Vec<Write<'_>>> {
        let stored = self.calendars(&editor.org).await?;
        if stored.calendars.are_wanted(zone, dimensions) {
            return Ok(Vec::new());
        }
        let unused = !self.has_usage(events, &editor.org, editor.now).await?;
        let mut calendars = stored.calendars.clone();
        let requested = calendars.request(zone, dimensions, editor.now, unused);
        requested.map_err(|error| Error::Conflict(error.to_string()))?;
        self.calendars_change(&editor.org, &stored, &calendars, &new_etag())
    }

    /// Renews the version of the organization's settings, with which ingest compares what it has cached. Random, so that
    /// a table that was restored from a backup does not come to a version that was cached for later settings.
    fn version_change(&self, org: &OrgId) -> Write<'_> {
        self.table.update(&keys::settings_version(org)).set(ETAG, s(new_etag()))
    }

    /// Makes changes to the registry and stores their audit entry, all or nothing. False if another writer came first.
    pub(crate) async fn change_with_entry(&self, changes: Vec<Write<'_>>, entry: Write<'_>) -> Result<bool> {
        self.table.transact(changes.into_iter().chain([entry]).collect()).await?.committed()
    }
}

pub(super) fn attribute<T: Serialize>(settings: &T) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(settings).map_err(Error::internal)
}

/// A new version. Random, since a hash of the settings would let a caller test guesses at a secret.
pub(super) fn new_etag() -> String {
    BASE64.encode(rand::random::<[u8; 12]>())
}
