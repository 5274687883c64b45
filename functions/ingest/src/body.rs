//! From the bytes of a request to the JSON text of each event in it.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::value::RawValue;
use web::error::{Error, Fault, Loc, Result};

/// The most bytes of a body, after decompression.
pub const MAX_BYTES: usize = 1 << 20;
/// The most events of a body.
pub const MAX_EVENTS: usize = 500;

/// What form the events of a body come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    One,
    Batch,
    Either,
}

/// Whether a body held one event by itself or a list of them: it decides how faults name their place.
pub enum Events<'a> {
    /// One event.
    One(&'a RawValue),
    /// A list.
    List(Vec<&'a RawValue>),
}

/// The text of a body: decompressed if need be, within the limits, UTF-8.
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
    String::from_utf8(bytes).map_err(|_| unreadable("Body should be UTF-8"))
}

/// Never holds more than one byte over the limit, whatever the compressed text says it will become.
fn gunzip(body: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX);
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut bytes);
    // API Gateway hands on as bytes only what is not called application/json, of which it may make text.
    read.map(|_| bytes).map_err(|_| {
        unreadable(
            "Body should be gzip, as Content-Encoding says; send it as application/cloudevents-batch+json",
        )
    })
}

fn within_limit(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.len() > MAX_BYTES { Err(too_large()) } else { Ok(bytes) }
}

/// What is said of a body over the limit; also of one that is so far over it that nobody reads it.
pub fn too_large() -> Error {
    Error::TooLarge(format!("The body should have at most {MAX_BYTES} bytes, decompressed."))
}

/// The events in `text`, each still as it was written.
pub fn split<'a>(headers: &HeaderMap, text: &'a str) -> Result<Events<'a>> {
    let form = form(headers)?;
    let is_list = text.trim_start().starts_with('[');
    if is_list == (form == Form::One) && form != Form::Either {
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

fn parse<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T> {
    // The parser's own words name a place in the body and repeat nothing of it.
    serde_json::from_str(text).map_err(|fault| unreadable(format!("Body should be JSON: {fault}")))
}

fn form(headers: &HeaderMap) -> Result<Form> {
    let content_type = header(headers, &CONTENT_TYPE).unwrap_or("application/json");
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" => Ok(Form::Either),
        "application/cloudevents+json" => Ok(Form::One),
        "application/cloudevents-batch+json" => Ok(Form::Batch),
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
    fn the_limit_in_bytes_holds_at_its_edge_compressed_or_not() {
        let zipped = headers(&[(CONTENT_ENCODING, "gzip")]);
        for (size, expected) in [(MAX_BYTES, None), (MAX_BYTES + 1, Some(StatusCode::PAYLOAD_TOO_LARGE))] {
            let body = vec![b' '; size];
            assert_eq!(status(text(&HeaderMap::new(), &body)), expected);
            assert_eq!(status(text(&zipped, &gzip(&body))), expected);
        }
    }

    #[test]
    fn a_gzip_bomb_is_refused_before_it_goes_off() {
        let layer = gzip(&vec![0; 64 << 20]);
        let bomb = layer.repeat(16);
        assert!(bomb.len() < 2 << 20);
        let refused = text(&headers(&[(CONTENT_ENCODING, "gzip")]), &bomb);
        assert_eq!(status(refused), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[test]
    fn what_cannot_be_read_says_so() {
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
    fn the_form_follows_the_content_type() {
        let split =
            |kind: &'static str, text: &'static str| status(split(&headers(&[(CONTENT_TYPE, kind)]), text));
        for good in [
            ("application/json", "{}"),
            ("application/json; charset=utf-8", "[]"),
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
    fn the_limit_in_events_holds_at_its_edge() {
        let list = |n: usize| format!("[{}]", vec!["0"; n].join(","));
        assert_eq!(status(split(&HeaderMap::new(), &list(500))), None);
        assert_eq!(status(split(&HeaderMap::new(), &list(501))), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
