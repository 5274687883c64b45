//! Which files of an organization were exported, and how often their days had been written by then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::keys::status;
use super::table::Consistency;
use super::{Usage, decode, new_item, s};
use crate::error::{Error, Result};
use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::period::Day;

/// The attribute that holds the list: JSON. 400 days of two kinds of files take some 16 KB.
const FILES: &str = "files";

/// The files of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The generation of rollups that the days of charges are those of.
    pub generation: Generation,
    /// By day: the write counter of the day's rollup that the file with its charges was made after.
    pub focus: BTreeMap<Day, u64>,
    /// The same for the activity log of days of UTC.
    pub ocsf: BTreeMap<Day, u64>,
}

impl Usage {
    /// The files of an organization, strongly consistent.
    pub async fn exported(&self, org: &OrgId) -> Result<Exported> {
        let item = self.table.get(&status::exported(org), Consistency::Strong).await?;
        let Some(item) = item else { return Ok(Exported::default()) };
        serde_json::from_str(decode::required(&item, FILES)?).map_err(Error::internal)
    }

    /// Stores the list. Two runs at the same time write the same files, so the last one may win.
    pub async fn store_exported(&self, org: &OrgId, exported: &Exported) -> Result<()> {
        let mut item = new_item(&status::exported(org));
        item.insert(FILES.to_owned(), s(serde_json::to_string(exported).map_err(Error::internal)?));
        self.table.put(item).send_unconditionally().await
    }
}
