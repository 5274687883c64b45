//! `POST` and `GET /api/cost-analysis/reprice`, and `DELETE /api/cost-analysis/reprice/{id}`: the cost of stored calls
//! by current prices.
//!
//! A dry run, which is the default, compares the two costs and changes nothing. Each request reads a limited number of
//! events and returns where the next one continues, so that no range is too large.
//!
//! With `"dryRun": false`, POST stores a repricing entry, which reconcile carries out day by day: a large range takes
//! longer than a request may. After DELETE, reconcile takes an entry back in the same way. GET shows the progress.

mod body;
mod cursor;
mod dry_run;
mod view;

use axum::Json;
use axum::extract::State;
use chrono::TimeDelta;
use chrono_tz::Tz;
use http::StatusCode;
use ledger::ids::Name;
use ledger::period::Day;
use ledger::repricing::RepricingSettings;
use serde::Serialize;
use store::registry::Editor;
use store::repricing::Repricing;
use web::auth::Scope;
use web::body::Body;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::path::Path;

use crate::edit::Edit;
use crate::response::{Items, Versioned};
use crate::{App, Route};
use body::RepriceBody;
use dry_run::{DryRun, DryRunRequest};
use view::Entry;

pub fn routes() -> Vec<Route> {
    let path = "/api/cost-analysis/reprice";
    vec![
        Route::get(path, Scope::RegistryRead, list),
        Route::post(path, Scope::RegistryWrite, post),
        Route::delete("/api/cost-analysis/reprice/{id}", Scope::RegistryWrite, delete),
    ]
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Response {
    DryRun(DryRun),
    Entry(Versioned<Entry>),
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Items<Entry>>> {
    let all = app.tables.registry.repricings(&caller.org).await?;
    Ok(Json(Items { items: all.into_iter().map(view::entry).collect() }))
}

async fn post(
    State(app): State<App>,
    Edit(editor): Edit,
    Body(body): Body<RepriceBody>,
) -> Result<Json<Response>> {
    let settings = app.tables.registry.settings_now(&editor.org).await?;
    let zone = settings.calendar.zone;
    // Senders' clocks may run ahead, so there may be events of tomorrow, but none of later days.
    let last = Day::of(editor.now + TimeDelta::days(1), zone);
    let wanted = RepricingSettings {
        from: body.from,
        to: body.to.min(last),
        zone,
        provider: body.provider,
        model: body.model,
        why: body.why,
        who: editor.who.clone(),
        at: editor.now,
    };
    check_range(&wanted, body.to, oldest(&app, &editor).await?)?;
    if body.dry_run {
        let request = DryRunRequest { org: &editor.org, wanted: &wanted, settings: &settings };
        let found = request.run(&app.tables.events, body.limit, body.cursor).await?;
        return Ok(Json(Response::DryRun(found)));
    }
    let stored = app.tables.registry.add_repricing(&app.tables.events, &editor, wanted).await?;
    Ok(Json(Response::Entry(view::entry(stored))))
}

/// The oldest UTC day whose calls can be repriced.
async fn oldest(app: &App, editor: &Editor) -> store::error::Result<Day> {
    let calendars = app.tables.registry.calendars(&editor.org).await?.calendars;
    Ok(calendars.oldest_repriced_day(Day::of(editor.now, Tz::UTC), editor.retention_days))
}

/// Checks that the range is valid and that its raw events, by which calls are priced again, have not expired.
fn check_range(wanted: &RepricingSettings, to: Day, oldest: Day) -> Result<()> {
    let fault = |name: &'static str, kind: &'static str, msg: String| {
        Err(Error::Validation(vec![Fault::new(vec!["body".into(), name.into()], kind, msg)]))
    };
    if to < wanted.from {
        return fault("to", "range", "The last day should not be before the first".to_owned());
    }
    if wanted.from > wanted.to {
        return fault("from", "in_future", "The first day should not be in the future".to_owned());
    }
    if wanted.utc_days().first < oldest {
        // The first day of the time zone that does not begin before the oldest UTC day.
        let oldest = if oldest.start(wanted.zone) < oldest.start(Tz::UTC) { oldest.next() } else { oldest };
        let msg = format!("The first day should be {oldest} or later: older events may have expired");
        return fault("from", "too_old", msg);
    }
    Ok(())
}

async fn delete(State(app): State<App>, Edit(editor): Edit, Path(id): Path<Name>) -> Result<StatusCode> {
    let oldest = oldest(&app, &editor).await?;
    let check = |repricing: &Repricing| {
        if repricing.applied.is_some() && repricing.settings.utc_days().first < oldest {
            let msg = format!(
                "The entry cannot be taken back any more: events of days before {oldest} may have expired."
            );
            return Err(store::Error::Conflict(msg));
        }
        Ok(())
    };
    app.tables.registry.withdraw_repricing(&app.tables.events, &editor, id.as_str(), check).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_lies_in_the_past_and_within_the_retention_of_events() {
        let day = |text: &str| Day::parse(text).unwrap();
        let faults_in = |zone: Tz, from: &str, to: &str| {
            let (from, to) = (day(from), day(to));
            let wanted = RepricingSettings {
                from,
                to: to.min(day("2026-09-16")),
                zone,
                provider: None,
                model: None,
                why: None,
                who: String::new(),
                at: chrono::DateTime::default(),
            };
            match check_range(&wanted, to, day("2026-01-01")) {
                Err(Error::Validation(faults)) => faults[0].to_string(),
                _ => String::new(),
            }
        };
        let faults = |from: &str, to: &str| faults_in(Tz::UTC, from, to);
        assert_eq!(faults("2026-01-01", "2026-01-01"), "");
        assert_eq!(faults("2026-09-16", "9999-12-31"), "");
        assert_eq!(faults("2026-09-02", "2026-09-01"), r#"["body","to"] range"#);
        assert_eq!(faults("2026-09-17", "2026-09-18"), r#"["body","from"] in_future"#);
        assert_eq!(faults("2025-12-31", "2026-09-18"), r#"["body","from"] too_old"#);
        assert_eq!(faults_in(Tz::Asia__Tokyo, "2026-01-01", "2026-01-01"), r#"["body","from"] too_old"#);
        assert_eq!(faults_in(Tz::Asia__Tokyo, "2026-01-02", "2026-01-02"), "");
        assert_eq!(faults_in(Tz::America__Lima, "2026-01-01", "2026-01-01"), "");
    }
}
