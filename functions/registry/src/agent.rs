//! `GET`, `PUT` and `DELETE /api/agents/{id}`. DELETE archives the agent; its history stays.

use axum::extract::State;
use chrono_tz::Tz;
use futures::try_join;
use http::StatusCode;
use ledger::ids::AgentId;
use ledger::money::{Number, Quantity, Usd};
use ledger::period::Day;
use ledger::settings::{AgentSettings, AgentStatus};
use runtime::config::Config;
use serde::Serialize;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::body::FromBody;
use web::caller::Caller;
use web::error::Result;
use web::fields::{FieldReader, one_of, quantity, text};
use web::path::Path;

use crate::edit::Edit;
use crate::limits::{MAX_MONEY, NAME};
use crate::response::Versioned;
use crate::update::Update;
use crate::{App, Route, reserved};

/// Maximum estimate of hours saved per month.
const MAX_HOURS: u64 = 1_000_000;

pub fn routes() -> Vec<Route> {
    let path = "/api/agents/{id+}";
    vec![
        Route::get(path, Scope::RegistryRead, get),
        Route::put(path, Scope::RegistryWrite, put),
        Route::delete(path, Scope::RegistryWrite, delete),
    ]
}

/// An agent's settings and when events named it.
#[derive(Debug, Serialize)]
pub struct Agent {
    id: AgentId,
    name: Option<String>,
    hostname: Option<String>,
    status: AgentStatus,
    category: Option<String>,
    department: Option<String>,
    role_title: Option<String>,
    model_provider: Option<String>,
    model_name: Option<String>,
    /// Dollars per year.
    human_equivalent_salary: Option<Number>,
    /// Per month.
    estimated_hours_saved: Option<Number>,
    /// Dollars per month.
    cost_budget_monthly: Option<Number>,
    /// Whether the agent has settings.
    registered: bool,
    /// The day of its first usage or activity entry.
    first_seen: Option<Day>,
    /// The day of its last usage or activity entry.
    last_seen: Option<Day>,
}

struct AgentBody(AgentSettings);

async fn get(State(app): State<App>, caller: Caller, Path(id): Path<AgentId>) -> Result<Versioned<Agent>> {
    let registry = &app.tables.registry;
    let key = keys::agent(&caller.org, &id);
    let (stored, calendar) = try_join!(registry.stored(&key), registry.calendar(&caller.org))?;
    if stored.exists() { Ok(view(id, &stored, calendar.zone)) } else { Err(not_found().into()) }
}

async fn put(
    State(app): State<App>,
    Update { editor, path: id, body: AgentBody(wanted) }: Update<AgentId, AgentBody>,
) -> Result<Versioned<Agent>> {
    reserved::check_agent(id.as_str())?;
    let entity = entity(keys::agent(&editor.org, &id), &id);
    let decide = |stored: &Stored<_>| Ok(Next::to(wanted.clone(), stored));
    let stored = app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    let calendar = app.tables.registry.calendar(&editor.org).await?;
    Ok(view(id, &stored, calendar.zone))
}

async fn delete(State(app): State<App>, Edit(editor): Edit, Path(id): Path<AgentId>) -> Result<StatusCode> {
    let entity = entity(keys::agent(&editor.org, &id), &id);
    let decide = |stored: &Stored<AgentSettings>| {
        if !stored.exists() {
            return Err(not_found());
        }
        let settings = stored.settings.clone().unwrap_or_default();
        Ok(Next::to(AgentSettings { status: AgentStatus::Archived, ..settings }, stored))
    };
    app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(key: keys::Key, id: &AgentId) -> Entity<'_> {
    Entity { key, what: format!("agent {id}"), agent: Some(id), always_there: false }
}

const fn not_found() -> store::Error {
    store::Error::NotFound("Agent not found")
}

