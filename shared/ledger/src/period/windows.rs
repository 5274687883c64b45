//! Ranges of days of which one will be asked for.

use super::{Day, DayRange};

/// Ranges of days of which one will be asked for, before it is known which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    first: DayRange,
    others: Vec<DayRange>,
}

impl Windows {
    /// The ranges that `range` makes of the days from one to another.
    pub fn of(range: impl Fn(Day) -> DayRange, today: DayRange) -> Self {
        Self { first: range(today.first), others: today.days().skip(1).map(range).collect() }
    }

    /// Ranges of which some or all will be asked for.
    pub const fn each(first: DayRange, others: Vec<DayRange>) -> Self {
        Self { first, others }
    }

    fn all(&self) -> impl Iterator<Item = DayRange> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// The first day of each.
    pub fn starts(&self) -> impl Iterator<Item = Day> {
        self.all().map(|window| window.first)
    }

    /// From the first day of any of them to the last one.
    pub fn days(&self) -> DayRange {
        let join =
            |a: DayRange, b: DayRange| DayRange { first: a.first.min(b.first), last: a.last.max(b.last) };
        self.others.iter().copied().fold(self.first, join)
    }

    /// Whether one of them begins after the first of these days.
    pub fn begin_within(&self, days: DayRange) -> bool {
        self.all().any(|window| window.first != days.first && days.contains(window.first))
    }

    /// Whether one of them contains some of these days, but not all.
    pub fn divide(&self, days: DayRange) -> bool {
        self.all().any(|window| {
            let overlaps = window.first <= days.last && days.first <= window.last;
            overlaps && !(window.contains(days.first) && window.contains(days.last))
        })
    }
}

impl From<DayRange> for Windows {
    fn from(days: DayRange) -> Self {
        Self { first: days, others: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range() -> impl Strategy<Value = DayRange> {
        (0..60_u32, 0..20_u32).prop_map(|(before, length)| {
            let last = Day::parse("2026-09-15").unwrap().minus(before);
            DayRange { first: last.minus(length), last }
        })
    }

    proptest! {
        #[test]
        fn days_are_divided_where_a_window_has_only_some(windows in prop::collection::vec(range(), 1..4), days in range()) {
            let (first, others) = (windows[0], windows[1..].to_vec());
            let divided = windows.iter().any(|window| {
                let within = days.days().filter(|day| window.contains(*day)).count();
                within > 0 && within < days.days().count()
            });
            let all = Windows { first, others };
            prop_assert_eq!(all.divide(days), divided);
            let begins = days.days().skip(1).any(|day| windows.iter().any(|window| window.first == day));
            prop_assert_eq!(all.begin_within(days), begins);
            let each: Vec<_> = windows.iter().flat_map(|window| window.days()).collect();
            let (least, most) = (*each.iter().min().unwrap(), *each.iter().max().unwrap());
            prop_assert_eq!(all.days(), DayRange { first: least, last: most });
        }
    }
}
