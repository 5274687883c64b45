//! `GET /console/{path+}`: the files of the page, and the page itself under the address of each view.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use runtime::config::SignIn;
use web::error::{Error, Result};
use web::path::{FromPath, Path, PathReader};

use crate::encoding::Encoding;
use crate::files::{File, RELEASE};
use crate::policy::content_security_policy;
use crate::{App, Route, page, settings};

pub fn route() -> Route {
    Route::public("/console/{path+}", handle)
}

/// The rest of the address.
pub struct Rest(String);

impl FromPath for Rest {
    fn from_path(path: &PathReader) -> Result<Self> {
        Ok(Self(path.text("path").to_owned()))
    }
}

async fn handle(
    State(app): State<App>,
    Path(Rest(path)): Path<Rest>,
    headers: HeaderMap,
) -> Result<Response> {
    if path == settings::NAME {
        return Ok(Json(settings::settings(&app.config)).into_response());
    }
    let Some(asset) = path.strip_prefix("assets/") else { return page::page(&app, &headers) };
    let (release, name) = asset.split_once('/').ok_or(Error::NotFound("Not Found"))?;
    let file = File::find(name).ok_or(Error::NotFound("Not Found"))?;
    // During a deployment, a page of one release may send requests to a function of the other.
    let caching = if release == RELEASE { Caching::Forever } else { Caching::Revalidated };
    response(file, &headers, caching, app.config.sign_in.as_ref())
}

/// How long a browser may use its copy of a file.
#[derive(Clone, Copy)]
pub enum Caching {
    /// Without asking, because the address contains the release.
    Forever,
    /// Only after asking whether the file has changed.
    Revalidated,
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file in the encoding that the request accepts, or 304 if the client has it.
pub fn response(
    file: &'static File,
    request: &HeaderMap,
    caching: Caching,
    sign_in: Option<&SignIn>,
) -> Result<Response> {
    let encoding = Encoding::accepted(request);
    let tag = format!("\"{}-{}\"", file.hash, encoding.name().unwrap_or("plain"));
    let cache = match caching {
        Caching::Forever => "public, max-age=31536000, immutable",
        Caching::Revalidated => "no-cache",
    };
    let content_type = file.content_type().ok_or(Error::NotFound("Not Found"))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CONTENT_SECURITY_POLICY, content_security_policy(sign_in)?),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (OPENER_POLICY, HeaderValue::from_static("same-origin")),
        (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (ETAG, HeaderValue::from_str(&tag).map_err(Error::internal)?),
        (VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if is_known(request, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let mut response = (headers, Bytes::from_static(encoding.content(file))).into_response();
    if let Some(name) = encoding.name() {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    Ok(response)
}

/// Whether the client has the version with this tag (RFC 9110, section 13.1.2).
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let values = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}
