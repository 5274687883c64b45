//! The domain: identifiers, money, periods, events, prices, rollups, settings and alert rules.
//!
//! Everything here is pure: no async, no SDK, no HTTP, and "now" is always an argument.

#![warn(missing_docs)]

pub mod alert;
pub mod calendar;
pub mod chain;
pub mod cost;
pub mod dimension;
pub mod draft;
pub mod event;
pub mod ids;
pub mod money;
pub mod pack;
pub mod period;
pub mod pricing;
pub mod repricing;
pub mod rollup;
pub mod roster;
pub mod settings;
pub mod tags;
