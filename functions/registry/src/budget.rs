//! `GET`, `PUT` and `DELETE /api/budget`: the organization's monthly budget and its alert thresholds. Without one,
//! GET returns the defaults.

use axum::extract::State;
use http::StatusCode;
use ledger::ids::OrgId;
use ledger::money::{Number, Usd};
use ledger::settings::BudgetSettings;
use runtime::config::Config;
use serde::Serialize;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::body::FromBody;
use web::caller::Caller;
use web::error::Result;
use web::fields::{FieldReader, Invalid, boolean, integer, quantity};

use crate::edit::Edit;
use crate::limits::MAX_MONEY;
use crate::response::Versioned;
use crate::update::{Once, Update};
use crate::{App, Route};

/// The highest threshold, in percent of the budget.
const MAX_THRESHOLD: u64 = 1000;
/// Number of thresholds.
const THRESHOLDS: std::ops::RangeInclusive<usize> = 1..=10;

pub fn routes() -> Vec<Route> {
    let path = "/api/budget";
    vec![
        Route::get(path, Scope::RegistryRead, get),
        Route::put(path, Scope::RegistryWrite, put),
        Route::delete(path, Scope::RegistryWrite, delete),
    ]
}

#[derive(Debug, Serialize)]
pub struct Budget {
    /// Dollars; if null, the sum of the agents' budgets applies.
    monthly: Option<Number>,
    /// Percent, ascending.
    thresholds: Vec<u32>,
    forecast: bool,
}

struct BudgetBody(BudgetSettings);

async fn get(State(app): State<App>, caller: Caller) -> Result<Versioned<Budget>> {
    Ok(view(&app.tables.registry.stored(&keys::budget(&caller.org)).await?))
}

async fn put(
    State(app): State<App>,
    Update { editor, body: BudgetBody(wanted), .. }: Update<Once, BudgetBody>,
) -> Result<Versioned<Budget>> {
    let decide = |stored: &Stored<_>| Ok(Next::to(wanted.clone(), stored));
    Ok(view(&app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org), decide).await?))
}

async fn delete(State(app): State<App>, Edit(editor): Edit) -> Result<StatusCode> {
    let decide = |stored: &Stored<BudgetSettings>| {
        Ok(if stored.settings.is_some() { Next::Clear } else { Next::Keep })
    };
    app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org), decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId) -> Entity<'static> {
    Entity { key: keys::budget(org), what: "budget".to_owned(), agent: None, always_there: true }
}

fn view(stored: &Stored<BudgetSettings>) -> Versioned<Budget> {
    let settings = stored.settings.clone().unwrap_or_default();
    let budget = Budget {
        monthly: settings.monthly.map(Number::usd),
        thresholds: settings.thresholds,
        forecast: settings.forecast,
    };
    Versioned::new(budget, stored)
}

impl FromBody for BudgetBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        Some(Self(settings(fields)))
    }
}

fn settings(fields: &mut FieldReader<'_>) -> BudgetSettings {
    let default = BudgetSettings::default();
    BudgetSettings {
        monthly: fields.optional("monthly", quantity(MAX_MONEY)).map(Usd::new),
        thresholds: thresholds(fields).unwrap_or(default.thresholds),
        forecast: fields.optional("forecast", boolean).unwrap_or(default.forecast),
    }
}

/// Percentages in any order, without duplicates.
fn thresholds(fields: &mut FieldReader<'_>) -> Option<Vec<u32>> {
    let name = "thresholds";
    let mut values = fields.list(name, &THRESHOLDS, || integer(1..=MAX_THRESHOLD))?;
    values.sort_unstable();
    if values.windows(2).any(|two| two[0] == two[1]) {
        fields.fault(name, Invalid::new("duplicate", "List should not repeat a threshold"));
    }
    Some(values.into_iter().filter_map(|value| value.try_into().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading;

    #[test]
    fn missing_fields_take_their_defaults() {
        let set = reading(r#"{"monthly":"500.00"}"#, settings).unwrap();
        assert_eq!(set.monthly.unwrap().to_string(), "500.00");
        assert_eq!((set.thresholds, set.forecast), (vec![50, 80, 100], true));
        assert_eq!(reading("{}", settings), Ok(BudgetSettings::default()));
    }

    #[test]
    fn thresholds_are_checked_and_sorted() {
        let read = |text: &str| {
            reading(&format!(r#"{{"thresholds":{text}}}"#), settings).map(|budget| budget.thresholds)
        };
        assert_eq!(read("[1000,1]"), Ok(vec![1, 1000]));
        assert_eq!(read("[10,9,8,7,6,5,4,3,2,1]"), Ok((1..=10).collect()));
        let whole = |kind: &str| Err(vec![format!(r#"["body","thresholds"] {kind}"#)]);
        assert_eq!(read("[]"), whole("too_short"));
        assert_eq!(read("[1,2,3,4,5,6,7,8,9,10,11]"), whole("too_long"));
        assert_eq!(read("[5,5]"), whole("duplicate"));
        assert_eq!(read("5"), whole("list_type"));
        assert_eq!(
            read("[0,50,1001,0.5]").unwrap_err(),
            [
                r#"["body","thresholds",0] greater_than_equal"#,
                r#"["body","thresholds",2] less_than_equal"#,
                r#"["body","thresholds",3] int_type"#,
            ]
        );
    }
}
