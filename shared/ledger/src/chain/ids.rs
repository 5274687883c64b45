//! What chains and pages are identified by, within one organization.

use crate::period::Day;

/// The two kinds of chains that the records of a shard may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// The organization's rows; and the agents' as well, as long as batches are so small that a page of their own would
    /// cost more.
    Main,
    /// The agents' rows of larger batches.
    Agents,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Main, Self::Agents];
}

/// A chain, within a day.
///
/// The date of arrival is part of it so that no chain lives long: a shard may last for ever, but no record is delivered
/// for more than a day. Both parts are in every record, so a batch that is cut differently goes to the same chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId {
    /// The family.
    pub family: Family,
    /// The date (UTC) on which the records entered the stream.
    pub arrival: Day,
    /// A hash of the stream and its shard.
    pub shard: [u8; 8],
}

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId {
    /// The day of the events.
    pub day: Day,
    /// The chain.
    pub chain: ChainId,
    /// The position in the chain, from 0.
    pub number: u32,
}
