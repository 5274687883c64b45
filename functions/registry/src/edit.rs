//! Extracts who requests a change, and its preconditions.

use axum::extract::FromRequestParts;
use http::header::{IF_MATCH, IF_NONE_MATCH, ToStrError};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use store::registry::{Editor, IfMatch};
use web::caller::Caller;
use web::error::Error;

use crate::App;

pub struct Edit(pub Editor);

impl FromRequestParts<App> for Edit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, app).await?;
        Ok(Self(Editor {
            org: caller.org,
            who: caller.subject,
            if_match: if_match(&parts.headers),
            now: app.clock.now(),
            retention_days: app.config.event_retention_days,
        }))
    }
}

/// Reads `If-Match`, or else `If-None-Match`. Both at once require two versions at the same time, which is impossible.
/// Repeated headers form one list. A value that is not text matches nothing.
fn if_match(headers: &HeaderMap) -> IfMatch {
    match (values(headers, &IF_MATCH), values(headers, &IF_NONE_MATCH)) {
        (Ok(None), Ok(None)) => IfMatch::Always,
        (Ok(Some(text)), Ok(None)) => IfMatch::parse(&text),
        (Ok(None), Ok(Some(text))) => IfMatch::parse_none(&text),
        _ => IfMatch::OneOf(Vec::new()),
    }
}

/// The joined values of all headers with this name, or `None` if there are none.
fn values(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, ToStrError> {
    let all: Vec<_> = headers.get_all(name).iter().map(HeaderValue::to_str).collect::<Result<_, _>>()?;
    Ok((!all.is_empty()).then(|| all.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_if_match_header_counts() {
        let read = |values: &[&'static [u8]]| {
            let values = values.iter().map(|value| (IF_MATCH, HeaderValue::from_bytes(value).unwrap()));
            if_match(&values.collect())
        };
        assert_eq!(read(&[]), IfMatch::Always);
        assert_eq!(read(&[b"*"]), IfMatch::Any);
        let both = IfMatch::OneOf(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(read(&[b"\"a\"", b"\"b\""]), both);
        assert_eq!(read(&[b"\"a\", \"b\""]), both);
        assert_eq!(read(&[b"\"\xff\""]), IfMatch::OneOf(vec![]));
        assert_eq!(read(&[b""]), IfMatch::OneOf(vec![]));
        let with = |pairs: &[(HeaderName, &'static str)]| {
            if_match(
                &pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect(),
            )
        };
        assert_eq!(with(&[(IF_NONE_MATCH, "*")]), IfMatch::Unset);
        assert_eq!(with(&[(IF_NONE_MATCH, "\"a\"")]), IfMatch::NoneOf(vec!["a".to_owned()]));
        assert_eq!(with(&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")]), IfMatch::OneOf(vec![]));
    }
}
