//! Reconciles the rollups: each day is recomputed from its raw events and compared with what is stored.
//!
//! To invoke it by hand: `aws lambda invoke --function-name … --cli-binary-format raw-in-base64-out --payload
//! '{"do":"day","org":"acme","day":"2026-03-05","repair":true}' report.json`. The result is a [`report::Report`]. See
//! [`request::Request`] for the other payloads.

mod agents;
mod blocks;
mod calendars;
mod compact;
mod compare;
mod day;
mod erase;
mod recompute;
mod reconciler;
mod repair;
mod replay;
pub mod report;
mod reprice;
pub mod request;
pub mod schedule;
mod stored;

use store::{Events, Registry, Usage};

pub use compact::CompactionPolicy;
pub use day::SETTLE;
pub use reconciler::Reconciler;

runtime::tables!(events: Events, usage: Usage, registry: Registry; warm registry);
