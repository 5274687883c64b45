//! Compute rollups: by project, and by hour or day.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::try_join_all;

use super::keys::{self, KeyRange, Keyed};
use super::{Item, Usage, decode};
use crate::error::{Error, Result};
use ledger::calendar::Generation;
use ledger::ids::{OrgId, ProjectId};
use ledger::period;
use ledger::period::{Day, DayRange};
use ledger::rollup::{Compute, RollupId, hour_of};

/// How many characters of a bucket's name are its month.
const MONTH: usize = 7;

/// Consecutive hours of UTC, both ends included; empty if the last is before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourRange {
    /// The start of the first hour.
    pub first: DateTime<Utc>,
    /// The start of the last hour.
    pub last: DateTime<Utc>,
}

impl HourRange {
    /// The start of each hour, oldest first.
    pub fn hours(self) -> impl Iterator<Item = DateTime<Utc>> {
        std::iter::successors(Some(self.first), |hour| hour.checked_add_signed(TimeDelta::hours(1)))
            .take_while(move |hour| *hour <= self.last)
    }
}

impl Usage {
    /// The compute of all projects, or of one, in each of `hours`. Read like [`Self::compute_days`].
    pub async fn compute_hours(
        &self,
        org: &OrgId,
        hours: HourRange,
        project: Option<&ProjectId>,
    ) -> Result<Vec<(DateTime<Utc>, ProjectId, Compute)>> {
        let names: Vec<_> = hours.hours().map(hour_of).collect();
        let items = match project {
            None => {
                let months = names.chunk_by(|a, b| a.get(..MONTH) == b.get(..MONTH));
                let ends = months.filter_map(|month| month.first().zip(month.last()));
                self.compute_in(ends.map(|(first, last)| keys::compute_hours(org, first, last))).await?
            }
            Some(project) => {
                let target =
                    |name: &String| RollupId::ProjectHour(org.clone(), name.clone(), project.clone());
                let keys: Vec<_> = names.iter().map(|name| target(name).key()).collect();
                self.table.get_many(&keys).await?
            }
        };
        let start = |name: &str| period::parse_instant(&format!("{name}:00:00Z"));
        buckets(&items, start)
    }

    /// The compute of all projects on each of `days`: one query for each month, at the same time. The items of one
    /// project are read by key, so that no other project's items are read: one call for each hundred days.
    pub async fn compute_days(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
        project: Option<&ProjectId>,
    ) -> Result<Vec<(Day, ProjectId, Compute)>> {
        let items = match project {
            None => {
                let months = days.by_month();
                let range = |part: DayRange| keys::compute_days(org, generation, part.first, part.last);
                self.compute_in(months.map(|(_, part)| range(part))).await?
            }
            Some(project) => {
                let target = |day| RollupId::ProjectDay(org.clone(), generation, day, project.clone());
                let keys: Vec<_> = days.days().map(|day| target(day).key()).collect();
                self.table.get_many(&keys).await?
            }
        };
        buckets(&items, Day::parse)
    }

    async fn compute_in(&self, ranges: impl Iterator<Item = KeyRange>) -> Result<Vec<Item>> {
        let queries = ranges.map(|range| async move { self.table.query(&range).all(Ok).await });
        Ok(try_join_all(queries).await?.into_iter().flatten().collect())
    }
}

/// The buckets that are not empty. A bucket stays behind when reconcile removes all of its usage.
fn buckets<T>(items: &[Item], start: impl Fn(&str) -> Option<T>) -> Result<Vec<(T, ProjectId, Compute)>> {
    let mut buckets: Vec<_> = items.iter().map(|item| bucket(item, &start)).collect::<Result<_>>()?;
    buckets.retain(|(.., used)| *used != Compute::default());
    Ok(buckets)
}

fn bucket<T>(item: &Item, start: impl Fn(&str) -> Option<T>) -> Result<(T, ProjectId, Compute)> {
    let sk = decode::required(item, keys::SK)?;
    let parsed = keys::parse_compute_bucket(sk).and_then(|(name, project)| Some((start(name)?, project)));
    let (start, project) =
        parsed.ok_or_else(|| Error::Internal(format!("{sk:?} is not a compute bucket")))?;
    Ok((start, project, Compute::from(&decode::sums(item)?)))
}
