//! OTLP/HTTP: spans, log records and metrics of any OpenTelemetry exporter.
//!
//! **One call, one signal.** A call is often reported as a span, a log record and a metric, and the span again by the
//! framework around it. `sender::Sender` says which signal of a sender counts; within the spans of a request,
//! `twins` finds those that report the same call.

mod agents;
mod attributes;
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

/// What an organization decides about its telemetry.
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

/// Reads an `ExportMetricsServiceRequest`. It holds no events: metrics are sums of calls that other signals report.
pub fn metrics(body: Bytes, encoding: Encoding) -> Result<Translation, Unreadable> {
    decode(body, encoding, "ExportMetricsServiceRequest").map(|request| metrics::translate(&request))
}

fn decode<M>(body: Bytes, encoding: Encoding, name: &str) -> Result<M, Unreadable>
where
    M: prost::Message + Default + for<'de> Deserialize<'de>,
{
    // Neither decoder repeats content of the body in its message.
    match encoding {
        Encoding::Protobuf => M::decode(body).map_err(|fault| fault.to_string()),
        // serde would read a list as the fields in order.
        Encoding::Json if body.trim_ascii_start().first() == Some(&b'[') => Err("a list".to_owned()),
        Encoding::Json => serde_json::from_slice(&body).map_err(|fault| fault.to_string()),
    }
    .map_err(|fault| Unreadable(format!("Body should be an {name}: {fault}")))
}

#[cfg(test)]
mod tests;
