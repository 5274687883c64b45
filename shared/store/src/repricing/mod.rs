//! Repricing entries: which exist, which hold for a day, and the costs that they list.
//!
//! An entry is carried out by days of UTC, as raw events are stored. First the new cost of each call is written to pages,
//! which nothing reads yet. Then one transaction adds the entry to those that hold for the day, marks the day as dirty and
//! notes the progress, unless another writer came first. From then on the day's raw events are read with these costs.
//! Taking an entry back removes it from the day in the same way.

mod costs;
mod day;
mod entries;
mod priced_events;
mod progress;

pub use costs::{CostPage, CostPages};
pub use day::{DayEntry, RepricedDay};
pub use entries::{MAX_REPRICINGS, Repricing, RepricingStatus};
pub use priced_events::PricedEvent;
pub use progress::{DueRepricing, RepricingStep};
