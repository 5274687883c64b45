//! `PUT` and `DELETE /api/alerts/destinations/{id}`: a webhook that alerts are sent to.
//!
//! A secret that is left out is made, and shown in this one answer. One that replaces another signs beside it for a
//! day, so that the receiver can be switched over; to end a secret at once, DELETE the destination first.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::CACHE_CONTROL;
use http::uri::Authority;
use http::{HeaderValue, StatusCode, Uri};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::Result;
use shared::app::{App, Route};
use shared::auth::Scope;
use shared::error::Error;
use shared::fields::{self, Bad, Fields};
use shared::ids::{Name, OrgId};
use shared::store::keys;
use shared::store::registry::{DestinationSettings, Entity, Next, Stored};

use crate::answer::Versioned;
use crate::body::Body;
use crate::edit::Edit;
use crate::input::{Path, both};

/// The longest URL, in bytes.
const MAX_URL: usize = 2048;
/// What a secret begins with, by Standard Webhooks.
const SECRET_PREFIX: &str = "whsec_";
/// The bytes of a secret, by Standard Webhooks.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

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
    let (id, wanted) = both(path.id::<Name>("id"), body.read_required(settings))?;
    let made = wanted.secret.is_none().then(new_secret);
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
        None => Err(Error::NotFound("Destination not found")),
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

fn settings(fields: &mut Fields<'_>) -> Option<Wanted> {
    let url = fields.required("url", url);
    let secret = fields.optional("secret", secret);
    Some(Wanted { url: url?, secret })
}

/// An `https` URL with a host and without a user or a fragment. Whether the host's address is a public one is looked
/// at when something is sent to it: names change.
fn url(raw: &RawValue) -> Result<String, Bad> {
    let text = fields::string(raw)?;
    if text.len() > MAX_URL {
        return Err(("url_too_long", format!("URL should have at most {MAX_URL} bytes")));
    }
    let parsed = text.parse::<Uri>().ok().filter(|_| !text.contains('#'));
    let authority = parsed.as_ref().and_then(Uri::authority).map(Authority::as_str);
    let host = parsed.as_ref().and_then(Uri::host).unwrap_or_default();
    let whole = authority.is_some_and(|authority| !authority.contains('@')) && !host.is_empty();
    match parsed.as_ref().and_then(Uri::scheme_str) {
        Some("https") if whole => Ok(text),
        Some(scheme) if scheme != "https" && whole => {
            Err(("url_scheme", "URL scheme should be 'https'".to_owned()))
        }
        _ => Err(("url_parsing", "Input should be an https URL without user or fragment".to_owned())),
    }
}

fn secret(raw: &RawValue) -> Result<String, Bad> {
    let text = fields::string(raw)?;
    let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|text| BASE64.decode(text).ok());
    if bytes.is_some_and(|bytes| SECRET_BYTES.contains(&bytes.len())) {
        return Ok(text);
    }
    let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
    Err(("secret", format!("Secret should be {SECRET_PREFIX} and the base64 of {least} to {most} bytes")))
}

fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", BASE64.encode(rand::random::<[u8; 32]>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::reading_required;

    fn fault(field: &str, value: &str) -> Option<String> {
        let url = if field == "url" { "" } else { r#","url":"https://a.example""# };
        let text = format!(r#"{{"{field}":{}{url}}}"#, serde_json::to_string(value).unwrap());
        reading_required(&text, settings).err().map(|faults| faults.join(" "))
    }

    #[test]
    fn only_https_urls_are_taken() {
        for good in ["https://a.example", "HTTPS://a.example:8443/x?y=z", "https://[2001:db8::1]/"] {
            assert_eq!(fault("url", good), None, "{good}");
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
        ] {
            assert_eq!(fault("url", bad), Some(format!(r#"["body","url"] {kind}"#)), "{bad}");
        }
        let long = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        assert_eq!(fault("url", &long(MAX_URL)), None);
        assert!(fault("url", &long(MAX_URL + 1)).unwrap().ends_with("url_too_long"));
        assert_eq!(reading_required("{}", settings).err().unwrap(), [r#"["body","url"] missing"#]);
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        let of = |bytes: usize| format!("whsec_{}", BASE64.encode(vec![7; bytes]));
        assert_eq!((fault("secret", &of(24)), fault("secret", &of(64))), (None, None));
        for bad in
            [of(23), of(65), "whsec_".to_owned(), of(24).replace("whsec_", ""), of(25).replace('=', "")]
        {
            assert_eq!(fault("secret", &bad).unwrap(), r#"["body","secret"] secret"#, "{bad}");
        }
        assert_eq!(fault("secret", &new_secret()), None);
        assert_ne!(new_secret(), new_secret());
    }
}
