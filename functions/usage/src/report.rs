//! A report: rows by bucket and project, and their total. Two endpoints answer with one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::{TryFutureExt, try_join};
use ledger::ids::{OrgId, ProjectId};
use ledger::period::Day;
use ledger::rollup::Compute;
use serde::Serialize;
use store::registry::Project;
use web::app::App;
use web::error::Result;

use crate::params::check;
use crate::range::{Asked, Unit, count, count_hours};
use crate::row::{Row, Whose};

/// The rows and their total.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Those with usage: by the start of the period, oldest first; then by project.
    items: Vec<Row>,
    period: &'static str,
    /// Its instances are the distinct ones of the whole range; its period begins where the range does.
    totals: Row,
}

/// What was used, by the start of the bucket and by project.
#[derive(Debug, Default)]
pub struct Used {
    /// The start of the first bucket of the range.
    pub start: DateTime<Utc>,
    /// The buckets with usage.
    pub buckets: BTreeMap<(DateTime<Utc>, ProjectId), Compute>,
}

/// Reads the buckets of a range.
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
    // How many days a range touches depends on the zone, by one at either end. What is too long in any zone is not
    // even read.
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

/// The report of one project, whatever is known of it.
pub async fn of_project(
    app: &App,
    org: &OrgId,
    unit: Unit,
    asked: Asked,
    id: &ProjectId,
) -> Result<(Option<Project>, Used)> {
    try_join!(app.store.project(org, id).err_into(), read(app, org, unit, asked, Some(id)))
}

/// Puts a report together. `project` is the one that was asked for.
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

/// What projects are called.
pub struct Names(BTreeMap<ProjectId, String>);

impl Names {
    /// The names of those that have one.
    pub fn new(projects: impl IntoIterator<Item = Project>) -> Self {
        Self(projects.into_iter().filter_map(|project| Some((project.id, project.name?))).collect())
    }

    /// Whose a row is.
    pub fn of(&self, project: &ProjectId) -> Whose {
        let id = project.to_string();
        Whose { name: self.0.get(project).unwrap_or(&id).clone(), id }
    }
}
