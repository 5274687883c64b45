//! Counting what a range of the log holds.

use futures::try_join;
use ledger::ids::Name;
use store::Store;
use store::activity::Filter;
use web::error::Result;

use crate::cut::{Counted, Cut, Span};

/// How many entries each part of the range has: its ends as they are read now, its whole hours as they were counted.
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
