//! Keys with which events are sent.

use chrono::NaiveDate;

use super::{SETTINGS, set};
use crate::error::Result;
use crate::keys;
use crate::keys::{KeyRange, SK, registry as sort};
use crate::table::{Consistency, absent_or_below, exists};
use crate::{Item, Registry, decode, s};
use ledger::ids::{Name, OrgId};
use ledger::settings::KeySettings;

/// A key and when it was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key.
    pub settings: KeySettings,
    /// The last day (UTC) on which a request was made with it.
    pub used: Option<NaiveDate>,
}

impl Registry {
    /// A key, eventually consistent: half a read unit.
    pub async fn api_key(&self, org: &OrgId, id: &Name) -> Result<Option<StoredKey>> {
        let item = self.table.get(&keys::api_key(org, id), Consistency::Eventual).await?;
        item.as_ref().map_or(Ok(None), stored_key)
    }

    /// All keys of the organization, sorted by id, strongly consistent: one query.
    pub async fn api_keys(&self, org: &OrgId) -> Result<Vec<(String, StoredKey)>> {
        let range: KeyRange = keys::all_of(org, sort::API_KEY);
        let parse = |item: Item| {
            let id = decode::required(&item, SK)?.trim_start_matches(sort::API_KEY).to_owned();
            Ok(stored_key(&item)?.map(|key| (id, key)))
        };
        Ok(self.table.query(&range).strong().all(parse).await?.into_iter().flatten().collect())
    }

    /// Records that a key was used on `day`. A key that was deleted meanwhile stays deleted.
    pub async fn record_key_use(&self, org: &OrgId, id: &Name, day: NaiveDate) -> Result<()> {
        let day = s(day.to_string());
        let write = self.table.update_existing(&keys::api_key(org, id)).set(sort::KEY_USED, day.clone());
        let write = write.only_if(exists(SETTINGS)).only_if(absent_or_below(sort::KEY_USED, day));
        // A condition that does not hold leaves nothing to record.
        write.send().await.map(drop)
    }
}

fn stored_key(item: &Item) -> Result<Option<StoredKey>> {
    let used = decode::text(item, sort::KEY_USED).and_then(|day| day.parse().ok());
    Ok(set(item)?.map(|settings| StoredKey { settings, used }))
}
