//! The stored forms of covers and of the days of a chunk. The same value always has the same bytes.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::cover::Cover;
use super::ids::{ChainId, Family};
use crate::pack::Malformed;
use crate::pack::bytes::{Reader, put, put_len, unzigzag, zigzag};
use crate::period::Day;

const VERSION: u8 = 1;
const SHARD: usize = 8;

impl Cover {
    /// The stored form: for each chain its day, as the difference to the one before, its date of arrival, as the
    /// difference to the day, its family and shard, and the number of its pages.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_len(&mut out, self.iter().count());
        let mut before = 0;
        for (day, chain, pages) in self.iter() {
            let (number, arrival) = (day.date().to_epoch_days(), chain.arrival.date().to_epoch_days());
            put(&mut out, zigzag(i128::from(number) - i128::from(before)));
            put(&mut out, zigzag(i128::from(arrival) - i128::from(number)));
            out.push(chain.family as u8);
            out.extend(chain.shard);
            put(&mut out, pages.into());
            before = number;
        }
        out
    }

    /// The cover that `bytes` are the stored form of.
    ///
    /// # Errors
    ///
    /// Bytes of another version, or malformed ones.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = versioned(bytes)?;
        let mut before = 0;
        let count = reader.count(bytes.len())?;
        let chains: Vec<_> =
            (0..count).map(|_| read_chain(&mut reader, &mut before)).collect::<Result<_, _>>()?;
        let is_sorted = chains.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1));
        if !reader.0.is_empty() || !is_sorted {
            return Err(Malformed::Invalid("cover"));
        }
        Ok(chains.into_iter().collect())
    }
}

fn read_chain(reader: &mut Reader<'_>, before: &mut i128) -> Result<(Day, ChainId, u32), Malformed> {
    *before = before.checked_add(unzigzag(reader.varint()?)).ok_or(Malformed::Invalid("day"))?;
    let arrival = before.checked_add(unzigzag(reader.varint()?)).ok_or(Malformed::Invalid("day"))?;
    let family = reader.byte()?;
    let family = Family::ALL.get(usize::from(family)).copied().ok_or(Malformed::Invalid("family"))?;
    let mut shard = [0; SHARD];
    shard.copy_from_slice(reader.take(SHARD)?);
    let pages = u32::try_from(reader.varint()?).map_err(|_| Malformed::Invalid("number of pages"))?;
    Ok((day_of(*before)?, ChainId { family, arrival: day_of(arrival)?, shard }, pages))
}

/// The stored form of the days of a chunk, each with how often it was repaired.
pub fn encode_days(days: &BTreeMap<Day, u64>) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_len(&mut out, days.len());
    let mut before = 0;
    for (day, repairs) in days {
        let number = day.date().to_epoch_days();
        put(&mut out, zigzag(i128::from(number) - i128::from(before)));
        put(&mut out, (*repairs).into());
        before = number;
    }
    out
}

/// The days that `bytes` are the stored form of.
///
/// # Errors
///
/// Bytes of another version, or malformed ones.
pub fn decode_days(bytes: &[u8]) -> Result<BTreeMap<Day, u64>, Malformed> {
    let mut reader = versioned(bytes)?;
    let (mut before, mut days) = (0_i128, BTreeMap::new());
    let count = reader.count(bytes.len())?;
    for _ in 0..count {
        before = before.checked_add(unzigzag(reader.varint()?)).ok_or(Malformed::Invalid("day"))?;
        let repairs = u64::try_from(reader.varint()?).map_err(|_| Malformed::Invalid("number of repairs"))?;
        days.insert(day_of(before)?, repairs);
    }
    if reader.0.is_empty() && days.len() == count { Ok(days) } else { Err(Malformed::Length) }
}

fn versioned(bytes: &[u8]) -> Result<Reader<'_>, Malformed> {
    let mut reader = Reader(bytes);
    match reader.byte()? {
        VERSION => Ok(reader),
        version => Err(Malformed::Version(version)),
    }
}

fn day_of(number: i128) -> Result<Day, Malformed> {
    let date = i32::try_from(number).ok().and_then(NaiveDate::from_epoch_days);
    date.map(Day::new).ok_or(Malformed::Invalid("day"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day() -> impl Strategy<Value = Day> {
        (-1000_i128..40_000).prop_map(|number| day_of(number).unwrap())
    }

    fn chain() -> impl Strategy<Value = (Day, ChainId, u32)> {
        (day(), day(), prop::sample::select(&Family::ALL), any::<[u8; 8]>(), any::<u32>())
            .prop_map(|(day, arrival, family, shard, pages)| (day, ChainId { family, arrival, shard }, pages))
    }

    proptest! {
        #[test]
        fn covers_are_read_back(chains in prop::collection::vec(chain(), 0..20), extra: u8, at: usize) {
            let cover: Cover = chains.into_iter().collect();
            let bytes = cover.encode();
            prop_assert_eq!(Cover::decode(&bytes), Ok(cover));
            prop_assert!(Cover::decode(&bytes[..at % bytes.len()]).is_err());
            prop_assert!(Cover::decode(&[&bytes[..], &[extra]].concat()).is_err());
        }

        #[test]
        fn days_are_read_back(days in prop::collection::btree_map(day(), any::<u64>(), 0..40)) {
            prop_assert_eq!(decode_days(&encode_days(&days)), Ok(days));
        }

        #[test]
        fn arbitrary_bytes_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let bytes = [&[VERSION], &bytes[..]].concat();
            let _ = (Cover::decode(&bytes), decode_days(&bytes));
        }
    }

    #[test]
    fn a_chain_takes_few_bytes() {
        let day = Day::parse("2026-11-28").unwrap();
        let chains = (0..24)
            .map(|shard| (day, ChainId { family: Family::Main, arrival: day, shard: [shard; 8] }, 100));
        assert_eq!(chains.collect::<Cover>().encode().len(), 2 + 2 + 24 * 12);
    }
}
