//! The model names behind the codes in agents' rollups.

use std::collections::BTreeMap;

use ledger::ids::ModelKey;
use ledger::rollup::{ModelCode, OrgDay};

#[derive(Debug, Default)]
pub struct ModelNames(BTreeMap<ModelCode, ModelKey>);

impl ModelNames {
    /// The models of an organization's days. They cover every code in its agents' days, except for the moment while a
    /// day's rollups are being written.
    pub fn of<'a>(days: impl IntoIterator<Item = &'a OrgDay>) -> Self {
        let keys = days.into_iter().flat_map(|day| day.models.keys());
        Self(keys.map(|key| (ModelCode::of(key), key.clone())).collect())
    }

    pub fn get(&self, code: ModelCode) -> Option<&ModelKey> {
        self.0.get(&code)
    }
}
