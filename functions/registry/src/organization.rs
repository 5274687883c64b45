//! `GET` and `PUT /api/organization`: name, time zone and which models may be recommended.

use std::ops::RangeInclusive;

use axum::extract::State;
use chrono_tz::Tz;
use ledger::ids::{Name, OrgId};
use ledger::settings::OrganizationSettings;
use ledger::tags::MAX_TAGS;
use runtime::config::Config;
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::body::{Body, FromBody};
use web::caller::Caller;
use web::error::Result;
use web::fields;
use web::fields::{FieldReader, Invalid, boolean, text};

use crate::edit::Edit;
use crate::limits::{NAME, READ_ONLY};
use crate::response::Versioned;
use crate::{App, Route};

/// Number of models in an allow list. All settings of an organization are read again by every instance of ingest after
/// each change.
const ALLOW_LIST: RangeInclusive<usize> = 0..=100;
/// Number of resource attributes that become tags: as many as an event may have.
const RESOURCE_ATTRIBUTES: RangeInclusive<usize> = 0..=MAX_TAGS;

pub fn routes() -> Vec<Route> {
    let path = "/api/organization";
    vec![Route::get(path, Scope::RegistryRead, get), Route::put(path, Scope::RegistryWrite, put)]
}

#[derive(Debug, Serialize)]
pub struct Organization {
    id: OrgId,
    name: Option<String>,
    timezone: Tz,
    cross_provider_recommendations: bool,
    recommendation_allow_list: Vec<String>,
    resource_attribute_tags: Vec<String>,
}

struct OrganizationBody(OrganizationSettings);

async fn get(State(app): State<App>, caller: Caller) -> Result<Versioned<Organization>> {
    let stored = app.tables.registry.stored(&keys::organization_settings(&caller.org)).await?;
    Ok(view(caller.org, &stored))
}

async fn put(
    State(app): State<App>,
    Edit(editor): Edit,
    Body(OrganizationBody(wanted)): Body<OrganizationBody>,
) -> Result<Versioned<Organization>> {
    let key = keys::organization_settings(&editor.org);
    let entity = Entity { key, what: "organization".to_owned(), agent: None, always_there: true };

    // Ingest assigns events to days by the time zone, so the zone is fixed once there is usage.
    let before: Stored<OrganizationSettings> = app.tables.registry.stored(&entity.key).await?;
    let zone = |stored: &Stored<OrganizationSettings>| {
        stored.settings.as_ref().map_or(Tz::UTC, |settings| settings.timezone)
    };
    let asked = zone(&before) != wanted.timezone;
    let used = asked && app.tables.registry.has_usage(&app.tables.events, &editor.org, editor.now).await?;
    let decide = |stored: &Stored<OrganizationSettings>| match zone(stored) != wanted.timezone {
        true if used => Err(store::Error::Conflict(
            "The time zone cannot be changed any more: stored usage is grouped by days of this zone."
                .to_owned(),
        )),
        true if !asked => {
            Err(store::Error::Unavailable("another request has just changed the time zone".to_owned()))
        }
        _ => Ok(Next::to(wanted.clone(), stored)),
    };
    let stored = app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    Ok(view(editor.org, &stored))
}

fn view(id: OrgId, stored: &Stored<OrganizationSettings>) -> Versioned<Organization> {
    let settings = stored.settings.clone().unwrap_or_default();
    let organization = Organization {
        id,
        name: settings.name,
        timezone: settings.timezone,
        cross_provider_recommendations: settings.cross_provider_recommendations,
        recommendation_allow_list: settings.recommendation_allow_list,
        resource_attribute_tags: settings.resource_attribute_tags,
    };
    Versioned::new(organization, stored)
}

impl FromBody for OrganizationBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        Some(Self(settings(fields)))
    }
}

fn settings(fields: &mut FieldReader<'_>) -> OrganizationSettings {
    fields.ignore(READ_ONLY);
    let default = OrganizationSettings::default();
    OrganizationSettings {
        name: fields.optional("name", text(NAME)),
        timezone: fields.optional("timezone", timezone).unwrap_or(default.timezone),
        cross_provider_recommendations: fields
            .optional("cross_provider_recommendations", boolean)
            .unwrap_or(default.cross_provider_recommendations),
        recommendation_allow_list: fields
            .list("recommendation_allow_list", &ALLOW_LIST, || model)
            .unwrap_or(default.recommendation_allow_list),
        resource_attribute_tags: fields
            .list("resource_attribute_tags", &RESOURCE_ATTRIBUTES, || name)
            .unwrap_or(default.resource_attribute_tags),
    }
}

/// A model's id, or `provider/model`.
fn model(raw: &RawValue) -> Result<String, Invalid> {
    name(raw)
}

fn name(raw: &RawValue) -> Result<String, Invalid> {
    fields::id::<Name>(raw).map(String::from)
}

fn timezone(raw: &RawValue) -> Result<Tz, Invalid> {
    let msg = "Input should be the name of an IANA time zone, such as Europe/Berlin";
    fields::string(raw)?.parse().map_err(|_| Invalid::new("timezone", msg))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading;

    #[test]
    fn missing_fields_take_their_defaults() {
        let given = |text: &str| reading(text, settings);
        assert_eq!(given("{}"), Ok(OrganizationSettings::default()));
        assert_eq!(
            given(
                r#"{"name":null,"timezone":null,"cross_provider_recommendations":null,"recommendation_allow_list":null}"#
            ),
            given("{}")
        );
        let all = given(
            r#"{"name":"Acme","timezone":"Asia/Kathmandu","cross_provider_recommendations":true,
                "recommendation_allow_list":["anthropic/claude-haiku-4-5","gpt-5"],
                "resource_attribute_tags":["team"],"id":"acme"}"#,
        );
        let expected = OrganizationSettings {
            name: Some("Acme".to_owned()),
            timezone: Tz::Asia__Kathmandu,
            cross_provider_recommendations: true,
            recommendation_allow_list: vec!["anthropic/claude-haiku-4-5".to_owned(), "gpt-5".to_owned()],
            resource_attribute_tags: vec!["team".to_owned()],
        };
        assert_eq!(all, Ok(expected));
    }

    #[test]
    fn every_fault_is_listed() {
        let faults = reading(
            r#"{"name":"","timezone":"Mars/Olympus","cross_provider_recommendations":1,
                "recommendation_allow_list":["a\tb"],"zone":"UTC"}"#,
            settings,
        );
        let expected = [
            r#"["body","name"] string_too_short"#,
            r#"["body","timezone"] timezone"#,
            r#"["body","cross_provider_recommendations"] bool_type"#,
            r#"["body","recommendation_allow_list",0] id"#,
            r#"["body","zone"] extra_forbidden"#,
        ];
        assert_eq!(faults.unwrap_err(), expected);
        for bad in ["\"utc\"", "\"+02:00\"", "\"\"", "0"] {
            assert!(reading(&format!(r#"{{"timezone":{bad}}}"#), settings).is_err(), "{bad}");
        }
    }
}
