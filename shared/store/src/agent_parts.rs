//! The rows of agents over many days, by parts that no window divides: days, and blocks where these say as much as the packs
//! of their days.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{try_join, try_join_all};
use ledger::chain::{Chunks, Incomplete, Pages, assemble};
use ledger::pack::{Block, Table, View};
use ledger::period::{Day, DayRange, Windows};

use crate::Usage;
use crate::agent_days::{attempts, unsettled};
use crate::blocks::StoredBlock;
use crate::chains::Consistency;
use crate::error::Result;
use crate::keys::Owner;
use crate::sequence::SequenceNumber;

/// The rows of a day, or of days that every window contains all or none of.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub first: Day,
    /// Oldest first.
    pub days: Vec<Day>,
    pub rows: Table,
}

/// What was read of the days of some windows.
pub(crate) struct Reading {
    pages: BTreeMap<Day, Pages<SequenceNumber, Table>>,
    views: Vec<ReadView>,
}

/// What was read of a view.
struct ReadView {
    view: View,
    plan: Plan,
    packs: BTreeMap<Day, Chunks<Table>>,
}

impl Usage {
    /// The rows of each view by parts, all completed from the same pages.
    pub(crate) async fn parts<const N: usize>(
        &self,
        owner: &Owner,
        windows: &Windows,
        views: [View; N],
    ) -> Result<[Vec<Part>; N]> {
        for consistency in attempts() {
            let reading = self.read_parts(owner, windows, &views, &BTreeSet::new(), consistency).await?;
            if let Some(parts) = reading.and_then(|reading| reading.all_parts().ok()?.try_into().ok()) {
                return Ok(parts);
            }
        }
        Err(unsettled())
    }

    /// Reads what parts consist of, and the packs of the days `besides`. None if it changed meanwhile.
    pub(crate) async fn read_parts(
        &self,
        owner: &Owner,
        windows: &Windows,
        views: &[View],
        besides: &BTreeSet<Day>,
        consistency: Consistency,
    ) -> Result<Option<Reading>> {
        let days = windows.days();
        let wanted: Vec<_> = views.iter().map(|view| blocks_within(*view, windows)).collect();
        let blocks = wanted.iter().map(|blocks| self.blocks(owner, blocks, consistency));
        let (stored, pages) = try_join(try_join_all(blocks), self.pages(owner, days, consistency)).await?;
        let plans = stored.into_iter().map(|stored| Plan::new(stored, windows));
        let Ok(plans) = plans.collect::<Result<Vec<_>, Incomplete>>() else { return Ok(None) };
        let of_view = |(view, plan): (&View, Plan)| {
            let view = *view;
            async move {
                let days = days.days().filter(|day| plan.missing.contains(day) || besides.contains(day));
                let packs = self.packs_of(owner, view, days, consistency).await?;
                Ok(ReadView { view, plan, packs })
            }
        };
        let views = try_join_all(views.iter().zip(plans).map(of_view)).await?;
        Ok(Some(Reading { pages, views }))
    }

    /// The packs of days in ascending order: one query for each range of consecutive ones, all at the same time.
    pub(crate) async fn packs_of(
        &self,
        owner: &Owner,
        view: View,
        days: impl Iterator<Item = Day>,
        consistency: Consistency,
    ) -> Result<BTreeMap<Day, Chunks<Table>>> {
        let queries = ranges(days).into_iter().map(|range| self.packs(owner, view, range, consistency));
        Ok(try_join_all(queries).await?.into_iter().flatten().collect())
    }
}

impl Reading {
    /// The parts of each view.
    fn all_parts(&self) -> Result<Vec<Vec<Part>>, Incomplete> {
        self.views.iter().map(|read| read.plan.assemble(read.view, &read.packs, &self.pages)).collect()
    }

    /// The parts of the first view, oldest first.
    pub fn parts(&self) -> Result<Vec<Part>, Incomplete> {
        let mut parts = self.all_parts()?.into_iter().next().unwrap_or_default();
        parts.sort_unstable_by_key(|part| part.first);
        Ok(parts)
    }

    /// Adds packs of the first view.
    pub fn add(&mut self, packs: BTreeMap<Day, Chunks<Table>>) {
        if let Some(read) = self.views.first_mut() {
            read.packs.extend(packs);
        }
    }

    /// The rows of the first view on a day; none if its pack was not read.
    pub fn day(&self, day: Day) -> Option<Result<Table, Incomplete>> {
        let ReadView { view, packs, .. } = self.views.first()?;
        packs.get(&day)?;
        Some(assemble(*view, &[day], &Chunks::<Table>::new(), packs, &self.pages))
    }
}

/// The blocks that may be read instead of their days. One that has not ended yet is used for the days that it has so far.
fn blocks_within(view: View, windows: &Windows) -> Vec<Block> {
    let blocks = Block::starting_in(view, windows.days()).into_iter();
    blocks.filter(|block| !windows.begin_within(block.days())).collect()
}

/// Which days are read from which packs.
struct Plan {
    /// The blocks that are used, with the first of their days and all of them.
    blocks: Vec<(Day, StoredBlock, Vec<Day>)>,
    /// The days that are read from packs of their own.
    single: Vec<Day>,
    /// The days whose own packs are needed.
    missing: BTreeSet<Day>,
}

impl Plan {
    fn new(stored: BTreeMap<Block, StoredBlock>, windows: &Windows) -> Result<Self, Incomplete> {
        let days = windows.days();
        let (mut blocks, mut whole, mut partial) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for stored in stored.into_values() {
            let of_block = stored.days()?;
            let (Some(first), Some(last)) = (of_block.first(), of_block.last()) else { continue };
            let is_read = days.contains(*first) && days.contains(*last);
            if !is_read || stored.is_outdated()? || windows.divide(DayRange { first: *first, last: *last }) {
                continue;
            }
            let first = *first;
            let whole_days = stored.whole_days()?;
            partial.extend(of_block.difference(&whole_days).copied());
            whole.extend(whole_days);
            blocks.push((first, stored, of_block.into_iter().collect()));
        }
        let in_blocks = |day: &Day| whole.contains(day) || partial.contains(day);
        let single = days.days().filter(|day| !in_blocks(day)).collect();
        let missing = days.days().filter(|day| !whole.contains(day)).collect();
        Ok(Self { blocks, single, missing })
    }

    fn assemble(
        &self,
        view: View,
        packs: &BTreeMap<Day, Chunks<Table>>,
        pages: &BTreeMap<Day, Pages<SequenceNumber, Table>>,
    ) -> Result<Vec<Part>, Incomplete> {
        let none = Chunks::<Table>::new();
        let part = |first: Day, days: &[Day], long: &Chunks<Table>| {
            let rows = assemble(view, days, long, packs, pages)?;
            Ok(Part { first, days: days.to_vec(), rows })
        };
        let blocks = self.blocks.iter().map(|(first, stored, days)| part(*first, days, &stored.chunks));
        let single = self.single.iter().map(|day| part(*day, &[*day], &none));
        blocks.chain(single).collect()
    }
}

/// The ranges of consecutive days.
fn ranges(days: impl Iterator<Item = Day>) -> Vec<DayRange> {
    let mut ranges: Vec<DayRange> = Vec::new();
    for day in days {
        match ranges.last_mut().filter(|range| range.last.next() == day) {
            Some(range) => range.last = day,
            None => ranges.push(DayRange { first: day, last: day }),
        }
    }
    ranges
}
