//! The attribute with the times and the payload of a raw event.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version of the encoding, [`VERSION`] |
//! | varint | the event's time in milliseconds after the UTC midnight of the day in its key, either sign; the lowest bit says that nanoseconds follow |
//! | varint | these nanoseconds, if so |
//! | varint | its arrival, in milliseconds after its time, either sign |
//! | | the payload, see [`compact`] |

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::event::{Data, compact};
use ledger::pack::bytes::{Reader, put, unzigzag, zigzag};
use ledger::period::Day;

use crate::error::{Error, Result};

/// The version of the encoding. A change of the format needs a new one; bytes of unknown versions are refused.
const VERSION: u8 = 1;

const NANOS: u32 = 1_000_000;

/// What the attribute holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'b> {
    /// The time of the event.
    pub time: DateTime<Utc>,
    /// When it arrived, to the millisecond.
    pub received: DateTime<Utc>,
    /// The payload, as [`compact`] stores it.
    payload: &'b [u8],
}

/// Encodes the attribute of an event whose key has this day and source.
pub fn encode(
    (day, source): (Day, &str),
    (time, received): (DateTime<Utc>, DateTime<Utc>),
    data: &Data,
) -> Result<Vec<u8>> {
    let milliseconds = i128::from(time.timestamp_millis() - midnight(day).timestamp_millis());
    let nanos = time.timestamp_subsec_nanos() % NANOS;
    let mut bytes = vec![VERSION];
    put(&mut bytes, zigzag(milliseconds) << 1 | u128::from(nanos > 0));
    if nanos > 0 {
        put(&mut bytes, nanos.into());
    }
    put(&mut bytes, zigzag(i128::from(received.timestamp_millis() - time.timestamp_millis())));
    bytes.extend(compact::encode(data, source).map_err(Error::internal)?);
    Ok(bytes)
}

fn midnight(day: Day) -> DateTime<Utc> {
    day.start(Tz::UTC)
}

impl<'b> Envelope<'b> {
    /// Reads the attribute of an event whose key has this day.
    pub fn read(day: Day, bytes: &'b [u8]) -> Result<Self, String> {
        let malformed = |what: ledger::pack::Malformed| what.to_string();
        let mut reader = Reader(bytes);
        let version = reader.byte().map_err(malformed)?;
        if version != VERSION {
            return Err(format!("the encoding has version {version}, which this release does not read"));
        }
        let offset = reader.varint().map_err(malformed)?;
        let nanos = if offset & 1 == 1 { reader.varint().map_err(malformed)? } else { 0 };
        let delay = unzigzag(reader.varint().map_err(malformed)?);
        let after = |instant: DateTime<Utc>, milliseconds: i128| {
            let delta = TimeDelta::try_milliseconds(i64::try_from(milliseconds).ok()?)?;
            instant.checked_add_signed(delta)
        };
        let out_of_range = || "a time is out of range".to_owned();
        let whole = after(midnight(day), unzigzag(offset >> 1)).ok_or_else(out_of_range)?;
        let received = after(whole, delay).ok_or_else(out_of_range)?;
        let nanos =
            i64::try_from(nanos).ok().filter(|nanos| *nanos < NANOS.into()).ok_or_else(out_of_range)?;
        Ok(Self { time: whole + TimeDelta::nanoseconds(nanos), received, payload: reader.0 })
    }

    /// The payload of an event whose key has this source.
    pub fn data(&self, source: &str) -> Result<Data, String> {
        compact::decode(self.payload, source).map_err(|fault| fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use ledger::event::{Attribution, HostReport};
    use ledger::ids::NodeId;
    use proptest::prelude::*;

    use super::*;

    fn data() -> Data {
        Data::HostReport(HostReport {
            node_id: NodeId::new("n").unwrap(),
            hosted_sites: 1,
            attribution: Attribution::default(),
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(
            days in 0_i32..40_000, ms in -200_000_000_i64..200_000_000, nanos in prop_oneof![Just(0_i64), 0_i64..1_000_000],
            delay in any::<i32>(),
        ) {
            let day = Day::new(chrono::NaiveDate::from_epoch_days(days).unwrap());
            let time = midnight(day) + TimeDelta::milliseconds(ms) + TimeDelta::nanoseconds(nanos);
            let received = time + TimeDelta::milliseconds(delay.into()) - TimeDelta::nanoseconds(nanos);
            let bytes = encode((day, "s"), (time, received), &data()).unwrap();
            let read = Envelope::read(day, &bytes).unwrap();
            prop_assert_eq!((read.time, read.received), (time, received));
            prop_assert_eq!(read.data("s"), Ok(data()));
            let header = bytes.len() - compact::encode(&data(), "s").unwrap().len();
            prop_assert!((0..header).all(|length| Envelope::read(day, &bytes[..length]).is_err()));
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let day = Day::parse("2026-09-15").unwrap();
            Envelope::read(day, &bytes).and_then(|read| read.data("s")).ok();
        }
    }
}
