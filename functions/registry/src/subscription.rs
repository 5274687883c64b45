//! `GET`, `PUT` and `DELETE /v1/billing/subscription`: the organization's plan. Without one, GET returns the defaults
//! of "No Plan".

use std::ops::RangeInclusive;

use axum::extract::State;
use chrono::{DateTime, Datelike, Utc};
use http::StatusCode;
use ledger::ids::OrgId;
use ledger::period::rfc3339;
use ledger::settings::{BillingCycle, PlanSettings, PlanStatus};
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
use web::fields::{FieldReader, Invalid, integer, one_of, text};

use crate::edit::Edit;
use crate::limits::NAME;
use crate::response::Versioned;
use crate::update::{Once, Update};
use crate::{App, Route};

/// The highest price and limit; arithmetic on them cannot overflow.
const MAX_COUNT: u64 = 1_000_000_000_000_000;
/// Length of an optional text in characters.
const LABEL: RangeInclusive<usize> = 0..=200;
/// Number of subscribed tiers.
const TIERS: RangeInclusive<usize> = 0..=50;
/// Years of periods and trials.
const YEARS: RangeInclusive<i32> = 1970..=9998;

pub fn routes() -> Vec<Route> {
    let path = "/v1/billing/subscription";
    vec![
        Route::get(path, Scope::RegistryRead, get),
        Route::put(path, Scope::RegistryWrite, put),
        Route::delete(path, Scope::RegistryWrite, delete),
    ]
}

#[derive(Debug, Serialize)]
pub struct Subscription {
    plan_name: String,
    product_name: String,
    status: PlanStatus,
    tier_id: String,
    tier_slug: String,
    billing_cycle: BillingCycle,
    price_cents: u64,
    token_allowance: u64,
    api_call_limit: u64,
    conversation_limit: u64,
    instance_limit: u64,
    max_sites_per_node: u64,
    current_period_start: Option<String>,
    current_period_end: Option<String>,
    trial_ends_at: Option<String>,
    subscribed_tier_ids: Vec<String>,
}

struct SubscriptionBody(PlanSettings);

async fn get(State(app): State<App>, caller: Caller) -> Result<Versioned<Subscription>> {
    Ok(view(&app.tables.registry.stored(&keys::plan(&caller.org)).await?))
}

async fn put(
    State(app): State<App>,
    Update { editor, body: SubscriptionBody(wanted), .. }: Update<Once, SubscriptionBody>,
) -> Result<Versioned<Subscription>> {
    let decide = |stored: &Stored<_>| Ok(Next::to(wanted.clone(), stored));
    Ok(view(&app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org), decide).await?))
}

async fn delete(State(app): State<App>, Edit(editor): Edit) -> Result<StatusCode> {
    let decide =
        |stored: &Stored<PlanSettings>| Ok(if stored.settings.is_some() { Next::Clear } else { Next::Keep });
    app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org), decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId) -> Entity<'static> {
    Entity { key: keys::plan(org), what: "subscription".to_owned(), agent: None, always_there: true }
}

fn view(stored: &Stored<PlanSettings>) -> Versioned<Subscription> {
    let plan = stored.settings.clone().unwrap_or_default();
    let subscription = Subscription {
        plan_name: plan.plan_name,
        product_name: plan.product_name,
        status: plan.status,
        tier_id: plan.tier_id,
        tier_slug: plan.tier_slug,
        billing_cycle: plan.billing_cycle,
        price_cents: plan.price_cents,
        token_allowance: plan.token_allowance,
        api_call_limit: plan.api_call_limit,
        conversation_limit: plan.conversation_limit,
        instance_limit: plan.instance_limit,
        max_sites_per_node: plan.max_sites_per_node,
        current_period_start: plan.current_period_start.map(rfc3339),
        current_period_end: plan.current_period_end.map(rfc3339),
        trial_ends_at: plan.trial_ends_at.map(rfc3339),
        subscribed_tier_ids: plan.subscribed_tier_ids,
    };
    Versioned::new(subscription, stored)
}

impl FromBody for SubscriptionBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        Some(Self(settings(fields)))
    }
}

fn settings(fields: &mut FieldReader<'_>) -> PlanSettings {
    let default = PlanSettings::default();
    let statuses = "'none', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled' or 'incomplete'";
    let [current_period_start, current_period_end] = period(fields);
    PlanSettings {
        plan_name: fields.optional("plan_name", text(NAME)).unwrap_or(default.plan_name),
        product_name: fields.optional("product_name", text(LABEL)).unwrap_or_default(),
        status: fields.optional("status", one_of(statuses)).unwrap_or_default(),
        tier_id: fields.optional("tier_id", text(LABEL)).unwrap_or_default(),
        tier_slug: fields.optional("tier_slug", text(LABEL)).unwrap_or_default(),
        billing_cycle: fields.optional("billing_cycle", one_of("'monthly' or 'annual'")).unwrap_or_default(),
        price_cents: count(fields, "price_cents", default.price_cents),
        token_allowance: count(fields, "token_allowance", default.token_allowance),
        api_call_limit: count(fields, "api_call_limit", default.api_call_limit),
        conversation_limit: count(fields, "conversation_limit", default.conversation_limit),
        instance_limit: count(fields, "instance_limit", default.instance_limit),
        max_sites_per_node: count(fields, "max_sites_per_node", default.max_sites_per_node),
        current_period_start,
        current_period_end,
        trial_ends_at: fields.optional("trial_ends_at", instant),
        subscribed_tier_ids: fields.list("subscribed_tier_ids", &TIERS, || text(NAME)).unwrap_or_default(),
    }
}

