//! Reading the registry.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::calendar::calendars;
use super::seen::seen;
use super::{ETAG, set};
use crate::error::{Error, Result};
use crate::keys;
use crate::keys::{Key, SK, registry as sort};
use crate::table::Consistency;
use crate::{Item, Registry, decode};
use ledger::calendar::Calendar;
use ledger::ids::{AgentId, Name, NodeId, OrgId, ProjectId};
use ledger::rollup::Seen;
use ledger::roster::Agent;
use ledger::settings::{
    AgentSettings, BudgetSettings, DestinationSettings, OrganizationSettings, PlanSettings, ProjectSettings,
};

/// The content of a registry item; empty if there is no item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The settings.
    pub settings: Option<T>,
    /// The version of the settings.
    pub etag: Option<String>,
    /// What events reported.
    pub seen: Option<Seen>,
    /// The name that it had when it was deleted.
    pub(super) former_name: Option<String>,
}

impl<T> Stored<T> {
    /// Whether it was registered or an event named it.
    pub const fn exists(&self) -> bool {
        self.settings.is_some() || self.seen.is_some()
    }
}

/// A project that was registered or that an event named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The id that events name.
    pub id: ProjectId,
    /// The display name if one is set, or the one that it had when it was deleted.
    pub name: Option<String>,
    /// What events reported, if any did.
    pub seen: Option<Seen>,
}

/// A node. Nodes are not registered; they appear with their first report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The id that reports name.
    pub id: NodeId,
    /// What its reports said.
    pub seen: Seen,
}

impl Registry {
    /// Every organization with at least one event, and the time of its first event.
    pub async fn organizations(&self) -> Result<Vec<(OrgId, DateTime<Utc>)>> {
        let organization = |item: Item| {
            let org = decode::required(&item, SK)?;
            let malformed = || Error::Internal(format!("the entry of organization {org:?} is malformed"));
            Ok((OrgId::new(org).map_err(|_| malformed())?, seen(&item)?.ok_or_else(malformed)?.first))
        };
        self.table.query(&keys::organizations()).all(organization).await
    }

    /// The time of an organization's first event; none if none was aggregated yet.
    pub async fn first_event(&self, org: &OrgId) -> Result<Option<DateTime<Utc>>> {
        let item = self.table.get(&keys::organization(org), Consistency::Strong).await?.unwrap_or_default();
        Ok(seen(&item)?.map(|seen| seen.first))
    }

    /// The organization's subscription, if it has one.
    pub async fn plan(&self, org: &OrgId) -> Result<Option<PlanSettings>> {
        Ok(self.stored_eventually(&keys::plan(org)).await?.settings)
    }

    /// The organization's calendar, and its subscription, if it has one: one call.
    pub async fn calendar_and_plan(&self, org: &OrgId) -> Result<(Calendar, Option<PlanSettings>)> {
        let (mut calendar, mut plan) = (Calendar::default(), None);
        for item in self.table.get_many(&[keys::calendar(org), keys::plan(org)]).await? {
            match decode::required(&item, SK)? {
                sort::CALENDAR => calendar = calendars(&item)?.active,
                _ => plan = set(&item)?,
            }
        }
        Ok((calendar, plan))
    }

    /// The organization's settings, or the defaults, and its calendar: one call.
    pub async fn organization_and_calendar(&self, org: &OrgId) -> Result<(OrganizationSettings, Calendar)> {
        let (mut calendar, mut organization) = (Calendar::default(), None);
        for item in self.table.get_many(&[keys::calendar(org), keys::organization_settings(org)]).await? {
            match decode::required(&item, SK)? {
                sort::CALENDAR => calendar = calendars(&item)?.active,
                _ => organization = set(&item)?,
            }
        }
        Ok((organization.unwrap_or_default(), calendar))
    }

    /// The calendar that figures are shown by.
    pub async fn calendar(&self, org: &OrgId) -> Result<Calendar> {
        let item = self.table.get(&keys::calendar(org), Consistency::Eventual).await?;
        Ok(calendars(&item.unwrap_or_default())?.active)
    }

    /// The organization's budget, or the defaults.
    pub async fn budget(&self, org: &OrgId) -> Result<BudgetSettings> {
        Ok(self.stored_eventually(&keys::budget(org)).await?.settings.unwrap_or_default())
    }

    /// An agent that was registered or that an event named.
    pub async fn agent(&self, org: &OrgId, id: &AgentId) -> Result<Option<Agent>> {
        let stored = self.stored_eventually(&keys::agent(org, id)).await?;
        Ok(stored.exists().then(|| agent(id.clone(), stored)))
    }

    /// All agents, registered or named by an event, sorted by id: one query.
    pub async fn agents(&self, org: &OrgId) -> Result<Vec<Agent>> {
        let all = self.all_stored(org, sort::AGENT).await?;
        Ok(all.into_iter().map(|(id, stored)| agent(id, stored)).collect())
    }

