//! `GET /api/cost-analysis/query`: the cost and use of whatever is asked for, by up to two dimensions and by period.
//!
//! Rollups answer for long ranges where they tell the dimensions apart; any other question is answered from raw events,
//! for short ranges. Where rollups do not have a figure, such as the parts of an agent's cost, it is null.
//!
//! Calls and completed tasks are counted. A task has no model, so by model it belongs to `(none)`: whatever figures are
//! grouped by, the sum over all groups is the total.

mod cursor;
mod events;
pub mod figures;
mod groups;
mod order;
mod params;
mod rollups;
mod row;
mod source;
mod sums;

use axum::extract::State;
use ledger::dimension::Dimension;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Result};
use web::freshness::Stated;
use web::query::Query;

use crate::range::{Part, Periods, Range};
use crate::{App, Route};
use cursor::Cursor;
use events::Values;
use groups::Departments;
use params::Params;
use row::{Answer, Response};
use source::Source;
use sums::Sums;

pub fn route() -> Route {
    Route::get("/api/cost-analysis/query", Scope::CostsRead, handle)
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Stated<Response>> {
    let as_of = app.clock.now();
    let settings = app.tables.registry.settings_cached(&caller.org).await?;
    let calendar = settings.calendar;
    let secret = &*app.config.cursor_secret().map_err(Error::internal)?.get().await?;
    let question = cursor::bound(&params);
    let bound = ["cost-analysis/query", caller.org.as_str(), &question];
    let after: Option<Cursor> = web::cursor::read(params.cursor.as_deref(), secret, &bound)?;
    let range = match &after {
        Some(cursor) => Range { from: cursor.from, to: cursor.to, calendar },
        None => Range::new(params.from, params.to, calendar, as_of),
    };
    // A person's name is for those who manage the organization.
    let names_end_users = caller.scopes.contains(&Scope::RegistryRead);
    let source = Source::choose(&params, range, &settings.tracked, names_end_users)?;
    let periods = Periods::new(params.granularity, range);
    let complete_through = match source {
        // Raw events are read strongly consistently, after `as_of`.
        Source::Events => Some(as_of),
        // Before rollups are read.
        Source::OrgDays | Source::AgentDays | Source::TrackedDays | Source::Hours => {
            app.freshness.complete_through(&caller.org, as_of).await
        }
    };
    let mut sums = Sums::default();
    let parts = [Some(Part::now(range, periods)), params.compare.then(|| Part::before(range, periods))];
    let departments = departments(&app, &caller, &params).await?;
    for part in parts.iter().flatten() {
        add(&app, &caller, (&params, &departments), (source, part), &mut sums).await?;
    }
    let after = after.as_ref().map(Cursor::rank);
    let answer = Answer { params: &params, range, periods, source, after };
    let body = answer.response(sums, |cursor: Cursor| web::cursor::sign(&cursor, secret, &bound))?;
    Ok(Stated { as_of, complete_through, body })
}

async fn departments(app: &App, caller: &Caller, params: &Params) -> Result<Departments> {
    if !params.uses(&[Dimension::Department]) {
        return Ok(Departments::default());
    }
    Ok(Departments::new(app.tables.registry.agents(&caller.org).await?))
}

/// Adds the figures of one range.
async fn add(
    app: &App,
    caller: &Caller,
    (params, departments): (&Params, &Departments),
    (source, part): (Source, &Part),
    sums: &mut Sums,
) -> Result<()> {
    let org = &caller.org;
    let names_end_users = caller.scopes.contains(&Scope::RegistryRead);
    match source {
        Source::OrgDays => rollups::add_org_days(app, org, params, part, sums).await,
        Source::AgentDays => rollups::add_agent_days(app, org, (params, departments), part, sums).await,
        Source::Hours => rollups::add_hours(app, org, params, part, sums).await,
        Source::TrackedDays => {
            rollups::add_tracked_days(app, org, (params, names_end_users), part, sums).await
        }
        Source::Events => {
            let values = Values { departments, names_end_users };
            events::add_events(app, org, (params, &values), part, sums).await
        }
    }
}