fn count(fields: &mut FieldReader<'_>, name: &'static str, default: u64) -> u64 {
    fields.optional(name, integer(0..=MAX_COUNT)).unwrap_or(default)
}

/// Both ends of the current period or neither, in order.
fn period(fields: &mut FieldReader<'_>) -> [Option<DateTime<Utc>>; 2] {
    let names = ["current_period_start", "current_period_end"];
    let given = names.map(|name| fields.raw(name).filter(|raw| raw.get() != "null"));
    let mut ends = [None, None];
    for (i, raw) in given.into_iter().enumerate() {
        match raw.map(instant) {
            Some(Ok(end)) => ends[i] = Some(end),
            Some(Err(bad)) => fields.fault(names[i], bad),
            None if given[1 - i].is_some() => {
                let msg = format!("Field required together with {}", names[1 - i]);
                fields.fault(names[i], Invalid::new("missing", msg));
            }
            None => {}
        }
    }
    if let [Some(start), Some(end)] = ends
        && end <= start
    {
        fields.fault(names[1], Invalid::new("period", "Period should end after it begins"));
    }
    ends
}

fn instant(raw: &RawValue) -> Result<DateTime<Utc>, Invalid> {
    let instant = fields::instant(raw)?;
    if YEARS.contains(&instant.year()) {
        return Ok(instant);
    }
    let msg = format!("Input should lie in the years {} to {}", YEARS.start(), YEARS.end());
    Err(Invalid::new("datetime_range", msg))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading;

    #[test]
    fn missing_fields_take_the_defaults_of_no_plan() {
        assert_eq!(reading("{}", settings), Ok(PlanSettings::default()));
        let plan = PlanSettings::default();
        assert_eq!((plan.plan_name.as_str(), plan.status.as_str()), ("No Plan", "none"));
    }

    #[test]
    fn a_period_has_two_ends_in_order() {
        let read = |start: &str, end: &str| {
            let text = format!(r#"{{"current_period_start":{start},"current_period_end":{end}}}"#);
            reading(&text, settings)
        };
        let (earlier, later) = (r#""2026-11-01T00:00:00+01:00""#, r#""2026-11-01T00:00:00Z""#);
        let plan = read(earlier, later).unwrap();
        assert_eq!(plan.current_period_start.map(rfc3339).as_deref(), Some("2026-10-31T23:00:00Z"));
        for bad in [read(later, later), read(later, earlier)] {
            assert_eq!(bad.unwrap_err(), [r#"["body","current_period_end"] period"#]);
        }
        assert_eq!(read("null", later).unwrap_err(), [r#"["body","current_period_start"] missing"#]);
        assert_eq!(read(later, "null").unwrap_err(), [r#"["body","current_period_end"] missing"#]);
        assert_eq!(read("null", "null"), reading("{}", settings));
        let odd = read("\"yesterday\"", "\"9999-01-01T00:00:00Z\"").unwrap_err();
        assert_eq!(
            odd,
            [
                r#"["body","current_period_start"] datetime_parsing"#,
                r#"["body","current_period_end"] datetime_range"#,
            ]
        );
    }

    #[test]
    fn counts_enums_and_tiers_are_checked() {
        let good = r#"{"price_cents":1000000000000000,"token_allowance":0,"status":"past_due","plan_name":"Pro",
            "billing_cycle":"annual","product_name":"","trial_ends_at":"2026-12-01T00:00:00Z",
            "subscribed_tier_ids":["a","b"]}"#;
        let plan = reading(good, settings).unwrap();
        assert_eq!((plan.price_cents, plan.token_allowance), (MAX_COUNT, 0));
        assert_eq!((plan.status, plan.billing_cycle), (PlanStatus::PastDue, BillingCycle::Annual));
        assert_eq!(plan.subscribed_tier_ids, ["a", "b"]);
        let tier = |count: usize| {
            let tiers = vec!["\"t\""; count].join(",");
            reading(&format!(r#"{{"subscribed_tier_ids":[{tiers}]}}"#), settings)
        };
        assert!(tier(50).is_ok());
        assert_eq!(tier(51).unwrap_err(), [r#"["body","subscribed_tier_ids"] too_long"#]);
        let bad = r#"{"price_cents":1000000000000001,"token_allowance":-1,"status":"on","plan_name":"",
            "billing_cycle":"weekly","subscribed_tier_ids":["a",1,""]}"#;
        assert_eq!(
            reading(bad, settings).unwrap_err(),
            [
                r#"["body","plan_name"] string_too_short"#,
                r#"["body","status"] enum"#,
                r#"["body","billing_cycle"] enum"#,
                r#"["body","price_cents"] less_than_equal"#,
                r#"["body","token_allowance"] greater_than_equal"#,
                r#"["body","subscribed_tier_ids",1] string_type"#,
                r#"["body","subscribed_tier_ids",2] string_too_short"#,
            ]
        );
    }
}
