//! `GET`, `PUT` and `DELETE /api/alerts/rules/{id}`: what an organization is notified of besides its budgets.
//!
//! - `limit`: the cost of a day, week or month reaches an amount.
//! - `spike`: a day costs more than `factor` times the mean of the `days` before it, and more than `minimum`.
//! - `unpriced`: at least `requests` calls of a day have no price.
//!
//! Each rule notifies once per period, and again after it was changed. It applies to the whole organization, or to one
//! `agent`, `department`, `model` or `provider`. Rollups have figures for these, so that a run takes only a few
//! queries.

use axum::extract::State;
use http::StatusCode;
use ledger::ids::{Label, Name, OrgId};
use ledger::money::{Number, Usd};
use ledger::pricing::Book;
use ledger::settings::{
    AlertCondition, AlertDimension, AlertPeriod, AlertRuleSettings, AlertScope, MAX_ALERT_RULES,
    MAX_MEAN_DAYS,
};
use runtime::config::Config;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use store::keys;
use store::keys::registry::ALERT_RULE;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::body::FromBody;
use web::caller::Caller;
use web::error::{Error, Result};
use web::fields::{FieldReader, Invalid, decimal, id, integer, label, one_of, quantity};
use web::path::Path;

use crate::edit::Edit;
use crate::limits::MAX_MONEY;
use crate::response::Versioned;
use crate::update::Update;
use crate::{App, Route, reserved};

/// The largest multiple of the mean.
const MAX_FACTOR: u64 = 1_000;
/// Days of the mean by default.
const DAYS: u64 = 7;

pub fn routes() -> Vec<Route> {
    let path = "/api/alerts/rules/{id+}";
    vec![
        Route::get(path, Scope::RegistryRead, get),
        Route::put(path, Scope::RegistryWrite, put),
        Route::delete(path, Scope::RegistryWrite, delete),
    ]
}

#[derive(Debug, Serialize)]
pub struct AlertRule {
    id: Name,
    name: Option<Name>,
    #[serde(rename = "type")]
    rule_type: &'static str,
    /// `None` for the whole organization.
    dimension: Option<AlertDimension>,
    value: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<AlertPeriod>,
    /// In dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
}

struct RuleBody(AlertRuleSettings);

async fn get(State(app): State<App>, caller: Caller, Path(id): Path<Name>) -> Result<Versioned<AlertRule>> {
    let stored = app.tables.registry.stored(&keys::alert_rule(&caller.org, &id)).await?;
    view(&id, &stored).ok_or(Error::NotFound("Alert rule not found"))
}

async fn put(
    State(app): State<App>,
    Update { editor, path: id, body: RuleBody(wanted) }: Update<Name, RuleBody>,
) -> Result<Versioned<AlertRule>> {
    reserved::check_dots(id.as_str(), "id")?;
    let known: Vec<(Name, Stored<AlertRuleSettings>)> =
        app.tables.registry.all_stored(&editor.org, ALERT_RULE).await?;
    if known.len() >= MAX_ALERT_RULES && known.iter().all(|(known, _)| *known != id) {
        return Err(Error::Conflict(format!(
            "There are {MAX_ALERT_RULES} rules already, which is the maximum."
        )));
    }
    let decide = |stored: &Stored<_>| Ok(Next::to(wanted.clone(), stored));
    let entity = entity(&editor.org, &id);
    let stored = app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    view(&id, &stored).ok_or_else(|| Error::Internal("a rule that was just set is missing".to_owned()))
}

async fn delete(State(app): State<App>, Edit(editor): Edit, Path(id): Path<Name>) -> Result<StatusCode> {
    let decide = |stored: &Stored<AlertRuleSettings>| Next::clear(stored, "Alert rule not found");
    app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org, &id), decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId, id: &Name) -> Entity<'static> {
    let what = format!("alert rule {id}");
    Entity { key: keys::alert_rule(org, id), what, agent: None, always_there: false }
}

/// The rule, or `None` if there is no such rule.
pub(crate) fn view(id: &Name, stored: &Stored<AlertRuleSettings>) -> Option<Versioned<AlertRule>> {
    let settings = stored.settings.clone()?;
    let mut rule = AlertRule {
        id: id.clone(),
        name: settings.name,
        rule_type: settings.condition.as_str(),
        dimension: settings.scope.as_ref().map(|scope| scope.dimension),
        value: settings.scope.map(|scope| scope.value),
        period: None,
        amount: None,
        factor: None,
        days: None,
        minimum: None,
        requests: None,
    };
    match settings.condition {
        AlertCondition::Limit { period, amount } => {
            (rule.period, rule.amount) = (Some(period), Some(Number::usd(amount)));
        }
        AlertCondition::Spike { factor_percent, days, minimum } => {
            rule.factor = Some(Number(Decimal::new(factor_percent.into(), 2).normalize()));
            (rule.days, rule.minimum) = (Some(days), Some(Number::usd(minimum)));
        }
        AlertCondition::Unpriced { requests } => rule.requests = Some(requests),
    }
    Some(Versioned::new(rule, stored))
}

