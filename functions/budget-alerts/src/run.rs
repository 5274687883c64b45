//! One run over all organizations: lists them, and watches as many at a time as is allowed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use store::alerts::ListedOrganization;
use store::error::{Error, Result};
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout_at;

use crate::deadline::Deadline;
use crate::metrics::Counts;
use crate::services::Services;
use crate::watch::{Watch, WatchOutcome};

/// Organizations whose budgets are evaluated at the same time.
const CONCURRENCY: usize = 32;

/// A run in progress.
pub struct Run {
    services: Arc<Services>,
    deadline: Deadline,
    /// When the run will be over at the latest, by the business clock.
    ends: DateTime<Utc>,
    permits: Arc<Semaphore>,
    tasks: JoinSet<WatchOutcome>,
    /// The organization of each task, for one that panics.
    names: HashMap<Id, String>,
    pub counts: Counts,
    /// The organizations that failed, and why.
    pub failures: Vec<(String, Error)>,
    /// The first organization that was not reached.
    first_left: Option<String>,
}

impl Run {
    pub fn new(services: Arc<Services>, time_left: Duration) -> Self {
        let ends = TimeDelta::from_std(time_left).ok();
        let ends = ends.and_then(|time_left| services.clock.now().checked_add_signed(time_left));
        Self {
            services,
            deadline: Deadline::after(time_left),
            ends: ends.unwrap_or(DateTime::<Utc>::MAX_UTC),
            permits: Arc::new(Semaphore::new(CONCURRENCY)),
            tasks: JoinSet::new(),
            names: HashMap::new(),
            counts: Counts::default(),
            failures: Vec::new(),
            first_left: None,
        }
    }

    /// Watches all organizations, starting with the first that the last run did not reach.
    pub async fn complete(&mut self) -> Result<()> {
        let listed = self.start_all().await;
        while let Some(joined) = self.tasks.join_next_with_id().await {
            self.record(joined);
        }
        listed?;
        match &self.first_left {
            Some(first) => self.services.store.set_next_organization(first).await,
            None => Ok(()),
        }
    }

    async fn start_all(&mut self) -> Result<()> {
        let first = self.services.store.next_organization().await?.unwrap_or_default();
        self.start_range(&first, None).await?;
        if first.is_empty() { Ok(()) } else { self.start_range("", Some(&first)).await }
    }

    /// Starts the organizations from `first` up to, but not including, `end`.
    async fn start_range(&mut self, first: &str, end: Option<&str>) -> Result<()> {
        let mut start = None;
        loop {
            let page = self.services.store.organizations_page(first, start).await?;
            for listed in page.entries {
                if end.is_some_and(|end| listed.name.as_str() >= end) {
                    return Ok(());
                }
                self.start(listed).await;
            }
            start = page.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Waits for a permit and starts an organization, or counts it as left when the time is up.
    async fn start(&mut self, listed: ListedOrganization) {
        while let Some(joined) = self.tasks.try_join_next_with_id() {
            self.record(joined);
        }
        let permit = timeout_at(self.deadline.start_until, self.permits.clone().acquire_owned()).await;
        let (true, Ok(Ok(permit))) = (self.deadline.may_start(), permit) else {
            self.counts.left += 1;
            self.first_left.get_or_insert(listed.name);
            return;
        };
        self.counts.organizations += 1;
        match listed.known {
            Ok((org, seen)) => {
                let (services, deadline, ends) = (self.services.clone(), self.deadline, self.ends);
                let watch = Watch { services, deadline, ends, org, seen };
                let handle = self.tasks.spawn(watch.until_deadline(permit));
                self.names.insert(handle.id(), listed.name);
            }
            Err(fault) => self.fail(listed.name, fault),
        }
    }

    fn record(&mut self, joined: Result<(Id, WatchOutcome), JoinError>) {
        let (id, fault) = match joined {
            Ok((id, (counts, fault))) => {
                self.counts += counts;
                (id, fault)
            }
            Err(panic) => (panic.id(), Some(Error::internal(panic))),
        };
        let name = self.names.remove(&id).unwrap_or_default();
        if let Some(fault) = fault {
            self.fail(name, fault);
        }
    }

    fn fail(&mut self, name: String, fault: Error) {
        tracing::error!(org = name, error = %fault, "failed to check an organization's budgets");
        self.counts.failed += 1;
        self.failures.push((name, fault));
    }
}
