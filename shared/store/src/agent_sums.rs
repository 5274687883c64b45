//! Agents' figures over many days, from packs of blocks where these say as much as those of their days.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{try_join, try_join_all};
use ledger::calendar::Generation;
use ledger::chain::{Chunks, Incomplete, Pages, assemble};
use ledger::ids::{AgentId, OrgId};
use ledger::pack::{Block, Table, View};
use ledger::period::{Day, DayRange, Windows};
use ledger::rollup::{AgentModelFigures, ModelCode, WorkFigures};

use crate::Usage;
use crate::agent_days::ATTEMPTS;
use crate::blocks::StoredBlock;
use crate::chains::Consistency;
use crate::error::{Error, Result};
use crate::keys::Owner;
use crate::sequence::SequenceNumber;

type DayPages = BTreeMap<Day, Pages<SequenceNumber, Table>>;

impl Usage {
    /// The totals of all agents, to be added up over one of `windows`. Those of several days are added up already where
    /// every window contains all or none of them; they bear the first of these days.
    pub async fn agent_totals_over(
        &self,
        org: &OrgId,
        generation: Generation,
        windows: &Windows,
    ) -> Result<Vec<(Day, AgentId, AgentModelFigures, WorkFigures)>> {
        let parts = self.view_over(&Owner::new(org, generation), windows, View::Agents).await?;
        let of_part = |(day, rows): (Day, Table)| {
            let agents = rows.agent_totals().into_iter();
            agents.map(move |(agent, (calls, work))| (day, agent, calls, work))
        };
        Ok(parts.into_iter().flat_map(of_part).collect())
    }

    /// The calls of all agents by model, added up as by [`Self::agent_totals_over`].
    pub async fn agent_models_over(
        &self,
        org: &OrgId,
        generation: Generation,
        windows: &Windows,
    ) -> Result<Vec<(Day, AgentId, ModelCode, AgentModelFigures)>> {
        let parts = self.view_over(&Owner::new(org, generation), windows, View::AgentModels).await?;
        let of_part = |(day, rows): (Day, Table)| {
            let calls = rows.calls_by_model().collect::<Vec<_>>().into_iter();
            calls.map(move |(agent, model, figures)| (day, agent, model, figures))
        };
        Ok(parts.into_iter().flat_map(of_part).collect())
    }

    /// The rows of a view, by parts that no window divides.
    pub(crate) async fn view_over(
        &self,
        owner: &Owner,
        windows: &Windows,
        view: View,
    ) -> Result<Vec<(Day, Table)>> {
        let days = windows.days();
        // A block that has not ended yet is used for the days that it has so far.
        let blocks = Block::starting_in(view, days).into_iter();
        let blocks = blocks.filter(|block| !windows.begin_within(block.days()));
        let mut blocks: Vec<_> = blocks.collect();
        for attempt in 0..ATTEMPTS {
            let consistency = if attempt == 0 { Consistency::Eventual } else { Consistency::Strong };
            let reads =
                try_join(self.blocks(owner, &blocks, consistency), self.pages(owner, days, consistency));
            let (stored, pages) = reads.await?;
            let Ok(plan) = Plan::new(stored, windows) else { continue };
            let ranges = plan.missing.iter().map(|range| self.packs(owner, view, *range, consistency));
            let packs = try_join_all(ranges).await?.into_iter().flatten().collect();
            let Ok(parts) = plan.assemble(view, &packs, &pages) else { continue };
            let crowded = plan.crowded(&parts);
            if crowded.is_empty() {
                return Ok(parts);
            }
            blocks.retain(|block| !crowded.iter().any(|day| block.days().contains(*day)));
        }
        Err(Error::Unavailable("agents' days are being merged all the time".to_owned()))
    }
}

/// Which days are read from which packs.
struct Plan {
    /// The blocks that are used, with the first of their days and all of them.
    blocks: Vec<(Day, StoredBlock, Vec<Day>)>,
    /// The days that are read from packs of their own.
    single: Vec<Day>,
    /// The days whose own packs are needed.
    missing: Vec<DayRange>,
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
        let missing = ranges(days.days().filter(|day| !whole.contains(day)));
        Ok(Self { blocks, single, missing })
    }

    /// The first days of the blocks with more values of a dimension than a day tells apart. Which of them a day does is only known
    /// from the day by itself.
    fn crowded(&self, parts: &[(Day, Table)]) -> Vec<Day> {
        let of_blocks = parts.iter().take(self.blocks.len());
        of_blocks.filter(|(_, rows)| !rows.value_caps().is_empty()).map(|(first, _)| *first).collect()
    }

    fn assemble(
        &self,
        view: View,
        packs: &BTreeMap<Day, Chunks<Table>>,
        pages: &DayPages,
    ) -> Result<Vec<(Day, Table)>, Incomplete> {
        let none = Chunks::<Table>::new();
        let blocks = self
            .blocks
            .iter()
            .map(|(first, stored, days)| Ok((*first, assemble(view, days, &stored.chunks, packs, pages)?)));
        let single = self.single.iter().map(|day| {
            let rows = assemble(view, &[*day], &none, packs, pages)?;
            let caps = rows.value_caps();
            Ok((*day, rows.capped(&caps)))
        });
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
