//! Events of Anthropic's streams. The usage of a message is stated by two of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json::lenient;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// The entries of a body with their positions. The events of a stream are joined to the message that they state: its
/// start has the input, and each `message_delta` repeats the counts with their values so far
/// (<https://platform.claude.com/docs/en/build-with-claude/streaming>), which must not be added to those of the start
/// (tensorzero/tensorzero#5481).
pub fn joined(entries: Vec<Cow<'_, str>>) -> Vec<(usize, Cow<'_, str>)> {
    let mut joined = Vec::new();
    let mut open: Option<(usize, Map<String, Value>)> = None;
    for (index, entry) in entries.into_iter().enumerate() {
        let event = serde_json::from_str::<Event<'_>>(&entry).ok();
        let kind = event.as_ref().and_then(|event| event.kind.as_deref()).unwrap_or_default();
        match (kind, &event, &mut open) {
            ("message_start", Some(Event { message: Some(message), .. }), _) => {
                joined.extend(open.take().map(closed));
                match serde_json::from_str(message.get()) {
                    Ok(message) => open = Some((index, message)),
                    Err(_) => joined.push((index, entry)),
                }
            }
            ("message_delta", Some(Event { usage, .. }), Some((_, message))) => {
                let usage = usage.and_then(|usage| serde_json::from_str(usage.get()).ok());
                advance(message, usage.unwrap_or_default());
            }
            ("content_block_start" | "content_block_delta" | "content_block_stop" | "ping", _, Some(_)) => {}
            ("message_stop", _, Some(_)) => joined.extend(open.take().map(closed)),
            _ => joined.push((index, entry)),
        }
    }
    joined.extend(open.map(closed));
    joined
}

fn closed<'e>((index, message): (usize, Map<String, Value>)) -> (usize, Cow<'e, str>) {
    (index, Cow::Owned(Value::Object(message).to_string()))
}

/// Brings the usage of a message up to date.
fn advance(message: &mut Map<String, Value>, usage: Map<String, Value>) {
    let Value::Object(known) = message.entry("usage").or_insert_with(|| Value::Object(Map::new())) else {
        return;
    };
    for (name, value) in usage {
        let before = known.get(&name).and_then(Value::as_u64);
        let is_behind = before.is_some_and(|before| value.as_u64().is_none_or(|now| now < before));
        if !value.is_null() && !is_behind {
            known.insert(name, value);
        }
    }
}
