//! The state of the pipeline: how far each lane has been aggregated, whether events wait, and what is in the quarantine.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive;

use super::completeness::{self, Completeness};
use super::keys::{LANES, SK, status};
use super::quarantine::{self, QuarantineSummary};
use super::table::{WriteOutcome, absent_or_below};
use super::{Item, Usage, decode, n};
use crate::error::{Error, Result};

/// The state of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// By lane: the arrival of the newest event that has been aggregated; none before the first.
    pub newest: [Option<DateTime<Utc>>; LANES as usize],
    /// Up to which instant all events are counted.
    pub completeness: Completeness,
    /// What is in the quarantine.
    pub quarantine: QuarantineSummary,
}

impl Usage {
    /// The state of the pipeline: one call, three small items.
    pub async fn status(&self) -> Result<Status> {
        let keys = [status::lanes(), status::completeness(), status::quarantine_summary()];
        let items = self.table.get_many(&keys).await?;
        let find = |sk: String| items.iter().find(|item| decode::text(item, SK) == Some(&sk)).cloned();
        let lanes = find(status::lanes().sk).unwrap_or_default();
        let summary = find(status::quarantine_summary().sk).unwrap_or_default();
        let mut newest = [None; LANES as usize];
        for (lane, newest) in (0..LANES).zip(&mut newest) {
            *newest = arrival(&lanes, lane)?;
        }
        let completeness = completeness::parse(&find(status::completeness().sk).unwrap_or_default())?;
        Ok(Status { newest, completeness, quarantine: quarantine::summary(&summary)? })
    }

    /// Stores, by lane, the arrival of the newest event that has been aggregated. A stored arrival only moves forward.
    pub async fn note_progress(&self, newest: &BTreeMap<u8, DateTime<Utc>>) -> Result<()> {
        let mut newest: BTreeMap<_, _> =
            newest.iter().map(|(lane, newest)| (*lane, newest.timestamp_millis())).collect();
        while !newest.is_empty() {
            let Some(stored) = self.write_progress(&newest).await? else { return Ok(()) };
            let wanted = newest.len();
            for lane in 0..LANES {
                let known = arrival(&stored, lane)?.map(|known| known.timestamp_millis());
                if newest.get(&lane).is_some_and(|newest| known >= Some(*newest)) {
                    newest.remove(&lane);
                }
            }
            if newest.len() == wanted {
                return Err(Error::Internal("progress was refused, but no lane is further".to_owned()));
            }
        }
        Ok(())
    }

    /// Writes these lanes if each of them moves forward; otherwise returns the stored item.
    async fn write_progress(&self, newest: &BTreeMap<u8, i64>) -> Result<Option<Item>> {
        let mut update = self.table.update(&status::lanes()).return_old();
        for (lane, newest) in newest {
            let column = status::lane_column(*lane);
            update = update.only_if(absent_or_below(&column, n(newest))).set(&column, n(newest));
        }
        match update.send().await? {
            WriteOutcome::ConditionFailed(stored) => Ok(Some(stored.unwrap_or_default())),
            outcome => outcome.applied().map(|_| None),
        }
    }
}

fn arrival(item: &Item, lane: u8) -> Result<Option<DateTime<Utc>>> {
    let Some(value) = item.get(&status::lane_column(lane)) else { return Ok(None) };
    let milliseconds = decode::number(value).and_then(|milliseconds| milliseconds.to_i64());
    let arrival = milliseconds.and_then(DateTime::from_timestamp_millis);
    arrival.map(Some).ok_or_else(|| Error::Internal(format!("the progress of lane {lane} is malformed")))
}
