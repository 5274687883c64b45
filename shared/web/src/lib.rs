//! The HTTP edge of a function: routes, who is calling, what they ask, and the errors they get.

#![warn(missing_docs)]

pub mod app;
pub mod auth;
pub mod caller;
pub mod error;
pub mod fields;
pub mod logs;
pub mod query;
pub mod route;
