//! The cursor of a dry run.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ledger::period::Day;
use store::keys::LANES;

/// A place among the organization's events, which are read by UTC day, lane and sort key. An event that is stored
/// before this place in the meantime is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub day: Day,
    pub lane: u8,
    /// The sort key of the last event that was read in this lane.
    pub after: Option<String>,
}

impl Cursor {
    /// The first place of a day.
    pub const fn start(day: Day) -> Self {
        Self { day, lane: 0, after: None }
    }

    /// The place after this lane.
    pub fn next_lane(&self) -> Self {
        if self.lane + 1 < LANES {
            Self { lane: self.lane + 1, after: None, ..*self }
        } else {
            Self::start(self.day.next())
        }
    }

    /// Reads the text of a cursor.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        // Keys do not contain control characters.
        let mut parts = std::str::from_utf8(&bytes).ok()?.splitn(3, '\0');
        let (day, lane) = (Day::parse(parts.next()?)?, parts.next()?.parse().ok()?);
        let after = Some(parts.next()?.to_owned()).filter(|after| !after.is_empty());
        (lane < LANES).then_some(Self { day, lane, after })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.as_deref().unwrap_or_default();
        f.write_str(&BASE64.encode(format!("{}\0{}\0{after}", self.day, self.lane)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_written() {
        let day = Day::parse("2026-09-15").unwrap();
        for after in [None, Some("/s#1"), Some("é#\u{1f404}")] {
            let cursor = Cursor { day, lane: 3, after: after.map(str::to_owned) };
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
        let text = |parts: &[&str]| BASE64.encode(parts.join("\0"));
        let malformed =
            [text(&["2026-09-15", "4", ""]), text(&["2026-09-15", "1"]), text(&["2026-9-15", "1", ""])];
        for bad in ["", "x", "!", "_w"].into_iter().chain(malformed.iter().map(String::as_str)) {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn lanes_are_read_one_after_the_other() {
        let mut cursor = Cursor::start(Day::parse("2026-09-30").unwrap());
        for _ in 0..LANES {
            cursor = cursor.next_lane();
        }
        assert_eq!(cursor, Cursor::start(Day::parse("2026-10-01").unwrap()));
    }
}