    /// Those of `ids` that were registered or that an event named: one call for each hundred ids.
    pub async fn agents_among(
        &self,
        org: &OrgId,
        ids: &BTreeSet<AgentId>,
    ) -> Result<BTreeMap<AgentId, Agent>> {
        let keys: Vec<_> = ids.iter().map(|id| keys::agent(org, id)).collect();
        let mut agents = BTreeMap::new();
        for item in self.table.get_many(&keys).await? {
            let id = decode::required(&item, SK)?.strip_prefix(sort::AGENT).unwrap_or_default();
            let id = AgentId::new(id).map_err(Error::internal)?;
            agents.insert(id.clone(), agent(id, stored(&item)?));
        }
        Ok(agents)
    }

    /// A project that was registered or that an event named.
    pub async fn project(&self, org: &OrgId, id: &ProjectId) -> Result<Option<Project>> {
        let stored = self.stored_eventually(&keys::project(org, id)).await?;
        Ok(stored.exists().then(|| project(id.clone(), stored)))
    }

    /// All projects, registered or named by an event, sorted by id: one query.
    pub async fn projects(&self, org: &OrgId) -> Result<Vec<Project>> {
        let all = self.all_stored(org, sort::PROJECT).await?;
        Ok(all.into_iter().map(|(id, stored)| project(id, stored)).collect())
    }

    /// All nodes that ever reported, sorted by id: one query.
    pub async fn nodes(&self, org: &OrgId) -> Result<Vec<Node>> {
        let all = self.all_stored::<NodeId, serde::de::IgnoredAny>(org, sort::NODE).await?;
        Ok(all.into_iter().filter_map(|(id, stored)| Some(Node { id, seen: stored.seen? })).collect())
    }

    /// All webhook destinations of alerts, sorted by id: one query.
    pub async fn destinations(&self, org: &OrgId) -> Result<Vec<(Name, DestinationSettings)>> {
        let all = self.all_stored(org, sort::DESTINATION).await?;
        Ok(all.into_iter().filter_map(|(id, stored)| Some((id, stored.settings?))).collect())
    }

    /// The item under `key`, strongly consistent; empty if there is none.
    pub async fn stored<T: DeserializeOwned>(&self, key: &Key) -> Result<Stored<T>> {
        stored(&self.table.get(key, Consistency::Strong).await?.unwrap_or_default())
    }

    /// The same, eventually consistent: half the read units.
    async fn stored_eventually<T: DeserializeOwned>(&self, key: &Key) -> Result<Stored<T>> {
        stored(&self.table.get(key, Consistency::Eventual).await?.unwrap_or_default())
    }

    /// The first `most` items of one kind whose id comes after `after`, sorted by id.
    pub async fn stored_after<I, T>(
        &self,
        org: &OrgId,
        kind: &'static str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<(I, Stored<T>)>>
    where
        I: TryFrom<String>,
        T: DeserializeOwned,
    {
        let mut range = keys::all_of(org, kind);
        if let Some(after) = after {
            range.from = format!("{kind}{after}");
        }
        let first = range.from.clone();
        let parse = |item: Item| {
            let is_later = after.is_none() || decode::required(&item, SK)? != first;
            Ok(Some(parse_stored(kind, &item)?).filter(|(_, stored)| is_later && stored.exists()))
        };
        self.table.query(&range).first(most, parse).await
    }

    /// All items of one kind, a prefix of [`sort`] that ends with `#`, sorted by id: one query.
    pub async fn all_stored<I, T>(&self, org: &OrgId, kind: &'static str) -> Result<Vec<(I, Stored<T>)>>
    where
        I: TryFrom<String>,
        T: DeserializeOwned,
    {
        let parse = |item: Item| parse_stored(kind, &item);
        let mut all = self.table.query(&keys::all_of(org, kind)).all(parse).await?;
        all.retain(|(_, stored)| stored.exists());
        Ok(all)
    }
}

fn parse_stored<I, T>(kind: &str, item: &Item) -> Result<(I, Stored<T>)>
where
    I: TryFrom<String>,
    T: DeserializeOwned,
{
    let id = decode::required(item, SK)?.strip_prefix(kind).map(str::to_owned);
    let id = id.and_then(|id| I::try_from(id).ok());
    let id = id.ok_or_else(|| Error::Internal(format!("an item of {kind} has a malformed key")))?;
    Ok((id, stored(item)?))
}

pub(crate) fn stored<T: DeserializeOwned>(item: &Item) -> Result<Stored<T>> {
    let etag = decode::text(item, ETAG).map(str::to_owned);
    let former_name = decode::text(item, sort::FORMER_NAME).map(str::to_owned);
    Ok(Stored { settings: set(item)?, etag, seen: seen(item)?, former_name })
}

fn agent(id: AgentId, stored: Stored<AgentSettings>) -> Agent {
    Agent { id, settings: stored.settings, seen: stored.seen }
}

fn project(id: ProjectId, stored: Stored<ProjectSettings>) -> Project {
    let name = stored.settings.map_or(stored.former_name, |settings| settings.name);
    Project { id, name, seen: stored.seen }
}
