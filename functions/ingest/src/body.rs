//! Splits a request body into the raw JSON text of each event.

use axum::body::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use ingestion::body::{header, unpacked, unreadable};
use serde_json::value::RawValue;
use web::error::{Error, Result};

/// Maximum size of a body after decompression.
pub const MAX_BYTES: usize = 1 << 20;
pub const MAX_EVENTS: usize = 500;

/// The arrangement of events that the content type states.
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
pub fn text(headers: &HeaderMap, body: Bytes) -> Result<String> {
    let bytes = unpacked(headers, body, MAX_BYTES)?;
    let text = String::from_utf8(bytes.into()).map_err(|_| unreadable("Body should be UTF-8"))?;
    // Some senders start with a byte order mark, which RFC 8259 allows parsers to ignore.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
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
    // The parser's message has a position in the body, and nothing of its content.
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::StatusCode;
    use http::header::CONTENT_ENCODING;

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
            assert_eq!(status(text(&HeaderMap::new(), body.clone().into())), expected);
            assert_eq!(status(text(&zipped, gzip(&body).into())), expected);
        }
    }

    #[test]
    fn a_gzip_bomb_is_rejected_without_being_expanded() {
        let layer = gzip(&vec![0; 64 << 20]);
        let bomb = layer.repeat(16);
        assert!(bomb.len() < 2 << 20);
        let refused = text(&headers(&[(CONTENT_ENCODING, "gzip")]), bomb.into());
        assert_eq!(status(refused), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[test]
    fn unreadable_bodies_are_rejected() {
        let zipped = headers(&[(CONTENT_ENCODING, "gzip")]);
        assert_eq!(
            status(text(&zipped, Bytes::from_static(b"not gzip"))),
            Some(StatusCode::UNPROCESSABLE_ENTITY)
        );
        assert_eq!(
            status(text(&zipped, gzip(b"[]")[..9].to_vec().into())),
            Some(StatusCode::UNPROCESSABLE_ENTITY)
        );
        assert_eq!(
            status(text(&HeaderMap::new(), Bytes::from_static(b"\xff"))),
            Some(StatusCode::UNPROCESSABLE_ENTITY)
        );
        let brotli = headers(&[(CONTENT_ENCODING, "br")]);
        assert_eq!(
            status(text(&brotli, Bytes::from_static(b"[]"))),
            Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        );
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
