//! The result of translating a request.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// Maximum length of a sender's version, in characters.
const MAX_VERSION: usize = 64;

/// The translation of a request in another format.
#[derive(Debug, Default)]
pub struct Translation {
    /// In the order of the request.
    pub events: Vec<Event>,
    pub refusals: Vec<Refusal>,
    /// By `service.name`, or its equivalent in the format.
    pub sources: BTreeMap<String, SourceCounts>,
    /// The numbers of calls in the senders' own metrics, for the capture rate.
    pub call_counts: Vec<CallCount>,
}

/// An event for the parser of `POST /v1/events`.
#[derive(Debug)]
pub struct Event {
    /// Position of the entry in the request, from 0.
    pub index: usize,
    /// The name in [`Translation::sources`] of the sender.
    pub sender: String,
    /// The JSON object.
    pub json: Box<RawValue>,
    /// The cost that the sender computed with its own price list. It is not part of the event: it only serves to check
    /// the price book, unless the organization chose to charge it.
    pub reported_cost: Option<Decimal>,
    /// Neither the entry nor the request states a time, so a retry of it has another time and is otherwise the same.
    pub dated_on_receipt: bool,
}

/// An entry that is malformed and gives no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Position of the entry in the request, from 0.
    pub index: usize,
    /// The name in [`Translation::sources`] of the sender.
    pub sender: String,
    /// A sentence for people. It names fields and contains nothing of the entry.
    pub reason: String,
}

/// A signal of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    Spans,
    Logs,
    Metrics,
}

/// Counts of a source's entries, other than its events and rejections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// The version that the sender states.
    pub version: Option<String>,
    /// Entries that report usage but are not counted, because another signal or span reports the same calls.
    pub uncounted: BTreeMap<Signal, usize>,
    /// Calls whose input was found to exclude cached tokens, against the emitter's convention.
    pub exclusive_inputs: usize,
    /// Successful calls without any token count.
    pub without_usage: usize,
}

/// A data point of a metric that counts calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    pub source: String,
    /// Distinguishes the time series of a source.
    pub series: [u8; 16],
    pub calls: u64,
    /// Unix time in nanoseconds since which the calls are counted.
    pub since: u64,
    pub until: u64,
}

impl Translation {
    pub(crate) fn refuse(&mut self, sender: &str, index: usize, reason: impl Into<String>) {
        self.refusals.push(Refusal { index, sender: sender.to_owned(), reason: reason.into() });
    }

    pub(crate) fn uncounted(&mut self, source: &str, signal: Signal, entries: usize) {
        if entries > 0 {
            *self.source(source).uncounted.entry(signal).or_default() += entries;
        }
    }

    /// Notes a sender and the version that it states.
    pub(crate) fn sent_by(&mut self, sender: &str, version: Option<&str>) {
        if let Some(version) = version {
            self.source(sender).version = Some(version.chars().take(MAX_VERSION).collect());
        }
    }

    pub(crate) fn source(&mut self, name: &str) -> &mut SourceCounts {
        self.sources.entry(name.to_owned()).or_default()
    }
}
