//! `GET` and `PUT /api/organization`: name, time zone, tracked dimensions and which models may be recommended.
//!
//! A changed time zone or list of dimensions applies at once if there is no usage. Otherwise all days are recomputed from raw
//! events in the background, and figures follow the former one until that is complete.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use axum::extract::State;
use chrono_tz::Tz;
use futures::try_join;
use ledger::calendar::{CalendarBuild, Calendars};
use ledger::dimension::{Dimension, MAX_TRACKED};
use ledger::ids::{Name, OrgId};
use ledger::period::rfc3339;
use ledger::settings::OrganizationSettings;
use ledger::tags::MAX_TAGS;
use runtime::config::Config;
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::body::FromBody;
use web::caller::Caller;
use web::error::Result;
use web::fields;
use web::fields::{FieldReader, Invalid, boolean, text};

use crate::limits::NAME;
use crate::response::Versioned;
use crate::update::{Once, Update};
use crate::{App, Route};

/// Number of models in an allow list. Limited because after each change every instance of ingest reads all settings of
/// the organization.
const ALLOW_LIST: RangeInclusive<usize> = 0..=100;
/// Number of dimensions that are tracked.
const TRACKED: RangeInclusive<usize> = 0..=MAX_TRACKED;
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
    timezone_change: Option<RollupsChange<Tz>>,
    cross_provider_recommendations: bool,
    recommendation_allow_list: Vec<String>,
    resource_attribute_tags: Vec<String>,
    dimensions: Vec<Dimension>,
    dimensions_change: Option<RollupsChange<Vec<Dimension>>>,
    charge_reported_costs: bool,
}

/// A change of the time zone or the dimensions that is in progress: every day is recomputed from raw events.
#[derive(Debug, Serialize)]
pub struct RollupsChange<T> {
    state: ChangeState,
    /// What figures follow until then.
    shown: T,
    /// `None` before the first day.
    days_done: Option<usize>,
    days_total: Option<usize>,
    requested_at: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum ChangeState {
    /// The change begins within a few minutes.
    Pending,
    Recomputing,
}

struct OrganizationBody(OrganizationSettings);

async fn get(State(app): State<App>, caller: Caller) -> Result<Versioned<Organization>> {
    let (registry, key) = (&app.tables.registry, keys::organization_settings(&caller.org));
    let (stored, calendars) = try_join!(registry.stored(&key), registry.calendars(&caller.org))?;
    Ok(view(caller.org, &stored, &calendars.calendars))
}

async fn put(
    State(app): State<App>,
    Update { editor, body: OrganizationBody(wanted), .. }: Update<Once, OrganizationBody>,
) -> Result<Versioned<Organization>> {
    let key = keys::organization_settings(&editor.org);
    let entity = Entity { key, what: "organization".to_owned(), agent: None, always_there: true };

    let decide = |stored: &Stored<_>| Ok(Next::to(wanted.clone(), stored));
    let registry = &app.tables.registry;
    let stored = registry.change(&app.tables.events, &editor, &entity, decide).await?;
    let calendars = registry.calendars(&editor.org).await?;
    Ok(view(editor.org, &stored, &calendars.calendars))
}

fn view(id: OrgId, stored: &Stored<OrganizationSettings>, calendars: &Calendars) -> Versioned<Organization> {
    let settings = stored.settings.clone().unwrap_or_default();
    let organization = Organization {
        id,
        name: settings.name,
        timezone: settings.timezone,
        timezone_change: timezone_change(calendars),
        cross_provider_recommendations: settings.cross_provider_recommendations,
        recommendation_allow_list: settings.recommendation_allow_list,
        resource_attribute_tags: settings.resource_attribute_tags,
        dimensions: settings.dimensions,
        dimensions_change: dimensions_change(calendars),
        charge_reported_costs: settings.charge_reported_costs,
    };
    Versioned::new(organization, stored)
}

fn timezone_change(calendars: &Calendars) -> Option<RollupsChange<Tz>> {
    let shown = calendars.active.zone;
    RollupsChange::new(calendars, shown).filter(|_| calendars.wanted_zone() != shown)
}

fn dimensions_change(calendars: &Calendars) -> Option<RollupsChange<Vec<Dimension>>> {
    let shown: Vec<_> = calendars.tracked.iter().cloned().collect();
    let is_other = !calendars.wanted_dimensions().are(&shown);
    RollupsChange::new(calendars, shown).filter(|_| is_other)
}

impl<T> RollupsChange<T> {
    fn new(calendars: &Calendars, shown: T) -> Option<Self> {
        let change = calendars.change.as_ref()?;
        let days = change.build.as_ref().map(CalendarBuild::days);
        // Without usage, figures follow what was requested at once.
        (change.to.generation != calendars.active.generation).then(|| Self {
            state: if days.is_some() { ChangeState::Recomputing } else { ChangeState::Pending },
            shown,
            days_done: days.map(|(done, _)| done),
            days_total: days.map(|(_, total)| total),
            requested_at: rfc3339(change.requested),
        })
    }
}

impl FromBody for OrganizationBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        Some(Self(settings(fields)))
    }
}

