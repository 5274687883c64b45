//! Repricing entries in the registry.

use aws_sdk_dynamodb::types::AttributeValue;
use ledger::ids::OrgId;
use ledger::money::Usd;
use ledger::period::Day;
use ledger::repricing::{RepricingFigures, RepricingSettings};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::keys::registry::all_of;
use crate::keys::{self, Key, SK};
use crate::registry::{ETAG, Editor, Entity, SETTINGS, Setting, set};
use crate::table::{Consistency, Write, absent, equals};
use crate::{Events, Item, Registry, decode, n, s};

/// The most entries that an organization can have. All are listed in one response, and read when one is added.
pub const MAX_REPRICINGS: usize = 1_000;
/// Attempts at one change. Each further attempt follows a competing change.
const ATTEMPTS: usize = 10;

/// Attributes of an entry beside its settings.
pub(super) mod attr {
    /// Whether the entry is to be carried out or taken back.
    pub const STATUS: &str = "status";
    /// The last day of UTC that it was carried out for.
    pub const APPLIED: &str = "applied";
    /// The last day of UTC that it was taken back for.
    pub const WITHDRAWN: &str = "withdrawn";
    /// Figures of the days that it was carried out for.
    pub const FIGURES: [&str; 5] = ["requests", "stamped_unpriced", "unpriced", "stamped_cost", "cost"];
}

/// What is being done about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RepricingStatus {
    /// It is to be carried out, and may be for some days already.
    Pending,
    /// It was carried out, and the rollups are recomputed.
    Applied,
    /// It is to be taken back, and may be for some days already.
    Withdrawing,
}

impl RepricingStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Withdrawing => "withdrawing",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Applied, Self::Withdrawing].into_iter().find(|status| status.name() == text)
    }
}

/// A repricing entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repricing {
    /// The organization.
    pub org: OrgId,
    /// Ids sort by the time of the request.
    pub id: String,
    /// What was requested.
    pub settings: RepricingSettings,
    /// The version that `If-Match` is compared with.
    pub etag: String,
    /// What is being done about it.
    pub status: RepricingStatus,
    /// The last day of UTC that it was carried out for.
    pub applied: Option<Day>,
    /// The last day of UTC that it was taken back for.
    pub withdrawn: Option<Day>,
    /// Figures of the days that it was carried out for.
    pub figures: RepricingFigures,
}

impl Setting for RepricingSettings {}

impl Repricing {
    fn parse(org: &OrgId, item: &Item) -> Result<Self> {
        let sk = decode::required(item, SK)?;
        let malformed = || Error::Internal(format!("the repricing entry {sk} is malformed"));
        let number = |name: &str| item.get(name).and_then(decode::number).unwrap_or_default();
        let count = |name: &str| u64::try_from(number(name)).unwrap_or_default();
        let day = |name| decode::text(item, name).and_then(Day::parse);
        let [requests, stamped_unpriced, unpriced, stamped_cost, cost] = attr::FIGURES;
        Ok(Self {
            org: org.clone(),
            id: sk.strip_prefix(keys::REPRICING).ok_or_else(malformed)?.to_owned(),
            settings: set(item)?.ok_or_else(malformed)?,
            etag: decode::required(item, ETAG)?.to_owned(),
            status: RepricingStatus::parse(decode::required(item, attr::STATUS)?).ok_or_else(malformed)?,
            applied: day(attr::APPLIED),
            withdrawn: day(attr::WITHDRAWN),
            figures: RepricingFigures {
                requests: count(requests),
                stamped_unpriced: count(stamped_unpriced),
                unpriced: count(unpriced),
                stamped_cost: Usd::new(number(stamped_cost)),
                cost: Usd::new(number(cost)),
            },
        })
    }

    /// The key of its item.
    pub(super) fn key(&self) -> Key {
        keys::repricing(&self.org, &self.id)
    }
}

