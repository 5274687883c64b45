//! What every Fleetledger function shares: who may ask, what things cost, how events become numbers, and the
//! tables they live in.
//!
//! Arithmetic (`money`, `period`, `pricing`, `cost`, `rollup`) is pure: no async, no clock, no SDK.

pub mod alert;
pub mod app;
pub mod auth;
pub mod aws;
pub mod config;
pub mod cost;
pub mod emf;
pub mod error;
pub mod event;
pub mod fields;
pub mod http;
pub mod ids;
pub mod logs;
pub mod money;
pub mod period;
pub mod pricing;
pub mod rollup;
pub mod secrets;
pub mod store;
pub mod webhook;

pub use error::{Error, Fault, Result};