fn settings(fields: &mut FieldReader<'_>) -> OrganizationSettings {
    fields.ignore(&["timezone_change", "dimensions_change"]);
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
        dimensions: dimensions(fields).unwrap_or(default.dimensions),
        charge_reported_costs: fields
            .optional("charge_reported_costs", boolean)
            .unwrap_or(default.charge_reported_costs),
    }
}

/// The dimensions to track, each once.
fn dimensions(fields: &mut FieldReader<'_>) -> Option<Vec<Dimension>> {
    let name = "dimensions";
    let dimensions = fields.list(name, &TRACKED, || dimension)?;
    if dimensions.iter().collect::<BTreeSet<_>>().len() < dimensions.len() {
        fields.fault(name, Invalid::new("repeated", "List should not repeat a dimension"));
    }
    Some(dimensions)
}

fn dimension(raw: &RawValue) -> Result<Dimension, Invalid> {
    let unknown = || Invalid::new("enum", format!("Input should be {}", Dimension::known_trackable()));
    Dimension::parse(&fields::string(raw)?).filter(Dimension::is_trackable).ok_or_else(unknown)
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
                "resource_attribute_tags":["team"],"dimensions":["tag.customer"],"charge_reported_costs":true}"#,
        );
        let expected = OrganizationSettings {
            name: Some("Acme".to_owned()),
            timezone: Tz::Asia__Kathmandu,
            cross_provider_recommendations: true,
            recommendation_allow_list: vec!["anthropic/claude-haiku-4-5".to_owned(), "gpt-5".to_owned()],
            resource_attribute_tags: vec!["team".to_owned()],
            dimensions: vec![Dimension::Tag("customer".to_owned())],
            charge_reported_costs: true,
        };
        assert_eq!(all, Ok(expected));
    }

    #[test]
    fn every_fault_is_listed() {
        let faults = reading(
            r#"{"name":"","timezone":"Mars/Olympus","cross_provider_recommendations":1,
                "recommendation_allow_list":["a\tb"],"dimensions":["agent","tag.A"],"zone":"UTC"}"#,
            settings,
        );
        let expected = [
            r#"["body","name"] string_too_short"#,
            r#"["body","timezone"] timezone"#,
            r#"["body","cross_provider_recommendations"] bool_type"#,
            r#"["body","recommendation_allow_list",0] id"#,
            r#"["body","dimensions",0] enum"#,
            r#"["body","dimensions",1] enum"#,
            r#"["body","zone"] extra_forbidden"#,
        ];
        assert_eq!(faults.unwrap_err(), expected);
        let repeated = reading(r#"{"dimensions":["region","region"]}"#, settings);
        assert_eq!(repeated.unwrap_err(), [r#"["body","dimensions"] repeated"#]);
        let many: Vec<_> = (0..=MAX_TRACKED).map(|nth| format!("\"tag.t{nth}\"")).collect();
        assert!(reading(&format!(r#"{{"dimensions":[{}]}}"#, many.join(",")), settings).is_err());
        for bad in ["\"utc\"", "\"+02:00\"", "\"\"", "0"] {
            assert!(reading(&format!(r#"{{"timezone":{bad}}}"#), settings).is_err(), "{bad}");
        }
    }
}
