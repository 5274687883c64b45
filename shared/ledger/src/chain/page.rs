//! Pages, and what a writer needs to know of the last one.

use super::limits::{Limits, Seconds};

/// From where on the agents' rows of a chain are in the chain of the other family.
///
/// It is decided by a conditional write of the main chain, once for ever: if the rows of a record could go to either
/// chain depending on how its batch is cut, a redelivery would add them twice or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split<M> {
    /// All rows are in the main chain.
    No,
    /// From the first record on.
    FromStart,
    /// Only after the record with this sequence number.
    After(M),
}

/// A page. `M` is a sequence number, `D` a delta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<M, D> {
    /// The sequence number of the last record in it.
    pub mark: M,
    /// See [`Split`]; the same or more in every later page. `No` in the family of the agents.
    pub split: Split<M>,
    /// What its records add up to, batch by batch. None in a closed page: it was emptied.
    pub deltas: Vec<D>,
    /// Whether nothing is appended any more.
    pub closed: bool,
    /// When it may be removed.
    pub expires: Option<Seconds>,
}

impl<M, D> Page<M, D> {
    /// Whether its deltas were removed, because all packs contain them.
    pub const fn is_emptied(&self) -> bool {
        self.closed && self.deltas.is_empty()
    }
}

/// What a writer knows of the last page of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail<M> {
    /// Its number.
    pub number: u32,
    /// Its mark.
    pub mark: M,
    /// See [`Split`].
    pub split: Split<M>,
    /// Whether it is closed.
    pub closed: bool,
    /// Its size in bytes.
    pub size: usize,
}

impl<M: Copy> Tail<M> {
    /// What there is to know of a page.
    pub fn of<D>(number: u32, page: &Page<M, D>, limits: &Limits, size: impl Fn(&D) -> usize) -> Self {
        let deltas: usize = page.deltas.iter().map(|delta| size(delta) + limits.per_delta).sum();
        let Page { mark, split, closed, .. } = *page;
        Self { number, mark, split, closed, size: limits.overhead + deltas }
    }
}
