//! Agents' days and tracked dimensions: what packs and pages hold, compared with what the day's raw events add up to, and sealed where it differs.
//!
//! A pack is sealed only after its organization's day is, and only with raw events that were read after that. Every event
//! of an agent is added to its organization's day as well. One that a sealed pack lacks was stored after the raw events
//! were read, so it reaches a sealed item and makes the day dirty.

use std::collections::{BTreeMap, BTreeSet};

use ledger::calendar::TrackedDimensions;
use ledger::chain::{Chunk, ChunkId, Chunks, PackId, Span};
use ledger::dimension::Dimension;
use ledger::event::{Data, Event};
use ledger::ids::AgentId;
use ledger::pack::{Amount, Figure, Group, Inexact, Part, Table, ValueCaps, View};
use ledger::period::{Day, DayRange};
use ledger::rollup::RollupId;
use store::Usage;
use store::chains::Consistency;
use store::error::{Error, Result};
use store::keys::chains;
use store::keys::{Key, Keyed, Owner};

use crate::compare::Comparison;

/// The views that chains are merged into.
pub const VIEWS: [View; 4] = [View::Agents, View::AgentModels, View::Tracked, View::Hours];
/// How often a day is read that is merged meanwhile.
const ATTEMPTS: usize = 8;

/// What is stored about the agents of an owner on a day.
#[derive(Clone, Debug)]
pub struct StoredAgents {
    owner: Owner,
    day: Day,
    views: Vec<StoredView>,
}

/// A view of a day: its pack, and the rows of the pack and the pages that it lacks.
#[derive(Clone, Debug)]
struct StoredView {
    view: View,
    pack: Chunks<Table>,
    rows: Table,
}

impl StoredAgents {
    pub async fn read(usage: &Usage, owner: Owner, day: Day) -> Result<Self> {
        let days = DayRange { first: day, last: day };
        for _ in 0..ATTEMPTS {
            let stored = usage.stored_agents(&owner, days, &VIEWS, Consistency::Strong).await?;
            let Ok(tables) = stored.views(day) else { continue };
            let views = VIEWS.into_iter().zip(tables).map(|(view, rows)| StoredView {
                view,
                pack: stored.pack(view, day).cloned().unwrap_or_default(),
                rows,
            });
            return Ok(Self { views: views.collect(), owner, day });
        }
        Err(Error::Unavailable(format!("the agents' days of {owner} on {day} are being merged all the time")))
    }

    /// All rows.
    pub fn rows(&self) -> Table {
        let mut rows = Table::default();
        self.views.iter().for_each(|view| rows.merge(&view.rows));
        rows
    }

    /// The agents that have entries in the activity log.
    pub fn logged(&self) -> BTreeSet<AgentId> {
        self.views.iter().flat_map(|view| view.rows.logged_agents()).collect()
    }

    /// Compares each view with what a day's events add to it.
    pub fn compared(self, recomputed: &RecomputedAgents, lag: AgentsLag) -> Vec<ComparedPack> {
        let Self { owner, day, views } = self;
        let compared = views.into_iter().map(|stored| {
            let pack = PackId { kind: stored.view, span: Span::Day(day) };
            let is_sealed = is_sealed(&stored.pack);
            let mut recomputed = recomputed.view(stored.view);
            // What a day tells apart depends on all of its events.
            let caps = recomputed.all.value_caps();
            recomputed = recomputed.capped(&caps);
            let rows = stored.rows.capped(&caps);
            if lag.build {
                recomputed = recomputed.of_build(is_sealed);
            }
            let key = chains::chunk(&owner, pack, ChunkId::default());
            let comparison = compare(&key, &rows, &recomputed, lag);
            let is_empty = stored.pack.is_empty() && rows.is_empty();
            let (before, rows) = (stored.pack, recomputed.all);
            ComparedPack { owner: owner.clone(), pack, before, rows, is_sealed, is_empty, lag, comparison }
        });
        compared.collect()
    }
}

fn is_sealed(pack: &Chunks<Table>) -> bool {
    pack.get(&ChunkId::default()).is_some_and(|chunk: &Chunk<_, _>| chunk.sealed.is_some())
}

/// How far the agents' days of an owner may lag behind the raw events.
#[derive(Clone, Copy, Debug)]
pub struct AgentsLag {
    /// The day is dirty: any event may be missing, not only recent ones.
    pub dirty: bool,
    /// Calls were repriced since: any figure may differ.
    pub repriced: bool,
    /// The generation is being built, see [`Recomputed::of_build`](crate::recompute::Recomputed::of_build).
    pub build: bool,
}

/// A pack and its pages, compared with the day's events.
pub struct ComparedPack {
    pub owner: Owner,
    pub pack: PackId<View>,
    /// As it was read.
    pub before: Chunks<Table>,
    /// What the day's events add up to.
    pub rows: Table,
    pub is_sealed: bool,
    /// Whether nothing is stored.
    is_empty: bool,
    lag: AgentsLag,
    pub comparison: Comparison,
}

impl ComparedPack {
    /// Whether the pack has to be rewritten: something is missing or wrong that no later page will mend, or a correct pack is
    /// to be sealed.
    pub fn is_to_be_sealed(&self, seal: bool) -> bool {
        let Self { comparison, lag, .. } = self;
        let differs = !comparison.is_equal();
        lag.repriced
            || !comparison.drift.is_empty()
            || comparison.incomplete
            || self.is_sealed && differs
            || seal && !self.is_sealed && !differs && !self.is_empty
    }

