//! Repairs: what a chunk lacks of the fold over raw events is added to it.

use super::assemble::{Incomplete, KeyRange, Rows, add_pages};
use super::limits::Seconds;
use super::pack::{Chunk, ChunkId};
use super::select::Pages;
use crate::period::Day;

/// When a chunk was compared with the raw events.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// The time before the first read.
    pub from: Seconds,
    /// When the newest of the day's raw events arrived; none if there is none.
    pub newest: Option<Seconds>,
    /// Whether all records of the stream up to then have been applied.
    pub is_applied: bool,
    /// Whether pages and chunks were the same before and after the raw events were read.
    pub is_unchanged: bool,
}

/// Whether a difference is one that no later page will mend. An event on its way to the pages must not be added by a
/// repair, or it would be added twice.
pub fn is_settled(observation: &Observation, settle: Seconds) -> bool {
    let is_old = observation.newest.is_none_or(|newest| observation.from - newest >= settle);
    is_old && observation.is_applied && observation.is_unchanged
}

/// The chunk of a day's pack with what it and its pages lack of `recomputed`; none if they lack nothing. The cover stays
/// as it is, so that later pages are added as ever.
///
/// # Errors
///
/// If chunk and pages do not fit together.
pub fn repaired<R: Rows, M>(
    (id, chunk): (ChunkId<R::Bound>, &Chunk<R, R::Bound>),
    recomputed: &R,
    pages: &Pages<M, R::Delta>,
    kind: R::Kind,
    day: Day,
) -> Result<Option<Chunk<R, R::Bound>>, Incomplete> {
    let range = KeyRange::of(id, chunk);
    let mut stored = chunk.rows.clone();
    add_pages(&mut stored, pages, &chunk.cover, kind, range)?;
    let mut difference = R::default();
    difference.merge(recomputed, range);
    difference.subtract(&stored, range);
    if difference.is_empty() {
        return Ok(None);
    }
    let mut repaired = chunk.clone();
    repaired.rows.merge(&difference, range);
    repaired.version += 1;
    *repaired.days.entry(day).or_default() += 1;
    Ok(Some(repaired))
}
