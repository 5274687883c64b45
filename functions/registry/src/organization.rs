//! `GET` and `PUT /api/organization`: its name, its time zone, and what may be recommended to it.

use axum::extract::State;
use chrono_tz::Tz;
use ledger::ids::OrgId;
use ledger::settings::OrganizationSettings;
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Error;
use web::error::Result;
use web::fields;
use web::fields::{Bad, Fields, boolean};
use web::route::Route;

use crate::answer::Versioned;
use crate::body::Body;
use crate::edit::Edit;
use crate::input::{NAME, text};

/// The routes of this thing.
pub fn routes() -> Vec<Route> {
    let path = "/api/organization";
    vec![Route::get(path, Scope::RegistryRead, get), Route::put(path, Scope::RegistryWrite, put)]
}

/// An organisation.
#[derive(Debug, Serialize)]
pub struct Organization {
    id: OrgId,
    name: Option<String>,
    timezone: Tz,
    cross_provider_recommendations: bool,
}

async fn get(State(app): State<App>, caller: Caller) -> Result<Versioned<Organization>> {
    let stored = app.store.known(&keys::organization_settings(&caller.org), true).await?;
    Ok(view(caller.org, &stored))
}

async fn put(State(app): State<App>, Edit(editor): Edit, body: Body) -> Result<Versioned<Organization>> {
    let wanted = body.read(settings).map_err(Error::Validation)?;
    let key = keys::organization_settings(&editor.org);
    let entity = Entity { key, what: "organization".to_owned(), agent: None, always_there: true };

    // Days are cut when events are taken in, so the zone stands as soon as there is one. What remains: ingest may
    // cut by the old zone for as long as it believes its settings, 30 s, after a change that found no usage yet. An
    // organisation that changes its zone in the very half minute of its first events has these on the old days.
    let before: Stored<OrganizationSettings> = app.store.known(&entity.key, true).await?;
    let zone = |stored: &Stored<OrganizationSettings>| {
        stored.settings.as_ref().map_or(Tz::UTC, |settings| settings.timezone)
    };
    let asked = zone(&before) != wanted.timezone;
    let used = asked && app.store.has_usage(&editor.org, editor.now).await?;
    let decide = |stored: &Stored<OrganizationSettings>| match zone(stored) != wanted.timezone {
        true if used => Err(store::Error::Conflict(
            "The time zone cannot be changed any more: days are already cut by it.".to_owned(),
        )),
        true if !asked => {
            Err(store::Error::Unavailable("the zone was changed by another just now".to_owned()))
        }
        _ => Ok(Next::to(wanted.clone(), stored)),
    };
    let stored = app.store.change(&editor, &entity, decide).await?;
    Ok(view(editor.org, &stored))
}

fn view(id: OrgId, stored: &Stored<OrganizationSettings>) -> Versioned<Organization> {
    let settings = stored.settings.clone().unwrap_or_default();
    let organization = Organization {
        id,
        name: settings.name,
        timezone: settings.timezone,
        cross_provider_recommendations: settings.cross_provider_recommendations,
    };
    Versioned::new(organization, stored)
}

fn settings(fields: &mut Fields<'_>) -> OrganizationSettings {
    let default = OrganizationSettings::default();
    OrganizationSettings {
        name: fields.optional("name", text(NAME)),
        timezone: fields.optional("timezone", timezone).unwrap_or(default.timezone),
        cross_provider_recommendations: fields
            .optional("cross_provider_recommendations", boolean)
            .unwrap_or(default.cross_provider_recommendations),
    }
}

fn timezone(raw: &RawValue) -> Result<Tz, Bad> {
    let msg = "Input should be the name of an IANA time zone, such as Europe/Berlin";
    fields::string(raw)?.parse().map_err(|_| ("timezone", msg.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::reading;

    #[test]
    fn what_is_left_out_takes_its_default() {
        let given = |text: &str| reading(text, settings);
        assert_eq!(given("{}"), Ok(OrganizationSettings::default()));
        assert_eq!(
            given(r#"{"name":null,"timezone":null,"cross_provider_recommendations":null}"#),
            given("{}")
        );
        let all = given(
            r#"{"name":"Acme","timezone":"Asia/Kathmandu","cross_provider_recommendations":true,"id":"acme"}"#,
        );
        let expected = OrganizationSettings {
            name: Some("Acme".to_owned()),
            timezone: Tz::Asia__Kathmandu,
            cross_provider_recommendations: true,
        };
        assert_eq!(all, Ok(expected));
    }

    #[test]
    fn every_fault_is_listed() {
        let faults = reading(
            r#"{"name":"","timezone":"Mars/Olympus","cross_provider_recommendations":1,"zone":"UTC"}"#,
            settings,
        );
        let expected = [
            r#"["body","name"] string_too_short"#,
            r#"["body","timezone"] timezone"#,
            r#"["body","cross_provider_recommendations"] bool_type"#,
            r#"["body","zone"] extra_forbidden"#,
        ];
        assert_eq!(faults.unwrap_err(), expected);
        for bad in ["\"utc\"", "\"+02:00\"", "\"\"", "0"] {
            assert!(reading(&format!(r#"{{"timezone":{bad}}}"#), settings).is_err(), "{bad}");
        }
    }
}
