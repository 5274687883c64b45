//! Keys and attributes of the chains of pages and of packs, in the usage table.
//!
//! | item | partition key | sort key |
//! |---|---|---|
//! | a page | `{owner}#O`, in the family of agents `{owner}#G` | `{yyyymmdd}#{late}#{shard}#{number}` |
//! | a chunk of a pack | `{owner}#K` | `{kind}{span}#{from}#{split}` |
//! | the seals of a block's days | `{owner}#K` | `{kind}{span}!` |
//! | the note of a day | `{owner}#K` | `N{day}` |
//! | a day that may have pages | `#chains` | `{owner}#{day}` |
//!
//! `{owner}` is an organization in one generation, see [`Owner`]. A page's `{yyyymmdd}` is the day of the events, its
//! `{late}` the date of arrival: the days between the two, and 1,000 more, since a day may end after events of it arrive. The
//! pages of a range of days are one query, and so are the packs of one kind. Keys are short because every page repeats
//! them, and every started kilobyte of a page costs a write unit.

use std::fmt::{self, Display, Formatter};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{Datelike, NaiveDate, TimeDelta};
use ledger::calendar::Generation;
use ledger::chain::{ChainId, ChunkId, Family, PackId, PageId, Span};
use ledger::ids::OrgId;
use ledger::pack::{Block, View};
use ledger::period::{Day, DayRange};
use sha2::{Digest, Sha256};

use super::usage::generation_key;
use super::{AFTER_SEPARATOR, Key, KeyRange, SEPARATOR};

/// Whose days chains and packs are about: those of an organization by one of its calendars.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The organization.
    pub org: OrgId,
    /// The generation of the calendar.
    pub generation: Generation,
}

impl Owner {
    /// An organization in a generation.
    pub fn new(org: &OrgId, generation: Generation) -> Self {
        Self { org: org.clone(), generation }
    }

    fn parse(text: &str) -> Option<Self> {
        let (org, generation) = match text.split_once(SEPARATOR) {
            Some((org, generation)) => (org, Generation::new(generation.parse().ok()?)),
            None => (text, Generation::FIRST),
        };
        Some(Self { org: OrgId::new(org).ok()?, generation })
    }
}

impl Display for Owner {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&generation_key(&self.org, self.generation))
    }
}

/// The mark of a page.
pub const MARK: &str = "m";
/// The deltas of a page.
pub const DELTAS: &str = "d";
/// Present in a closed page.
pub const CLOSED: &str = "c";
/// From where on agents' rows are in the other family: a mark, or no bytes where that is from the start.
pub const SPLIT: &str = "f";
/// When an item expires, in seconds since 1970: the TTL attribute of the table.
pub const EXPIRES: &str = "x";
/// The version of a chunk, to be compared when it is written.
pub const REVISION: &str = "n";
/// The days of a chunk.
pub const DAYS: &str = "y";
/// A cover.
pub const COVER: &str = "o";
/// The rows of a chunk.
pub const ROWS: &str = "r";
/// The chunk that follows.
pub const NEXT: &str = "e";
/// When a note was taken or a day was listed, in seconds since 1970.
pub const NOTED: &str = "t";
/// When a chunk was sealed, in seconds since 1970.
pub const SEALED_AT: &str = "z";
/// The partition that lists the days that may have pages.
pub const CHAINS: &str = "#chains";

/// Stands for no days between a day and the arrival of its events.
const PUNCTUAL: i64 = 1_000;
/// The base of page numbers.
const BASE: u32 = 36;
/// Sorts after all digits.
const AFTER_DIGITS: char = '~';

/// The 8 bytes that stand for a shard of a stream. The stream's ARN contains its label, so that a stream that was created
/// again has chains of its own.
pub fn shard_hash(stream_arn: &str, shard_id: &str) -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update(stream_arn);
    hash.update([0]);
    hash.update(shard_id);
    let hash: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| hash[i])
}

fn pages_key(owner: &Owner, family: Family) -> String {
    let letter = match family {
        Family::Main => 'O',
        Family::Agents => 'G',
    };
    format!("{owner}#{letter}")
}

