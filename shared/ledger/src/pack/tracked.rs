//! Tracked dimensions: rows by value and model, and how many values a day tells apart.
//!
//! What an event does not say is a value as well, so the values of a dimension add up to the total.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::amount::{Amount, Inexact};
use super::chunk::hash;
use super::figure::Figure;
use super::fold::{cost_parts, counts_of, figures_of_task, model_key};
use super::group::{Domain, Group, NONE};
use super::hours::hour_number;
use super::table::Table;
use crate::calendar::TrackedDimensions;
use crate::dimension::{self, Dimension};
use crate::event::{Amendment, Data, Event};
use crate::ids::{ModelKey, OrgId};
use crate::rollup::{EndUser, ModelFigures, OTHER, WorkFigures};

/// The most values of a dimension that a day tells apart. The others are [`OTHER`].
pub const MAX_VALUES_PER_DAY: usize = 10_000;

/// Figures of a value of a tracked dimension, by model.
#[derive(Clone, Debug)]
pub struct TrackedRow<'t> {
    /// The value; an end user by the [pseudonym](EndUser::pseudonym).
    pub value: &'t str,
    /// The model; none of tasks.
    pub model: Option<ModelKey>,
    /// The calls.
    pub calls: ModelFigures,
    /// Latencies and tasks.
    pub work: WorkFigures,
}

/// Ends the name and the value of each dimension of a combination. No label contains it.
const END: char = '\0';

/// How much detail is kept of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrackedDetail {
    /// [`Group::TrackedCalls`].
    Combinations,
    /// [`Group::TrackedValues`].
    Values,
}

impl Table {
    /// Adds what an event contributes to hours and to tracked dimensions where it says `data`.
    pub(super) fn add_work(
        &mut self,
        event: &Event,
        data: &Data,
        (tracked, detail): (&TrackedDimensions, TrackedDetail),
    ) -> Result<(), Inexact> {
        let (model, figures) = match data {
            Data::LlmCall(call) => {
                let parts = Figure::COST_PARTS.into_iter().zip(cost_parts(call)?);
                let figures: Vec<_> = counts_of(call).chain(parts).collect();
                (self.model(call), figures)
            }
            Data::TaskCompleted(task) => (NONE, figures_of_task(task)?.to_vec()),
            Data::AgentActivity(_) | Data::ComputeUsage(_) | Data::HostReport(_) => return Ok(()),
            Data::Amendment(Amendment { replaces, with, .. }) => {
                let fold = |data: Option<&Data>| {
                    let mut table = Self::default();
                    let add = |data| table.add_work(event, data, (tracked, detail));
                    data.map_or(Ok(()), add).map(|()| table)
                };
                let (before, after) = (fold(replaces.as_deref())?, fold(with.as_deref())?);
                self.merge(&after);
                self.subtract(&before);
                return Ok(());
            }
        };
        self.add(Group::OrgHours, [hour_number(event.time), model, 0, 0, 0], figures.iter().copied());
        if tracked.is_empty() {
            return Ok(());
        }
        let combination = combination(&event.org, data, tracked);
        if detail == TrackedDetail::Values {
            self.add_values(&combination, model, &figures);
            return Ok(());
        }
        let combination = self.name(Domain::Combinations, &combination);
        self.add(Group::TrackedCalls, [combination, model, 0, 0, 0], figures);
        Ok(())
    }

    /// Adds what [`View::Tracked`](super::View::Tracked) keeps of full detail.
    pub(super) fn add_tracked_values(&mut self, detail: &Self) {
        for ([combination, model, ..], row) in detail.rows(Group::TrackedCalls) {
            let Some(combination) = detail.name_at(Domain::Combinations, combination) else { continue };
            let model = detail.name_at(Domain::Models, model);
            let model = model.map_or(NONE, |model| self.name(Domain::Models, model));
            self.add_values(combination, model, &row.figures().collect::<Vec<_>>());
        }
    }

    fn add_values(&mut self, combination: &str, model: i32, figures: &[(Figure, Amount)]) {
        let mut parts = combination.split(END);
        while let (Some(dimension), Some(value)) = (parts.next(), parts.next()) {
            let value = if value.is_empty() { NONE } else { self.name(Domain::Values, value) };
            let dimension = self.name(Domain::Dimensions, dimension);
            self.add(Group::TrackedValues, [value, dimension, model, 0, 0], figures.iter().copied());
        }
    }

