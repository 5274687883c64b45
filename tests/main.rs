//! Tests of the whole system: requests go in as API Gateway events, sums come out of the real table engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod api;
mod pipeline;
mod routes;
mod support;
mod v1;
