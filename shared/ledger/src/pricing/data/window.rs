use std::fmt;
use std::str::FromStr;

/// The half hours of a week (UTC, from Monday 00:00) in which a price holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window([u64; 6]);

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const SLOTS_PER_DAY: usize = 48;
const SLOTS: usize = 7 * SLOTS_PER_DAY;

impl Window {
    /// No time at all.
    pub const NEVER: Self = Self([0; 6]);

    /// Adds one half hour; `slot` counts from Monday 00:00 UTC and wraps around the week.
    pub fn add(&mut self, slot: usize) {
        let slot = slot % SLOTS;
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    /// Whether the half hour `slot` of the week is in the window.
    pub const fn contains(&self, slot: usize) -> bool {
        let slot = slot % SLOTS;
        self.0[slot / 64] >> (slot % 64) & 1 == 1
    }

    /// Every half hour that is not in this window.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut other = Self::NEVER;
        (0..SLOTS).filter(|slot| !self.contains(*slot)).for_each(|slot| other.add(slot));
        other
    }

    /// The words of the compiled table.
    pub const fn words(&self) -> [u64; 6] {
        self.0
    }

    /// The window with these words.
    pub const fn from_words(words: [u64; 6]) -> Self {
        Self(words)
    }

    fn day(&self, day: usize) -> String {
        let slots = (0..SLOTS_PER_DAY).map(|slot| self.contains(day * SLOTS_PER_DAY + slot)).chain([false]);
        let time = |slot: usize| format!("{:02}:{:02}", slot / 2, slot % 2 * 30);
        let mut spans = Vec::new();
        let mut start = None;
        for (slot, open) in slots.enumerate() {
            match (start, open) {
                (None, true) => start = Some(slot),
                (Some(from), false) => {
                    spans.push(format!("{}-{}", time(from), time(slot)));
                    start = None;
                }
                _ => {}
            }
        }
        spans.join(" ")
    }
}

/// Days with the same hours are written together: `mon+tue 01:00-04:00 06:00-10:00;sat 00:00-24:00`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<_> = (0..7).map(|day| self.day(day)).collect();
        let mut first = true;
        for (day, hours) in days.iter().enumerate() {
            if hours.is_empty() || days[..day].contains(hours) {
                continue;
            }
            let same: Vec<_> =
                (day..7).filter(|other| days[*other] == *hours).map(|other| DAYS[other]).collect();
            write!(f, "{}{} {hours}", if first { "" } else { ";" }, same.join("+"))?;
            first = false;
        }
        Ok(())
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Window({self})")
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut window = Self::NEVER;
        for part in text.split(';') {
            let (days, hours) = part.split_once(' ').ok_or_else(|| format!("{part:?} has no hours"))?;
            for day in days.split('+') {
                let day = DAYS
                    .iter()
                    .position(|name| *name == day)
                    .ok_or_else(|| format!("{day:?} is not a day"))?;
                for span in hours.split(' ') {
                    let (from, to) =
                        span.split_once('-').ok_or_else(|| format!("{span:?} is not from-to"))?;
                    (slot(from)?..slot(to)?).for_each(|slot| window.add(day * SLOTS_PER_DAY + slot));
                }
            }
        }
        Ok(window)
    }
}

/// The half hour of the day that starts at `HH:MM`.
fn slot(time: &str) -> Result<usize, String> {
    let malformed = || format!("{time:?} is not a time on the half hour");
    let (hour, minute) = time.split_once(':').ok_or_else(malformed)?;
    let hour: usize = hour.parse().ok().filter(|hour| *hour <= 24).ok_or_else(malformed)?;
    match minute {
        "00" => Ok(hour * 2),
        "30" => Ok(hour * 2 + 1),
        _ => Err(malformed()),
    }
}
