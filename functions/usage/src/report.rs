//! The report that two endpoints return: a row per bucket and project, and their total.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::try_join;
use serde::Serialize;
use shared::Result;
use shared::app::App;
use shared::ids::{OrgId, ProjectId};
use shared::period::Day;
use shared::rollup::Compute;
use shared::store::registry::Project;

use crate::params::check;
use crate::range::{Asked, Unit, count, count_hours};
use crate::row::{Row, Whose};

#[derive(Debug, Serialize)]
pub struct Report {
    /// Buckets with usage: oldest first, then by project.
    items: Vec<Row>,
    period: &'static str,
    /// Counts the distinct instances of the whole range; its period starts where the range does.
    totals: Row,
}

/// Usage by start of bucket and project.
#[derive(Debug, Default)]
pub struct Used {
    /// Start of the first bucket of the range.
    pub start: DateTime<Utc>,
    /// Buckets with usage.
    pub buckets: BTreeMap<(DateTime<Utc>, ProjectId), Compute>,
}

pub async fn read(
    app: &App,
    org: &OrgId,
    unit: Unit,
    asked: Asked,
    project: Option<&ProjectId>,
) -> Result<Used> {
    match unit {
        Unit::Hour => of_hours(app, org, asked, project).await,
        Unit::Day | Unit::Month => of_days(app, org, unit, asked, project).await,
    }
}

async fn of_hours(app: &App, org: &OrgId, asked: Asked, project: Option<&ProjectId>) -> Result<Used> {
    let hours = asked.hours(app.clock.now());
    check(count_hours(hours), Unit::Hour.most())?;
    let found = app.store.compute_hours(org, hours, project).await?;
    let buckets = found.into_iter().map(|(hour, project, used)| ((hour, project), used)).collect();
    Ok(Used { start: hours.first, buckets })
}

async fn of_days(
    app: &App,
    org: &OrgId,
    unit: Unit,
    asked: Asked,
    project: Option<&ProjectId>,
) -> Result<Used> {
    let now = app.clock.now();
    let range = |zone| asked.days(unit, zone, now);
    // The number of days a range touches depends on the zone, by one at either end. Reject what is too long in any
    // zone before reading it.
    check(count(range(chrono_tz::UTC), unit), unit.most() + 2)?;
    let (zone, found) = app.in_zone(org, range, |days| app.store.compute_days(org, days, project)).await?;
    let days = range(zone);
    check(count(days, unit), unit.most())?;
    let bucket = |day: Day| if unit == Unit::Month { day.month().first() } else { day };
    let mut used = Used { start: days.first.start(zone), ..Used::default() };
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
    asked: Asked,
    id: &ProjectId,
) -> Result<(Option<Project>, Used)> {
    try_join!(app.store.project(org, id), read(app, org, unit, asked, Some(id)))
}

/// Builds the report. `project` is the one that was asked for.
pub fn report(unit: Unit, used: Used, names: &Names, project: Option<&ProjectId>) -> Report {
    let period = unit.period();
    let mut total = Compute::default();
    let mut items = Vec::with_capacity(used.buckets.len());
    for ((start, project), compute) in used.buckets {
        items.push(Row::new(&compute, start, period, names.of(&project)));
        total.merge(compute);
    }
    let whose = project.map(|project| names.of(project)).unwrap_or_default();
    Report { items, period, totals: Row::new(&total, used.start, period, whose) }
}

/// Project names by id.
pub struct Names(BTreeMap<ProjectId, String>);

impl Names {
    pub fn new(projects: impl IntoIterator<Item = Project>) -> Self {
        Self(projects.into_iter().filter_map(|project| Some((project.id, project.name?))).collect())
    }

    /// The id and name to show for a project.
    pub fn of(&self, project: &ProjectId) -> Whose {
        let id = project.to_string();
        Whose { name: self.0.get(project).unwrap_or(&id).clone(), id }
    }
}
