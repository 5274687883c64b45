//! Erasures: the name of an end user is replaced by a random stand-in wherever it is stored.

use std::collections::BTreeSet;
use std::pin::pin;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::keys::registry::all_of;
use crate::keys::{self, Key, Keyed, PK, SK, event as attr};
use crate::registry::{ETAG, Editor, Entity, SETTINGS, Setting, set};
use crate::table::{Consistency, Write, absent, equals};
use crate::{Events, Item, Registry, Usage, decode, events, s};
use ledger::ids::{Label, OrgId};
use ledger::period::Day;
use ledger::rollup::EndUser;

/// The most erasures that an organization can have. All are listed in one response.
pub const MAX_ERASURES: usize = 1_000;
/// Events that are written at once.
const IN_FLIGHT: usize = 8;
/// What is left to be done: JSON. It has the name, and is removed when that is erased.
const WORK: &str = "work";
/// What was done: JSON.
const DONE: &str = "done";

/// Who requested an erasure, and when. Nothing in it tells the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureSettings {
    /// The subject of the caller's token.
    pub who: String,
    /// When it was requested.
    pub at: DateTime<Utc>,
}

impl Setting for ErasureSettings {}

/// What is left to be done about an erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureWork {
    /// The name.
    pub name: Label,
    /// What replaces it.
    pub stand_in: Label,
    /// The last day of UTC whose events were read in this pass.
    pub read: Option<Day>,
    /// When the first pass over all days was over; none until then.
    pub first_pass: Option<DateTime<Utc>>,
}

/// What was done about an erasure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureProgress {
    /// Days of UTC that have to be read, in both passes.
    pub days: u32,
    /// Days that were read.
    pub days_read: u32,
    /// Events in which the name was replaced.
    pub events: u64,
    /// Events that this release cannot read, and that were left as they are, in the last pass.
    pub unreadable: u64,
    /// When it was done.
    pub completed: Option<DateTime<Utc>>,
}

/// An erasure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The organization.
    pub org: OrgId,
    /// Ids sort by the time of the request.
    pub id: String,
    /// Who requested it.
    pub settings: ErasureSettings,
    /// The version of the entry.
    pub etag: String,
    /// What is left to be done; none once it is done.
    pub work: Option<ErasureWork>,
    /// What was done.
    pub progress: ErasureProgress,
}

impl Erasure {
    fn parse(org: &OrgId, item: &Item) -> Result<Self> {
        let sk = decode::required(item, SK)?;
        let malformed = || Error::Internal(format!("the erasure {sk} is malformed"));
        let work = decode::text(item, WORK).map(serde_json::from_str).transpose();
        let progress = serde_json::from_str(decode::required(item, DONE)?);
        Ok(Self {
            org: org.clone(),
            id: sk.strip_prefix(keys::ERASURE).ok_or_else(malformed)?.to_owned(),
            settings: set(item)?.ok_or_else(malformed)?,
            etag: decode::required(item, ETAG)?.to_owned(),
            // The error of the parser might quote the name.
            work: work.map_err(|_| malformed())?,
            progress: progress.map_err(|_| malformed())?,
        })
    }
}

/// What replacing a name came to in the events of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenamedEvents {
    /// Events in which the name was replaced.
    pub replaced: u64,
    /// Events that this release cannot read.
    pub unreadable: u64,
}

impl Registry {
    /// All erasures, oldest first, strongly consistent.
    pub async fn erasures(&self, org: &OrgId) -> Result<Vec<Erasure>> {
        let query = self.table.query(&all_of(org, keys::ERASURE)).strong();
        query.all(|item| Erasure::parse(org, &item)).await
    }

    /// An erasure, strongly consistent.
    pub async fn erasure(&self, org: &OrgId, id: &str) -> Result<Option<Erasure>> {
        let item = self.table.get(&keys::erasure(org, id), Consistency::Strong).await?;
        item.map(|item| Erasure::parse(org, &item)).transpose()
    }

    /// Stores a request to erase a name, with its audit entry, which does not have the name. A request for the same name
    /// that is not done yet is returned instead.
    pub async fn add_erasure(&self, events: &Events, editor: &Editor, name: Label) -> Result<Erasure> {
        let known = self.erasures(&editor.org).await?;
        let is_same = |erasure: &Erasure| {
            erasure.work.as_ref().is_some_and(|work| work.name == name && work.first_pass.is_none())
        };
        if let Some(same) = known.iter().find(|erasure| is_same(erasure)) {
            return Ok(same.clone());
        }
        if known.len() >= MAX_ERASURES {
            return Err(Error::Conflict(format!("An organization can have {MAX_ERASURES} erasures.")));
        }
        let stand_in =
            Label::new(format!("erased-{:032x}", rand::random::<u128>())).map_err(Error::internal)?;
        let erasure = Erasure {
            org: editor.org.clone(),
            id: format!("{:013}-{:08x}", editor.now.timestamp_millis(), rand::random::<u32>()),
            settings: ErasureSettings { who: editor.who.clone(), at: editor.now },
            etag: format!("{:024x}", rand::random::<u128>() >> 32),
            work: Some(ErasureWork { name, stand_in, read: None, first_pass: None }),
            progress: ErasureProgress::default(),
        };
        let key = keys::erasure(&erasure.org, &erasure.id);
        let put = self
            .table
            .update(&key)
            .set(SETTINGS, serde_dynamo::to_attribute_value(&erasure.settings).map_err(Error::internal)?)
            .set(ETAG, s(&erasure.etag))
            .set(WORK, s(json(&erasure.work)?))
            .set(DONE, s(json(&erasure.progress)?))
            .only_if(absent(ETAG));
        let what = format!("erasure {}", erasure.id);
        let entity = Entity { key, what, agent: None, always_there: false };
        let audit = events.put(editor.event(&entity, None, Some(&erasure.settings))?);
        let due = self.table.update(&keys::due_erasure(&erasure.org, &erasure.id));
        if self.change_with_entry(vec![put, due], audit).await? {
            return Ok(erasure);
        }
        Err(Error::Unavailable("another request has just added an erasure with the same id".to_owned()))
    }

