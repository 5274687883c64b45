//! Blocks: consecutive days of a month whose packs are added up in one more pack, so that a reader of many days reads few.

use chrono::Datelike;

use super::view::View;
use crate::chain::{PackId, Span};
use crate::period::{Day, DayRange};

/// Days of a month, by one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// What its pack is read for.
    pub view: View,
    first: Day,
}

impl View {
    /// The days of a block; none if the view has no blocks.
    ///
    /// Totals of agents and tracked dimensions are read for any range of days. Agents' rows by model are a multiple of that,
    /// and are mostly read for the current month or the last 30 days. Two blocks fewer a month would take fewer reads, but the days at the start of a
    /// window that a block has only partly are read one by one.
    const fn days_of_block(self) -> Option<u32> {
        match self {
            Self::Agents | Self::Tracked => Some(8),
            Self::AgentModels => Some(11),
            _ => None,
        }
    }
}

impl Block {
    /// The block that a day is in.
    pub fn of(view: View, day: Day) -> Option<Self> {
        let before = (day.date().day() - 1) % view.days_of_block()?;
        Some(Self { view, first: day.minus(before) })
    }

    /// The blocks whose first day is in a range, oldest first.
    pub fn starting_in(view: View, days: DayRange) -> Vec<Self> {
        let mut blocks = Vec::new();
        let mut next = Some(days.first);
        while let Some(block) = next.and_then(|day| Self::of(view, day)) {
            let of_block = block.days();
            if of_block.first > days.last {
                break;
            }
            if days.first <= of_block.first {
                blocks.push(block);
            }
            next = Some(of_block.last.next());
        }
        blocks
    }

    /// Its days.
    pub fn days(self) -> DayRange {
        let (first, length) = (self.first, self.view.days_of_block().unwrap_or(1));
        let last = first.month().last().date();
        let end = first.date().checked_add_days(chrono::Days::new(u64::from(length) - 1));
        DayRange { first, last: Day::new(end.map_or(last, |end| end.min(last))) }
    }

    /// Its number, greater than those of the blocks before: year, month and the position in the month.
    pub fn number(self) -> u32 {
        let date = self.first.date();
        let month = date.year().unsigned_abs() * 100 + date.month();
        month * 10 + (date.day() - 1) / self.view.days_of_block().unwrap_or(1)
    }

    /// Its pack.
    pub fn pack(self) -> PackId<View> {
        PackId { kind: self.view, span: Span::Long(self.number()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_block(number in 18_000..25_000_i32) {
            let day = Day::new(chrono::NaiveDate::from_epoch_days(number).unwrap());
            for view in [View::Agents, View::AgentModels, View::Tracked] {
                let block = Block::of(view, day).unwrap();
                prop_assert!(block.days().contains(day) && block.days().first.month() == block.days().last.month());
                prop_assert!(block.days().days().all(|day| Block::of(view, day) == Some(block)));
                let next = Block::of(view, block.days().last.next()).unwrap();
                prop_assert!(next != block && block.number() < next.number());
            }
        }

        #[test]
        fn blocks_that_start_in_a_range_are_those_of_its_days(number in 18_000..25_000_i32, length in 0..100_i32) {
            let day = |number| Day::new(chrono::NaiveDate::from_epoch_days(number).unwrap());
            let days = DayRange { first: day(number), last: day(number + length) };
            for view in [View::Agents, View::AgentModels, View::Tracked] {
                let mut expected: Vec<_> = days.days().filter_map(|day| Block::of(view, day)).collect();
                expected.dedup();
                expected.retain(|block| block.days().first >= days.first);
                prop_assert_eq!(Block::starting_in(view, days), expected);
            }
        }
    }

    #[test]
    fn blocks_end_with_the_month() {
        let last = Block::of(View::Agents, day("2026-02-28")).unwrap();
        assert_eq!(
            (last.number(), last.days().first, last.days().last),
            (2_026_023, day("2026-02-25"), day("2026-02-28"))
        );
        let third = Block::of(View::AgentModels, day("2026-08-31")).unwrap();
        assert_eq!((third.number(), third.days().first), (2_026_082, day("2026-08-23")));
        assert_eq!(Block::of(View::Compute, day("2026-08-31")), None);
    }
}
