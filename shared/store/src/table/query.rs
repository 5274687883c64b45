//! Reading a range of keys, page by page.

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, Select};
use futures::stream::{self, try_unfold};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};

use super::error::failed;
use super::expression::{Condition, Placeholders, equals};
use super::{Consistency, Table};
use crate::error::Result;
use crate::keys::{KeyRange, PK, SK, VERSION};
use crate::{Item, decode, s, version};

/// Ranges that are read at the same time: so many pages of 1 MB are in memory, and a partition of 3,000 read units a second
/// answers them in a third of a second.
const AT_ONCE: usize = 8;

/// A secondary index and the names of its keys.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    pub name: &'static str,
    pub pk: &'static str,
    /// None where the index has no sort key.
    pub sk: Option<&'static str>,
}

/// A query. Every page of up to 1 MB is one round trip.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    table: &'a Table,
    index: Option<Index>,
    range: KeyRange,
    consistency: Consistency,
    limit: Option<usize>,
    attributes: Vec<String>,
    filter: Vec<Condition>,
    start: Option<Item>,
    any_version: bool,
    newest_first: bool,
}

/// Items of one round trip.
#[derive(Clone, Debug)]
pub struct Page {
    pub items: Vec<Item>,
    /// Where the next page begins; none after the last page.
    pub next: Option<Item>,
}

impl<'a> Query<'a> {
    pub(super) fn new(table: &'a Table, index: Option<Index>, range: &KeyRange) -> Self {
        Self {
            table,
            index,
            range: range.clone(),
            consistency: Consistency::Eventual,
            limit: None,
            attributes: Vec::new(),
            filter: Vec::new(),
            start: None,
            any_version: false,
            newest_first: false,
        }
    }

    /// Sees every write that was acknowledged before; costs twice the read units. An index cannot do this.
    pub fn strong(mut self) -> Self {
        self.consistency = Consistency::Strong;
        self
    }

    /// The most items that one page reads, before any filter.
    pub fn page_size(mut self, items: usize) -> Self {
        self.limit = Some(items);
        self
    }

