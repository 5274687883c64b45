//! The price book: what a call costs, by model, time, service tier, region and length.
//!
//! [`Book`] is compiled from the files under `data/` and read in place. [`Pricer`] prices a [`Call`] by the book under
//! an organization's own prices ([`OwnPrices`]), in four steps:
//!
//! 1. The provider: its id, or one of the other names that SDKs and gateways send.
//! 2. The model: its exact id, an alias, or what remains when everything is taken off that is not part of a name. No
//!    step leaves the provider, and nothing matches by a prefix that the book does not state. See `resolve`.
//! 3. The row: by day, hours, tier, region and the length of the whole input. See `select`.
//! 4. The cost: exact, in picodollars, by part. Only costs of units and multiples of prices are ever rounded.
//!
//! A call without a price says why: see [`Unpriced`]. An unknown price is never taken for another one, with one
//! exception that providers state: cached input without a price of its own costs what input costs.

mod amount;
mod catalog;
mod category;
#[cfg(test)]
mod compile;
pub mod data;
mod display_name;
mod hash;
mod nearest;
mod own;
mod pricer;
mod resolve;
mod select;
mod split;
mod tables;
#[cfg(test)]
mod testing;
mod usage;

pub use catalog::{Book, FamilyTier, ModelEntry, ProviderEntry};
pub use category::Category;
pub use data::Rate;
pub use display_name::display_name;
pub use own::{MULTIPLIER_ONE, OwnEntry, OwnPrice, OwnPrices};
pub use pricer::{CallPrice, CostParts, EffectiveRow, ListedModel, Pricer};
pub use resolve::Found;
pub use select::{Query, Unpriced};
pub use split::split;
pub use tables::PriceRow;
pub use usage::{Call, TokenUsage, date_of, day_of};
