//! Temporary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, reason = "a test may stop")]
#[path = "../../../tests/support/mod.rs"]
mod support;
#[path = "../../../tests/api/registry/mod.rs"]
mod api;
