//! Keys and attributes of the chains of pages and of packs, in the usage table.
//!
//! | item | partition key | sort key |
//! |---|---|---|
//! | a page | `{org}#O#{yyyy-mm}`, in the family of agents `{org}#G#{yyyy-mm}` | `{dd}#{mmdd}#{shard}#{number}` |
//! | a chunk of a pack | `{org}#K` | `{span}#{kind}#{from}#{split}` |
//! | the note of a day | `{org}#K` | `N{day}` |
//!
//! A page's `{yyyy-mm}` and `{dd}` are the day of the events, its `{mmdd}` the date of arrival: of the year in which it is
//! closest to the day, since events come at most weeks late. Keys are short because every page repeats them, and every
//! started kilobyte of a page costs a write unit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{Datelike, NaiveDate};
use ledger::chain::{ChainId, ChunkId, Family, PackId, PageId, Span};
use ledger::ids::OrgId;
use ledger::pack::View;
use ledger::period::Day;
use sha2::{Digest, Sha256};

use super::{AFTER_SEPARATOR, Key, KeyRange, SEPARATOR};

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
/// When a note was taken, in seconds since 1970.
pub const NOTED: &str = "t";

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

fn pages_key(org: &OrgId, day: Day, family: Family) -> String {
    let letter = match family {
        Family::Main => 'O',
        Family::Agents => 'G',
    };
    format!("{org}#{letter}#{}", day.month())
}

/// The key of a page.
pub fn page(org: &OrgId, id: &PageId) -> Key {
    let PageId { day, chain, number } = id;
    let sk = format!("{}{}", chain_prefix(*day, *chain), page_number(*number));
    Key { pk: pages_key(org, *day, chain.family), sk }
}

fn chain_prefix(day: Day, chain: ChainId) -> String {
    let (date, arrival) = (day.date(), chain.arrival.date());
    let shard = BASE64.encode(chain.shard);
    format!("{:02}#{:02}{:02}#{shard}#", date.day(), arrival.month(), arrival.day())
}

/// The pages of a chain, in their order.
pub fn chain(org: &OrgId, day: Day, chain: ChainId) -> KeyRange {
    let prefix = chain_prefix(day, chain);
    KeyRange {
        pk: pages_key(org, day, chain.family),
        from: format!("{prefix}0"),
        to: format!("{prefix}{AFTER_DIGITS}"),
    }
}

/// Four digits of base 36: a chain lasts for a day at most, and there are 19 for each of its seconds.
fn page_number(number: u32) -> String {
    let digit = |power| char::from_digit(number / power % BASE, BASE).unwrap_or('z');
    [BASE.pow(3), BASE.pow(2), BASE, 1].map(digit).iter().collect()
}

/// The pages of a family on a day.
pub fn pages(org: &OrgId, day: Day, family: Family) -> KeyRange {
    let day_of_month = day.date().day();
    KeyRange {
        pk: pages_key(org, day, family),
        from: format!("{day_of_month:02}{SEPARATOR}"),
        to: format!("{day_of_month:02}{AFTER_SEPARATOR}"),
    }
}

/// The page of a sort key, among the pages of a family on a day.
pub fn parse_page(sk: &str, day: Day, family: Family) -> Option<PageId> {
    let mut parts = sk.split(SEPARATOR);
    let (_, arrival, shard, number) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (month, of_month) = (arrival.get(..2)?.parse().ok()?, arrival.get(2..)?.parse().ok()?);
    let year = day.date().year();
    let dates = (year - 1..=year + 1).filter_map(|year| NaiveDate::from_ymd_opt(year, month, of_month));
    let arrival = Day::new(dates.min_by_key(|date| (*date - day.date()).num_days().abs())?);
    let shard = BASE64.decode(shard).ok()?.try_into().ok()?;
    Some(PageId {
        day,
        chain: ChainId { family, arrival, shard },
        number: u32::from_str_radix(number, BASE).ok()?,
    })
}

