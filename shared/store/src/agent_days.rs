//! Agents' days, assembled from packs and the pages that these lack.

use std::collections::BTreeMap;

use futures::future::{try_join, try_join_all};
use ledger::calendar::Generation;
use ledger::chain::{Chunks, Incomplete, Pages, assemble};
use ledger::ids::{AgentId, OrgId};
use ledger::pack::{Table, View};
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentDay, AgentModelFigures, WorkFigures};

use crate::Usage;
use crate::chains::Consistency;
use crate::error::{Error, Result};
use crate::keys::Owner;
use crate::sequence::SequenceNumber;

/// How often pages and packs are read that change between the reads.
const ATTEMPTS: usize = 6;

/// How pages and packs are read: strongly consistent after they were found to change between the reads.
pub(crate) fn attempts() -> impl Iterator<Item = Consistency> {
    std::iter::once(Consistency::Eventual).chain(std::iter::repeat_n(Consistency::Strong, ATTEMPTS - 1))
}

/// All attempts have failed.
pub(crate) fn unsettled() -> Error {
    Error::Unavailable("agents' days are being merged all the time".to_owned())
}

/// The views that together hold all figures of agents.
const VIEWS: [View; 2] = [View::Agents, View::AgentModels];

impl Usage {
    /// The days of all agents within `days`, oldest first: one query for each view and one for pages, at the same time.
    pub async fn agent_days(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
    ) -> Result<Vec<(Day, AgentId, AgentDay)>> {
        let of_days = self.agent_views(&Owner::new(org, generation), days, &VIEWS, agent_figures).await?;
        let of_day = |(day, agents): (Day, BTreeMap<_, _>)| {
            agents.into_iter().map(move |(agent, figures)| (day, agent, figures))
        };
        Ok(of_days.into_iter().flat_map(of_day).collect())
    }

    /// The days of all agents within `days` without regard to models, oldest first: a fraction of what
    /// [`Self::agent_days`] reads.
    pub async fn agent_totals(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
    ) -> Result<Vec<(Day, AgentId, AgentModelFigures, WorkFigures)>> {
        let totals = |views: &[Table]| views[0].agent_totals();
        let of_days = self.agent_views(&Owner::new(org, generation), days, &[View::Agents], totals).await?;
        let of_day = |(day, agents): (Day, BTreeMap<_, _>)| {
            agents.into_iter().map(move |(agent, (calls, work))| (day, agent, calls, work))
        };
        Ok(of_days.into_iter().flat_map(of_day).collect())
    }

    /// One agent's days within `days`.
    pub async fn agent_days_of(
        &self,
        org: &OrgId,
        generation: Generation,
        agent: &AgentId,
        days: DayRange,
    ) -> Result<BTreeMap<Day, AgentDay>> {
        let only = |views: &[Table]| agent_figures(views).remove(agent);
        let of_days = self.agent_views(&Owner::new(org, generation), days, &VIEWS, only).await?;
        Ok(of_days.into_iter().filter_map(|(day, figures)| Some((day, figures?))).collect())
    }

    /// One agent's days within `days` without regard to models: those on which it did anything.
    pub async fn agent_totals_of(
        &self,
        org: &OrgId,
        generation: Generation,
        agent: &AgentId,
        days: DayRange,
    ) -> Result<BTreeMap<Day, AgentModelFigures>> {
        let only = |views: &[Table]| {
            let calls = views[0].agent_totals().remove(agent).map(|(calls, _)| calls);
            calls.or_else(|| views[0].logged_agents().contains(agent).then(AgentModelFigures::default))
        };
        let of_days = self.agent_views(&Owner::new(org, generation), days, &[View::Agents], only).await?;
        Ok(of_days.into_iter().filter_map(|(day, calls)| Some((day, calls?))).collect())
    }

    /// What `read` makes of the tables of `views` on each of `days`.
    pub(crate) async fn agent_views<T>(
        &self,
        owner: &Owner,
        days: DayRange,
        views: &[View],
        read: impl Fn(&[Table]) -> T,
    ) -> Result<Vec<(Day, T)>> {
        for consistency in attempts() {
            let stored = self.stored_agents(owner, days, views, consistency).await?;
            let of_day = |day| stored.views(day).map(|views| (day, read(&views)));
            if let Ok(assembled) = days.days().map(of_day).collect() {
                return Ok(assembled);
            }
        }
        Err(unsettled())
    }

    /// The packs of `views` on `days`, with the pages of these days.
    pub async fn stored_agents(
        &self,
        owner: &Owner,
        days: DayRange,
        views: &[View],
        consistency: Consistency,
    ) -> Result<StoredAgents> {
        let packs = views.iter().map(|view| self.packs(owner, *view, days, consistency));
        let (packs, pages) = try_join(try_join_all(packs), self.pages(owner, days, consistency)).await?;
        Ok(StoredAgents { packs: views.iter().copied().zip(packs).collect(), pages })
    }
}

fn agent_figures(views: &[Table]) -> BTreeMap<AgentId, AgentDay> {
    match views {
        [totals, models] => models.agent_days(totals),
        _ => BTreeMap::new(),
    }
}

/// What is stored about agents on some days.
#[derive(Clone, Debug, Default)]
pub struct StoredAgents {
    packs: Vec<(View, BTreeMap<Day, Chunks<Table>>)>,
    pages: BTreeMap<Day, Pages<SequenceNumber, Table>>,
}

impl StoredAgents {
    /// The views of a day.
    ///
    /// # Errors
    ///
    /// If packs and pages changed while they were read.
    pub fn views(&self, day: Day) -> Result<Vec<Table>, Incomplete> {
        let none = Chunks::<Table>::new();
        let of_view = |(view, packs): &(View, _)| assemble(*view, &[day], &none, packs, &self.pages);
        self.packs.iter().map(of_view).collect()
    }

    /// The pack of a day by one of its views.
    pub fn pack(&self, view: View, day: Day) -> Option<&Chunks<Table>> {
        let (_, packs) = self.packs.iter().find(|(of, _)| *of == view)?;
        packs.get(&day)
    }
}
