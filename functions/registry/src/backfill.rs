//! `POST` and `GET /api/organization/dimensions/{dimension}/backfill`: figures of the past by a dimension that was tracked
//! later.
//!
//! A change of the tracked dimensions builds new rollups of every day whose raw events are kept, so the past needs no
//! request of its own: the response to both says how far that is.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use ledger::calendar::{CalendarChange, Calendars};
use ledger::dimension::Dimension;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use runtime::config::Config;
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::body::{Body, FromBody};
use web::both::Both;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::fields::{self, FieldReader, Invalid};
use web::path::{FromPath, Path, PathReader};

use crate::{App, Route};

pub fn routes() -> Vec<Route> {
    let path = "/api/organization/dimensions/{dimension}/backfill";
    vec![Route::get(path, Scope::RegistryRead, get), Route::post(path, Scope::RegistryWrite, post)]
}

/// How far figures by a dimension are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backfill {
    dimension: Dimension,
    /// The first day with figures by the dimension.
    from: Day,
    state: BackfillState,
    /// None before the days are determined.
    days_done: Option<usize>,
    days: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum BackfillState {
    /// It begins within a few minutes.
    Pending,
    Recomputing,
    Done,
}

struct Tracked(Dimension);

struct BackfillBody {
    from: Day,
}

impl FromPath for Tracked {
    fn from_path(path: &PathReader) -> Result<Self> {
        let found = Dimension::parse(path.text("dimension")).filter(Dimension::is_trackable);
        let known = || format!("A dimension should be {}", Dimension::known_trackable());
        Ok(Self(found.ok_or_else(|| Fault::new(vec!["path".into(), "dimension".into()], "enum", known()))?))
    }
}

impl FromBody for BackfillBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        Some(Self { from: fields.required("from", day)? })
    }
}

fn day(raw: &RawValue) -> Result<Day, Invalid> {
    let day = Day::parse(&fields::string(raw)?);
    day.ok_or_else(|| Invalid::new("date_parsing", "Input should be a date, yyyy-mm-dd"))
}

async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(Tracked(dimension)): Path<Tracked>,
) -> Result<Json<Backfill>> {
    backfill(&app, &caller.org, dimension, None).await.map(Json)
}

async fn post(
    State(app): State<App>,
    caller: Caller,
    Both(Path(Tracked(dimension)), Body(body)): Both<Path<Tracked>, Body<BackfillBody>>,
) -> Result<(StatusCode, Json<Backfill>)> {
    let backfill = backfill(&app, &caller.org, dimension, Some(body.from)).await?;
    Ok((StatusCode::ACCEPTED, Json(backfill)))
}

async fn backfill(app: &App, org: &OrgId, dimension: Dimension, from: Option<Day>) -> Result<Backfill> {
    let registry = &app.tables.registry;
    let calendars = registry.calendars(org).await?.calendars;
    let first_event = registry.first_event(org).await?;
    let zone = calendars.active.zone;
    let today = Day::of(app.clock.now(), zone);
    let first = first_event.map_or(today, |first| Day::of(first, zone));
    progress(&calendars, dimension, from.map_or(first, |from| from.max(first)), today)
        .ok_or(Error::NotFound("The organization does not track this dimension"))
}

/// How far the figures from `from` to `today` are; none if the dimension is not tracked.
fn progress(calendars: &Calendars, dimension: Dimension, from: Day, today: Day) -> Option<Backfill> {
    if !calendars.wanted_dimensions().contains(&dimension) {
        return None;
    }
    if calendars.tracked.contains(&dimension) {
        let from = calendars.tracked.since(&dimension).map_or(from, |since| from.max(since));
        let days = Some(count(from, today));
        return Some(Backfill { dimension, from, state: BackfillState::Done, days_done: days, days });
    }
    let CalendarChange { tracked, build, .. } = calendars.change.as_ref()?;
    let from = tracked.since(&dimension).map_or(from, |since| from.max(since));
    let done = build.as_ref().map(|build| build.done.map_or(0, |done| count(from, done)));
    Some(Backfill {
        dimension,
        from,
        state: if build.is_some() { BackfillState::Recomputing } else { BackfillState::Pending },
        days_done: done,
        days: build.as_ref().map(|build| count(from, build.last)),
    })
}

fn count(first: Day, last: Day) -> usize {
    DayRange { first, last }.days().count()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use chrono_tz::Tz;
    use ledger::calendar::CalendarBuild;

    use super::*;

    fn at(day: &str) -> DateTime<Utc> {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn progress_is_that_of_the_build_with_the_dimension() {
        let (now, from, today) = (at("2026-09-15"), day("2026-09-01"), day("2026-09-15"));
        let mut calendars = Calendars::default();
        let of = |calendars: &Calendars, dimension| {
            let found = progress(calendars, dimension, from, today)?;
            Some((found.state, found.days_done, found.days))
        };
        let done = Some((BackfillState::Done, Some(15), Some(15)));
        assert_eq!(of(&calendars, Dimension::ProjectId), done);
        assert_eq!(of(&calendars, Dimension::Region), None);
        calendars.request(Tz::UTC, &[Dimension::ProjectId, Dimension::Region], now, false).unwrap();
        // What is tracked already is shown meanwhile, and what no longer is wanted is not.
        assert_eq!(of(&calendars, Dimension::ProjectId), done);
        assert_eq!(of(&calendars, Dimension::TaskType), None);
        assert_eq!(of(&calendars, Dimension::Region), Some((BackfillState::Pending, None, None)));
        let mut build = CalendarBuild {
            started: now,
            first: day("2026-08-06"),
            last: day("2026-09-16"),
            done: None,
            leased_until: now,
        };
        for (built, days) in [(None, 0), (Some("2026-08-20"), 0), (Some("2026-09-03"), 3)] {
            build.done = built.map(day);
            calendars.change.as_mut().unwrap().build = Some(build.clone());
            let expected = Some((BackfillState::Recomputing, Some(days), Some(16)));
            assert_eq!(of(&calendars, Dimension::Region), expected);
        }
        calendars.finish(now);
        assert_eq!(of(&calendars, Dimension::Region), done);
    }
}
