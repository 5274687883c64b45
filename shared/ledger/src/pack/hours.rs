//! The organization by hour of UTC.

use chrono::{DateTime, Utc};

use super::fold::model_key;
use super::group::{Domain, Group};
use super::table::Table;
use crate::ids::ModelKey;
use crate::rollup::{ModelFigures, WorkFigures};

const SECONDS: i64 = 3_600;

/// Figures of an hour, by model.
#[derive(Clone, Debug)]
pub struct HourRow {
    /// The start of the hour.
    pub hour: DateTime<Utc>,
    /// The model; none of tasks.
    pub model: Option<ModelKey>,
    /// The calls.
    pub calls: ModelFigures,
    /// Latencies and tasks.
    pub work: WorkFigures,
}

impl Table {
    /// The figures of each hour, from a table of [`View::Hours`](super::View::Hours).
    pub fn hours(&self) -> impl Iterator<Item = HourRow> {
        self.rows(Group::OrgHours).filter_map(|([hour, model, ..], row)| {
            Some(HourRow {
                hour: DateTime::from_timestamp(i64::from(hour) * SECONDS, 0)?,
                model: self.name_at(Domain::Models, model).and_then(model_key),
                calls: row.model_figures(),
                work: row.work(),
            })
        })
    }
}

/// Hours since 1970.
pub(super) fn hour_number(time: DateTime<Utc>) -> i32 {
    i32::try_from(time.timestamp().div_euclid(SECONDS)).unwrap_or_default()
}
