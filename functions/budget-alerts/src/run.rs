//! One run: find the organisations, look at each, and deliver.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::ids::OrgId;
use ledger::rollup::Seen;
use runtime::clock::Clock;
use store::Store;
use store::alerts::{Alert, Listed};
use store::error::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout_at;

use crate::deliver::Deliverer;
use crate::lately::READING_AT_ONCE;
use crate::look::Look;
use crate::metrics::Counts;
use crate::outlets::Outlets;
use crate::time::Time;

/// Organisations that are looked at side by side.
const AT_ONCE: usize = 32;

/// What every part of a run needs.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The tables.
    pub store: Store,
    /// The business clock.
    pub clock: Clock,
    /// Where alerts go.
    pub outlets: Outlets,
    /// Whose turn it is to read raw events: see [`crate::lately`].
    pub reading: Arc<Semaphore>,
}

impl Tools {
    /// The tools of runs over the tables of `store`.
    pub fn new(store: Store, clock: Clock, outlets: Outlets) -> Self {
        Self { store, clock, outlets, reading: Arc::new(Semaphore::new(READING_AT_ONCE)) }
    }
}

/// What one organisation came to, also where something of it failed.
type Ended = (Counts, Option<Error>);

/// A run under way.
pub struct Run {
    tools: Arc<Tools>,
    time: Time,
    /// When it will be over, by the clock.
    ends: DateTime<Utc>,
    looking: Arc<Semaphore>,
    tasks: JoinSet<Ended>,
    names: HashMap<Id, String>,
    /// What it came to so far.
    pub counts: Counts,
    /// The organisations that failed, and why.
    pub failures: Vec<(String, Error)>,
    /// The first organisation that was not reached.
    first_left: Option<String>,
}

impl Run {
    /// A run that has so much time `left`.
    pub fn new(tools: Arc<Tools>, left: Duration) -> Self {
        let until =
            TimeDelta::from_std(left).ok().and_then(|left| tools.clock.now().checked_add_signed(left));
        Self {
            tools,
            time: Time::of(left),
            ends: until.unwrap_or(DateTime::<Utc>::MAX_UTC),
            looking: Arc::new(Semaphore::new(AT_ONCE)),
            tasks: JoinSet::new(),
            names: HashMap::new(),
            counts: Counts::default(),
            failures: Vec::new(),
            first_left: None,
        }
    }

    /// Looks at all organisations, beginning with the first that the last run did not reach, and delivers.
    pub async fn go(&mut self) -> Result<()> {
        let found = self.find().await;
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended);
        }
        found?;
        match &self.first_left {
            Some(first) => self.tools.store.begin_with(first).await,
            None => Ok(()),
        }
    }

    async fn find(&mut self) -> Result<()> {
        let first = self.tools.store.first_organization().await?.unwrap_or_default();
        self.stretch(&first, None).await?;
        if first.is_empty() { Ok(()) } else { self.stretch("", Some(&first)).await }
    }

    /// The organisations from one on, up to and without another one.
    async fn stretch(&mut self, first: &str, end: Option<&str>) -> Result<()> {
        let mut start = None;
        loop {
            let page = self.tools.store.organizations_page(first, start).await?;
            for listed in page.entries {
                if end.is_some_and(|end| listed.name.as_str() >= end) {
                    return Ok(());
                }
                self.begin(listed).await;
            }
            start = page.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Begins to look at an organisation as soon as fewer are under way, or notes that there was no time for it.
    async fn begin(&mut self, listed: Listed) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
        let turn = timeout_at(self.time.begin_until, self.looking.clone().acquire_owned()).await;
        let (true, Ok(Ok(turn))) = (self.time.is_left(), turn) else {
            self.counts.left += 1;
            self.first_left.get_or_insert(listed.name);
            return;
        };
        self.counts.organizations += 1;
        match listed.known {
            Ok((org, seen)) => {
                let one = One { tools: self.tools.clone(), time: self.time, ends: self.ends, org, seen };
                let handle = self.tasks.spawn(one.in_time(turn));
                self.names.insert(handle.id(), listed.name);
            }
            Err(fault) => self.failed(listed.name, fault),
        }
    }

    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, fault) = match ended {
            Ok((id, (counts, fault))) => {
                self.counts += counts;
                (id, fault)
            }
            Err(panic) => (panic.id(), Some(Error::internal(panic))),
        };
        let name = self.names.remove(&id).unwrap_or_default();
        if let Some(fault) = fault {
            self.failed(name, fault);
        }
    }

    fn failed(&mut self, name: String, fault: Error) {
        tracing::error!(org = name, error = %fault, "the budgets of an organisation were not watched");
        self.counts.failed += 1;
        self.failures.push((name, fault));
    }
}

/// One organisation.
struct One {
    tools: Arc<Tools>,
    time: Time,
    ends: DateTime<Utc>,
    org: OrgId,
    seen: Option<Seen>,
}

impl One {
    async fn in_time(self, turn: OwnedSemaphorePermit) -> Ended {
        let late = || Error::Unavailable("the time did not suffice".to_owned());
        timeout_at(self.time.drop_at, self.watch(turn))
            .await
            .unwrap_or_else(|_| (Counts::default(), Some(late())))
    }

    /// Decides, lets the next organisation have its `turn`, and delivers: also where nothing could be decided.
    async fn watch(&self, turn: OwnedSemaphorePermit) -> Ended {
        let Tools { store, clock, outlets, reading } = &*self.tools;
        let watched = match store.watched(&self.org).await {
            Ok(watched) => watched,
            Err(fault) => return (Counts::default(), Some(fault)),
        };
        let (org, seen, lease) = (&self.org, self.seen.as_ref(), self.ends);
        let decided =
            Look { store, outlets, reading, org, seen, now: clock.now(), lease }.decide(&watched).await;
        drop(turn);
        let (fresh, fault) = decided.map_or_else(|fault| (Vec::new(), Some(fault)), |fresh| (fresh, None));
        let mut counts = decisions(&fresh);
        let (destinations, time) = (&watched.destinations, self.time);
        let deliverer = Deliverer { store, outlets, clock, org, destinations, time, lease };
        let (delivered, undelivered) = deliverer.deliver(fresh, &watched.due).await;
        counts += delivered;
        (counts, fault.or(undelivered))
    }
}

fn decisions(alerts: &[Alert]) -> Counts {
    let mut counts = Counts::default();
    for alert in alerts {
        if alert.superseded { counts.superseded += 1 } else { counts.decided += 1 }
    }
    counts
}
