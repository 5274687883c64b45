//! Converts stream records to the JSON with which Lambda invokes a function.

use std::collections::HashMap;

use aws_sdk_dynamodbstreams::primitives::Blob;
use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record, StreamRecord, StreamViewType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

/// A tumbling window, in seconds since 1970; `end` is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub start: i64,
    pub end: i64,
}

impl Window {
    /// The window of `length` seconds that contains `second`.
    pub fn of(second: i64, length: u32) -> Self {
        let length = i64::from(length.max(1));
        let start = second - second.rem_euclid(length);
        Self { start, end: start + length }
    }

    fn json(self) -> Value {
        let text = |second| {
            let time = DateTime::from_timestamp(second, 0).unwrap_or_default();
            time.to_rfc3339_opts(SecondsFormat::Secs, true)
        };
        json!({ "start": text(self.start), "end": text(self.end) })
    }
}

/// When the record's change was made, in seconds since 1970.
pub fn created(record: &Record) -> i64 {
    record
        .dynamodb
        .as_ref()
        .and_then(|change| change.approximate_creation_date_time)
        .map_or(0, |time| time.secs())
}

/// A record's sequence number. Every stream record has one.
pub fn sequence_number(record: &Record) -> &str {
    record.dynamodb.as_ref().and_then(|change| change.sequence_number.as_deref()).unwrap_or_default()
}

/// The event of a mapping without a window.
pub fn batch<'a>(records: impl IntoIterator<Item = &'a Record>, arn: &str) -> Value {
    let records: Vec<_> = records.into_iter().map(|one| record(one, arn)).collect();
    json!({ "Records": records })
}

/// Adds the fields that a mapping with a tumbling window sends.
pub fn in_window(
    mut event: Value,
    window: Window,
    state: &Value,
    shard: &str,
    arn: &str,
    last: bool,
) -> Value {
    event["window"] = window.json();
    event["state"] = state.clone();
    event["shardId"] = shard.into();
    event["eventSourceARN"] = arn.into();
    event["isFinalInvokeForWindow"] = last.into();
    event["isWindowTerminatedEarly"] = false.into();
    event
}

fn record(record: &Record, arn: &str) -> Value {
    let mut event = json!({
        "eventID": record.event_id,
        "eventName": record.event_name.as_ref().map(OperationType::as_str),
        "eventVersion": record.event_version,
        "eventSource": record.event_source,
        "awsRegion": record.aws_region,
        "dynamodb": record.dynamodb.as_ref().map(change),
        "eventSourceARN": arn,
    });
    // Only a deletion by time to live has one.
    if let Some(identity) = &record.user_identity {
        event["userIdentity"] = json!({ "type": identity.r#type, "principalId": identity.principal_id });
    }
    event
}

fn change(change: &StreamRecord) -> Value {
    let mut json = json!({
        "ApproximateCreationDateTime": change.approximate_creation_date_time.map(|time| time.secs()),
        "SequenceNumber": change.sequence_number,
        "SizeBytes": change.size_bytes,
        "StreamViewType": change.stream_view_type.as_ref().map(StreamViewType::as_str),
    });
    for (name, values) in
        [("Keys", &change.keys), ("NewImage", &change.new_image), ("OldImage", &change.old_image)]
    {
        if let Some(values) = values {
            json[name] = item(values);
        }
    }
    json
}

fn item(values: &HashMap<String, AttributeValue>) -> Value {
    Value::Object(values.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>())
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        // Numbers stay text, so that no digits are lost.
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(bytes) => json!({ "B": base64(bytes) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(all) => json!({ "BS": all.iter().map(base64).collect::<Vec<_>>() }),
        AttributeValue::M(fields) => json!({ "M": item(fields) }),
        AttributeValue::L(items) => json!({ "L": items.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        // `Null`. DynamoDB has no other types, and an unknown variant of the SDK has no value to write.
        _ => json!({ "NULL": true }),
    }
}

fn base64(bytes: &Blob) -> String {
    BASE64.encode(bytes.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_type_is_written_as_lambda_writes_it() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let blob = || Blob::new([0, 255]);
        let cases = [
            (text("a"), json!({ "S": "a" })),
            (AttributeValue::N("0.10".to_owned()), json!({ "N": "0.10" })),
            (AttributeValue::B(blob()), json!({ "B": "AP8=" })),
            (AttributeValue::Ss(vec!["a".to_owned()]), json!({ "SS": ["a"] })),
            (AttributeValue::Ns(vec!["1".to_owned()]), json!({ "NS": ["1"] })),
            (AttributeValue::Bs(vec![blob()]), json!({ "BS": ["AP8="] })),
            (AttributeValue::M([("k".to_owned(), text("v"))].into()), json!({ "M": { "k": { "S": "v" } } })),
            (AttributeValue::L(vec![text("a")]), json!({ "L": [{ "S": "a" }] })),
            (AttributeValue::Bool(false), json!({ "BOOL": false })),
            (AttributeValue::Null(true), json!({ "NULL": true })),
        ];
        for (value, expected) in cases {
            assert_eq!(attribute(&value), expected);
        }
    }

    #[test]
    fn a_window_starts_at_a_multiple_of_its_length() {
        assert_eq!(Window::of(1_799, 900), Window { start: 900, end: 1_800 });
        assert_eq!(Window::of(1_800, 900), Window { start: 1_800, end: 2_700 });
        assert_eq!(
            Window::of(900, 900).json(),
            json!({ "start": "1970-01-01T00:15:00Z", "end": "1970-01-01T00:30:00Z" })
        );
    }
}