/// The key of a page.
pub fn page(owner: &Owner, id: &PageId) -> Key {
    let PageId { day, chain, number } = id;
    let sk = format!("{}{}", chain_prefix(*day, *chain), page_number(*number));
    Key { pk: pages_key(owner, chain.family), sk }
}

fn short_day(day: Day) -> String {
    let date = day.date();
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

fn chain_prefix(day: Day, chain: ChainId) -> String {
    let late = (chain.arrival.date() - day.date()).num_days() + PUNCTUAL;
    let (day, shard) = (short_day(day), BASE64.encode(chain.shard));
    format!("{day}#{late:04}#{shard}#")
}

/// The pages of a chain, in their order.
pub fn chain(owner: &Owner, day: Day, chain: ChainId) -> KeyRange {
    let prefix = chain_prefix(day, chain);
    KeyRange {
        pk: pages_key(owner, chain.family),
        from: format!("{prefix}0"),
        to: format!("{prefix}{AFTER_DIGITS}"),
    }
}

/// Four digits of base 36: a chain lasts for a day at most, and there are 19 for each of its seconds.
fn page_number(number: u32) -> String {
    let digit = |power| char::from_digit(number / power % BASE, BASE).unwrap_or('z');
    [BASE.pow(3), BASE.pow(2), BASE, 1].map(digit).iter().collect()
}

/// The pages of a family on some days.
pub fn pages(owner: &Owner, days: DayRange, family: Family) -> KeyRange {
    KeyRange {
        pk: pages_key(owner, family),
        from: format!("{}{SEPARATOR}", short_day(days.first)),
        to: format!("{}{AFTER_SEPARATOR}", short_day(days.last)),
    }
}

/// The page of a sort key, among the pages of a family.
pub fn parse_page(sk: &str, family: Family) -> Option<PageId> {
    let mut parts = sk.split(SEPARATOR);
    let (day, arrival, shard, number) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let day = Day::new(NaiveDate::parse_from_str(day, "%Y%m%d").ok()?);
    let late = arrival.parse::<i64>().ok()? - PUNCTUAL;
    let arrival = Day::new(day.date().checked_add_signed(TimeDelta::try_days(late)?)?);
    let shard = BASE64.decode(shard).ok()?.try_into().ok()?;
    Some(PageId {
        day,
        chain: ChainId { family, arrival, shard },
        number: u32::from_str_radix(number, BASE).ok()?,
    })
}

fn packs_key(owner: &Owner) -> String {
    format!("{owner}#K")
}

fn pack_prefix(pack: PackId<View>) -> String {
    let kind = kind_letter(pack.kind);
    match pack.span {
        Span::Day(day) => format!("{kind}D{day}#"),
        Span::Long(number) => format!("{kind}L{number}#"),
    }
}

const fn kind_letter(kind: View) -> char {
    match kind {
        View::Organization => 'O',
        View::Agents => 'G',
        View::AgentModels => 'M',
        View::Activity => 'L',
        View::Compute => 'P',
        View::EndUsers => 'U',
        View::Tracked => 'T',
        View::Hours => 'H',
        View::Whole => 'W',
    }
}

/// The key of a chunk.
pub fn chunk(owner: &Owner, pack: PackId<View>, id: ChunkId<u64>) -> Key {
    Key { pk: packs_key(owner), sk: format!("{}{}", pack_prefix(pack), chunk_id(id)) }
}

/// The text of a chunk's id.
pub fn chunk_id(id: ChunkId<u64>) -> String {
    format!("{:x}#{:x}", id.from, id.split)
}

/// The id that [`chunk_id`] wrote.
pub fn parse_chunk_id(text: &str) -> Option<ChunkId<u64>> {
    let (from, split) = text.split_once(SEPARATOR)?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    Some(ChunkId { from: hex(from)?, split: hex(split)? })
}

/// The chunks of the packs of some days, in no particular order within a day.
pub fn chunks(owner: &Owner, kind: View, days: DayRange) -> KeyRange {
    let prefix = |day| pack_prefix(PackId { kind, span: Span::Day(day) });
    KeyRange { pk: packs_key(owner), from: prefix(days.first), to: format!("{}g", prefix(days.last)) }
}

/// The chunks of the packs of blocks with the numbers from one up to another, and their days' seals.
pub fn blocks(owner: &Owner, kind: View, first: u32, last: u32) -> KeyRange {
    let prefix = |number| format!("{}L{number}", kind_letter(kind));
    KeyRange { pk: packs_key(owner), from: prefix(first), to: format!("{}$", prefix(last)) }
}

/// The item with the seals of a block's days.
pub fn seals(owner: &Owner, block: Block) -> Key {
    Key { pk: packs_key(owner), sk: format!("{}L{}!", kind_letter(block.view), block.number()) }
}

/// The attribute of a day in the item with the seals of its block.
pub fn seal(day: Day) -> String {
    short_day(day)
}

/// What an item among those of blocks is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockItem {
    /// The seals of a block's days.
    Seals(u32),
    /// A chunk of a block's pack.
    Chunk(u32, ChunkId<u64>),
}

