//! Instants of other formats as RFC 3339 text.

use chrono::{DateTime, SecondsFormat};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Unix time in nanoseconds. Zero means "not set" in OTLP.
pub fn of_nanos(nanos: u64) -> Option<String> {
    let nanos = i64::try_from(nanos).ok().filter(|nanos| *nanos > 0)?;
    Some(DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Unix time in seconds, with a fraction.
pub fn of_seconds(seconds: Decimal) -> Option<String> {
    of_nanos(seconds.checked_mul(Decimal::from(1_000_000_000))?.to_u64()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_their_fraction() {
        assert_eq!(of_nanos(1_795_852_888_305_340_144).as_deref(), Some("2026-11-28T08:01:28.305340144Z"));
        assert_eq!(
            of_seconds(Decimal::new(1_795_853_088_784_986, 6)).as_deref(),
            Some("2026-11-28T08:04:48.784986Z")
        );
        assert_eq!(of_nanos(0), None);
        assert_eq!(of_nanos(u64::MAX), None);
        assert_eq!(of_seconds(Decimal::MAX), None);
        assert_eq!(of_seconds(Decimal::new(-1, 0)), None);
    }
}
