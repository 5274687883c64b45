//! Bounds the work that one request may cause.
//!
//! A compute sample is added to a rollup of its project for each hour that it touches. So a request of 500 samples of a
//! day each, all of different projects, would cause 12,500 writes of the aggregator, and events of other organizations
//! in the same shard would wait for them. No other event causes more than a handful of writes.

use std::collections::HashSet;

use ledger::event::{Data, Event};
use ledger::ids::ProjectId;
use ledger::rollup::hours_of_sample;

/// The most project hours that the samples of a request may touch. It is the number of rollups and sightings that 500
/// calls of 500 agents are added to.
pub const MAX_PROJECT_HOURS: usize = 1_000;

/// The project hours that a request has touched.
#[derive(Clone, Default)]
pub struct Work(HashSet<(ProjectId, String)>);

impl Work {
    /// Adds the work of an event if the total stays within the bound. A single event always does.
    pub fn take(&mut self, event: &Event) -> bool {
        let hours: Vec<_> = project_hours(event).filter(|hour| !self.0.contains(hour)).collect();
        let fits = hours.is_empty() || self.0.is_empty() || self.0.len() + hours.len() <= MAX_PROJECT_HOURS;
        if fits {
            self.0.extend(hours);
        }
        fits
    }
}

/// The project hours that a sample touches.
fn project_hours(event: &Event) -> impl Iterator<Item = (ProjectId, String)> {
    let sample = match &event.data {
        Data::ComputeUsage(sample) => Some(sample),
        _ => None,
    };
    sample
        .into_iter()
        .flat_map(|sample| hours_of_sample(sample).map(|hour| (sample.project_id.clone(), hour)))
}
