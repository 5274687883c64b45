//! The whole system on one machine: everything that `template.yaml` describes, with stand-ins for the AWS services.
//!
//! - [`template`] reads `template.yaml`.
//! - [`aws`] stands in for API Gateway, Lambda, DynamoDB, its streams, EventBridge Scheduler and IAM.
//! - [`stack`] wires the functions to the stand-ins.
//! - [`stored_events`] prints raw events.
//! - [`import`] reads files of other tools as events.
//! - [`demo`] fills a new stack with a demo organization; the binary's `cli` is what a person runs.

#![allow(missing_docs, reason = "this crate is not published; comments here say why, not what")]

pub mod aws;
pub mod browser;
pub mod client;
pub mod demo;
pub mod environment;
pub mod error;
pub mod exporter_key;
pub mod import;
pub mod open_files;
pub mod stack;
pub mod stored_events;
pub mod template;
#[cfg(test)]
mod testing;
pub mod token;

pub use aws::{engine, gateway, role, sdk, tables};
