//! Request bodies: decompression and size limits.

use std::io::Read;

use axum::body::Bytes;
use flate2::read::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderName};
use web::error::{Error, Fault, Loc, Result};

/// Decompresses the body, unless it has more than `limit` bytes then.
pub fn unpacked(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes> {
    let encoding = header(headers, &CONTENT_ENCODING).unwrap_or_default();
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "" | "identity" => body,
        "gzip" | "x-gzip" => gunzip(&body, limit)?.into(),
        _ => {
            return Err(Error::UnsupportedMediaType(
                "Content-Encoding should be gzip, or absent.".to_owned(),
            ));
        }
    };
    if bytes.len() > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// Decompresses at most one byte beyond the limit, whatever size the gzip trailer claims.
fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit + 1).unwrap_or(u64::MAX);
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut bytes);
    // API Gateway may decode a body of the type application/json as text. Bodies of other types arrive as bytes.
    read.map(|_| bytes).map_err(|_| {
        unreadable(
            "Body should be gzip, as Content-Encoding says; a compressed body should not be sent as application/json",
        )
    })
}

/// Also returned for a body that is rejected before it is read in full.
pub fn too_large(limit: usize) -> Error {
    Error::TooLarge(format!("The body should have at most {limit} bytes, decompressed."))
}

/// The text of a header. One that is not text is read as `?`, which is not a known value of any header.
pub fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?").trim())
}

/// The error for a body that cannot be read as a whole.
pub fn unreadable(msg: impl Into<String>) -> Error {
    Error::Validation(vec![Fault::new(vec![Loc::from("body")], "body_unreadable", msg)])
}
