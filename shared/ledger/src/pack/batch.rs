//! Events as what is appended to chains.

use std::borrow::Cow;
use std::ops::Range;

use super::amount::Inexact;
use super::table::Table;
use crate::calendar::Calendar;
use crate::chain::{Batch, Content, Seconds};
use crate::event::Event;

/// The events of a batch that belong to one chain, with their sequence numbers `M` and when they entered the stream.
pub struct EventBatch<'e, M> {
    marks: Vec<M>,
    arrivals: Vec<Seconds>,
    events: Vec<&'e Event>,
    calendar: Calendar,
    /// What all events add up to, since most batches are written in one.
    sum: Table,
}

impl<'e, M> EventBatch<'e, M> {
    /// An empty batch of a chain of this calendar.
    pub fn new(calendar: Calendar) -> Self {
        Self { marks: Vec::new(), arrivals: Vec::new(), events: Vec::new(), calendar, sum: Table::default() }
    }

    /// Adds the next event of the shard.
    ///
    /// # Errors
    ///
    /// An event with an amount that no table can hold.
    pub fn push(&mut self, mark: M, arrival: Seconds, event: &'e Event) -> Result<(), Inexact> {
        self.sum.add_event(event, &self.calendar)?;
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
                part.add_event(event, &self.calendar).ok();
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
