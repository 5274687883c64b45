//! `GET /api/alerts`: budget alerts, newest first, then by id.
//!
//! Parameters: `limit` (1 to 500, default 100) and `status`. `pending`: a delivery is outstanding. `sent`: all are
//! delivered. `dead_lettered`: a delivery failed for good and is retried only after a POST to `/redeliver`.
//! `resolved`: sent, and the budget has since been raised or removed. `superseded`: not sent, because an alert of a
//! higher threshold was sent in its place. Alerts are kept for 400 days.
//!
//! Only the host of a webhook's address is shown, and never a secret.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, SubsecRound, Utc};
use ledger::alert::{
    AlertKind, Channel, Delivery, DeliveryState, ForecastBasis, MessageType, Resolution, RuleFacts, Status,
    Subject,
};
use ledger::ids::Name;
use ledger::money::{Number, Usd, percent};
use ledger::period::rfc3339;
use serde::Serialize;
use store::alerts::{Alert as Stored, MAX_LISTED};
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::{FromQuery, Query, QueryReader};

use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/alerts", Scope::RegistryRead, handle)
}

pub struct Params {
    limit: u32,
    status: Option<Status>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let limit = query.integer("limit", 1..=MAX_LISTED, 100);
        let text = query.text("status");
        let status = text.as_deref().and_then(Status::parse);
        if text.is_some() && status.is_none() {
            let msg = "Input should be 'pending', 'sent', 'dead_lettered', 'resolved' or 'superseded'";
            query.fault("status", "enum", msg);
        }
        Self { limit, status }
    }
}

#[derive(Debug, Serialize)]
pub struct Response {
    items: Vec<Alert>,
}

#[derive(Debug, Serialize)]
pub struct Alert {
    id: String,
    #[serde(rename = "type")]
    message_type: MessageType,
    status: Status,
    summary: String,
    subject: Subject,
    kind: AlertKind,
    threshold_percent: u32,
    month: String,
    /// In dollars; null if the budget was removed.
    budget: Option<Number>,
    /// The month's cost when the alert was decided, in dollars.
    cost: Number,
    utilization_percent: Number,
    forecast: Option<Forecast>,
    unpriced_requests: u64,
    is_lower_bound: bool,
    decided_at: String,
    /// When the alert was found to no longer apply.
    resolved_at: Option<String>,
    /// The alerts that this one resolves.
    resolves: Vec<Resolution>,
    /// For an alert of a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleFacts>,
    deliveries: Vec<DeliveryView>,
}

/// Forecast cost of the month.
#[derive(Debug, Serialize)]
struct Forecast {
    cost: Number,
    utilization_percent: Number,
    days_left: u32,
    basis: Basis,
}

#[derive(Debug, Serialize)]
struct Basis {
    days: u32,
    from: ledger::period::Day,
    to: ledger::period::Day,
    mean_daily_cost: Number,
}

/// The delivery of an alert to one channel.
#[derive(Debug, Serialize)]
struct DeliveryView {
    /// `webhook`, or `topic` for the SNS topic that all organizations' alerts are published to.
    outlet: &'static str,
    /// The destination of a webhook.
    destination: Option<Name>,
    host: Option<String>,
    state: DeliveryState,
    attempts: u32,
    /// Only while the delivery is pending.
    next_attempt_at: Option<String>,
    delivered_at: Option<String>,
    last_failure: Option<String>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let alerts = app.tables.registry.alerts(&caller.org, params.status, params.limit as usize).await?;
    let items = alerts.iter().map(view).collect::<Result<_>>()?;
    Ok(Json(Response { items }))
}

pub(crate) fn view(stored: &Stored) -> Result<Alert> {
    let message = stored.read()?;
    let facts = message.data;
    let share = |cost: Usd| percent(cost.dollars(), facts.budget.unwrap_or_default().dollars());
    Ok(Alert {
        id: stored.id().to_string(),
        message_type: message.message_type,
        status: stored.status(),
        month: stored.key.month.to_string(),
        budget: facts.budget.map(Number::usd),
        cost: Number::usd(facts.cost),
        utilization_percent: share(facts.cost),
        forecast: facts.forecast.as_ref().map(|forecast| Forecast {
            cost: Number::usd(forecast.cost),
            utilization_percent: share(forecast.cost),
            days_left: forecast.days_left,
            basis: basis(&forecast.basis),
        }),
        unpriced_requests: facts.unpriced_requests,
        is_lower_bound: facts.is_lower_bound,
        decided_at: millis(stored.decided),
        resolved_at: stored.resolved.map(millis),
        deliveries: stored.deliveries.iter().map(delivery_view).collect(),
        summary: facts.summary,
        subject: facts.subject,
        kind: facts.kind,
        threshold_percent: facts.threshold_percent,
        resolves: facts.resolves,
        rule: facts.rule,
    })
}

fn basis(basis: &ForecastBasis) -> Basis {
    let ForecastBasis { days, from, to, mean_daily_cost } = basis;
    Basis { days: *days, from: *from, to: *to, mean_daily_cost: Number::usd(*mean_daily_cost) }
}

fn delivery_view(delivery: &Delivery) -> DeliveryView {
    let (outlet, destination) = match &delivery.channel {
        Channel::Webhook(id) => ("webhook", Some(id.clone())),
        Channel::Topic => ("topic", None),
        Channel::Print => ("print", None),
    };
    let is_pending = delivery.state == DeliveryState::Pending;
    DeliveryView {
        outlet,
        destination,
        host: delivery.host.clone(),
        state: delivery.state,
        attempts: delivery.attempts,
        next_attempt_at: is_pending.then(|| millis(delivery.next)),
        delivered_at: delivery.delivered.map(millis),
        last_failure: delivery.failure.clone(),
    }
}

/// Formats an instant in milliseconds, because some languages cannot read more digits.
fn millis(instant: DateTime<Utc>) -> String {
    rfc3339(instant.trunc_subsecs(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Option<(u32, Option<Status>)> {
        let mut query = QueryReader::parse(text);
        let params = Params::from_query(&mut query);
        query.finish().ok().map(|()| (params.limit, params.status))
    }

    #[test]
    fn limit_and_status_are_checked() {
        assert_eq!(params(""), Some((100, None)));
        assert_eq!(params("limit=1&status=dead_lettered"), Some((1, Some(Status::DeadLettered))));
        assert_eq!(params("limit=500&status=sent"), Some((500, Some(Status::Sent))));
        for bad in ["limit=0", "limit=501", "limit=x", "status=", "status=Sent", "status=sent&status=sent"] {
            assert_eq!(params(bad), None, "{bad}");
        }
    }
}