fn pack_prefix(pack: PackId<View>) -> String {
    let span = match pack.span {
        Span::Day(day) => format!("D{day}"),
        Span::Long(number) => format!("L{number}"),
    };
    format!("{span}#{}#", kind_letter(pack.kind))
}

const fn kind_letter(kind: View) -> char {
    match kind {
        View::Organization => 'O',
        View::Agents => 'G',
        View::AgentModels => 'M',
        View::Activity => 'L',
        View::Compute => 'P',
        View::EndUsers => 'U',
        View::Whole => 'W',
    }
}

/// The key of a chunk.
pub fn chunk(org: &OrgId, pack: PackId<View>, id: ChunkId<u64>) -> Key {
    Key { pk: format!("{org}#K"), sk: format!("{}{}", pack_prefix(pack), chunk_id(id)) }
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

/// The chunks of a pack, in no particular order.
pub fn chunks(org: &OrgId, pack: PackId<View>) -> KeyRange {
    let prefix = pack_prefix(pack);
    KeyRange { pk: format!("{org}#K"), from: prefix.clone(), to: format!("{prefix}g") }
}

/// The chunk of a sort key, among the chunks of a pack.
pub fn parse_chunk(sk: &str, pack: PackId<View>) -> Option<ChunkId<u64>> {
    parse_chunk_id(sk.strip_prefix(&pack_prefix(pack))?)
}

/// The note of a day.
pub fn note(org: &OrgId, day: Day) -> Key {
    Key { pk: format!("{org}#K"), sk: format!("N{day}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn org() -> OrgId {
        OrgId::new("acme").unwrap()
    }

    fn day() -> impl Strategy<Value = Day> {
        (18_000..25_000_i32).prop_map(|number| Day::new(NaiveDate::from_epoch_days(number).unwrap()))
    }

    proptest! {
        #[test]
        fn pages_are_read_back(
            day in day(), late in 0..150_u32, family in prop::sample::select(&Family::ALL), shard: [u8; 8], number in 0..1_679_616_u32,
        ) {
            let arrival = Day::new(day.date() + chrono::TimeDelta::days(i64::from(late) - 2));
            let id = PageId { day, chain: ChainId { family, arrival, shard }, number };
            let key = page(&org(), &id);
            prop_assert_eq!(parse_page(&key.sk, day, family), Some(id));
            for range in [pages(&org(), day, family), chain(&org(), day, id.chain)] {
                prop_assert!(range.pk == key.pk && range.from <= key.sk && key.sk <= range.to);
            }
            prop_assert!(key.sk.len() == 24);
        }

        #[test]
        fn chunks_are_read_back(day in day(), from: u64, split: u64, number: u32) {
            for span in [Span::Day(day), Span::Long(number)] {
                for kind in View::PARTS {
                    let (pack, id) = (PackId { kind, span }, ChunkId { from, split });
                    let key = chunk(&org(), pack, id);
                    prop_assert_eq!(parse_chunk(&key.sk, pack), Some(id));
                    let range = chunks(&org(), pack);
                    prop_assert!(range.pk == key.pk && range.from <= key.sk && key.sk <= range.to);
                }
            }
        }
    }

    #[test]
    fn keys_are_spelled_as_always() {
        let day = Day::parse("2026-11-28").unwrap();
        let chain = ChainId { family: Family::Main, arrival: day.next(), shard: *b"shardhas" };
        let key = page(&org(), &PageId { day, chain, number: 7 });
        assert_eq!((key.pk.as_str(), key.sk.as_str()), ("acme#O#2026-11", "28#1129#c2hhcmRoYXM#0007"));
        let pack = PackId { kind: View::AgentModels, span: Span::Day(day) };
        let key = chunk(&org(), pack, ChunkId { from: 255, split: 16 });
        assert_eq!((key.pk.as_str(), key.sk.as_str()), ("acme#K", "D2026-11-28#M#ff#10"));
        assert_eq!(
            chunk(&org(), PackId { span: Span::Long(202_611), ..pack }, ChunkId::default()).sk,
            "L202611#M#0#0"
        );
    }
}
