//! The HTTP edge of a function: routes, callers, request parameters and bodies, errors.

#![warn(missing_docs)]

pub mod app;
pub mod auth;
pub mod body;
pub mod both;
pub mod caller;
pub mod cursor;
pub mod error;
pub mod fields;
pub mod freshness;
pub mod gateway_path;
pub mod logs;
mod method;
pub mod page;
pub mod path;
pub mod query;
pub mod rates;
pub mod route;
pub mod table;