    /// The key of the organization's day, which has to be sealed before.
    pub fn org_day(&self) -> Option<Key> {
        let Span::Day(day) = self.pack.span else { return None };
        Some(RollupId::OrgDay(self.owner.org.clone(), self.owner.generation, day).key())
    }
}

/// What a day's events add to the chains of a calendar.
#[derive(Clone, Debug)]
pub struct RecomputedAgents {
    /// The dimensions that the calendar's rollups tell apart.
    tracked: TrackedDimensions,
    /// The sum of all events.
    pub all: Table,
    /// The sum of those that may not be aggregated yet. What amendments subtract is apart.
    recent: Table,
    /// What recent amendments subtract.
    recent_amended: Table,
    /// What all amendments subtract.
    amended: Table,
}

impl RecomputedAgents {
    /// Those of no event.
    pub fn new(tracked: TrackedDimensions) -> Self {
        let [all, recent, recent_amended, amended] = std::array::from_fn(|_| Table::default());
        Self { tracked, all, recent, recent_amended, amended }
    }

    /// Takes the rows of a day from another generation.
    pub fn copied(tracked: TrackedDimensions, rows: &Table) -> Self {
        Self { all: rows.tracking(&tracked), ..Self::new(tracked) }
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Event, recent: bool) -> Result<(), Inexact> {
        if !matches!(event.data, Data::Amendment(_)) {
            if recent {
                self.recent.add_without_combinations(event, &self.tracked)?;
            }
            return self.all.add_without_combinations(event, &self.tracked);
        }
        let mut sums = Table::default();
        sums.add_without_combinations(event, &self.tracked)?;
        let (added, subtracted) = by_sign(&sums);
        self.all.merge(&sums);
        self.amended.merge(&subtracted);
        if recent {
            self.recent.merge(&added);
            self.recent_amended.merge(&subtracted);
        }
        Ok(())
    }

    /// The rows of one view.
    fn view(&self, view: View) -> Self {
        let of = |table: &Table| table.view(view);
        Self {
            tracked: self.tracked.clone(),
            all: of(&self.all),
            recent: of(&self.recent),
            recent_amended: of(&self.recent_amended),
            amended: of(&self.amended),
        }
    }

    fn capped(self, caps: &ValueCaps) -> Self {
        Self {
            tracked: self.tracked,
            all: self.all.capped(caps),
            recent: self.recent.capped(caps),
            recent_amended: self.recent_amended.capped(caps),
            amended: self.amended.capped(caps),
        }
    }

    /// See [`Recomputed::of_build`](crate::recompute::Recomputed::of_build).
    fn of_build(self, sealed: bool) -> Self {
        if self.all == self.recent && !sealed {
            return self;
        }
        Self { recent: Table::default(), recent_amended: Table::default(), ..self }
    }
}

/// The positive and the negative figures of a table.
fn by_sign(table: &Table) -> (Table, Table) {
    let sign = |keep: fn(Amount) -> bool| {
        let mut part = table.clone();
        for group in Group::ALL {
            for (key, row) in table.rows(group) {
                let others = row.figures().filter(|(_, value)| !keep(*value));
                part.add(group, key, others.map(|(figure, value)| (figure, -value)).collect::<Vec<_>>());
            }
        }
        part
    };
    (sign(|value| value > 0), sign(|value| value < 0))
}

/// A figure of a row, by the names of its key.
type Cell = (Group, Vec<String>, Figure);

fn cells(table: &Table) -> BTreeMap<Cell, Amount> {
    let mut cells = BTreeMap::new();
    for group in Group::ALL {
        for (key, row) in table.rows(group) {
            let parts = group.parts().iter().zip(key).map(|(part, value)| match part {
                Part::Name(domain) => table.name_at(*domain, value).unwrap_or_default().to_owned(),
                Part::Number => value.to_string(),
            });
            let parts: Vec<_> = parts.collect();
            cells.extend(row.figures().map(|(figure, value)| ((group, parts.clone(), figure), value)));
        }
    }
    cells
}

/// Whether a row tells an end user apart, whose name an erasure may have replaced in raw events at any time.
fn is_of_end_user(group: Group, parts: &[String]) -> bool {
    group == Group::TrackedValues && parts.get(1).is_some_and(|name| *name == Dimension::EndUser.to_string())
}

/// Compares the rows of a view with the day's events. They were read before the events, so they hold no event that these do
/// not contain.
fn compare(key: &Key, stored: &Table, recomputed: &RecomputedAgents, lag: AgentsLag) -> Comparison {
    let mut comparison = Comparison::default();
    if *stored == recomputed.all {
        return comparison;
    }
    let [is, all, recent] = [stored, &recomputed.all, &recomputed.recent].map(cells);
    let [amended, recent_amended] = [&recomputed.amended, &recomputed.recent_amended].map(cells);
    let of = |cells: &BTreeMap<Cell, Amount>, cell| cells.get(cell).copied().unwrap_or_default();
    for cell in is.keys().chain(all.keys()).collect::<BTreeSet<_>>() {
        let (stored, computed) = (of(&is, cell), of(&all, cell));
        let (least, most) = (computed - of(&recent, cell), computed - of(&recent_amended, cell));
        let is_behind = least <= stored && stored <= most;
        let (group, parts, figure) = cell;
        let is_explained = lag.repriced
            || lag.dirty && stored <= computed - of(&amended, cell)
            || is_of_end_user(*group, parts);
        let column = || format!("{group:?} {} {figure:?}", parts.join(" "));
        comparison.figure(key, column, [stored, computed], (is_behind, is_explained));
    }
    comparison
}
