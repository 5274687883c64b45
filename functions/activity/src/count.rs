//! Counts the entries of a time range.

use futures::try_join;
use shared::Result;
use shared::ids::Name;
use shared::store::Store;
use shared::store::activity::Filter;

use crate::cut::{Counted, Cut, Span};

/// Counts each part of the range: the ends by query, the whole hours from hourly counts.
pub async fn count(store: &Store, filter: &Filter, cut: &Cut) -> Result<Counted> {
    let read = async |span: Option<Span>| match span {
        Some(span) => store.count_activity(filter, &span.stretch()).await,
        None => Ok(0),
    };
    let days = async {
        match cut.days() {
            Some(days) => store.activity_days(&filter.org, filter.agent.as_ref(), days).await,
            None => Ok(Vec::new()),
        }
    };
    let (head, days, tail) = try_join!(read(cut.head), days, read(cut.tail))?;
    let event_type = filter.event_type.as_ref().map(Name::as_str);
    Ok(Counted { head, hours: cut.hours(&days, event_type), tail })
}
