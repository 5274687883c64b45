//! The stored form of a table: compact, and read without trust.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version of the encoding: 1, or 2 if there are names of tracked dimensions |
//! | 1 | 0: the body follows as it is; 1: its length follows as a varint, then the body, deflated |
//! | body | the names of each domain, in version 1 of the first four alone; the number of groups, and the groups; the number of sets, and the sets |
//!
//! Names are sorted, and each is stored as the number of bytes that it shares with the one before, and the rest. A
//! group is its number, the number of its rows, its keys part by part, a bit for each figure, and the columns of these.
//! Columns of keys and figures alike are stored in the shortest of several forms, see [`column`].
//!
//! The same table always has the same bytes, whatever it was merged from.

pub mod bytes;
mod column;
mod decode;
mod encode;
mod names;

/// The versions of the encoding. A change of the format needs a new one; bytes of unknown versions are refused.
const VERSION: u8 = 1;
/// Has names of all domains.
const ALL_DOMAINS: u8 = 2;
/// The domains that version 1 has.
const FORMER_DOMAINS: usize = 4;
/// Marks of the body's form.
const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;

/// The most bytes that a body may inflate to, and the most values that it may have: far above what fits into an item of
/// 400 KB, and low enough for memory.
const MAX_BODY: usize = 32 << 20;
const MAX_VALUES: usize = 8 << 20;

/// Bytes that are no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They are in a version that this release does not read.
    #[error("the encoding has version {0}, which this release does not read")]
    Version(u8),
    /// They end too early, or go on after the end.
    #[error("the encoding has the wrong length")]
    Length,
    /// The body does not inflate.
    #[error("the body does not inflate")]
    Deflate,
    /// A number, a name or an order that the encoder does not write.
    #[error("the encoding has an invalid {0}")]
    Invalid(&'static str),
}
