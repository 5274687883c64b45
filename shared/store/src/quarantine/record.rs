//! A stream record that is to be quarantined.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use crate::keys::status;
use crate::keys::status::entry;
use crate::keys::{self, Key, PK, SK, event};
use crate::table::{Table, Write, absent};
use crate::{events, new_item, s};
use ledger::money;

/// The longest record that is stored whole, in bytes of JSON: DynamoDB takes items of up to 400 KB.
pub const MAX_RECORD: usize = 300_000;
/// The most characters of a reason, which may quote the record.
const MAX_REASON: usize = 1_000;

/// A stream record that is to be quarantined.
#[derive(Clone, Debug)]
pub struct QuarantineRecord {
    key: Key,
    pub(super) time: Option<DateTime<Utc>>,
    pub(super) record: String,
    reason: String,
}

impl QuarantineRecord {
    /// The stream record `raw` with this sequence number in the shard with this mark.
    pub fn new(mark: &str, sequence_number: &str, raw: &Value, reason: &str) -> Self {
        let key = status::quarantine_key(time(raw), mark, sequence_number);
        let whole = raw.to_string();
        let record = if whole.len() > MAX_RECORD { without_image(raw).to_string() } else { whole };
        let reason = reason.chars().take(MAX_REASON).collect();
        Self { time: status::parse_quarantine_time(&key.sk), key, record, reason }
    }

    /// Stores the record, if it is not there yet.
    pub(super) fn put<'a>(&self, table: &'a Table) -> Write<'a> {
        table
            .put(new_item(&self.key))
            .set(entry::RECORD, s(&self.record))
            .set(entry::REASON, s(&self.reason))
            .only_if(absent(PK))
    }
}

/// When the record's event arrived or, if it does not say, when DynamoDB stored it.
fn time(raw: &Value) -> Option<DateTime<Utc>> {
    let image = |attribute: &str, kind: &str| {
        raw.pointer(&format!("/dynamodb/NewImage/{attribute}/{kind}")).and_then(Value::as_str)
    };
    let arrived = || {
        let (_, day, ..) = keys::parse_event_key(image(PK, "S")?, image(SK, "S")?)?;
        events::arrival_of(day, &BASE64.decode(image(event::DATA, "B")?).ok()?)
    };
    let stored = || {
        let seconds = raw.pointer("/dynamodb/ApproximateCreationDateTime")?.as_number()?.to_string();
        let milliseconds = money::parse_exact(&seconds)?.checked_mul(Decimal::ONE_THOUSAND)?;
        DateTime::from_timestamp_millis(milliseconds.to_i64()?)
    };
    arrived().or_else(stored)
}

/// The parts of a record that identify its event.
fn without_image(raw: &Value) -> Value {
    let change = |name: &str| raw.pointer(&format!("/dynamodb/{name}"));
    json!({
        "eventName": raw.get("eventName"),
        "eventSourceARN": raw.get("eventSourceARN"),
        "dynamodb": {
            "ApproximateCreationDateTime": change("ApproximateCreationDateTime"),
            "Keys": change("Keys"),
            "SequenceNumber": change("SequenceNumber"),
        },
    })
}

#[cfg(test)]
mod tests {
    use ledger::event::{Attribution, Data, Event, HostReport};
    use ledger::ids::{Name, NodeId, OrgId};
    use ledger::period;

    use super::*;
    use crate::events::RawEvent;

    /// The payload of an event that arrived at 09:59:58.5.
    fn data() -> String {
        let time = period::parse_instant("2026-09-15T09:59:58.5Z").unwrap();
        let name = |text: &str| Name::new(text).unwrap();
        let event = Event {
            org: OrgId::new("acme").unwrap(),
            source: name("s"),
            id: name("1"),
            time: period::parse_instant("2026-09-15T08:00:00Z").unwrap(),
            revision: 0,
            data: Data::HostReport(HostReport {
                node_id: NodeId::new("n").unwrap(),
                hosted_sites: 1,
                attribution: Attribution::default(),
            }),
        };
        let raw = RawEvent::new(&event, [0; 8], time, 1).unwrap();
        BASE64.encode(raw.item()[event::DATA].as_b().unwrap())
    }

    fn raw() -> Value {
        json!({
            "eventName": "INSERT",
            "eventSourceARN": "arn",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_789_473_600,
                "Keys": { "pk": { "S": "acme#2026-09-15#0" }, "sk": { "S": "s#1" } },
                "NewImage": { "pk": { "S": "acme#2026-09-15#0" }, "sk": { "S": "s#1" }, "d": { "B": data() } },
                "SequenceNumber": "7",
            },
        })
    }

    fn record(raw: &Value) -> QuarantineRecord {
        QuarantineRecord::new("@m", "7", raw, "why")
    }

    #[test]
    fn the_time_is_the_arrival_or_the_creation_or_none() {
        let time = |change: &dyn Fn(&mut Value)| {
            let mut raw = raw();
            change(&mut raw);
            record(&raw).time.map(period::sortable)
        };
        assert_eq!(time(&|_| {}).unwrap(), "2026-09-15T09:59:58.500Z");
        let created = "2026-09-15T12:00:00.000Z";
        for malformed in ["noon", "AAAA"] {
            let changed = time(&|raw| raw["dynamodb"]["NewImage"]["d"]["B"] = json!(malformed));
            assert_eq!(changed.unwrap(), created);
        }
        assert_eq!(time(&|raw| raw["dynamodb"]["NewImage"] = json!("?")).unwrap(), created);
        let seconds = |seconds: Value| {
            time(&|raw: &mut Value| {
                raw["dynamodb"]["NewImage"] = Value::Null;
                raw["dynamodb"]["ApproximateCreationDateTime"] = seconds.clone();
            })
        };
        assert_eq!(seconds(json!(1_789_473_600.25)).unwrap(), "2026-09-15T12:00:00.250Z");
        assert_eq!(seconds(json!(1.789_473_6e9)).unwrap(), created);
        for malformed in [json!("1789473600"), json!(1e300), json!(u64::MAX), Value::Null] {
            assert_eq!(seconds(malformed.clone()), None, "{malformed}");
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_stored_without_its_image() {
        let of_length = |length: usize| {
            let mut raw = raw();
            raw["dynamodb"]["NewImage"]["more"] = json!("");
            let text = "x".repeat(length - raw.to_string().len());
            raw["dynamodb"]["NewImage"]["more"] = json!(text);
            assert_eq!(raw.to_string().len(), length);
            raw
        };
        let longest = of_length(MAX_RECORD);
        assert_eq!(serde_json::from_str::<Value>(&record(&longest).record).unwrap(), longest);
        let longer = record(&of_length(MAX_RECORD + 1));
        let mut kept = raw();
        kept["dynamodb"].as_object_mut().unwrap().remove("NewImage");
        assert_eq!(serde_json::from_str::<Value>(&longer.record).unwrap(), kept);
        assert_eq!(longer.key, record(&raw()).key);
        let quoting = QuarantineRecord::new("@m", "7", &raw(), &"é".repeat(MAX_REASON + 1));
        assert_eq!(quoting.reason.chars().count(), MAX_REASON);
    }
}
