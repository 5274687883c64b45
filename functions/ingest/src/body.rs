//! Reads a request body: decompression, size limits, and the raw JSON text of each event.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::value::RawValue;
use web::error::{Error, Fault, Loc, Result};

/// Maximum size of a body after decompression.
pub const MAX_BYTES: usize = 1 << 20;
pub const MAX_EVENTS: usize = 500;

/// How the content type says the events are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyFormat {
    One,
    Batch,
    Either,
}

/// A single event or a list. Faults of a list name the index of the event; faults of a single event do not.
pub enum Events<'a> {
    One(&'a RawValue),
    List(Vec<&'a RawValue>),
}

/// The body as text, decompressed and checked against the size limit.
pub fn text(headers: &HeaderMap, body: &[u8]) -> Result<String> {
    let encoding = header(headers, &CONTENT_ENCODING).unwrap_or_default();
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "" | "identity" => within_limit(body.to_vec())?,
        "gzip" | "x-gzip" => within_limit(gunzip(body)?)?,
        _ => {
            return Err(Error::UnsupportedMediaType(
                "Content-Encoding should be gzip, or absent.".to_owned(),
            ));
        }
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable("Body should be UTF-8"))?;
    // Some senders begin with a byte order mark, which RFC 8259 allows to be ignored.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Decompresses at most one byte beyond the limit, whatever size the gzip trailer claims.
fn gunzip(body: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX);
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut bytes);
    // API Gateway passes a body on as bytes unless its type is application/json; that it may decode as text.
    read.map(|_| bytes).map_err(|_| {
        unreadable(
            "Body should be gzip, as Content-Encoding says; send it as application/cloudevents-batch+json",
        )
    })
}

fn within_limit(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.len() > MAX_BYTES { Err(too_large()) } else { Ok(bytes) }
}

/// Also returned for a body that is rejected before it is read in full.
pub fn too_large() -> Error {
    Error::TooLarge(format!("The body should have at most {MAX_BYTES} bytes, decompressed."))
}

/// Splits a body into events without parsing them.
pub fn split<'a>(headers: &HeaderMap, text: &'a str) -> Result<Events<'a>> {
    let body_format = body_format(headers)?;
    let is_list = text.trim_start().starts_with('[');
    if is_list == (body_format == BodyFormat::One) && body_format != BodyFormat::Either {
        let should = if is_list { "one event" } else { "a list of events" };
        return Err(unreadable(format!("Body should be {should}, as Content-Type says")));
    }
    if !is_list {
        return parse(text).map(Events::One);
    }
    let list: Vec<&RawValue> = parse(text)?;
    if list.len() > MAX_EVENTS {
        return Err(Error::TooLarge(format!("A request should have at most {MAX_EVENTS} events.")));
    }
    Ok(Events::List(list))
}

/// Parses JSON of the body.
pub fn parse<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T> {
    // The parser's message gives a position in the body and repeats none of its content.
    serde_json::from_str(text).map_err(|fault| unreadable(format!("Body should be JSON: {fault}")))
}

fn body_format(headers: &HeaderMap) -> Result<BodyFormat> {
    let content_type = header(headers, &CONTENT_TYPE).unwrap_or("application/json");
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" | "text/json" => Ok(BodyFormat::Either),
        "application/cloudevents+json" => Ok(BodyFormat::One),
        "application/cloudevents-batch+json" => Ok(BodyFormat::Batch),
        _ => Err(Error::UnsupportedMediaType(
            "Content-Type should be application/cloudevents+json, application/cloudevents-batch+json or \
             application/json."
                .to_owned(),
        )),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?").trim())
}

fn unreadable(msg: impl Into<String>) -> Error {
    Error::Validation(vec![Fault::new(vec![Loc::from("body")], "body_unreadable", msg)])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::StatusCode;

    use super::*;

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn status<T>(result: Result<T>) -> Option<StatusCode> {
        result.err().map(|error| error.status())
    }

    #[test]
    fn a_body_of_exactly_the_limit_is_accepted_compressed_or_not() {
        let zipped = headers(&[(CONTENT_ENCODING, "gzip")]);
        for (size, expected) in [(MAX_BYTES, None), (MAX_BYTES + 1, Some(StatusCode::PAYLOAD_TOO_LARGE))] {
            let body = vec![b' '; size];
            assert_eq!(status(text(&HeaderMap::new(), &body)), expected);
            assert_eq!(status(text(&zipped, &gzip(&body))), expected);
        }
    }

    #[test]
    fn a_gzip_bomb_is_rejected_without_being_expanded() {
        let layer = gzip(&vec![0; 64 << 20]);
        let bomb = layer.repeat(16);
        assert!(bomb.len() < 2 << 20);
        let refused = text(&headers(&[(CONTENT_ENCODING, "gzip")]), &bomb);
        assert_eq!(status(refused), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[test]
    fn unreadable_bodies_are_rejected() {
        let zipped = headers(&[(CONTENT_ENCODING, "gzip")]);
        assert_eq!(status(text(&zipped, b"not gzip")), Some(StatusCode::UNPROCESSABLE_ENTITY));
        assert_eq!(status(text(&zipped, &gzip(b"[]")[..9])), Some(StatusCode::UNPROCESSABLE_ENTITY));
        assert_eq!(status(text(&HeaderMap::new(), b"\xff")), Some(StatusCode::UNPROCESSABLE_ENTITY));
        let brotli = headers(&[(CONTENT_ENCODING, "br")]);
        assert_eq!(status(text(&brotli, b"[]")), Some(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        for bad in ["", "x", "{", "[", "[1,]", "{} {}", "[] x"] {
            assert_eq!(
                status(split(&HeaderMap::new(), bad)),
                Some(StatusCode::UNPROCESSABLE_ENTITY),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_content_type_decides_between_one_event_and_a_list() {
        let split =
            |kind: &'static str, text: &'static str| status(split(&headers(&[(CONTENT_TYPE, kind)]), text));
        for good in [
            ("application/json", "{}"),
            ("application/json; charset=utf-8", "[]"),
            ("text/json", "[]"),
            ("Application/CloudEvents+JSON", " {}"),
            ("application/cloudevents-batch+json", " []"),
        ] {
            assert_eq!(split(good.0, good.1), None, "{good:?}");
        }
        let unreadable = Some(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(split("application/cloudevents+json", "[]"), unreadable);
        assert_eq!(split("application/cloudevents-batch+json", "{}"), unreadable);
        assert_eq!(split("text/plain", "{}"), Some(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }

    #[test]
    fn five_hundred_events_are_accepted_and_one_more_is_not() {
        let list = |n: usize| format!("[{}]", vec!["0"; n].join(","));
        assert_eq!(status(split(&HeaderMap::new(), &list(500))), None);
        assert_eq!(status(split(&HeaderMap::new(), &list(501))), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