impl FromBody for RuleBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        settings(fields).map(Self)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum RuleType {
    Limit,
    Spike,
    Unpriced,
}

/// A value as rollups spell it: a provider by its id in the price book, whatever name of it was sent.
fn spelled(dimension: AlertDimension, value: Label) -> Label {
    let provider = Book::builtin().provider(value.as_str()).filter(|_| dimension == AlertDimension::Provider);
    provider.and_then(|provider| Label::new(provider.id()).ok()).unwrap_or(value)
}

fn settings(fields: &mut FieldReader<'_>) -> Option<AlertRuleSettings> {
    let name = fields.optional("name", id);
    let dimension = fields.optional("dimension", one_of("'agent', 'department', 'model' or 'provider'"));
    let value = fields.optional("value", label);
    if dimension.is_some() != value.is_some() {
        let (name, given) = if value.is_none() { ("value", "'dimension'") } else { ("dimension", "'value'") };
        fields.fault(name, Invalid::new("missing", format!("Field required together with {given}")));
    }
    let scope = dimension
        .zip(value)
        .map(|(dimension, value)| AlertScope { dimension, value: spelled(dimension, value) });
    let condition = match fields.required("type", one_of("'limit', 'spike' or 'unpriced'"))? {
        RuleType::Limit => {
            let period = fields.required("period", one_of("'day', 'week' or 'month'"));
            let amount = fields.required("amount", quantity(MAX_MONEY)).map(Usd::new);
            AlertCondition::Limit { period: period?, amount: amount? }
        }
        RuleType::Spike => {
            let factor = fields.required("factor", |raw| factor(decimal(MAX_FACTOR, 2)(raw)?));
            let days = fields.optional("days", integer(1..=MAX_MEAN_DAYS.into())).unwrap_or(DAYS);
            let minimum = fields.required("minimum", quantity(MAX_MONEY)).map(Usd::new);
            let days = u32::try_from(days).unwrap_or(MAX_MEAN_DAYS);
            AlertCondition::Spike { factor_percent: factor?, days, minimum: minimum? }
        }
        RuleType::Unpriced => {
            let requests = fields.optional("requests", integer(1..=1_000_000_000)).unwrap_or(1);
            AlertCondition::Unpriced { requests }
        }
    };
    Some(AlertRuleSettings { name, scope, condition })
}

/// Reads a factor of at least one, and converts it to percent.
fn factor(factor: Decimal) -> Result<u32, Invalid> {
    let percent = (factor * Decimal::ONE_HUNDRED).to_u32().filter(|percent| *percent >= 100);
    percent.ok_or_else(|| Invalid::new("greater_than_equal", "Input should be greater than or equal to 1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading_required;

    fn read(text: &str) -> Result<AlertRuleSettings, Vec<String>> {
        reading_required(text, settings)
    }

    #[test]
    fn each_type_has_its_own_fields() {
        let rule =
            read(r#"{"type":"spike","factor":2.5,"minimum":"10","dimension":"model","value":"gpt-4o"}"#);
        let spike = AlertCondition::Spike { factor_percent: 250, days: 7, minimum: Usd::new(Decimal::TEN) };
        assert_eq!(rule.map(|rule| rule.condition), Ok(spike));
        let unpriced = read(r#"{"type":"unpriced"}"#).unwrap();
        assert_eq!((unpriced.condition, unpriced.scope), (AlertCondition::Unpriced { requests: 1 }, None));
        for (bad, faults) in [
            ("{}", &[r#"["body","type"] missing"#][..]),
            (r#"{"type":"limit"}"#, &[r#"["body","period"] missing"#, r#"["body","amount"] missing"#]),
            (r#"{"type":"unpriced","amount":1}"#, &[r#"["body","amount"] extra_forbidden"#]),
            (r#"{"type":"unpriced","value":"x"}"#, &[r#"["body","dimension"] missing"#]),
            (
                r#"{"type":"unpriced","dimension":"project_id","value":"x"}"#,
                &[r#"["body","dimension"] enum"#, r#"["body","dimension"] missing"#],
            ),
            (r#"{"type":"spike","factor":0.99,"minimum":0}"#, &[r#"["body","factor"] greater_than_equal"#]),
            (r#"{"type":"spike","factor":1.001,"minimum":0}"#, &[r#"["body","factor"] decimal_max_places"#]),
            (r#"{"type":"spike","factor":2,"minimum":0,"days":29}"#, &[r#"["body","days"] less_than_equal"#]),
        ] {
            assert_eq!(read(bad).unwrap_err(), faults, "{bad}");
        }
    }
}