pub(crate) fn view(id: AgentId, stored: &Stored<AgentSettings>, zone: Tz) -> Versioned<Agent> {
    let registered = stored.settings.is_some();
    let settings = stored.settings.clone().unwrap_or_default();
    let agent = Agent {
        id,
        name: settings.name,
        hostname: settings.hostname,
        status: settings.status,
        category: settings.category,
        department: settings.department,
        role_title: settings.role_title,
        model_provider: settings.model_provider,
        model_name: settings.model_name,
        human_equivalent_salary: settings.human_equivalent_salary.map(Number::usd),
        estimated_hours_saved: settings.estimated_hours_saved.map(|hours| Number(hours.0)),
        cost_budget_monthly: settings.cost_budget_monthly.map(Number::usd),
        registered,
        first_seen: stored.seen.as_ref().map(|seen| seen.first_day(zone)),
        last_seen: stored.seen.as_ref().map(|seen| seen.last_day(zone)),
    };
    Versioned::new(agent, stored)
}

impl FromBody for AgentBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        Some(Self(settings(fields)))
    }
}

fn settings(fields: &mut FieldReader<'_>) -> AgentSettings {
    let status = one_of("'online', 'paused', 'draft', 'offline' or 'archived'");
    AgentSettings {
        name: fields.optional("name", text(NAME)),
        hostname: fields.optional("hostname", text(NAME)),
        status: fields.optional("status", status).unwrap_or_default(),
        category: fields.optional("category", text(NAME)),
        department: fields.optional("department", text(NAME)),
        role_title: fields.optional("role_title", text(NAME)),
        model_provider: fields.optional("model_provider", text(NAME)),
        model_name: fields.optional("model_name", text(NAME)),
        human_equivalent_salary: fields
            .optional("human_equivalent_salary", quantity(MAX_MONEY))
            .map(Usd::new),
        estimated_hours_saved: fields.optional("estimated_hours_saved", quantity(MAX_HOURS)).map(Quantity),
        cost_budget_monthly: fields.optional("cost_budget_monthly", quantity(MAX_MONEY)).map(Usd::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading;

    #[test]
    fn amounts_are_exact_as_numbers_and_as_strings() {
        let read = |text: &str| reading(text, settings).unwrap();
        let numbers = r#"{"human_equivalent_salary":999999999999.999999,"estimated_hours_saved":0.1,
            "cost_budget_monthly":1e2}"#;
        let texts = r#"{"human_equivalent_salary":"999999999999.999999","estimated_hours_saved":"0.10",
            "cost_budget_monthly":"100.000000"}"#;
        assert_eq!(read(numbers), read(texts));
        let salary = read(numbers).human_equivalent_salary.unwrap();
        assert_eq!(salary.to_string(), "999999999999.999999");
        assert_eq!(read("{}"), AgentSettings::default());
    }

    #[test]
    fn amounts_are_limited() {
        let fault = |field: &str, value: &str| {
            reading(&format!(r#"{{"{field}":{value}}}"#), settings).err().map(|faults| faults[0].clone())
        };
        for field in ["human_equivalent_salary", "cost_budget_monthly"] {
            for good in ["0", "0.000001", "1000000000000"] {
                assert_eq!(fault(field, good), None, "{field} {good}");
            }
            let at = format!(r#"["body","{field}"]"#);
            assert_eq!(fault(field, "1000000000000.000001"), Some(format!("{at} less_than_equal")));
            assert_eq!(fault(field, "-0.000001"), Some(format!("{at} greater_than_equal")));
            assert_eq!(fault(field, "0.0000001"), Some(format!("{at} decimal_max_places")));
            assert_eq!(fault(field, "\"NaN\""), Some(format!("{at} decimal_parsing")));
        }
        assert_eq!(fault("estimated_hours_saved", "1000000"), None);
        let beyond = fault("estimated_hours_saved", "1000000.000001");
        assert_eq!(beyond.unwrap(), r#"["body","estimated_hours_saved"] less_than_equal"#);
    }

    #[test]
    fn only_the_five_statuses_are_accepted() {
        for status in ["online", "paused", "draft", "offline", "archived"] {
            let set = reading(&format!(r#"{{"status":"{status}"}}"#), settings).unwrap();
            assert_eq!(set.status.as_str(), status);
        }
        for bad in ["\"Online\"", "\"\"", "0"] {
            let faults = reading(&format!(r#"{{"status":{bad}}}"#), settings).unwrap_err();
            assert_eq!(faults, [r#"["body","status"] enum"#]);
        }
    }
}