    /// Begins at the end of the range.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Returns only these attributes, and the version. Costs as many read units as whole items.
    pub fn attributes<'b>(mut self, attributes: impl IntoIterator<Item = &'b str>) -> Self {
        self.attributes = attributes.into_iter().chain([VERSION]).map(str::to_owned).collect();
        self
    }

    /// Returns only the items with this value. The others are read and paid for as well.
    pub fn only_equal(mut self, attribute: &str, value: &str) -> Self {
        self.filter.push(equals(attribute, s(value)));
        self
    }

    /// Begins after the item with this key.
    pub fn start(mut self, key: Option<Item>) -> Self {
        self.start = key;
        self
    }

    /// Returns items of any version, for callers that check the version themselves so that one unreadable item does
    /// not hide the others.
    pub fn any_version(mut self) -> Self {
        self.any_version = true;
        self
    }

    /// One page.
    pub async fn page(self) -> Result<Page> {
        let any_version = self.any_version;
        let (items, _, next) = self.send(None).await?;
        if !any_version {
            items.iter().try_for_each(version::check)?;
        }
        Ok(Page { items, next })
    }

    /// What `read` makes of every item. Items are read page by page and only one page of them is held: an SDK item takes
    /// several times the memory of what it says.
    pub async fn all<T>(mut self, read: impl Fn(Item) -> Result<T>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        loop {
            let page = self.clone().page().await?;
            for item in page.items {
                all.push(read(item)?);
            }
            self.start = page.next;
            if self.start.is_none() {
                return Ok(all);
            }
        }
    }

    /// Like [`Self::all`], but if there are several pages, all after the first are read at the same time, in ranges of keys.
    /// `split` makes their last keys, in ascending order, of the last key of the first page. No item may have one of them.
    pub async fn all_at_once<T>(
        self,
        read: impl Fn(Item) -> Result<T>,
        split: impl FnOnce(&str) -> Vec<String>,
    ) -> Result<Vec<T>> {
        let first = self.clone().page().await?;
        let mut all = first.items.into_iter().map(&read).collect::<Result<Vec<_>>>()?;
        let Some(next) = first.next else { return Ok(all) };
        let mut from = decode::required(&next, SK)?.to_owned();
        let mut start = Some(next);
        let ends = split(&from).into_iter().chain([self.range.to.clone()]);
        let ranges = ends.map(|to| {
            let range = KeyRange { pk: self.range.pk.clone(), from: from.clone(), to: to.clone() };
            from = to;
            Self { range, start: start.take(), ..self.clone() }.all(&read)
        });
        let rest = stream::iter(ranges).buffered(AT_ONCE).try_collect::<Vec<_>>().await?;
        all.extend(rest.into_iter().flatten());
        Ok(all)
    }

    /// The first `most` of what `read` makes of the items, without those of which it makes nothing. A page reads as many
    /// items as are still wanted, unless [`Self::page_size`] says otherwise.
    pub async fn first<T>(mut self, most: usize, read: impl Fn(Item) -> Result<Option<T>>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        while found.len() < most {
            let wanted = self.limit.unwrap_or(most - found.len());
            let page = self.clone().page_size(wanted).page().await?;
            for item in page.items {
                found.extend(read(item)?);
            }
            self.start = page.next;
            if self.start.is_none() {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// How many items there are. They are read and paid for, but not sent.
    pub async fn count(mut self) -> Result<u64> {
        let mut all = 0;
        loop {
            let (_, count, next) = self.clone().send(Some(Select::Count)).await?;
            all += count;
            self.start = next;
            if self.start.is_none() {
                return Ok(all);
            }
        }
    }

    /// Whether there is any item: one round trip that reads one item at most.
    pub async fn any(self) -> Result<bool> {
        let (_, count, _) = self.page_size(1).send(Some(Select::Count)).await?;
        Ok(count > 0)
    }

    /// All pages, one in memory at a time.
    pub fn pages(self) -> impl Stream<Item = Result<Vec<Item>>> + use<'a> {
        try_unfold(Some(self), async |query| {
            let Some(mut query) = query else { return Ok(None) };
            let page = query.clone().page().await?;
            query.start = page.next;
            let next = query.start.is_some().then_some(query);
            Ok(Some((page.items, next)))
        })
    }

    /// One round trip: the items, their count, and where the next page begins.
    async fn send(self, select: Option<Select>) -> Result<(Vec<Item>, u64, Option<Item>)> {
        if self.range.from > self.range.to {
            // DynamoDB refuses such a range, where an empty one is meant.
            return Ok((Vec::new(), 0, None));
        }
        let mut placeholders = Placeholders::default();
        let key = self.key_condition(&mut placeholders);
        let attributes = self.attributes.iter().map(String::as_str);
        let projection = (!self.attributes.is_empty()).then(|| placeholders.projection(attributes));
        let filter = placeholders.all(self.filter);
        let (names, values) = placeholders.into_parts();
        let page = self
            .table
            .connection
            .client
            .query()
            .table_name(&*self.table.name)
            .set_index_name(self.index.map(|index| index.name.to_owned()))
            .key_condition_expression(key)
            .set_projection_expression(projection)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_consistent_read(self.consistency.is_strong().then_some(true))
            .set_scan_index_forward(self.newest_first.then_some(false))
            .set_limit(self.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .set_select(select)
            .set_exclusive_start_key(self.start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .boxed()
            .await
            .map_err(|error| failed("Query", &error))?;
        self.table.connection.meter.read(page.consumed_capacity());
        let count = u64::try_from(page.count()).unwrap_or_default();
        Ok((page.items.unwrap_or_default(), count, page.last_evaluated_key))
    }

    fn key_condition(&self, placeholders: &mut Placeholders) -> String {
        let KeyRange { pk, from, to } = &self.range;
        let (pk_name, sk_name) = self.index.map_or((PK, Some(SK)), |index| (index.pk, index.sk));
        let partition = format!("{} = {}", placeholders.name(pk_name), placeholders.value(s(pk)));
        let Some(sk_name) = sk_name else { return partition };
        let sk = placeholders.name(sk_name);
        let (from, to) = (placeholders.value(s(from)), placeholders.value(s(to)));
        format!("{partition} AND {sk} BETWEEN {from} AND {to}")
    }
}
