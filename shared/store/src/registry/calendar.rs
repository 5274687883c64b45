//! The calendars of organizations: what their days are cut by, and how far a change of the time zone is.

use std::collections::{HashMap, HashSet};

use super::change::{attribute, new_etag};
use super::{ETAG, SETTINGS, set};
use crate::error::{Error, Result};
use crate::keys::{self, PK, SK, VERSION};
use crate::table::{Consistency, Write, absent, equals};
use crate::{Item, Registry, decode, s};
use ledger::calendar::Calendars;
use ledger::ids::OrgId;

/// The calendars of an organization as they were read.
#[derive(Clone, Debug, Default)]
pub struct StoredCalendars {
    /// The calendars.
    pub calendars: Calendars,
    etag: Option<String>,
}

impl Registry {
    /// The calendars of an organization, strongly consistent.
    pub async fn calendars(&self, org: &OrgId) -> Result<StoredCalendars> {
        let item = self.table.get(&keys::calendar(org), Consistency::Strong).await?.unwrap_or_default();
        let etag = decode::text(&item, ETAG).map(str::to_owned);
        Ok(StoredCalendars { calendars: calendars(&item)?, etag })
    }

    /// The calendars of organizations, whose live ones events have to be added to, strongly consistent: one call for each
    /// hundred organizations.
    ///
    /// The aggregator reads them with every delivery, after the events were stored. So an event that it does not add to a
    /// new generation was stored before that was requested, and whoever builds the generation finds it.
    pub async fn calendars_of(&self, orgs: &HashSet<OrgId>) -> Result<HashMap<OrgId, Calendars>> {
        let keys: Vec<_> = orgs.iter().map(keys::calendar).collect();
        let mut all: HashMap<_, _> = orgs.iter().map(|org| (org.clone(), Calendars::default())).collect();
        for item in self.table.get_many_attributes(&keys, &[PK, SK, VERSION, SETTINGS]).await? {
            let org = OrgId::new(decode::required(&item, PK)?).map_err(Error::internal)?;
            all.insert(org, calendars(&item)?);
        }
        Ok(all)
    }

    /// Replaces the calendars of an organization. None if they have changed since they were read.
    pub async fn set_calendars(
        &self,
        org: &OrgId,
        before: &StoredCalendars,
        after: Calendars,
    ) -> Result<Option<StoredCalendars>> {
        let etag = new_etag();
        let mut changes = self.calendars_change(org, before, &after, &etag)?;
        let written = match (changes.len(), changes.pop()) {
            (1, Some(change)) => change.send().await?.applied()?,
            (_, last) => self.table.transact(changes.into_iter().chain(last).collect()).await?.committed()?,
        };
        Ok(written.then_some(StoredCalendars { calendars: after, etag: Some(etag) }))
    }

    /// The writes that replace the calendars of an organization, if they have not changed since they were read.
    pub(super) fn calendars_change(
        &self,
        org: &OrgId,
        before: &StoredCalendars,
        after: &Calendars,
        etag: &str,
    ) -> Result<Vec<Write<'_>>> {
        let unchanged = before.etag.as_ref().map_or_else(|| absent(ETAG), |etag| equals(ETAG, s(etag)));
        let change = self.table.update(&keys::calendar(org)).set(SETTINGS, attribute(after)?);
        let change = change.set(ETAG, s(etag)).only_if(unchanged);
        let listed = keys::unsettled_calendar(org);
        let list = match (before.calendars.is_settled(), after.is_settled()) {
            (true, false) => Some(self.table.update(&listed)),
            (false, true) => Some(self.table.delete(&listed)),
            _ => None,
        };
        Ok([change].into_iter().chain(list).collect())
    }

    /// The organizations whose calendars have something left to be done: a generation to build or to delete.
    pub async fn unsettled_calendars(&self) -> Result<Vec<OrgId>> {
        let org = |item: Item| OrgId::new(decode::required(&item, SK)?).map_err(Error::internal);
        self.table.query(&keys::unsettled_calendars()).all(org).await
    }
}

/// The calendars in an item; the default where there is none.
pub(super) fn calendars(item: &Item) -> Result<Calendars> {
    Ok(set(item)?.unwrap_or_default())
}
