//! The fields of OTLP's messages that are read, as protobuf and as JSON.
//!
//! The crate `opentelemetry-proto` is not used because it depends on OpenTelemetry's API and SDK, copies every prompt,
//! and fails a whole JSON request for a single id of the wrong length. Here, fields that are not listed are skipped
//! while decoding, among them the lists and maps that hold captured messages, and strings are slices of the request's
//! body. The field numbers are those of `opentelemetry-proto` 1.9. They never change.

use prost::bytes::Bytes;
use serde::Deserialize;

use super::json::{bits, id, integer, items, nanos, opt_text, text};

macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, prost::Message, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name { $($fields)* }
    };
}

message!(Traces {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "items")]
    pub resource_spans: Vec<ResourceSpans>,
});

message!(ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "items")]
    pub scope_spans: Vec<ScopeSpans>,
});

message!(ScopeSpans {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "items")]
    pub spans: Vec<Span>,
});

message!(Span {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(deserialize_with = "id")]
    pub trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(deserialize_with = "id")]
    pub span_id: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    #[serde(deserialize_with = "id")]
    pub parent_span_id: Bytes,
    #[prost(fixed64, tag = "7")]
    #[serde(deserialize_with = "nanos")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    #[serde(deserialize_with = "nanos")]
    pub end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "items")]
    pub attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    pub status: Option<Status>,
});

message!(Status {
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "bits")]
    pub code: i32,
});

message!(Logs {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "items")]
    pub resource_logs: Vec<ResourceLogs>,
});

message!(ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "items")]
    pub scope_logs: Vec<ScopeLogs>,
});

message!(ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "items")]
    pub log_records: Vec<LogRecord>,
});

message!(LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "nanos")]
    pub time_unix_nano: u64,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "nanos")]
    pub observed_time_unix_nano: u64,
    #[prost(message, optional, tag = "5")]
    pub body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "items")]
    pub attributes: Vec<KeyValue>,
    #[prost(fixed32, tag = "8")]
    #[serde(deserialize_with = "bits")]
    pub flags: u32,
    #[prost(bytes = "bytes", tag = "9")]
    #[serde(deserialize_with = "id")]
    pub trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "10")]
    #[serde(deserialize_with = "id")]
    pub span_id: Bytes,
    #[prost(bytes = "bytes", tag = "12")]
    #[serde(deserialize_with = "text")]
    pub event_name: Bytes,
});

message!(Metrics {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "items")]
    pub resource_metrics: Vec<ResourceMetrics>,
});

message!(ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "items")]
    pub scope_metrics: Vec<ScopeMetrics>,
});

message!(ScopeMetrics {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "items")]
    pub metrics: Vec<Metric>,
});

message!(Metric {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(deserialize_with = "text")]
    pub name: Bytes,
    #[prost(message, optional, tag = "9")]
    pub histogram: Option<Histogram>,
});

message!(Histogram {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "items")]
    pub data_points: Vec<HistogramPoint>,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "bits")]
    pub aggregation_temporality: i32,
});

message!(HistogramPoint {
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "items")]
    pub attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "nanos")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "nanos")]
    pub time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "nanos")]
    pub count: u64,
});

message!(Resource {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "items")]
    pub attributes: Vec<KeyValue>,
});

message!(Scope {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(deserialize_with = "text")]
    pub name: Bytes,
});

message!(KeyValue {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(deserialize_with = "text")]
    pub key: Bytes,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
});

message!(
    /// A plain value. Lists, maps and bytes are decoded as a value without any field.
    AnyValue {
        #[prost(bytes = "bytes", optional, tag = "1")]
        #[serde(deserialize_with = "opt_text")]
        pub string_value: Option<Bytes>,
        #[prost(bool, optional, tag = "2")]
        pub bool_value: Option<bool>,
        #[prost(int64, optional, tag = "3")]
        #[serde(deserialize_with = "integer")]
        pub int_value: Option<i64>,
        #[prost(double, optional, tag = "4")]
        #[serde(deserialize_with = "super::json::double")]
        pub double_value: Option<f64>,
    }
);
