//! The text form of the price book: what the files under `data/` hold.
//!
//! This module and `compile` use the standard library only, because the build script includes both
//! to turn the files into the tables that the program reads in place.

mod bedrock;
mod date;
mod line;
mod model;
mod price;
mod provider;
mod rate;
mod rule;
mod tier;
mod window;

pub use bedrock::{BedrockId, without_revision};
pub use date::Date;
pub use line::{Malformed, split};
pub use model::{Mode, ModelLine};
pub use price::PriceLine;
pub use provider::{AliasLine, FamilyLine, LifecycleLine, OverrideLine, ProviderLine};
pub use rate::{Rate, RateSet, parse_decimal};
pub use rule::{RULES, Rule};
pub use tier::Tier;
pub use window::Window;

#[cfg(test)]
mod tests;
