//! `PUT` and `DELETE /api/alerts/destinations/{id}`: a webhook that receives alerts.
//!
//! A missing secret is generated and shown only in the response that creates it. When a secret is replaced, the old
//! one keeps signing for a day, so that the receiver can be switched over; to revoke a secret at once, DELETE the
//! destination first. An organization may have up to 50 destinations; a further one is a 409.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::try_join;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use ledger::ids::{Name, OrgId};
use ledger::period::Day;
use ledger::settings::{DestinationSettings, MAX_DESTINATIONS, MessageFormat};
use runtime::config::Config;
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Editor, Entity, Next, Stored};
use web::auth::Scope;
use web::body::FromBody;
use web::error::{Error, Result};
use web::fields;
use web::fields::{FieldReader, Invalid, one_of};
use web::path::Path;
use webhook;
use webhook::{SECRET_BYTES, SECRET_PREFIX, WebhookUrl};

use crate::edit::Edit;
use crate::response::Versioned;
use crate::update::Update;
use crate::{App, Route, reserved};

/// How many of the newest alerts are searched for those that a new destination missed.
const MAX_EARLIER: usize = 100;

pub fn routes() -> Vec<Route> {
    let path = "/api/alerts/destinations/{id+}";
    vec![Route::put(path, Scope::RegistryWrite, put), Route::delete(path, Scope::RegistryWrite, delete)]
}

#[derive(Debug, Serialize)]
pub struct Destination {
    id: Name,
    url: String,
    #[serde(skip_serializing_if = "MessageFormat::is_json")]
    format: MessageFormat,
    /// Only in the response to the request that generated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Only in the response to a request that adds the destination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    earlier_alerts: Vec<String>,
}

/// The request body.
#[derive(Clone, PartialEq, Eq)]
struct DestinationBody {
    url: String,
    secret: Option<String>,
    format: MessageFormat,
}

async fn put(
    State(app): State<App>,
    Update { editor, path: id, body: wanted }: Update<Name, DestinationBody>,
) -> Result<Response> {
    reserved::check_destination(id.as_str())?;
    let known = app.tables.registry.destinations(&editor.org).await?;
    if known.len() >= MAX_DESTINATIONS && known.iter().all(|(known, _)| *known != id) {
        return Err(Error::Conflict(format!(
            "There are {MAX_DESTINATIONS} destinations already, which is the maximum."
        )));
    }
    let made = wanted.secret.is_none().then(webhook::new_secret);
    let secret = wanted.secret.or_else(|| made.clone()).unwrap_or_default();
    let decide = |stored: &Stored<DestinationSettings>| {
        let previous = stored.settings.as_ref();
        let next = DestinationSettings::replacing(wanted.url.clone(), secret.clone(), previous, editor.now);
        Ok(Next::to(DestinationSettings { format: wanted.format, ..next }, stored))
    };
    let stored =
        app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org, &id), decide).await?;
    let is_new = known.iter().all(|(known, _)| *known != id);
    let earlier = if is_new { earlier_alerts(&app, &editor).await? } else { Vec::new() };
    let mut response = view(id, &stored, made, earlier).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// This month's alerts that were sent to the other channels, newest first. They can be delivered again to all channels.
async fn earlier_alerts(app: &App, editor: &Editor) -> Result<Vec<String>> {
    let registry = &app.tables.registry;
    let alerts = registry.alerts(&editor.org, None, MAX_EARLIER);
    let (alerts, calendar) = try_join!(alerts, registry.calendar(&editor.org))?;
    let month = Day::of(editor.now, calendar.zone).month();
    let of_month = alerts.iter().filter(|alert| alert.key.month == month && alert.can_be_delivered());
    Ok(of_month.map(|alert| alert.id().to_string()).collect())
}

async fn delete(State(app): State<App>, Edit(editor): Edit, Path(id): Path<Name>) -> Result<StatusCode> {
    let decide = |stored: &Stored<DestinationSettings>| Next::clear(stored, "Destination not found");
    app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org, &id), decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId, id: &Name) -> Entity<'static> {
    let what = format!("destination {id}");
    Entity { key: keys::destination(org, id), what, agent: None, always_there: false }
}

/// The destination as shown in responses. `secret` is one that was generated for this response.
pub(crate) fn view(
    id: Name,
    stored: &Stored<DestinationSettings>,
    secret: Option<String>,
    earlier_alerts: Vec<String>,
) -> Versioned<Destination> {
    let settings = stored.settings.as_ref();
    let url = settings.map(|settings| settings.url.clone()).unwrap_or_default();
    let format = settings.map(|settings| settings.format).unwrap_or_default();
    Versioned::new(Destination { id, url, format, secret, earlier_alerts }, stored)
}

