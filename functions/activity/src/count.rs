//! Counts the entries of a time range.

use futures::try_join;
use ledger::ids::Name;
use store::activity::LogFilter;
use web::error::Result;

use crate::Tables;
use crate::split_range::{PartCounts, SplitRange, TimeRange};

/// Counts each part of the range: the ends by query, the whole hours from hourly counts. Returns the split that the
/// counts are of: where a day has had too many types of entries to count each, all entries of one type are counted by
/// query.
pub async fn count(
    tables: &Tables,
    filter: &LogFilter,
    split: SplitRange,
) -> Result<(SplitRange, PartCounts)> {
    let read = async |range: Option<TimeRange>| match range {
        Some(range) => tables.events.count_activity(filter, &range.stretch()).await,
        None => Ok(0),
    };
    let days = async {
        match split.days() {
            Some(days) => tables.usage.activity_days(&filter.org, filter.agent.as_ref(), days).await,
            None => Ok(Vec::new()),
        }
    };
    let (head, days, tail) = try_join!(read(split.head), days, read(split.tail))?;
    let event_type = filter.event_type.as_ref().map(Name::as_str);
    if event_type.is_some() && days.iter().any(|(_, day)| day.has_surplus()) {
        let split = split.whole();
        let head = read(split.head).await?;
        return Ok((split, PartCounts { head, hours: Vec::new(), tail: 0 }));
    }
    let hours = split.hours(&days, event_type);
    Ok((split, PartCounts { head, hours, tail }))
}
