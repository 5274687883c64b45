//! A raw event in the JSON of a stream record, read without an item in between: the aggregator reads millions of them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Stored, read};
use crate::keys;
use ledger::event::Event;

/// The attributes of a raw event; others are ignored.
#[derive(Deserialize)]
struct Image<'j> {
    #[serde(borrow)]
    pk: Text<'j>,
    #[serde(borrow)]
    sk: Text<'j>,
    #[serde(borrow)]
    v: Option<Number<'j>>,
    #[serde(borrow)]
    n: Option<Number<'j>>,
    #[serde(borrow)]
    d: Bytes<'j>,
}

#[derive(Deserialize)]
struct Text<'j> {
    #[serde(rename = "S", borrow)]
    text: Cow<'j, str>,
}

#[derive(Deserialize)]
struct Number<'j> {
    #[serde(rename = "N", borrow)]
    number: Cow<'j, str>,
}

#[derive(Deserialize)]
struct Bytes<'j> {
    #[serde(rename = "B", borrow)]
    bytes: Cow<'j, str>,
}

/// A raw event in a stream.
#[derive(Debug)]
pub struct StreamedEvent {
    /// The event.
    pub event: Event,
    /// The lane.
    pub lane: Option<u8>,
    /// When it arrived.
    pub received: DateTime<Utc>,
}

/// The event in the new image of a stream record, or why it cannot be parsed.
pub fn parse_image(json: &str) -> Result<StreamedEvent, String> {
    let image: Image<'_> = serde_json::from_str(json).map_err(|fault| fault.to_string())?;
    let data = BASE64.decode(&*image.d.bytes).map_err(|fault| fault.to_string())?;
    let version = image.v.as_ref().map(|version| &*version.number);
    let revision = image.n.as_ref().map_or(Some(0), |revision| revision.number.parse().ok());
    let stored = Stored { pk: &image.pk.text, sk: &image.sk.text, version, revision, data: &data };
    let (event, received) = read(stored)?;
    Ok(StreamedEvent { event, lane: keys::lane_of(&image.pk.text), received })
}
