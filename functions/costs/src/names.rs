//! The names behind the codes by which agents' days know models.

use std::collections::BTreeMap;

use ledger::ids::ModelKey;
use ledger::rollup::ModelCode;
use ledger::rollup::OrgDay;

/// Models by code.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<ModelCode, ModelKey>);

impl Names {
    /// The names that the organisation's days hold. They hold every name that an agent's days refer to, but for a
    /// moment while the two are being added up.
    pub fn of<'a>(days: impl IntoIterator<Item = &'a OrgDay>) -> Self {
        let keys = days.into_iter().flat_map(|day| day.models.keys());
        Self(keys.map(|key| (ModelCode::of(key), key.clone())).collect())
    }

    /// The model that a code stands for.
    pub fn get(&self, code: ModelCode) -> Option<&ModelKey> {
        self.0.get(&code)
    }
}
