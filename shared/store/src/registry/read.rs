//! Reading the registry.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use serde::de::DeserializeOwned;

use super::seen::seen;
use super::{ETAG, set};
use crate::error::{Error, Result};
use crate::keys;
use crate::keys::{Key, SK, registry as sort};
use crate::{Item, Store, decode, failed, key_attributes, version};
use ledger::ids::{AgentId, Name, NodeId, OrgId, ProjectId};
use ledger::period::Day;
use ledger::rollup::Seen;
use ledger::roster::Agent;
use ledger::settings::{
    AgentSettings, BudgetSettings, DestinationSettings, OrganizationSettings, PlanSettings, ProjectSettings,
};

/// What an item of the registry holds. Where there is none, it holds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// What was set.
    pub settings: Option<T>,
    /// The version of what was set.
    pub etag: Option<String>,
    /// What its events told.
    pub seen: Option<Seen>,
}

impl<T> Stored<T> {
    /// Whether someone set it or an event named it.
    pub const fn exists(&self) -> bool {
        self.settings.is_some() || self.seen.is_some()
    }
}

/// What is known of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// What people call it, where someone has said so.
    pub name: Option<String>,
    /// What its events told, where there were any.
    pub seen: Option<Seen>,
}

/// What is known of a node. Nobody registers nodes: their reports tell all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// What its reports told.
    pub seen: Seen,
}

impl Store {
    /// What an organisation has set of itself, or the defaults.
    pub async fn organization(&self, org: &OrgId) -> Result<OrganizationSettings> {
        Ok(self.known(&keys::organization_settings(org), false).await?.settings.unwrap_or_default())
    }

    /// Every organisation that an event ever named, with the day of its first event.
    pub async fn organizations(&self) -> Result<Vec<(OrgId, Day)>> {
        let organization = |item: Item| {
            let org = decode::required(&item, SK)?;
            let odd = || Error::Internal(format!("{org:?} is no organisation"));
            Ok((OrgId::new(org).map_err(|_| odd())?, seen(&item)?.ok_or_else(odd)?.first))
        };
        self.query_map(&self.tables().registry, &keys::organizations(), organization).await
    }

    /// An organisation's subscription, where it has one.
    pub async fn plan(&self, org: &OrgId) -> Result<Option<PlanSettings>> {
        Ok(self.known(&keys::plan(org), false).await?.settings)
    }

    /// What an organisation has set of itself, or the defaults, and its subscription, where it has one: both in one
    /// call.
    pub async fn organization_and_plan(
        &self,
        org: &OrgId,
    ) -> Result<(OrganizationSettings, Option<PlanSettings>)> {
        let keys = [keys::organization_settings(org), keys::plan(org)];
        let (mut organization, mut plan) = (None, None);
        for item in self.get_all(&self.tables().registry, &keys).await? {
            match decode::required(&item, SK)? {
                sort::ORG => organization = set(&item)?,
                _ => plan = set(&item)?,
            }
        }
        Ok((organization.unwrap_or_default(), plan))
    }

    /// An organisation's budget, or the defaults.
    pub async fn budget(&self, org: &OrgId) -> Result<BudgetSettings> {
        Ok(self.known(&keys::budget(org), false).await?.settings.unwrap_or_default())
    }

    /// An agent, if someone registered it or an event named it.
    pub async fn agent(&self, org: &OrgId, id: &AgentId) -> Result<Option<Agent>> {
        let stored = self.known(&keys::agent(org, id), false).await?;
        Ok(stored.exists().then(|| agent(id.clone(), stored)))
    }

    /// All agents, registered or seen, by id: one query.
    pub async fn agents(&self, org: &OrgId) -> Result<Vec<Agent>> {
        let all = self.all_known(org, sort::AGENT).await?;
        Ok(all.into_iter().map(|(id, stored)| agent(id, stored)).collect())
    }

    /// The agents among `ids` that someone registered or an event named.
    pub async fn agents_among(
        &self,
        org: &OrgId,
        ids: &BTreeSet<AgentId>,
    ) -> Result<BTreeMap<AgentId, Agent>> {
        let keys: Vec<_> = ids.iter().map(|id| keys::agent(org, id)).collect();
        let mut agents = BTreeMap::new();
        for item in self.get_all(&self.tables().registry, &keys).await? {
            let id = decode::required(&item, SK)?.strip_prefix(sort::AGENT).unwrap_or_default();
            let id = AgentId::new(id).map_err(Error::internal)?;
            agents.insert(id.clone(), agent(id, stored(&item)?));
        }
        Ok(agents)
    }

    /// A project, if someone registered it or an event named it.
    pub async fn project(&self, org: &OrgId, id: &ProjectId) -> Result<Option<Project>> {
        let stored = self.known(&keys::project(org, id), false).await?;
        Ok(stored.exists().then(|| project(id.clone(), stored)))
    }

    /// All projects, registered or seen, by id: one query.
    pub async fn projects(&self, org: &OrgId) -> Result<Vec<Project>> {
        let all = self.all_known(org, sort::PROJECT).await?;
        Ok(all.into_iter().map(|(id, stored)| project(id, stored)).collect())
    }

    /// All nodes that ever reported, by id: one query.
    pub async fn nodes(&self, org: &OrgId) -> Result<Vec<Node>> {
        let all = self.all_known::<NodeId, serde::de::IgnoredAny>(org, sort::NODE).await?;
        Ok(all.into_iter().filter_map(|(id, stored)| Some(Node { id, seen: stored.seen? })).collect())
    }

    /// All places that alerts are sent to, by id: one query.
    pub async fn destinations(&self, org: &OrgId) -> Result<Vec<(Name, DestinationSettings)>> {
        let all = self.all_known(org, sort::DESTINATION).await?;
        Ok(all.into_iter().filter_map(|(id, stored)| Some((id, stored.settings?))).collect())
    }

    /// What is known under `key`; with `consistent`, all that was written before.
    pub async fn known<T: DeserializeOwned>(&self, key: &Key, consistent: bool) -> Result<Stored<T>> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables().registry)
            .set_key(Some(key_attributes(key)))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        self.meter.read(found.consumed_capacity());
        stored(&version::known(found.item.unwrap_or_default())?)
    }

    /// All that exists of one kind, one of [`sort`] that ends with `#`, by id.
    pub async fn all_known<I, T>(&self, org: &OrgId, kind: &'static str) -> Result<Vec<(I, Stored<T>)>>
    where
        I: TryFrom<String>,
        T: DeserializeOwned,
    {
        let items = self.query(&self.tables().registry, &keys::all_of(org, kind)).await?;
        let mut all = Vec::with_capacity(items.len());
        for item in &items {
            let id = decode::required(item, SK)?.strip_prefix(kind).map(str::to_owned);
            let id = id.and_then(|id| I::try_from(id).ok());
            let id = id.ok_or_else(|| Error::Internal(format!("an item of {kind} has an odd key")))?;
            all.push((id, stored(item)?));
        }
        all.retain(|(_, stored)| stored.exists());
        Ok(all)
    }
}

pub(crate) fn stored<T: DeserializeOwned>(item: &Item) -> Result<Stored<T>> {
    let etag = decode::text(item, ETAG).map(str::to_owned);
    Ok(Stored { settings: set(item)?, etag, seen: seen(item)? })
}

fn agent(id: AgentId, stored: Stored<AgentSettings>) -> Agent {
    Agent { id, settings: stored.settings, seen: stored.seen }
}

fn project(id: ProjectId, stored: Stored<ProjectSettings>) -> Project {
    Project { id, name: stored.settings.and_then(|settings| settings.name), seen: stored.seen }
}
