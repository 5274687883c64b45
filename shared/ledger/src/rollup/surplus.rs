//! What a rollup without room for more columns counts as `(other)`.
//!
//! An item of the usage table holds 400 KB, and every write costs as much as the item is long. Whoever makes up a model
//! per call would fill the item of a day, and its writes would slow everyone down. So an item that has grown large gets
//! no new columns: what would be one is counted under the same measure of `(other)`. All totals stay exact.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::{Column, Measure, ModelCode, Rollup};
use crate::ids::ModelKey;

/// The provider and the model, and the type of activity, that the surplus is counted under.
pub const OTHER: &str = "(other)";

static OTHER_CODE: LazyLock<ModelCode> = LazyLock::new(|| ModelCode::of(&ModelKey::other()));

impl ModelKey {
    /// The model that calls are counted under for which a rollup has no room.
    pub fn other() -> Self {
        Self { provider: OTHER.to_owned(), model: OTHER.to_owned() }
    }
}

impl ModelCode {
    /// The code of [`ModelKey::other`].
    pub fn other() -> Self {
        *OTHER_CODE
    }
}

impl Column {
    /// The column that counts the surplus of this one; none for a column of which every rollup has only a few.
    pub fn surplus(&self) -> Option<Self> {
        let other = ModelCode::other();
        let measure = match &self.measure {
            Measure::Model(_, measure) => Measure::Model(other, *measure),
            Measure::LongContext(_, step, bucket) => Measure::LongContext(other, *step, *bucket),
            Measure::LongerInput(_, length) => Measure::LongerInput(other, *length),
            Measure::ActivityInHour(hour, _) => Measure::ActivityInHour(*hour, OTHER.to_owned()),
            _ => return None,
        };
        Some(Self { measure, days_after: self.days_after })
    }
}

impl Rollup {
    /// The same counts in the columns of a full item: those that are not among `kept` are counted as `(other)`. Members
    /// of sets are left out: a full set is a lower bound.
    #[must_use]
    pub fn within(&self, kept: &BTreeSet<Column>) -> Self {
        // Calls without a price have an item of their own, with a bound of its own.
        let mut within = Self { unpriced: self.unpriced.clone(), ..Self::default() };
        let mut folded = false;
        for (column, value) in &self.numbers {
            match column.surplus().filter(|surplus| surplus != column && !kept.contains(column)) {
                Some(surplus) => {
                    within.add(surplus, *value);
                    folded = true;
                }
                None => within.add(column, *value),
            }
        }
        let other = Column::from(Measure::ModelName(ModelCode::other()));
        let names = self.names.iter().filter(|(column, _)| kept.contains(*column) || **column == other);
        within.names = names.map(|(column, name)| (column.clone(), name.clone())).collect();
        // Only items that are to name their models name this one. Once named it stays, even if amendments have taken out
        // every call that was counted under it.
        if folded && !self.names.is_empty() || kept.contains(&other) {
            within.name(other, &ModelKey::other());
        }
        within
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::rollup::{ActivityDay, ModelMeasure, OrgDay};

    fn key(nth: u8) -> ModelKey {
        if nth == 0 {
            ModelKey::other()
        } else {
            ModelKey { provider: "p".to_owned(), model: nth.to_string() }
        }
    }

    fn rollup(calls: &[(u8, u8)]) -> Rollup {
        let mut rollup = Rollup::default();
        for (model, hour) in calls {
            let code = ModelCode::of(&key(*model));
            let value = Decimal::from(u64::from(*model) + 1);
            for measure in
                [ModelMeasure::Requests, ModelMeasure::InputCost].iter().take(1 + usize::from(hour % 2))
            {
                rollup.add(Measure::Model(code, *measure), value);
            }
            rollup.name(Measure::ModelName(code), &key(*model));
            rollup.add(Measure::ActivityInHour(*hour, model.to_string()), value);
            rollup.add(Measure::Tasks, value);
        }
        rollup
    }

    proptest! {
        #[test]
        fn totals_are_exact_and_no_column_is_new(
            calls in prop::collection::vec((0..9_u8, 0..4_u8), 0..20),
            had in prop::collection::vec((0..9_u8, 0..4_u8), 0..6),
        ) {
            let (all, kept) = (rollup(&calls), rollup(&had).columns().cloned().collect());
            let within = all.within(&kept);
            prop_assert_eq!(OrgDay::from(&within).total(), OrgDay::from(&all).total());
            prop_assert_eq!(within.number(Measure::Tasks), all.number(Measure::Tasks));
            let entries = |rollup| -> Vec<u64> {
                ActivityDay::from(rollup).hours.into_values().map(|kinds| kinds.into_values().sum()).collect()
            };
            prop_assert_eq!(entries(&within), entries(&all));
            for column in within.columns() {
                let own = column.surplus().is_none_or(|surplus| surplus == *column);
                let of_other = column.measure == Measure::ModelName(ModelCode::other());
                prop_assert!(own || of_other || kept.contains(column), "{:?}", column);
            }
            // Every counted model has a name.
            let counted = |rollup: &Rollup| rollup.numbers.keys().filter_map(|column| match column.measure {
                Measure::Model(code, _) => Some(code),
                _ => None,
            }).collect::<BTreeSet<_>>();
            prop_assert_eq!(OrgDay::from(&within).models.len(), counted(&within).len());
            prop_assert_eq!(within.within(&kept), within);
        }
    }
}
