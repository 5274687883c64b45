//! The costs that a repricing entry lists, in pages.

use std::collections::HashMap;

use ledger::cost::CallCost;
use ledger::ids::OrgId;
use ledger::money::Usd;
use ledger::period::Day;
use ledger::pricing::Unpriced;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::day::DayEntry;
use crate::error::{Error, Result};
use crate::keys::{self, KeyRange, SK};
use crate::{Item, Usage, decode, new_item, s};

/// The size at which a page ends, in bytes of text; an item holds 400 KB.
const MAX_PAGE: usize = 200_000;
/// About the bytes of a call in a page beside its amounts.
const CALL_BYTES: usize = 40;

/// Attributes of a page: the last event that it lists, and the costs as JSON.
const LAST: &str = "last";
const COSTS: &str = "costs";

/// An event's sort key as pages name it: 12 bytes of a SHA-256. Among a million events of a lane, two share a name with a
/// probability of 1 in 10^17.
type EventHash = [u8; 12];

fn event_hash(sk: &str) -> EventHash {
    let hash: [u8; 32] = Sha256::digest(sk).into();
    std::array::from_fn(|i| hash[i])
}

/// New costs of consecutive calls of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostPage {
    /// The sort key of the last event that is listed.
    pub last: String,
    costs: HashMap<EventHash, CallCost>,
}

impl CostPage {
    /// The cost of an event, if it is listed.
    pub fn cost(&self, sk: &str) -> Option<&CallCost> {
        self.costs.get(&event_hash(sk))
    }

    /// The number of calls.
    pub fn calls(&self) -> usize {
        self.costs.len()
    }
}

/// What many costs have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Kind {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unpriced: Option<Unpriced>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
}

/// The stored form: each call names its kind by position.
#[derive(Default, Serialize, Deserialize)]
struct StoredCosts {
    kinds: Vec<Kind>,
    calls: Vec<(String, usize, [Usd; 5])>,
}

/// Writes the pages of a lane of a day. Calls are to be added in the order of their sort keys.
pub struct CostPages<'a> {
    usage: &'a Usage,
    org: &'a OrgId,
    entry: &'a DayEntry,
    day: Day,
    lane: u8,
    pages: usize,
    page: StoredCosts,
    kinds: HashMap<Kind, usize>,
    last: String,
    bytes: usize,
}

impl<'a> CostPages<'a> {
    /// No pages yet, of what `entry` lists for a lane.
    pub fn new(usage: &'a Usage, org: &'a OrgId, day: Day, lane: u8, entry: &'a DayEntry) -> Self {
        let (page, kinds, last) = (StoredCosts::default(), HashMap::new(), String::new());
        Self { usage, org, entry, day, lane, pages: 0, page, kinds, last, bytes: 0 }
    }

    /// Lists the cost of a call.
    pub async fn add(&mut self, sk: &str, cost: &CallCost) -> Result<()> {
        let CallCost { input, cache_read, cache_write, output, units, .. } = *cost;
        let amounts = [input, cache_read, cache_write, output, units];
        let kind =
            Kind { row: cost.row.clone(), unpriced: cost.unpriced, provider_id: cost.provider_id.clone() };
        let next = self.kinds.len();
        let kind = *self.kinds.entry(kind).or_insert_with_key(|kind| {
            self.bytes += serde_json::to_string(kind).map_or(0, |text| text.len());
            self.page.kinds.push(kind.clone());
            next
        });
        self.bytes +=
            CALL_BYTES + amounts.map(|amount| amount.dollars().to_string().len()).iter().sum::<usize>();
        self.page.calls.push((BASE64.encode(event_hash(sk)), kind, amounts));
        sk.clone_into(&mut self.last);
        if self.bytes >= MAX_PAGE { self.write().await } else { Ok(()) }
    }

    /// Writes the last page. Returns the number of pages.
    pub async fn finish(mut self) -> Result<usize> {
        if !self.page.calls.is_empty() {
            self.write().await?;
        }
        Ok(self.pages)
    }

    async fn write(&mut self) -> Result<()> {
        let (page, last) = (std::mem::take(&mut self.page), std::mem::take(&mut self.last));
        self.kinds.clear();
        self.bytes = 0;
        let DayEntry { id, attempt } = self.entry;
        let key = keys::cost_page(self.org, id, self.day, attempt, self.lane, self.pages);
        self.pages += 1;
        let mut item = new_item(&key);
        let costs = serde_json::to_string(&page).map_err(Error::internal)?;
        item.extend([(LAST.to_owned(), s(last)), (COSTS.to_owned(), s(costs))]);
        self.usage.table.put(item).send_unconditionally().await
    }
}

fn parse(item: &Item) -> Result<CostPage> {
    let malformed = || Error::Internal("a page of repriced costs is malformed".to_owned());
    let stored: StoredCosts =
        serde_json::from_str(decode::required(item, COSTS)?).map_err(|_| malformed())?;
    let mut costs = HashMap::with_capacity(stored.calls.len());
    for (hash, kind, [input, cache_read, cache_write, output, units]) in stored.calls {
        let hash = BASE64.decode(hash).ok().and_then(|bytes| EventHash::try_from(bytes).ok());
        let Kind { row, unpriced, provider_id } = stored.kinds.get(kind).ok_or_else(malformed)?.clone();
        let cost = CallCost { input, cache_read, cache_write, output, units, row, unpriced, provider_id };
        costs.insert(hash.ok_or_else(malformed)?, cost);
    }
    Ok(CostPage { last: decode::required(item, LAST)?.to_owned(), costs })
}

impl Usage {
    /// Pages of costs in a range of keys, up to 1 MB of them, and where the next ones begin.
    pub(super) async fn cost_pages(
        &self,
        range: &KeyRange,
        start: Option<Item>,
    ) -> Result<(Vec<CostPage>, Option<Item>)> {
        let page = self.table.query(range).strong().start(start).page().await?;
        Ok((page.items.iter().map(parse).collect::<Result<_>>()?, page.next))
    }

    /// Deletes the pages of an entry, except those that are to be kept by their day and attempt.
    pub async fn delete_cost_pages(
        &self,
        org: &OrgId,
        id: &str,
        keep: impl Fn(Day, &str) -> bool,
    ) -> Result<()> {
        let range = keys::all_cost_pages(org, id);
        let query = self.table.query(&range).strong().attributes([SK]);
        let all = query.all(|item| decode::required(&item, SK).map(str::to_owned)).await?;
        for sk in all {
            if keys::parse_cost_page(&sk).is_none_or(|(day, attempt)| !keep(day, attempt)) {
                let key = keys::Key { pk: range.pk.clone(), sk };
                self.table.delete(&key).send_unconditionally().await?;
            }
        }
        Ok(())
    }
}
