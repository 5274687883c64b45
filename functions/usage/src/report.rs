//! The report that two endpoints return: a row per bucket and project, and their total.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::{TryFutureExt, try_join};
use ledger::calendar::Calendar;
use ledger::ids::{OrgId, ProjectId};
use ledger::period::{Day, rfc3339};
use ledger::rollup::Compute;
use serde::Serialize;
use serde_json::value::RawValue;
use store::registry::Project;
use web::error::Result;
use web::page::{PageRequest, Place};

use crate::App;
use crate::params::check;
use crate::range::{RequestedRange, Unit, count, count_hours};
use crate::row::{Row, RowProject};

#[derive(Debug, Serialize)]
pub struct Report {
    /// Buckets with usage: oldest first, then by project.
    items: Vec<Box<RawValue>>,
    period: &'static str,
    /// The total of all pages. It counts the distinct instances of the whole range, and its period starts with the
    /// range.
    totals: Row,
    #[serde(rename = "nextCursor", skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Usage by start of bucket and project.
#[derive(Debug, Default)]
pub struct BucketUsage {
    /// Start of the first bucket of the range.
    pub start: DateTime<Utc>,
    /// Buckets with usage.
    pub buckets: BTreeMap<(DateTime<Utc>, ProjectId), Compute>,
}

pub async fn read(
    app: &App,
    org: &OrgId,
    unit: Unit,
    requested: RequestedRange,
    project: Option<&ProjectId>,
) -> Result<BucketUsage> {
    match unit {
        Unit::Hour => of_hours(app, org, requested, project).await,
        Unit::Day | Unit::Month => of_days(app, org, unit, requested, project).await,
    }
}

async fn of_hours(
    app: &App,
    org: &OrgId,
    requested: RequestedRange,
    project: Option<&ProjectId>,
) -> Result<BucketUsage> {
    let hours = requested.hours(app.clock.now());
    check(count_hours(hours), Unit::Hour.max_buckets())?;
    let found = app.tables.usage.compute_hours(org, hours, project).await?;
    let buckets = found.into_iter().map(|(hour, project, used)| ((hour, project), used)).collect();
    Ok(BucketUsage { start: hours.first, buckets })
}

async fn of_days(
    app: &App,
    org: &OrgId,
    unit: Unit,
    requested: RequestedRange,
    project: Option<&ProjectId>,
) -> Result<BucketUsage> {
    let now = app.clock.now();
    let range = |zone| requested.days(unit, zone, now);
    // The number of days that a range touches depends on the time zone, by one at either end. This rejects a range that
    // is too long in every zone before anything is read.
    check(count(range(chrono_tz::UTC), unit), unit.max_buckets() + 2)?;
    let (Calendar { zone, .. }, found) = app
        .tables
        .registry
        .fetch_in_zone(org, range, |of, days| app.tables.usage.compute_days(org, of, days, project))
        .await?;
    let days = range(zone);
    check(count(days, unit), unit.max_buckets())?;
    let bucket = |day: Day| if unit == Unit::Month { day.month().first() } else { day };
    let mut used = BucketUsage { start: days.first.start(zone), ..BucketUsage::default() };
    for (day, project, compute) in found.into_iter().filter(|(day, ..)| days.contains(*day)) {
        used.buckets.entry((bucket(day).start(zone), project)).or_default().merge(compute);
    }
    Ok(used)
}

/// The usage of one project and the project itself, if the registry lists it.
pub async fn of_project(
    app: &App,
    org: &OrgId,
    unit: Unit,
    requested: RequestedRange,
    id: &ProjectId,
) -> Result<(Option<Project>, BucketUsage)> {
    try_join!(app.tables.registry.project(org, id).err_into(), read(app, org, unit, requested, Some(id)))
}

/// A bucket's start, project and usage.
type Bucket = ((DateTime<Utc>, ProjectId), Compute);

/// Builds the report. `project` is the requested one.
pub fn report(
    unit: Unit,
    used: BucketUsage,
    names: &ProjectNames,
    project: Option<&ProjectId>,
    page: &PageRequest,
) -> Result<Report> {
    let period = unit.period();
    let mut total = Compute::default();
    for compute in used.buckets.values() {
        total.merge(compute.clone());
    }
    // Buckets start at whole minutes, whose texts have the same length and sort in order of time.
    let place = |((start, project), _): &Bucket| Place::by_id(format!("{}\0{project}", rfc3339(*start)));
    let row = |((start, project), compute): Bucket| Row::new(&compute, start, period, names.of(&project));
    let page = page.of(used.buckets, place, row)?;
    let project = project.map(|project| names.of(project)).unwrap_or_default();
    let totals = Row::new(&total, used.start, period, project);
    Ok(Report { items: page.rows, period, totals, next_cursor: page.next_cursor })
}

/// Project names by id.
pub struct ProjectNames(BTreeMap<ProjectId, String>);

impl ProjectNames {
    pub fn new(projects: impl IntoIterator<Item = Project>) -> Self {
        Self(projects.into_iter().filter_map(|project| Some((project.id, project.name?))).collect())
    }

    /// The id and name to show for a project.
    pub fn of(&self, project: &ProjectId) -> RowProject {
        let id = project.to_string();
        RowProject { name: self.0.get(project).unwrap_or(&id).clone(), id }
    }
}
