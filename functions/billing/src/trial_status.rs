//! `GET /v1/billing/trial-status`: whether a trial is running and for how long. Reads a single item.

use axum::Json;
use axum::extract::State;
use ledger::period::rfc3339;
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::route::Route;

use crate::trial;

/// Where a user interface lets a plan be chosen.
const UPGRADE_URL: &str = "/billing";

pub fn route() -> Route {
    Route::get("/v1/billing/trial-status", Scope::BillingRead, handle)
}

#[derive(Debug, Serialize)]
pub struct Response {
    plan_name: String,
    status: &'static str,
    /// A day that has begun counts as a day.
    trial_days_remaining: i64,
    /// Empty if there is no trial.
    trial_ends_at: String,
    /// Whether the organization is still on trial after the trial has ended.
    trial_expired: bool,
    upgrade_url: &'static str,
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Response>> {
    let plan = app.store.plan(&caller.org).await?.unwrap_or_default();
    let now = app.clock.now();
    Ok(Json(Response {
        status: plan.status.as_str(),
        trial_days_remaining: trial::days_remaining(&plan, now),
        trial_ends_at: plan.trial_ends_at.map(rfc3339).unwrap_or_default(),
        trial_expired: trial::is_expired(&plan, now),
        plan_name: plan.plan_name,
        upgrade_url: UPGRADE_URL,
    }))
}
