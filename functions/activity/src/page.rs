//! Reading a page of the log.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use futures::try_join;
use ledger::ids::{AgentId, OrgId};
use store::Store;
use store::activity::{Entry, Filter, Stretch};
use web::error::Result;

use crate::count::count;
use crate::cut::{Counted, Cut, Span};
use crate::params::Params;

/// Stretches that are read at once where entries lie far apart.
const IN_FLIGHT: usize = 8;

/// The names of agents that have one.
pub type Names = HashMap<AgentId, String>;

/// What is answered of the log.
#[derive(Default)]
pub struct Page {
    /// How many entries there are in all.
    pub total: u64,
    /// Those of the page, and one more where there is one.
    pub entries: Vec<Entry>,
    /// The names of their agents.
    pub names: Names,
}

/// A page that is asked for.
pub struct Asked {
    filter: Filter,
    offset: u32,
    after: Option<String>,
    /// The most entries that it is to have.
    pub limit: usize,
}

impl Asked {
    /// What `params` ask for, `after` the place that a cursor names.
    pub fn new(org: &OrgId, params: &Params, after: Option<String>) -> Self {
        let (agent, event_type) = (params.agent.clone(), params.event_type.clone());
        Self {
            filter: Filter { org: org.clone(), agent, event_type },
            offset: params.offset,
            after,
            limit: usize::try_from(params.limit).unwrap_or(usize::MAX),
        }
    }

    /// The page, of all that is in `span`.
    pub async fn page(&self, store: &Store, span: Span, now: DateTime<Utc>) -> Result<Page> {
        let cut = Cut::new(span, now);
        let (counting, names) = (count(store, &self.filter, &cut), names(store, &self.filter));
        if self.offset == 0 && !self.is_sifted() {
            // Where the page begins is known before anything is counted.
            let (counted, entries, names) = try_join!(counting, self.read(store, [span], 0), names)?;
            return Ok(Page { total: counted.total(), entries, names });
        }
        let (counted, names) = try_join!(counting, names)?;
        let entries = self.read_counted(store, &cut, &counted).await?;
        Ok(Page { total: counted.total(), entries, names })
    }

    /// Whether entries have to be sorted out that are in the index and not in the list: no index has both the agent
    /// and the type.
    const fn is_sifted(&self) -> bool {
        self.filter.agent.is_some() && self.filter.event_type.is_some()
    }

    async fn read_counted(&self, store: &Store, cut: &Cut, counted: &Counted) -> Result<Vec<Entry>> {
        let Some(start) = counted.start(cut, self.offset.into()) else { return Ok(Vec::new()) };
        let skip = usize::try_from(start.skip).unwrap_or(usize::MAX);
        if self.is_sifted() {
            // Hours without the type are not even looked at.
            return self.read(store, counted.spans(cut, start.newest), skip).await;
        }
        self.read(store, [Span { newest: start.newest, ..cut.whole }], skip).await
    }

    async fn read(
        &self,
        store: &Store,
        spans: impl IntoIterator<Item = Span>,
        skip: usize,
    ) -> Result<Vec<Entry>> {
        let clip = |stretch: Stretch| match &self.after {
            Some(place) => stretch.after(place),
            None => Some(stretch),
        };
        let stretches = spans.into_iter().filter_map(|span| clip(span.stretch())).collect();
        let mut entries = in_turn(store, &self.filter, stretches, skip + self.limit + 1).await?;
        Ok(entries.split_off(skip.min(entries.len())))
    }
}

/// The names of the agents that a page may show.
async fn names(store: &Store, filter: &Filter) -> Result<Names> {
    let agents = match &filter.agent {
        Some(agent) => store.agent(&filter.org, agent).await?.into_iter().collect(),
        None => store.agents(&filter.org).await?,
    };
    Ok(agents.into_iter().filter_map(|agent| Some((agent.id, agent.settings?.name?))).collect())
}

/// The first `most` entries of `stretches`, one after the other.
async fn in_turn(store: &Store, filter: &Filter, stretches: Vec<Stretch>, most: usize) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let queries = stretches.into_iter().map(async |stretch| store.activity(filter, &stretch, most).await);
    let mut pages = stream::iter(queries).buffered(IN_FLIGHT);
    while found.len() < most {
        let Some(page) = pages.try_next().await? else { break };
        found.extend(page);
    }
    found.truncate(most);
    Ok(found)
}
