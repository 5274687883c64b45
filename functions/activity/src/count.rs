//! Counts the entries of a time range.

use futures::try_join;
use ledger::ids::Name;
use store::Store;
use store::activity::LogFilter;
use web::error::Result;

use crate::split_range::{PartCounts, SplitRange, TimeRange};

/// Counts each part of the range: the ends by query, the whole hours from hourly counts.
pub async fn count(store: &Store, filter: &LogFilter, split: &SplitRange) -> Result<PartCounts> {
    let read = async |range: Option<TimeRange>| match range {
        Some(range) => store.count_activity(filter, &range.stretch()).await,
        None => Ok(0),
    };
    let days = async {
        match split.days() {
            Some(days) => store.activity_days(&filter.org, filter.agent.as_ref(), days).await,
            None => Ok(Vec::new()),
        }
    };
    let (head, days, tail) = try_join!(read(split.head), days, read(split.tail))?;
    let event_type = filter.event_type.as_ref().map(Name::as_str);
    Ok(PartCounts { head, hours: split.hours(&days, event_type), tail })
}
