//! The organisations, page by page, and where a run has to begin.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::error::{Error, Result};
use crate::keys::{PK, SK, alerts as attr};
use crate::registry::seen::seen;
use crate::{Item, Store, decode, failed, key_attributes, new_item, s};
use ledger::ids::OrgId;
use ledger::rollup::Seen;

/// An entry in the list of organisations.
#[derive(Debug)]
pub struct Listed {
    /// The organisation's id as it stands there.
    pub name: String,
    /// The organisation and what was seen of it, or why its entry cannot be read.
    pub known: Result<(OrgId, Option<Seen>)>,
}

/// A page of the list.
#[derive(Debug)]
pub struct OrganizationsPage {
    /// Its entries, by id.
    pub entries: Vec<Listed>,
    /// Where the next page begins, if there is one.
    pub next: Option<Item>,
}

impl Store {
    /// A page of the organisations from the one called `first` on: those of whom any event is known, which every
    /// setting is too.
    pub async fn organizations_page(&self, first: &str, start: Option<Item>) -> Result<OrganizationsPage> {
        let range = attr::organizations_from(first);
        let query = self.range_query(&self.tables().registry, (PK, SK), &range);
        let page =
            query.set_exclusive_start_key(start).send().await.map_err(|error| failed("Query", &error))?;
        self.meter.read(page.consumed_capacity());
        let entries = page.items().iter().map(listed).collect();
        Ok(OrganizationsPage { entries, next: page.last_evaluated_key })
    }

    /// The organisation that the next run is to begin with.
    pub async fn first_organization(&self) -> Result<Option<String>> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables().registry)
            .set_key(Some(key_attributes(&attr::cursor())))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        self.meter.read(found.consumed_capacity());
        Ok(found.item().and_then(|item| decode::text(item, attr::NEXT)).map(str::to_owned))
    }

    /// Has the next run begin with `first`, which this one did not reach.
    pub async fn begin_with(&self, first: &str) -> Result<()> {
        let done = self
            .client
            .put_item()
            .table_name(&self.tables().registry)
            .set_item(Some(new_item(&attr::cursor())))
            .item(attr::NEXT, s(first))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("PutItem", &error))?;
        self.meter.write(done.consumed_capacity());
        Ok(())
    }
}

fn listed(item: &Item) -> Listed {
    let name = decode::text(item, SK).unwrap_or_default().to_owned();
    let known = OrgId::new(name.clone()).map_err(Error::internal).and_then(|org| Ok((org, seen(item)?)));
    Listed { name, known }
}
