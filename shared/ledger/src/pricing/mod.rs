//! The price book: what a model's tokens cost, and when.
//!
//! Three steps lead from an event to its prices. *Which model* is decided first, from the ids alone: the
//! provider's exact id, then an alias `=exact`, then the longest alias `^prefix`; ids compare in lower case,
//! and never with those of another provider. *Which version* follows from the event's date in UTC. *Which
//! rates* of it follows from the size of the call's input. An organisation's own prices lie over the default
//! book; see [`Prices`].

mod book;
mod build;
mod catalog;
#[cfg(test)]
mod compile;
pub mod data;
mod hash;
mod nearest;
mod overrides;
mod own;
mod parse;
mod pricer;
mod rates;
mod resolve;
mod select;
mod split;
mod tables;
#[cfg(test)]
mod testing;
mod usage;

use std::borrow::Cow;

pub use catalog::{Book, FamilyTier, ModelEntry, ProviderEntry};
pub use own::{MULTIPLIER_ONE, OwnEntry, OwnPrice, OwnPrices};
pub use pricer::{CallPrice, CostParts, EffectiveRow, Pricer};
pub use resolve::Found;
pub use select::{Query, Unpriced};
pub use split::split;
pub use tables::PriceRow;
pub use usage::{Call, TokenUsage, day_of};

pub use book::{PriceBook, PriceRef, PriceVersion, PricedModel};
pub use overrides::{Override, Overrides, Prices};
pub use parse::MalformedBook;
pub use rates::{Category, InvalidPrice, LongContext, Price, Rates};

/// The form in which ids compare. They are ASCII, and most are in lower case as they come.
fn fold(id: &str) -> Cow<'_, str> {
    if id.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(id.to_ascii_lowercase())
    } else {
        Cow::Borrowed(id)
    }
}

#[cfg(test)]
mod tests;
