//! Events as what is appended to chains.

use std::borrow::Cow;
use std::ops::Range;

use super::amount::Inexact;
use super::table::Table;
use crate::calendar::{Calendar, TrackedDimensions};
use crate::chain::{Batch, Content, Seconds};
use crate::event::Event;

/// The events of a batch that belong to one chain, with their sequence numbers `M` and when they entered the stream.
pub struct EventBatch<'e, M> {
    marks: Vec<M>,
    arrivals: Vec<Seconds>,
    events: Vec<&'e Event>,
    rows: BatchRows,
    /// What all events add up to, since most batches are written in one.
    sum: Table,
}

/// Which rows of events are appended.
#[derive(Clone, Debug)]
enum BatchRows {
    /// All, by this calendar.
    All(Calendar),
    /// Those of agents, whose detail is the same in every calendar, and those of tracked dimensions.
    Chained(TrackedDimensions),
}

impl BatchRows {
    fn add(&self, table: &mut Table, event: &Event) -> Result<(), Inexact> {
        match self {
            Self::All(calendar) => table.add_event(event, calendar),
            Self::Chained(tracked) => table.add_chained(event, tracked),
        }
    }
}

impl<'e, M> EventBatch<'e, M> {
    /// An empty batch of a chain of this calendar, of all rows.
    pub fn new(calendar: Calendar) -> Self {
        Self::of(BatchRows::All(calendar))
    }

    /// An empty batch of the rows of agents and of `tracked` dimensions.
    pub fn chained(tracked: TrackedDimensions) -> Self {
        Self::of(BatchRows::Chained(tracked))
    }

    fn of(rows: BatchRows) -> Self {
        Self { marks: Vec::new(), arrivals: Vec::new(), events: Vec::new(), rows, sum: Table::default() }
    }

    /// The sequence number of the first event.
    pub fn first(&self) -> Option<M>
    where
        M: Copy,
    {
        self.marks.first().copied()
    }

    /// Adds the next event of the shard.
    ///
    /// # Errors
    ///
    /// An event with an amount that no table can hold.
    pub fn push(&mut self, mark: M, arrival: Seconds, event: &'e Event) -> Result<(), Inexact> {
        self.rows.add(&mut self.sum, event)?;
        self.marks.push(mark);
        self.arrivals.push(arrival);
        self.events.push(event);
        Ok(())
    }
}

impl<M: Copy + Ord> Batch for EventBatch<'_, M> {
    type Mark = M;
    type Delta = Vec<u8>;

    fn marks(&self) -> &[M] {
        &self.marks
    }

    fn arrival(&self, record: usize) -> Seconds {
        self.arrivals[record]
    }

    fn fold(&self, records: Range<usize>, content: Content) -> Option<Vec<u8>> {
        let mut part = Table::default();
        let table = if records.len() == self.events.len() {
            &self.sum
        } else {
            for event in &self.events[records] {
                // None is inexact: that was checked when it was added.
                self.rows.add(&mut part, event).ok();
            }
            &part
        };
        let table = match content {
            Content::Everything => Cow::Borrowed(table),
            Content::WithoutAgents => Cow::Owned(table.without_agents()),
            Content::AgentsOnly => Cow::Owned(table.agents_only()),
        };
        (!table.is_empty()).then(|| table.encode())
    }

    fn size(&self, delta: &Vec<u8>) -> usize {
        delta.len()
    }
}
