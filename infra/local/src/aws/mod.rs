//! Stand-ins for the AWS services that the deployed system runs on.

pub mod engine;
pub mod gateway;
pub mod housekeeping;
pub mod invoke;
pub mod role;
pub mod scheduler;
pub mod sdk;
pub mod stream;
pub mod tables;