/// The figures as attributes.
pub(super) fn figures(figures: &RepricingFigures) -> impl Iterator<Item = (&'static str, AttributeValue)> {
    let RepricingFigures { requests, stamped_unpriced, unpriced, stamped_cost, cost } = *figures;
    let amount = |amount: Usd| n(amount.dollars().normalize());
    let values = [n(requests), n(stamped_unpriced), n(unpriced), amount(stamped_cost), amount(cost)];
    attr::FIGURES.into_iter().zip(values)
}

impl Registry {
    /// All repricing entries, oldest first, strongly consistent.
    pub async fn repricings(&self, org: &OrgId) -> Result<Vec<Repricing>> {
        let query = self.table.query(&all_of(org, keys::REPRICING)).strong();
        query.all(|item| Repricing::parse(org, &item)).await
    }

    /// A repricing entry, strongly consistent.
    pub async fn repricing(&self, org: &OrgId, id: &str) -> Result<Option<Repricing>> {
        let item = self.table.get(&keys::repricing(org, id), Consistency::Strong).await?;
        item.map(|item| Repricing::parse(org, &item)).transpose()
    }

    /// Stores a new repricing entry, to be carried out, with its audit entry.
    pub async fn add_repricing(
        &self,
        events: &Events,
        editor: &Editor,
        settings: RepricingSettings,
    ) -> Result<Repricing> {
        if self.repricings(&editor.org).await?.len() >= MAX_REPRICINGS {
            return Err(Error::Conflict(format!(
                "An organization can have {MAX_REPRICINGS} repricing entries."
            )));
        }
        let millis = editor.now.timestamp_millis();
        let repricing = Repricing {
            org: editor.org.clone(),
            id: format!("{millis:013}-{:08x}", rand::random::<u32>()),
            settings,
            etag: format!("{:024x}", rand::random::<u128>() >> 32),
            status: RepricingStatus::Pending,
            applied: None,
            withdrawn: None,
            figures: RepricingFigures::default(),
        };
        let put = self
            .table
            .update(&repricing.key())
            .set(SETTINGS, serde_dynamo::to_attribute_value(&repricing.settings).map_err(Error::internal)?)
            .set(ETAG, s(&repricing.etag))
            .set(attr::STATUS, s(repricing.status.name()))
            .only_if(absent(ETAG));
        if self.write_repricing(events, editor, &repricing, put, true).await? {
            return Ok(repricing);
        }
        Err(Error::Unavailable("another request has just added an entry with the same id".to_owned()))
    }

    /// Lets a repricing entry be taken back, and stores the audit entry. `check` says whether that is possible.
    pub async fn withdraw_repricing(
        &self,
        events: &Events,
        editor: &Editor,
        id: &str,
        check: impl Fn(&Repricing) -> Result<()>,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let found = self.repricing(&editor.org, id).await?;
            let repricing = found.ok_or(Error::NotFound("Repricing not found"))?;
            editor.if_match.check(Some(&repricing.etag))?;
            check(&repricing)?;
            if repricing.status == RepricingStatus::Withdrawing {
                return Ok(());
            }
            let update = self
                .table
                .update_existing(&repricing.key())
                .set(attr::STATUS, s(RepricingStatus::Withdrawing.name()))
                .only_if(equals(attr::STATUS, s(repricing.status.name())));
            if self.write_repricing(events, editor, &repricing, update, false).await? {
                return Ok(());
            }
        }
        Err(Error::Unavailable("another writer keeps changing the same entry".to_owned()))
    }

    /// Writes an entry that is added or to be taken back, lists it as due, and stores the audit entry: all or nothing.
    async fn write_repricing(
        &self,
        events: &Events,
        editor: &Editor,
        repricing: &Repricing,
        write: Write<'_>,
        is_new: bool,
    ) -> Result<bool> {
        let entity = Entity {
            key: repricing.key(),
            what: format!("repricing {}", repricing.id),
            agent: None,
            always_there: false,
        };
        let settings = Some(&repricing.settings);
        let (before, after) = if is_new { (None, settings) } else { (settings, None) };
        let entry = events.put(editor.event(&entity, before, after)?);
        let due = self.table.update(&keys::due_repricing(&editor.org, &repricing.id));
        self.change_with_entry(vec![write, due], entry).await
    }
}