/// What a sort key among those of blocks is about.
pub fn parse_block(sk: &str, kind: View) -> Option<BlockItem> {
    let rest = sk.strip_prefix(kind_letter(kind))?.strip_prefix('L')?;
    if let Some(number) = rest.strip_suffix('!') {
        return Some(BlockItem::Seals(number.parse().ok()?));
    }
    let (number, id) = rest.split_once(SEPARATOR)?;
    Some(BlockItem::Chunk(number.parse().ok()?, parse_chunk_id(id)?))
}

/// The day and the id of a chunk's sort key, among the chunks of days' packs of a kind.
pub fn parse_chunk(sk: &str, kind: View) -> Option<(Day, ChunkId<u64>)> {
    let (day, id) = sk.strip_prefix(kind_letter(kind))?.strip_prefix('D')?.split_once(SEPARATOR)?;
    Some((Day::parse(day)?, parse_chunk_id(id)?))
}

/// The note of a day.
pub fn note(owner: &Owner, day: Day) -> Key {
    Key { pk: packs_key(owner), sk: format!("N{day}") }
}

/// All pages, packs and notes of an owner.
pub fn all(owner: &Owner) -> Vec<KeyRange> {
    let of_families = Family::ALL.map(|family| pages_key(owner, family));
    let partitions = of_families.into_iter().chain([packs_key(owner)]);
    partitions.map(|pk| KeyRange { pk, from: "!".to_owned(), to: "~".to_owned() }).collect()
}

/// The entry of a day that may have pages.
pub fn listed_day(owner: &Owner, day: Day) -> Key {
    Key { pk: CHAINS.to_owned(), sk: format!("{owner}{SEPARATOR}{day}") }
}

