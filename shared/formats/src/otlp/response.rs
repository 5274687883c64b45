//! Responses of OTLP/HTTP, in the encoding of the request.

use prost::Message;
use serde::Serialize;

use crate::{Signal, SourceCounts, Translation};

/// The encoding of a request's body, and of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// The encoding that a content type stands for. Its parameters are ignored.
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// `ExportTraceServiceResponse`, and the responses of the other signals, which differ only in names.
#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The body of a 200. `rejected` is the number of rejected entries. A message without rejected entries is a warning.
/// Without either, the body is empty, as the specification requires.
pub fn partial_success(signal: Signal, encoding: Encoding, rejected: usize, message: String) -> Vec<u8> {
    let nothing_to_say = rejected == 0 && message.is_empty();
    match encoding {
        Encoding::Protobuf => {
            let partial_success = (!nothing_to_say).then(|| PartialSuccess {
                rejected: i64::try_from(rejected).unwrap_or(i64::MAX),
                error_message: message,
            });
            Response { partial_success }.encode_to_vec()
        }
        Encoding::Json if nothing_to_say => b"{}".to_vec(),
        Encoding::Json => {
            let name = match signal {
                Signal::Spans => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            // In OTLP's JSON, 64-bit integers are strings.
            let partial = serde_json::json!({ name: rejected.to_string(), "errorMessage": message });
            serde_json::json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    }
}

/// The body of an error: a `google.rpc.Status`.
pub fn status(encoding: Encoding, code: i32, message: &str) -> Vec<u8> {
    let status = Status { code, message: message.to_owned() };
    match encoding {
        Encoding::Protobuf => status.encode_to_vec(),
        Encoding::Json => serde_json::to_vec(&status).unwrap_or_default(),
    }
}

impl Translation {
    /// The warning about entries that are not counted. Empty if there are none.
    pub fn warning(&self, signal: Signal) -> String {
        let uncounted =
            |counts: &SourceCounts| counts.uncounted.get(&signal).copied().filter(|entries| *entries > 0);
        let sentences = self.sources.iter().filter_map(|(source, counts)| {
            let (entries, kind) = (uncounted(counts)?, noun(signal));
            Some(format!("{entries} {kind} of {source} are not counted: their calls are counted elsewhere."))
        });
        // A request may name any number of sources, and exporters log the message as one line.
        sentences.take(5).collect::<Vec<_>>().join(" ")
    }
}

const fn noun(signal: Signal) -> &'static str {
    match signal {
        Signal::Spans => "spans",
        Signal::Logs => "log records",
        Signal::Metrics => "metrics",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_success_is_an_empty_message() {
        assert_eq!(partial_success(Signal::Spans, Encoding::Protobuf, 0, String::new()), b"");
        assert_eq!(partial_success(Signal::Spans, Encoding::Json, 0, String::new()), b"{}");
    }

    #[test]
    fn rejected_entries_are_counted_by_the_name_of_their_signal() {
        let body = partial_success(Signal::Logs, Encoding::Json, 2, "why".to_owned());
        assert_eq!(body, br#"{"partialSuccess":{"errorMessage":"why","rejectedLogRecords":"2"}}"#);
        // Field 1, length 7: field 1 is the varint 2, field 2 the text "why".
        let body = partial_success(Signal::Logs, Encoding::Protobuf, 2, "why".to_owned());
        assert_eq!(body, b"\x0a\x07\x08\x02\x12\x03why");
    }

    #[test]
    fn content_types_select_the_encoding() {
        assert_eq!(Encoding::of("application/x-protobuf"), Some(Encoding::Protobuf));
        assert_eq!(Encoding::of("Application/JSON; charset=utf-8"), Some(Encoding::Json));
        assert_eq!(Encoding::of("text/plain"), None);
    }
}
