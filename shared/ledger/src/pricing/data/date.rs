use std::fmt;
use std::str::FromStr;

/// A day, as the number `yyyymmdd`, so that days compare as numbers in the compiled tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub u32);

impl Date {
    /// The day before every price.
    pub const MIN: Self = Self(0);
    /// The day after every price.
    pub const MAX: Self = Self(u32::MAX);

    /// The day with this year, month and day of the month.
    pub const fn new(year: u32, month: u32, day: u32) -> Self {
        Self(year * 10_000 + month * 100 + day)
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("{text:?} is not a date such as 2026-11-27");
        let part = |range: std::ops::Range<usize>| -> Result<u32, String> {
            let digits = text.get(range).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|digits| digits.parse().ok()).ok_or_else(malformed)
        };
        let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
        let dashes = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u32::from(leap),
            _ => 31,
        };
        if !dashes || year < 2000 || !(1..=12).contains(&month) || !(1..=days).contains(&day) {
            return Err(malformed());
        }
        Ok(Self::new(year, month, day))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}