impl FromBody for DestinationBody {
    fn from_body(fields: &mut FieldReader<'_>, config: &Config) -> Option<Self> {
        settings(fields, config.allow_local_webhooks)
    }
}

fn settings(fields: &mut FieldReader<'_>, allow_local: bool) -> Option<DestinationBody> {
    let url = fields.required("url", |raw| url(raw, allow_local));
    let secret = fields.optional("secret", secret);
    let format = fields.optional("format", one_of("'json', 'slack' or 'teams'")).unwrap_or_default();
    Some(DestinationBody { url: url?, secret, format })
}

/// A URL that webhooks may be sent to. Addresses behind a host name are checked on every delivery, since they may
/// change.
fn url(raw: &RawValue, allow_local: bool) -> Result<String, Invalid> {
    let text = fields::string(raw)?;
    match WebhookUrl::parse(&text, allow_local) {
        Ok(_) => Ok(text),
        Err(unfit) => Err(Invalid::new(unfit.kind(), unfit.to_string())),
    }
}

fn secret(raw: &RawValue) -> Result<String, Invalid> {
    let text = fields::string(raw)?;
    if webhook::secret_bytes(&text).is_some() {
        return Ok(text);
    }
    let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
    Err(Invalid::new(
        "secret",
        format!("Secret should be {SECRET_PREFIX} and the base64 of {least} to {most} bytes"),
    ))
}

#[cfg(test)]
mod tests {
    use webhook::MAX_URL_BYTES;

    use super::*;
    use crate::limits::tests::reading_required;

    fn fault(field: &str, value: &str, allow_local: bool) -> Option<String> {
        let url = if field == "url" { "" } else { r#","url":"https://a.example""# };
        let text = format!(r#"{{"{field}":{}{url}}}"#, serde_json::to_string(value).unwrap());
        reading_required(&text, |fields| settings(fields, allow_local)).err().map(|faults| faults.join(" "))
    }

    #[test]
    fn only_public_https_urls_are_accepted() {
        for good in ["https://a.example", "HTTPS://a.example:8443/x?y=z", "https://[2606:4700:4700::1111]/"] {
            assert_eq!((fault("url", good, false), fault("url", good, true)), (None, None), "{good}");
        }
        for (bad, kind) in [
            ("http://a.example", "url_scheme"),
            ("ftp://a.example", "url_scheme"),
            ("https://user:pass@a.example", "url_parsing"),
            ("https://a.example/#x", "url_parsing"),
            ("https://", "url_parsing"),
            ("https:///x", "url_parsing"),
            ("https://a example", "url_parsing"),
            ("/x", "url_parsing"),
            ("", "url_parsing"),
            ("https://a.example:25", "url_port"),
            ("https://10.0.0.1", "url_address"),
            ("https://0xa9fea9fe/latest/meta-data", "url_address"),
            ("https://[::ffff:127.0.0.1]/", "url_address"),
        ] {
            for allow_local in [false, true] {
                let expected = format!(r#"["body","url"] {kind}"#);
                assert_eq!(fault("url", bad, allow_local), Some(expected), "{bad}");
            }
        }
        let long = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        assert_eq!(fault("url", &long(MAX_URL_BYTES), false), None);
        assert!(fault("url", &long(MAX_URL_BYTES + 1), false).unwrap().ends_with("url_too_long"));
        let nothing = reading_required("{}", |fields| settings(fields, false)).err().unwrap();
        assert_eq!(nothing, [r#"["body","url"] missing"#]);
    }

    #[test]
    fn local_urls_are_accepted_only_if_allowed() {
        for (url, kind) in [
            ("http://127.0.0.1:9000/", "scheme"),
            ("https://localhost/", "address"),
            ("https://[::1]/", "address"),
        ] {
            assert_eq!(fault("url", url, true), None, "{url}");
            assert_eq!(fault("url", url, false), Some(format!(r#"["body","url"] url_{kind}"#)), "{url}");
        }
    }

    #[test]
    fn only_standard_webhooks_secrets_are_accepted() {
        assert_eq!(fault("secret", &webhook::new_secret(), false), None);
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(fault("secret", bad, false).unwrap(), r#"["body","secret"] secret"#, "{bad}");
        }
    }
}
