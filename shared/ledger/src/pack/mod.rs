//! Packs: what events add up to, as tables of typed rows with a compact encoding.
//!
//! The aggregator folds a batch of events into a [`Table`] of full detail and appends it, encoded, to a page. Compaction
//! merges pages into packs, which hold one [`View`] each: fewer key parts, and so far fewer rows. Readers decode a pack
//! and the pages that it lacks, and add them up. All sums are sums of integers, so the order of addition is irrelevant.

mod amount;
mod batch;
mod block;
mod chunk;
mod codec;
mod figure;
mod figures;
mod fold;
mod group;
mod hours;
mod names;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod tracked;
mod view;

pub use amount::{Amount, Inexact};
pub use batch::EventBatch;
pub use block::Block;
pub use codec::Malformed;
pub use codec::bytes;
pub use figure::Figure;
pub use group::{Domain, Group, Key, NONE, Part};
pub use hours::HourRow;
pub use table::Table;
pub use tracked::{MAX_VALUES_PER_DAY, TrackedRow, ValueCaps};
pub use view::View;