/// The days that may have pages, of all owners.
pub fn listed_days() -> KeyRange {
    KeyRange { pk: CHAINS.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}

/// The owner and the day of an entry's sort key.
pub fn parse_listed_day(sk: &str) -> Option<(Owner, Day)> {
    let (owner, day) = sk.rsplit_once(SEPARATOR)?;
    Some((Owner::parse(owner)?, Day::parse(day)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner() -> impl Strategy<Value = Owner> {
        (0..3_u32).prop_map(|number| Owner::new(&OrgId::new("acme").unwrap(), Generation::new(number)))
    }

    fn day() -> impl Strategy<Value = Day> {
        (18_000..25_000_i32).prop_map(|number| Day::new(NaiveDate::from_epoch_days(number).unwrap()))
    }

    fn only(day: Day) -> DayRange {
        DayRange { first: day, last: day }
    }

    fn holds(range: &KeyRange, key: &Key) -> bool {
        range.pk == key.pk && range.from <= key.sk && key.sk <= range.to
    }

    proptest! {
        #[test]
        fn pages_are_read_back(
            owner in owner(), day in day(), other in day(), late in 0..2_000_i64, family in prop::sample::select(&Family::ALL), shard: [u8; 8],
            number in 0..1_679_616_u32,
        ) {
            let arrival = Day::new(day.date() + TimeDelta::days(late - 900));
            let id = PageId { day, chain: ChainId { family, arrival, shard }, number };
            let key = page(&owner, &id);
            prop_assert_eq!(parse_page(&key.sk, family), Some(id));
            for range in [pages(&owner, only(day), family), chain(&owner, day, id.chain)] {
                prop_assert!(holds(&range, &key));
            }
            prop_assert_eq!(holds(&pages(&owner, only(other), family), &key), day == other);
            prop_assert_eq!(all(&owner).iter().filter(|range| holds(range, &key)).count(), 1);
            prop_assert!(key.sk.len() == 30);
        }

        #[test]
        fn chunks_are_read_back(owner in owner(), day in day(), other in day(), from: u64, split: u64) {
            for kind in View::PARTS {
                let (pack, id) = (PackId { kind, span: Span::Day(day) }, ChunkId { from, split });
                let key = chunk(&owner, pack, id);
                prop_assert_eq!(parse_chunk(&key.sk, kind), Some((day, id)));
                for of in View::PARTS {
                    prop_assert_eq!(holds(&chunks(&owner, of, only(other)), &key), of == kind && day == other);
                }
                prop_assert!(!holds(&chunks(&owner, kind, only(day)), &note(&owner, day)));
                prop_assert_eq!(all(&owner).iter().filter(|range| holds(range, &key)).count(), 1);
            }
        }

        #[test]
        fn blocks_are_read_back(owner in owner(), day in day(), other in day(), from: u64, split: u64) {
            for view in [View::Agents, View::AgentModels, View::Tracked] {
                let (block, of_other) = (Block::of(view, day).unwrap(), Block::of(view, other).unwrap());
                let id = ChunkId { from, split };
                let (key, seals) = (chunk(&owner, block.pack(), id), seals(&owner, block));
                prop_assert_eq!(parse_block(&key.sk, view), Some(BlockItem::Chunk(block.number(), id)));
                prop_assert_eq!(parse_block(&seals.sk, view), Some(BlockItem::Seals(block.number())));
                for key in [key, seals] {
                    let range = blocks(&owner, view, of_other.number(), of_other.number());
                    prop_assert_eq!(holds(&range, &key), block == of_other);
                    prop_assert!(!holds(&chunks(&owner, view, only(day)), &key));
                    prop_assert_eq!(all(&owner).iter().filter(|range| holds(range, &key)).count(), 1);
                }
            }
        }

        #[test]
        fn listed_days_are_read_back(owner in owner(), day in day()) {
            let key = listed_day(&owner, day);
            prop_assert!(holds(&listed_days(), &key));
            prop_assert_eq!(parse_listed_day(&key.sk), Some((owner, day)));
        }
    }

    #[test]
    fn keys_are_spelled_as_always() {
        let owner = Owner::new(&OrgId::new("acme").unwrap(), Generation::FIRST);
        let day = Day::parse("2026-11-28").unwrap();
        let chain = ChainId { family: Family::Main, arrival: day.next(), shard: *b"shardhas" };
        let key = page(&owner, &PageId { day, chain, number: 7 });
        assert_eq!((key.pk.as_str(), key.sk.as_str()), ("acme#O", "20261128#1001#c2hhcmRoYXM#0007"));
        let pack = PackId { kind: View::AgentModels, span: Span::Day(day) };
        let next = Owner { generation: Generation::new(1), ..owner };
        let key = chunk(&next, pack, ChunkId { from: 255, split: 16 });
        assert_eq!((key.pk.as_str(), key.sk.as_str()), ("acme#1#K", "MD2026-11-28#ff#10"));
        assert_eq!(
            chunk(&next, PackId { span: Span::Long(202_611), ..pack }, ChunkId::default()).sk,
            "ML202611#0#0"
        );
        assert_eq!(listed_day(&next, day).sk, "acme#1#2026-11-28");
    }
}
