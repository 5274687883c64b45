//! CloudEvents in binary mode (CloudEvents HTTP protocol binding 1.0.2, section 3.1): the attributes are `ce-` headers
//! and the body is the data. Many SDKs send events this way by default.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use web::error::Result;

use crate::body;

/// The prefix of the headers that are attributes.
const PREFIX: &str = "ce-";

/// Whether the headers hold an event's attributes.
pub fn is_binary(headers: &HeaderMap) -> bool {
    ["ce-specversion", "ce-id", "ce-type", "ce-source"].iter().any(|name| headers.contains_key(*name))
}

/// The event as one JSON object, as it would be sent in structured mode.
pub fn structured(headers: &HeaderMap, data: &str) -> Result<Box<RawValue>> {
    let mut event = Map::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(PREFIX) else { continue };
        // Non-ASCII characters, spaces and quotes are percent-encoded.
        let text = percent_decode_str(value.to_str().unwrap_or_default()).decode_utf8_lossy();
        event.insert(name.to_owned(), Value::from(text));
    }
    // In binary mode, Content-Type is that of the data.
    if let Some(kind) = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) {
        event.insert("datacontenttype".to_owned(), Value::from(kind));
    }
    let data = body::parse::<&RawValue>(data)?;
    let attributes = Value::Object(event).to_string();
    let text = format!("{},\"data\":{}}}", attributes.trim_end_matches('}'), data.get());
    // The attributes and the data are joined as text. Without attributes, this removes a leading comma.
    let event = RawValue::from_string(text.replacen("{,", "{", 1));
    event.or_else(|_| to_raw_value(&Value::Null)).map_err(web::error::Error::internal)
}
