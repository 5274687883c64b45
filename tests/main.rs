//! Tests of the whole system: requests enter as API Gateway events, and figures come from the real table engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(
    clippy::needless_pass_by_value,
    clippy::type_complexity,
    reason = "a test is read more often than it is run"
)]

mod api;
mod clients;
mod console;
mod deployed;
mod every_route;
mod intake;
mod pipeline;
mod random_input;
mod simulation;
mod support;
mod v1;
mod webhooks;
