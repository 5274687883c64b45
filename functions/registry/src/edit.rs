//! Extracts who requests a change and on what condition.

use axum::extract::FromRequestParts;
use http::header::IF_MATCH;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use store::registry::{Editor, IfMatch};
use web::app::App;
use web::caller::Caller;
use web::error::Error;

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

/// Repeated headers form one list. A value that is not text matches nothing.
fn if_match(headers: &HeaderMap) -> IfMatch {
    let all: Vec<_> = headers.get_all(IF_MATCH).iter().map(HeaderValue::to_str).collect();
    match all.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(texts) if texts.is_empty() => IfMatch::Always,
        Ok(texts) => IfMatch::parse(&texts.join(",")),
        Err(_) => IfMatch::OneOf(Vec::new()),
    }
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
    }
}
