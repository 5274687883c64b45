//! Chains of pages: how what a stream delivers at least once is added up exactly once, without transactions or locks.
//!
//! The records of one stream shard that concern one day of an organization form a **chain**. Their deltas are appended
//! to **pages**, numbered from 0. A page has one mark, the sequence number of the last record in it, and every write is
//! conditional on that mark. Only a **closed** page, to which nothing is ever appended again, has a successor. So marks
//! grow along a chain, and the last page tells which records the chain contains.
//!
//! Compaction merges closed pages into **packs**. A pack's [`Cover`] says how many pages of each chain it contains, so a
//! reader adds a pack and the pages that its cover lacks, in whatever order it read them. A page is deleted when every
//! pack that claims its day has covered it for a while. The last page of a chain stays, without its deltas, because it
//! holds the chain's mark; it expires when no record of the chain can be delivered any more.
//!
//! Everything here decides, and nothing is carried out: the state machines hand out commands and are told the answers.
//! `tests/chains` runs them against a store that loses answers, delays and repeats.

mod append;
mod assemble;
mod codec;
mod compact;
mod cover;
mod ids;
mod limits;
mod pack;
mod page;
mod reconcile;
mod select;

pub use append::{Append, Batch, Cached, Content, Outcome, Write, WriteAnswer, WriteCommand, first_failed};
pub use assemble::{Chunks, Incomplete, KeyRange, Rows, assemble, live};
pub use codec::{decode_days, encode_days};
pub use compact::{Compaction, CompactionAnswer, CompactionCommand, Note, Task};
pub use cover::Cover;
pub use ids::{ChainId, Family, PageId};
pub use limits::{Limits, Seconds, Timing};
pub use pack::{Chunk, ChunkId, Kind, Link, PackId, SEALED, Span};
pub use page::{Page, Split, Tail};
pub use reconcile::{Observation, is_settled, repaired};
pub use select::{Pages, Selection, select};
