//! Reads a page of the activity log.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use futures::try_join;
use ledger::ids::{AgentId, OrgId};
use store::activity::{LogEntry, LogFilter, LogRange};
use web::error::Result;

use crate::Tables;
use crate::count::count;
use crate::params::Params;
use crate::split_range::{PartCounts, SplitRange, TimeRange};

/// Concurrent queries when the entries of a page are spread over many hours.
const IN_FLIGHT: usize = 8;

/// The registered names of agents.
pub type Names = HashMap<AgentId, String>;

/// A page of the log.
#[derive(Default)]
pub struct Page {
    /// Number of entries in the whole range.
    pub total: u64,
    /// The entries of the page, plus one if there is a next page.
    pub entries: Vec<LogEntry>,
    pub names: Names,
}

/// The page that a request asks for.
pub struct PageRequest {
    filter: LogFilter,
    offset: u32,
    after: Option<String>,
    /// Maximum number of entries.
    pub limit: usize,
}

impl PageRequest {
    /// `after` is the position stored in a cursor.
    pub fn new(org: &OrgId, params: &Params, after: Option<String>) -> Self {
        let (agent, event_type) = (params.agent.clone(), params.event_type.clone());
        Self {
            filter: LogFilter { org: org.clone(), agent, event_type },
            offset: params.offset,
            after,
            limit: usize::try_from(params.limit).unwrap_or(usize::MAX),
        }
    }

    /// Reads the page from `range`.
    pub async fn page(&self, tables: &Tables, range: TimeRange, now: DateTime<Utc>) -> Result<Page> {
        let split = SplitRange::new(range, now);
        let (counting, names) = (count(tables, &self.filter, split), names(tables, &self.filter));
        if self.offset == 0 && !self.is_sifted() {
            // The page starts at the beginning of the range, so it need not wait for the counts.
            let ((_, counted), entries, names) = try_join!(counting, self.read(tables, [range], 0), names)?;
            return Ok(Page { total: counted.total(), entries, names });
        }
        let ((split, counted), names) = try_join!(counting, names)?;
        let entries = self.read_counted(tables, &split, &counted).await?;
        Ok(Page { total: counted.total(), entries, names })
    }

    /// Whether matching entries must be filtered out of an index: no index covers both agent and event type.
    const fn is_sifted(&self) -> bool {
        self.filter.agent.is_some() && self.filter.event_type.is_some()
    }

    async fn read_counted(
        &self,
        tables: &Tables,
        split: &SplitRange,
        counted: &PartCounts,
    ) -> Result<Vec<LogEntry>> {
        let Some(start) = counted.start(split, self.offset.into()) else { return Ok(Vec::new()) };
        let skip = usize::try_from(start.skip).unwrap_or(usize::MAX);
        if self.is_sifted() {
            // Skips hours that have no entry of the type.
            return self.read(tables, counted.ranges(split, start.newest), skip).await;
        }
        self.read(tables, [TimeRange { newest: start.newest, ..split.whole }], skip).await
    }

    async fn read(
        &self,
        tables: &Tables,
        ranges: impl IntoIterator<Item = TimeRange>,
        skip: usize,
    ) -> Result<Vec<LogEntry>> {
        let clip = |stretch: LogRange| match &self.after {
            Some(place) => stretch.after(place),
            None => Some(stretch),
        };
        let stretches = ranges.into_iter().filter_map(|range| clip(range.stretch())).collect();
        let mut entries = in_turn(tables, &self.filter, stretches, skip + self.limit + 1).await?;
        Ok(entries.split_off(skip.min(entries.len())))
    }
}

/// The names of the agents that may occur on the page.
async fn names(tables: &Tables, filter: &LogFilter) -> Result<Names> {
    let agents = match &filter.agent {
        Some(agent) => tables.registry.agent(&filter.org, agent).await?.into_iter().collect(),
        None => tables.registry.agents(&filter.org).await?,
    };
    Ok(agents.into_iter().filter_map(|agent| Some((agent.id, agent.settings?.name?))).collect())
}

/// The first `most` entries of `stretches`, in order.
async fn in_turn(
    tables: &Tables,
    filter: &LogFilter,
    stretches: Vec<LogRange>,
    most: usize,
) -> Result<Vec<LogEntry>> {
    let mut found = Vec::new();
    let queries =
        stretches.into_iter().map(async |stretch| tables.events.activity(filter, &stretch, most).await);
    let mut pages = stream::iter(queries).buffered(IN_FLIGHT);
    while found.len() < most {
        let Some(page) = pages.try_next().await? else { break };
        found.extend(page);
    }
    found.truncate(most);
    Ok(found)
}
