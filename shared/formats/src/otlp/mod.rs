//! OTLP/HTTP: spans, log records and metrics of any OpenTelemetry exporter.
//!
//! **Each call is counted by one signal.** A call is often reported as a span, a log record and a metric, and by a
//! second span of the framework around it. `sender::Sender` says which signal of a sender is counted. `twins` finds
//! the spans of a request that report the same call.

mod agents;
mod ai_sdk;
mod attributes;
mod claude_code;
mod inference;
mod json;
mod logs;
mod messages;
mod metrics;
mod response;
mod sender;
mod spans;
mod tree;
mod twins;

use prost::bytes::Bytes;
use serde::Deserialize;

pub use self::response::{Encoding, partial_success, status};
use crate::{Translation, Unreadable};

/// An organization's settings for its telemetry.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Resource attributes, as in `OTEL_RESOURCE_ATTRIBUTES`, that become tags of every event.
    pub tags: Vec<String>,
}

/// Translates an `ExportTraceServiceRequest`.
pub fn traces(body: Bytes, encoding: Encoding, options: &Options) -> Result<Translation, Unreadable> {
    decode(body, encoding, "ExportTraceServiceRequest").map(|request| spans::translate(&request, options))
}

/// Translates an `ExportLogsServiceRequest`.
pub fn logs(body: Bytes, encoding: Encoding, options: &Options) -> Result<Translation, Unreadable> {
    decode(body, encoding, "ExportLogsServiceRequest").map(|request| logs::translate(&request, options))
}

/// Reads an `ExportMetricsServiceRequest`. It gives no events: metrics are totals of calls that other signals report.
pub fn metrics(body: Bytes, encoding: Encoding) -> Result<Translation, Unreadable> {
    decode(body, encoding, "ExportMetricsServiceRequest").map(|request| metrics::translate(&request))
}

fn decode<M>(body: Bytes, encoding: Encoding, name: &str) -> Result<M, Unreadable>
where
    M: prost::Message + Default + for<'de> Deserialize<'de>,
{
    // The messages of both decoders contain nothing of the body, which may hold prompts.
    match encoding {
        Encoding::Protobuf => M::decode(body).map_err(|fault| fault.to_string()),
        // serde would accept a list as the values of the fields in order.
        Encoding::Json if body.trim_ascii_start().first() == Some(&b'[') => Err("it is a list".to_owned()),
        Encoding::Json => serde_json::from_slice(&body).map_err(|fault| fault.to_string()),
    }
    .map_err(|fault| Unreadable(format!("Body should be an {name}: {fault}")))
}

#[cfg(test)]
mod tests;