    /// The organizations and ids of the erasures to be carried out.
    pub async fn due_erasures(&self) -> Result<Vec<(OrgId, String)>> {
        let due = |item: Item| {
            let sk = decode::required(&item, SK)?;
            let malformed = || Error::Internal(format!("{sk:?} is not an erasure"));
            let (org, id) = sk.split_once(keys::SEPARATOR).ok_or_else(malformed)?;
            Ok((OrgId::new(org).map_err(|_| malformed())?, id.to_owned()))
        };
        self.table.query(&keys::due_erasures()).strong().all(due).await
    }

    /// Stores what was done about an erasure since it was read. False if another process has done something, too.
    pub async fn note_erasure(&self, before: &Erasure, after: &Erasure) -> Result<bool> {
        let update = self.table.update_existing(&keys::erasure(&before.org, &before.id));
        let update = update.set(WORK, s(json(&after.work)?)).set(DONE, s(json(&after.progress)?));
        update.only_if(equals(WORK, s(json(&before.work)?))).send().await?.applied()
    }

    /// Forgets the name, once it is stored nowhere else. False if another process has done something, too.
    pub async fn finish_erasure(&self, erasure: &Erasure, progress: ErasureProgress) -> Result<bool> {
        let update = self.table.update_existing(&keys::erasure(&erasure.org, &erasure.id));
        let update = update.remove(WORK).set(DONE, s(json(&progress)?));
        let update = update.only_if(equals(WORK, s(json(&erasure.work)?)));
        let done = self.table.delete(&keys::due_erasure(&erasure.org, &erasure.id));
        self.table.transact(vec![update, done]).await?.committed()
    }
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

impl Events {
    /// Replaces the name of an end user in the events of one lane of a day. The only write that changes a raw event, and it
    /// does so only while the event is what was read.
    pub async fn rename_end_user(
        &self,
        org: &OrgId,
        day: Day,
        lane: u8,
        work: &ErasureWork,
    ) -> Result<RenamedEvents> {
        let query = self.table.query(&keys::lane_events(org, day, lane)).strong().any_version();
        let mut pages = pin!(query.attributes([PK, SK, attr::DATA, attr::REVISION]).pages());
        let mut done = RenamedEvents::default();
        while let Some(page) = pages.try_next().await? {
            let mut writes = Vec::new();
            for item in &page {
                match renamed(item, work)? {
                    Renamed::Unreadable => done.unreadable += 1,
                    Renamed::Unnamed => {}
                    Renamed::To(data) => writes.push(self.replace_data(item, data)?.send()),
                }
            }
            let written: Vec<_> = stream::iter(writes).buffer_unordered(IN_FLIGHT).try_collect().await?;
            for outcome in written {
                done.replaced += u64::from(outcome.applied()?);
            }
        }
        Ok(done)
    }

    fn replace_data(&self, item: &Item, data: Vec<u8>) -> Result<Write<'_>> {
        let text = |name: &str| decode::required(item, name).map(str::to_owned);
        let key = Key { pk: text(PK)?, sk: text(SK)? };
        let before = item.get(attr::DATA).cloned();
        let before = before.ok_or_else(|| Error::Internal("a raw event has no content".to_owned()))?;
        let update = self.table.update_existing(&key).set(attr::DATA, AttributeValue::B(Blob::new(data)));
        Ok(update.only_if(equals(attr::DATA, before)))
    }
}

/// What an event becomes.
enum Renamed {
    Unreadable,
    Unnamed,
    To(Vec<u8>),
}

fn renamed(item: &Item, work: &ErasureWork) -> Result<Renamed> {
    let Ok((mut event, received)) = events::parse_arrived(item) else { return Ok(Renamed::Unreadable) };
    if !event.data.rename_end_user(&work.name, &work.stand_in) {
        return Ok(Renamed::Unnamed);
    }
    events::encoded(&event, received).map(Renamed::To)
}

impl Usage {
    /// Counts a distinct end user of a day under another name, so that their number stays the same.
    pub async fn replace_end_user(&self, before: &EndUser, after: &EndUser) -> Result<()> {
        let item = self.table.get(&before.key(), Consistency::Strong).await?.unwrap_or_default();
        let is_counted = item.get(keys::END_USERS).and_then(decode::hashes);
        if !is_counted.is_some_and(|hashes| hashes.contains(&before.hash)) {
            return Ok(());
        }
        // A set that is full counts no one else, but the other one gets a place.
        self.add_end_users(&after.key(), &BTreeSet::from([after.hash])).await?;
        self.remove_end_users(&before.key(), &BTreeSet::from([before.hash])).await
    }
}
