//! JSON request bodies.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use runtime::config::Config;
use runtime::tables::Tables;
use serde_json::value::RawValue;

use crate::app::App;
use crate::error::{Error, Fault, Loc, Result};
use crate::fields::FieldReader;

/// Maximum size of a body in bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// The JSON object in the body of a request.
pub trait FromBody: Sized {
    /// Reads the fields and reports each fault to `fields`; None if a required field is missing or invalid. After a
    /// fault the returned value is never used.
    fn from_body(fields: &mut FieldReader<'_>, config: &Config) -> Option<Self>;
}

/// Extracts a JSON body, or rejects the request with all the faults of its fields.
pub struct Body<T>(pub T);

impl<S: Tables, T: FromBody> FromRequest<App<S>> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App<S>) -> Result<Self> {
        let text = text(request).await?;
        read(&text, |fields| T::from_body(fields, &app.config)).map(Self)
    }
}

async fn text(request: Request) -> Result<String> {
    check_headers(request.headers())?;
    let bytes = to_bytes(request.into_body(), MAX_BYTES)
        .await
        .map_err(|_| Error::TooLarge(format!("The body should have at most {MAX_BYTES} bytes.")))?;
    String::from_utf8(bytes.into())
        .map_err(|_| Fault::new(vec![Loc::from("body")], "body_unreadable", "Body should be UTF-8").into())
}

/// A body without a content type is read as JSON.
fn check_headers(headers: &HeaderMap) -> Result<()> {
    let stated = |name: HeaderName| {
        let value = headers.get(name)?.to_str().unwrap_or("?");
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    };
    if stated(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Error::UnsupportedMediaType("Content-Encoding should be absent.".to_owned()));
    }
    match stated(CONTENT_TYPE) {
        Some(kind) if kind != "application/json" && !kind.ends_with("+json") => {
            Err(Error::UnsupportedMediaType("Content-Type should be application/json.".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Reads the object in `text`, or lists all its faults.
pub fn read<T>(text: &str, read: impl FnOnce(&mut FieldReader<'_>) -> Option<T>) -> Result<T> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|fault| {
        // The parser's message gives a position in the body and repeats none of its content.
        Fault::new(vec![Loc::from("body")], "body_unreadable", format!("Body should be JSON: {fault}"))
    })?;
    let mut fields = FieldReader::of(raw, vec!["body".into()])?;
    let value = read(&mut fields);
    let faults = fields.finish();
    value.filter(|_| faults.is_empty()).ok_or(Error::Validation(faults))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    async fn status(headers: &[(HeaderName, &str)], body: Vec<u8>) -> Option<StatusCode> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let text = text(request.body(body.into()).unwrap()).await;
        text.err().map(|error| error.status())
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_accepted() {
        assert_eq!(status(&[], vec![b' '; MAX_BYTES]).await, None);
        assert_eq!(status(&[], vec![b' '; MAX_BYTES + 1]).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn text_that_is_not_utf_8_is_rejected_and_never_replaced() {
        let latin = b"{\"name\":\"caf\xe9\"}".to_vec();
        assert_eq!(status(&[], latin).await, Some(StatusCode::UNPROCESSABLE_ENTITY));
    }

    #[tokio::test]
    async fn only_json_is_accepted() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert_eq!(status(&[(CONTENT_TYPE, good)], vec![]).await, None, "{good}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let status = status(&[(CONTENT_TYPE, bad)], vec![]).await;
            assert_eq!(status, Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{bad}");
        }
        let zipped = status(&[(CONTENT_ENCODING, "gzip")], vec![]).await;
        assert_eq!(zipped, Some(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }

    #[test]
    fn unreadable_bodies_are_rejected() {
        let read = |text: &str| {
            let Err(Error::Validation(faults)) = read(text, |_| Some(())) else { panic!("{text}") };
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        for bad in ["", "x", "{", "{\"a\":}", "{} {}", "\u{fffd}"] {
            assert_eq!(read(bad), [r#"["body"] body_unreadable"#], "{bad}");
        }
        for bad in ["[]", "1", "null", "\"{}\""] {
            assert_eq!(read(bad), [r#"["body"] object_type"#], "{bad}");
        }
        assert_eq!(read(r#"{"a":1}"#), [r#"["body","a"] extra_forbidden"#]);
    }
}
