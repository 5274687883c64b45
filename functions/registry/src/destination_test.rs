//! `POST /api/alerts/destinations/{id}/test`: sends a test message to a destination and reports the outcome.
//!
//! The message is signed like any other, has a new id each time, and reads
//!
//! ```json
//! {"type":"alert.test","version":1,"timestamp":"2026-11-20T10:00:00Z",
//!  "data":{"organization":"acme","destination":"ops"}}
//! ```
//!
//! or, in the formats of Slack and Teams, a sentence that says the same. `version` changes when a field is removed or
//! changes its meaning, not when a field is added.
//!
//! The response is 200 whether or not the message was delivered. `status` is the receiver's, or null if there was
//! none.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, SubsecRound, Utc};
use ledger::alert::{DeliveryFailure, note};
use ledger::ids::{Name, OrgId};
use ledger::period::rfc3339;
use ledger::settings::DestinationSettings;
use serde::Serialize;
use serde_json::json;
use store::keys;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Result};
use web::path::Path;
use webhook::{Policy, Sent, Webhooks};

use crate::{App, Route};

/// Version of the message format.
const VERSION: u32 = 1;

pub fn route() -> Route {
    Route::post("/api/alerts/destinations/{id+}/test", Scope::RegistryWrite, handle)
}

#[derive(Debug, Serialize)]
pub struct TestOutcome {
    delivered: bool,
    status: Option<u16>,
    detail: String,
}

async fn handle(State(app): State<App>, caller: Caller, Path(id): Path<Name>) -> Result<Json<TestOutcome>> {
    // Strongly consistent: a destination is often tested right after it was set.
    let stored =
        app.tables.registry.stored::<DestinationSettings>(&keys::destination(&caller.org, &id)).await?;
    let settings = stored.settings.ok_or(Error::NotFound("Destination not found"))?;
    // Built here rather than at start-up: it loads root certificates, which no other route needs.
    let webhooks = Webhooks::new(Policy::new(app.config.allow_local_webhooks)).map_err(Error::internal)?;
    let now = app.clock.now();
    let secrets: Vec<_> = settings.secrets_at(now).collect();
    let sentence = format!("A test message for the destination {id} of {}.", caller.org);
    let body = note(&sentence, settings.format).unwrap_or_else(|| message(&caller.org, &id, now));
    let sent = webhooks.send(&settings.url, &secrets, &webhook::unique_id(), now, body.as_bytes()).await;
    let outcome = outcome(sent);
    // The URL is not logged: its path and query may hold tokens.
    tracing::info!(org = %caller.org, destination = %id, outcome.delivered, outcome.status, "test message");
    Ok(Json(outcome))
}

fn message(org: &OrgId, id: &Name, now: DateTime<Utc>) -> String {
    let data = json!({ "organization": org, "destination": id });
    json!({ "type": "alert.test", "version": VERSION, "timestamp": rfc3339(now.trunc_subsecs(3)), "data": data }).to_string()
}

fn outcome(sent: Result<Sent, DeliveryFailure>) -> TestOutcome {
    match sent {
        Ok(Sent { status }) => {
            let detail = format!("The receiver answered {status}");
            TestOutcome { delivered: true, status: Some(status), detail }
        }
        Err(DeliveryFailure { status, detail, .. }) => TestOutcome { delivered: false, status, detail },
    }
}
