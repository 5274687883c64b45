//! `PUT` and `DELETE /api/alerts/destinations/{id}`: a webhook that alerts are sent to.
//!
//! A secret that is left out is made, and shown in this one answer. One that replaces another signs beside it for a
//! day, so that the receiver can be switched over; to end a secret at once, DELETE the destination first. An
//! organisation has up to 50 destinations; one more is a 409.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use ledger::ids::{Name, OrgId};
use ledger::settings::{DestinationSettings, MAX_DESTINATIONS};
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::app::App;
use web::auth::Scope;
use web::error::Error;
use web::error::Result;
use web::fields;
use web::fields::{Bad, Fields};
use web::route::Route;
use webhook;
use webhook::{SECRET_BYTES, SECRET_PREFIX, Target};

use crate::answer::Versioned;
use crate::body::Body;
use crate::edit::Edit;
use crate::input::{Path, both};

/// The routes of this thing.
pub fn routes() -> Vec<Route> {
    let path = "/api/alerts/destinations/{id+}";
    vec![Route::put(path, Scope::RegistryWrite, put), Route::delete(path, Scope::RegistryWrite, delete)]
}

/// A destination.
#[derive(Debug, Serialize)]
pub struct Destination {
    id: Name,
    url: String,
    /// Only just after it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What the body says.
#[derive(Clone, PartialEq, Eq)]
struct Wanted {
    url: String,
    secret: Option<String>,
}

async fn put(State(app): State<App>, Edit(editor): Edit, path: Path, body: Body) -> Result<Response> {
    let allow_local = app.config.allow_local_webhooks;
    let wanted = body.read_required(|fields| settings(fields, allow_local));
    let (id, wanted) = both(path.id::<Name>("id"), wanted)?;
    let known = app.store.destinations(&editor.org).await?;
    if known.len() >= MAX_DESTINATIONS && known.iter().all(|(known, _)| *known != id) {
        return Err(Error::Conflict(format!(
            "There are {MAX_DESTINATIONS} destinations, and no more are kept."
        )));
    }
    let made = wanted.secret.is_none().then(webhook::new_secret);
    let secret = wanted.secret.or_else(|| made.clone()).unwrap_or_default();
    let decide = |stored: &Stored<DestinationSettings>| {
        let previous = stored.settings.as_ref();
        let next = DestinationSettings::following(wanted.url.clone(), secret.clone(), previous, editor.now);
        Ok(Next::to(next, stored))
    };
    let stored = app.store.change(&editor, &entity(&editor.org, &id), decide).await?;
    let mut response = view(&id, &stored, made).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn delete(State(app): State<App>, Edit(editor): Edit, path: Path) -> Result<StatusCode> {
    let id: Name = path.id("id").map_err(Error::Validation)?;
    let decide = |stored: &Stored<DestinationSettings>| match stored.settings {
        Some(_) => Ok(Next::Clear),
        None => Err(store::Error::NotFound("Destination not found")),
    };
    app.store.change(&editor, &entity(&editor.org, &id), decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId, id: &Name) -> Entity<'static> {
    let what = format!("destination {id}");
    Entity { key: keys::destination(org, id), what, agent: None, always_there: false }
}

/// How a destination is shown, with the secret that was made for it just now.
pub(crate) fn view(
    id: &Name,
    stored: &Stored<DestinationSettings>,
    secret: Option<String>,
) -> Versioned<Destination> {
    let url = stored.settings.as_ref().map(|settings| settings.url.clone()).unwrap_or_default();
    Versioned::new(Destination { id: id.clone(), url, secret }, stored)
}

fn settings(fields: &mut Fields<'_>, allow_local: bool) -> Option<Wanted> {
    let url = fields.required("url", |raw| url(raw, allow_local));
    let secret = fields.optional("secret", secret);
    Some(Wanted { url: url?, secret })
}

/// A URL that webhooks may be sent to. Where its host is a name, the name's addresses are looked at when something is
/// sent: they change.
fn url(raw: &RawValue, allow_local: bool) -> Result<String, Bad> {
    let text = fields::string(raw)?;
    match Target::parse(&text, allow_local) {
        Ok(_) => Ok(text),
        Err(unfit) => Err((unfit.kind(), unfit.to_string())),
    }
}

fn secret(raw: &RawValue) -> Result<String, Bad> {
    let text = fields::string(raw)?;
    if webhook::secret_bytes(&text).is_some() {
        return Ok(text);
    }
    let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
    Err(("secret", format!("Secret should be {SECRET_PREFIX} and the base64 of {least} to {most} bytes")))
}

#[cfg(test)]
mod tests {
    use webhook::MAX_URL;

    use super::*;
    use crate::body::tests::reading_required;

    fn fault(field: &str, value: &str, allow_local: bool) -> Option<String> {
        let url = if field == "url" { "" } else { r#","url":"https://a.example""# };
        let text = format!(r#"{{"{field}":{}{url}}}"#, serde_json::to_string(value).unwrap());
        reading_required(&text, |fields| settings(fields, allow_local)).err().map(|faults| faults.join(" "))
    }

    #[test]
    fn only_urls_that_may_be_sent_to_are_taken() {
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
        assert_eq!(fault("url", &long(MAX_URL), false), None);
        assert!(fault("url", &long(MAX_URL + 1), false).unwrap().ends_with("url_too_long"));
        let nothing = reading_required("{}", |fields| settings(fields, false)).err().unwrap();
        assert_eq!(nothing, [r#"["body","url"] missing"#]);
    }

    #[test]
    fn this_machine_is_taken_only_where_that_is_allowed() {
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
    fn only_secrets_of_standard_webhooks_are_taken() {
        assert_eq!(fault("secret", &webhook::new_secret(), false), None);
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(fault("secret", bad, false).unwrap(), r#"["body","secret"] secret"#, "{bad}");
        }
    }
}
