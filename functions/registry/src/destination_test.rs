//! `POST /api/alerts/destinations/{id}/test`: sends a message to a destination now, and tells what became of it.
//!
//! The message is signed like any other, has an id of its own each time, and reads
//!
//! ```json
//! {"type":"alert.test","version":1,"timestamp":"2026-11-20T10:00:00Z",
//!  "data":{"organization":"acme","destination":"ops"}}
//! ```
//!
//! `version` changes when a field changes its meaning or goes; a field that is added leaves it as it is.
//!
//! The answer is 200 whether it was delivered or not. `status` is what the receiver answered, null where it did not.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use ledger::alert::DeliveryFailure;
use ledger::ids::{Name, OrgId};
use ledger::period::rfc3339;
use ledger::settings::DestinationSettings;
use serde::Serialize;
use serde_json::json;
use store::keys;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Error;
use web::error::Result;
use web::route::Route;
use webhook::{Policy, Sent, Webhooks};

use crate::input::Path;

/// What follows the id in the path. Ids may hold slashes, so the parameter takes all that is left, and this with it.
const SUFFIX: &str = "/test";
/// The version of the message.
const VERSION: u32 = 1;

/// The route of this endpoint.
pub fn route() -> Route {
    Route::post("/api/alerts/destinations/{id+}", Scope::RegistryWrite, handle)
}

/// What became of the message.
#[derive(Debug, Serialize)]
pub struct Outcome {
    delivered: bool,
    status: Option<u16>,
    detail: String,
}

async fn handle(State(app): State<App>, caller: Caller, path: Path) -> Result<Json<Outcome>> {
    let id = path.id_before::<Name>("id", SUFFIX).ok_or(Error::NotFound("Not Found"))?;
    let id = id.map_err(Error::Validation)?;
    // Consistent: whoever tests has often just set it.
    let stored = app.store.known::<DestinationSettings>(&keys::destination(&caller.org, &id), true).await?;
    let settings = stored.settings.ok_or(Error::NotFound("Destination not found"))?;
    // Made here, not in the init phase: it reads root certificates, which no other route has a use for.
    let webhooks = Webhooks::new(Policy::new(app.config.allow_local_webhooks)).map_err(Error::internal)?;
    let now = app.clock.now();
    let secrets: Vec<_> = settings.secrets_at(now).collect();
    let body = message(&caller.org, &id, now);
    let sent = webhooks.send(&settings.url, &secrets, &webhook::unique_id(), now, body.as_bytes()).await;
    let outcome = outcome(sent);
    // The URL is not logged: its path and query can hold tokens.
    tracing::info!(org = %caller.org, destination = %id, outcome.delivered, outcome.status, "test message");
    Ok(Json(outcome))
}

fn message(org: &OrgId, id: &Name, now: DateTime<Utc>) -> String {
    let data = json!({ "organization": org, "destination": id });
    json!({ "type": "alert.test", "version": VERSION, "timestamp": rfc3339(now), "data": data }).to_string()
}

fn outcome(sent: Result<Sent, DeliveryFailure>) -> Outcome {
    match sent {
        Ok(Sent { status }) => {
            let detail = format!("The receiver answered {status}");
            Outcome { delivered: true, status: Some(status), detail }
        }
        Err(DeliveryFailure { status, detail, .. }) => Outcome { delivered: false, status, detail },
    }
}
