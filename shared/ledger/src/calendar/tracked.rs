//! The dimensions that a generation of rollups tells apart.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::dimension::Dimension;
use crate::period::Day;

/// The dimensions that the rollups of a generation tell apart, each with the first day of which they do; none: from the
/// first event on.
///
/// They are a property of the generation: a change of the list builds another one. So no day is ever tracked in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackedDimensions(BTreeMap<Dimension, Option<Day>>);

/// Those of an organization that never chose any.
impl Default for TrackedDimensions {
    fn default() -> Self {
        Self::new(&Dimension::TRACKED_BY_DEFAULT)
    }
}

impl TrackedDimensions {
    /// These dimensions, from the first event on.
    pub fn new(dimensions: &[Dimension]) -> Self {
        Self(dimensions.iter().map(|dimension| (dimension.clone(), None)).collect())
    }

    /// No dimension.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they are exactly these, in whatever order.
    pub fn are(&self, dimensions: &[Dimension]) -> bool {
        self.0.keys().collect::<BTreeSet<_>>() == dimensions.iter().collect()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Dimension> {
        self.0.keys()
    }

    /// Whether a dimension is among them.
    pub fn contains(&self, dimension: &Dimension) -> bool {
        self.0.contains_key(dimension)
    }

    /// Whether the rollups tell a dimension apart on every day from `first` on.
    pub fn tell_apart(&self, dimension: &Dimension, first: Day) -> bool {
        self.0.get(dimension).is_some_and(|since| since.is_none_or(|since| since <= first))
    }

    /// The first day of which a dimension is told apart; none: from the first event on, or it is not tracked.
    pub fn since(&self, dimension: &Dimension) -> Option<Day> {
        self.0.get(dimension).copied().flatten()
    }

    /// The same dimensions where the days before `since` are copied from a generation with those of `before`, because
    /// their raw events have expired.
    #[must_use]
    pub fn continuing(&self, before: &Self, since: Option<Day>) -> Self {
        let first = |dimension: &Dimension| match (since, before.0.get(dimension)) {
            (None, _) => None,
            (Some(_), Some(since)) => *since,
            (Some(since), None) => Some(since),
        };
        Self(self.0.keys().map(|dimension| (dimension.clone(), first(dimension))).collect())
    }
}