    /// The figures of a dimension by value and model, from a table of [`View::Tracked`](super::View::Tracked).
    pub fn tracked_rows(&self, dimension: &Dimension) -> impl Iterator<Item = TrackedRow<'_>> {
        let wanted = self.find_name(Domain::Dimensions, &dimension.to_string());
        let rows = self.rows(Group::TrackedValues);
        let of_dimension = rows.filter(move |(key, _)| Some(key[1]) == wanted);
        of_dimension.map(|([value, _, model, ..], row)| TrackedRow {
            value: self.name_at(Domain::Values, value).unwrap_or(dimension::NONE),
            model: self.name_at(Domain::Models, model).and_then(model_key),
            calls: row.model_figures(),
            work: row.work(),
        })
    }

    /// A table of views, without rows of dimensions that are not in `tracked`.
    #[must_use]
    pub fn tracking(&self, tracked: &TrackedDimensions) -> Self {
        let names: BTreeSet<_> = tracked.iter().map(ToString::to_string).collect();
        let is_kept =
            |dimension| self.name_at(Domain::Dimensions, dimension).is_some_and(|name| names.contains(name));
        let mut kept = self.clone();
        for (key, row) in self.rows(Group::TrackedValues).filter(|(key, _)| !is_kept(key[1])) {
            kept.add(Group::TrackedValues, key, row.figures().map(|(figure, value)| (figure, -value)));
        }
        kept
    }

    /// Which values of a day's table are told apart: those with the least hashes, so that it does not matter in which
    /// order they came.
    pub fn value_caps(&self) -> ValueCaps {
        let mut hashes: BTreeMap<i32, BTreeSet<u64>> = BTreeMap::new();
        for ([value, dimension, ..], _) in self.rows(Group::TrackedValues) {
            if let Some(name) = self.name_at(Domain::Values, value).filter(|name| *name != OTHER) {
                hashes.entry(dimension).or_default().insert(hash(name.as_bytes()));
            }
        }
        let cap = |(dimension, hashes): (i32, BTreeSet<u64>)| {
            let last =
                hashes.iter().nth(MAX_VALUES_PER_DAY - 1).filter(|_| hashes.len() > MAX_VALUES_PER_DAY);
            Some((self.name_at(Domain::Dimensions, dimension)?.to_owned(), *last?))
        };
        ValueCaps(hashes.into_iter().filter_map(cap).collect())
    }

    /// The table with the values that `caps` do not tell apart as [`OTHER`].
    #[must_use]
    pub fn capped(self, caps: &ValueCaps) -> Self {
        if caps.0.is_empty() {
            return self;
        }
        let others = self.rows(Group::TrackedValues).filter(|([value, dimension, ..], _)| {
            let last = self.name_at(Domain::Dimensions, *dimension).and_then(|name| caps.0.get(name));
            let name = self.name_at(Domain::Values, *value).filter(|name| *name != OTHER);
            last.zip(name).is_some_and(|(last, name)| hash(name.as_bytes()) > *last)
        });
        let others: Vec<_> = others.map(|(key, row)| (key, row.figures().collect::<Vec<_>>())).collect();
        let mut capped = self.clone();
        let other = capped.name(Domain::Values, OTHER);
        for (key, figures) in others {
            let [_, dimension, model, ..] = key;
            let negated = figures.iter().map(|(figure, value)| (*figure, -value));
            capped.add(Group::TrackedValues, key, negated.collect::<Vec<_>>());
            capped.add(Group::TrackedValues, [other, dimension, model, 0, 0], figures);
        }
        capped
    }
}

/// The values of all tracked dimensions; of one that is not set, no text.
fn combination(org: &OrgId, data: &Data, tracked: &TrackedDimensions) -> String {
    let mut combination = String::new();
    for dimension in tracked.iter() {
        let value = match (dimension, dimension.value_of(data)) {
            (_, None) => Cow::Borrowed(""),
            // No name of a person is in any rollup.
            (Dimension::EndUser, Some(name)) => EndUser::pseudonym(org, &name).into(),
            (_, Some(value)) => value,
        };
        let _ = write!(combination, "{dimension}{END}{value}{END}");
    }
    combination
}

/// For each dimension with too many values on a day, the greatest hash of those that are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueCaps(BTreeMap<String, u64>);

impl ValueCaps {
    /// Whether all values are told apart.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
