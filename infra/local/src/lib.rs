//! The whole system on one machine: what `template.yaml` describes, with local parts in place of Amazon's.

pub mod client;
pub mod demo;
pub mod engine;
pub mod error;
pub mod gateway;
mod housekeeping;
pub mod lambda;
pub mod pump;
pub mod role;
pub mod schedule;
pub mod sdk;
pub mod settings;
pub mod stack;
pub mod tables;
pub mod template;
#[cfg(test)]
mod testing;
pub mod token;
