//! The list of organizations, page by page, and where the next run of budget-alerts begins in it.

use crate::error::{Error, Result};
use crate::keys::{SK, alerts as attr};
use crate::registry::seen::seen;
use crate::table::Consistency;
use crate::{Item, Store, decode, new_item, s, version};
use ledger::ids::OrgId;
use ledger::rollup::Seen;

/// An entry of the list of organizations.
#[derive(Debug)]
pub struct ListedOrganization {
    /// The organization's id as it is stored.
    pub name: String,
    /// The organization and what its events reported, or why the entry cannot be parsed. One malformed entry does not
    /// keep the others from being processed.
    pub known: Result<(OrgId, Option<Seen>)>,
}

/// A page of the list.
#[derive(Debug)]
pub struct OrganizationsPage {
    /// The entries, sorted by id.
    pub entries: Vec<ListedOrganization>,
    /// Where the next page begins; none after the last page.
    pub next: Option<Item>,
}

impl Store {
    /// A page of the organizations whose id is `first` or greater. An organization is listed from its first event on,
    /// and a change of settings stores an event as well.
    pub async fn organizations_page(&self, first: &str, start: Option<Item>) -> Result<OrganizationsPage> {
        let query = self.registry.query(&attr::organizations_from(first)).any_version();
        let page = query.start(start).page().await?;
        Ok(OrganizationsPage { entries: page.items.iter().map(listed).collect(), next: page.next })
    }

    /// The organization that the next run begins with; none if the last run reached all of them.
    pub async fn next_organization(&self) -> Result<Option<String>> {
        let item = self.registry.get(&attr::cursor(), Consistency::Eventual).await?;
        Ok(item.and_then(|item| decode::text(&item, attr::NEXT).map(str::to_owned)))
    }

    /// Makes the next run begin with `first`, which this one did not reach.
    pub async fn set_next_organization(&self, first: &str) -> Result<()> {
        let cursor = self.registry.put(new_item(&attr::cursor())).set(attr::NEXT, s(first));
        cursor.send_unconditionally().await
    }
}

fn listed(item: &Item) -> ListedOrganization {
    let name = decode::text(item, SK).unwrap_or_default().to_owned();
    let known = version::check(item).and_then(|()| {
        let org = OrgId::new(name.clone()).map_err(Error::internal)?;
        Ok((org, seen(item)?))
    });
    ListedOrganization { name, known }
}
