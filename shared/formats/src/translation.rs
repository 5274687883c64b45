//! The result of translating a request.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// Maximum length of a sender's version, in characters.
const MAX_VERSION: usize = 64;

/// What a request in a foreign format comes to.
#[derive(Debug, Default)]
pub struct Translation {
    /// In the order of the request.
    pub events: Vec<Event>,
    pub refusals: Vec<Refusal>,
    /// By `service.name`, or what stands for it in the format.
    pub sources: BTreeMap<String, SourceCounts>,
    /// How many calls the senders' own metrics count, for the capture rate.
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
    /// The cost that the sender computed with a price list of its own. The event does not carry it: it is a check of
    /// the price book unless the organization wants it instead.
    pub reported_cost: Option<Decimal>,
    /// Neither the entry nor the request said when it was: sent again, it differs in nothing but its time.
    pub dated_on_receipt: bool,
}

/// An entry that is no event, for its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Position of the entry in the request, from 0.
    pub index: usize,
    /// The name in [`Translation::sources`] of the sender.
    pub sender: String,
    /// A sentence for people. It names fields and repeats no content.
    pub reason: String,
}

/// What OTLP calls a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    Spans,
    Logs,
    Metrics,
}

/// What happened to the entries of a source beside events and refusals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// The version that the sender states.
    pub version: Option<String>,
    /// Entries that report usage but are not counted, since another signal or span reports the same calls.
    pub uncounted: BTreeMap<Signal, usize>,
    /// Calls whose input was taken as excluding cached tokens, against the emitter's convention.
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
