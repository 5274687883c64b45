//! The JSON object that a PUT carries.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use serde_json::value::RawValue;
use web::error::{Error, Fault, Loc};
use web::fields::Fields;

use crate::input::Checked;

/// The most bytes of a body.
pub const MAX_BYTES: usize = 64 << 10;

/// What only reads tell. It may be sent back, and is passed over.
const READ_ONLY: [&str; 5] = ["id", "etag", "first_seen", "last_seen", "registered"];

/// An extractor of a body's text.
pub struct Body(String);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        check_form(request.headers())?;
        let bytes = to_bytes(request.into_body(), MAX_BYTES)
            .await
            .map_err(|_| Error::TooLarge(format!("The body should have at most {MAX_BYTES} bytes.")))?;
        // Text that is not UTF-8 is no JSON, and is said to be none where it is read.
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// A body is JSON. Where nothing says what it is, it is read as such.
fn check_form(headers: &HeaderMap) -> Result<(), Error> {
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

impl Body {
    /// What `read` makes of the fields, or everything that is wrong with them.
    pub fn read<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> T) -> Checked<T> {
        self.read_required(|fields| Some(read(fields)))
    }

    /// The same, where some fields have to be there: without them `read` makes nothing.
    pub fn read_required<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Checked<T> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(|fault| {
            // The parser's own words name a place in the body and repeat nothing of it.
            let msg = format!("Body should be JSON: {fault}");
            vec![Fault::new(vec![Loc::from("body")], "body_unreadable", msg)]
        })?;
        let mut fields = Fields::of(raw, vec!["body".into()]).map_err(|fault| vec![fault])?;
        fields.take_if(|name, _| READ_ONLY.contains(&name));
        let value = read(&mut fields);
        let faults = fields.finish();
        value.filter(|_| faults.is_empty()).ok_or(faults)
    }
}

#[cfg(test)]
pub mod tests {
    use axum::http::Request;
    use http::StatusCode;

    use super::*;
    use crate::input;

    /// What `read` says of a body: the value, or each fault as its place and its code.
    pub fn reading<T>(text: &str, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Vec<String>> {
        reading_required(text, |fields| Some(read(fields)))
    }

    /// The same, where some fields have to be there.
    pub fn reading_required<T>(
        text: &str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Result<T, Vec<String>> {
        let read = Body(text.to_owned()).read_required(read);
        read.map_err(|faults| faults.iter().map(input::tests::brief).collect())
    }

    async fn status(headers: &[(HeaderName, &str)], body: Vec<u8>) -> Option<StatusCode> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let body = Body::from_request(request.body(body.into()).unwrap(), &()).await;
        body.err().map(|error| error.status())
    }

    #[tokio::test]
    async fn the_limit_holds_at_its_edge() {
        assert_eq!(status(&[], vec![b' '; MAX_BYTES]).await, None);
        assert_eq!(status(&[], vec![b' '; MAX_BYTES + 1]).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn only_json_is_taken() {
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
    fn what_cannot_be_read_says_so() {
        let read = |text: &str| reading(text, |_| ()).unwrap_err();
        for bad in ["", "x", "{", "{\"a\":}", "{} {}", "\u{fffd}"] {
            assert_eq!(read(bad), [r#"["body"] body_unreadable"#], "{bad}");
        }
        for bad in ["[]", "1", "null", "\"{}\""] {
            assert_eq!(read(bad), [r#"["body"] object_type"#], "{bad}");
        }
        assert_eq!(read(r#"{"a":1}"#), [r#"["body","a"] extra_forbidden"#]);
        assert!(reading(r#"{"id":"x","etag":"y","first_seen":null}"#, |_| ()).is_ok());
    }
}
