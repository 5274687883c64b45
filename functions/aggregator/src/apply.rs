//! Writes the updates of a delivery: one update per item, each event once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt};
use futures::{FutureExt, join};
use ledger::calendar::Calendar;
use ledger::chain::Outcome as ChainOutcome;
use ledger::ids::OrgId;
use ledger::pack::EventBatch;
use ledger::period::Day;
use ledger::rollup::{EndUser, RollupId, Seen};
use runtime::clock::Clock;
use store::chains::{ShardDay, Unapplied};
use store::keys::Key;
use store::keys::Keyed;
use store::sequence::SequenceNumber;
use store::usage::{AddOutcome, ShardRange};

use crate::Tables;
use crate::cache::{Cache, OrgSubject};
use crate::calendars::LiveCalendars;
use crate::delivery::Delivery;
use crate::progress::Progress;
use crate::quarantine::Quarantine;
use crate::record::Content;
use crate::updates::{AgentChain, Delta, Updates, first_update};

/// Concurrent updates.
const IN_FLIGHT: usize = 32;

/// Writes deliveries to the tables.
pub struct Applier {
    tables: Tables,
    clock: Clock,
    quarantine: Quarantine,
    progress: Progress,
    cache: Cache,
    /// The length from which on an item gets no new columns.
    full_kilobytes: u64,
}

/// Days of events that hit sealed items or make something outdated, with the indices of their first and last records in the delivery.
type DirtyDays = BTreeMap<(OrgId, Day), (usize, usize)>;

impl Applier {
    pub fn new(tables: Tables, clock: Clock, full_kilobytes: u64) -> Self {
        Self {
            clock,
            full_kilobytes,
            quarantine: Quarantine::new(tables.usage.clone()),
            progress: Progress::new(tables.usage.clone()),
            cache: Cache::default(),
            tables,
        }
    }

    /// Writes everything that a delivery contains. Returns the sequence number of the first record that has to be
    /// delivered again, if any.
    pub async fn apply<'a>(&self, delivery: &'a Delivery<'_>) -> Option<&'a str> {
        let calendars = match LiveCalendars::read(&self.tables.registry, delivery).await {
            Ok(calendars) => calendars,
            Err(error) => {
                tracing::error!(%error, "failed to read the calendars");
                return delivery.sequence_text(0);
            }
        };
        let mut updates = Updates::gather(delivery, &self.cache, &calendars);
        let outdated = std::mem::take(&mut updates.outdated);
        let sealed = Mutex::default();
        let noting = |target: &RollupId, deltas: &[Delta]| {
            note_sealed(delivery, &calendars, target, deltas, &sealed);
        };
        let noting = &noting;
        let deltas = updates.deltas.iter();
        let deltas = deltas.map(|(target, deltas)| self.add(delivery, target, deltas, noting).boxed());
        let users = updates.end_users.iter();
        let users = users.map(|(key, users)| self.add_end_users(key, users).boxed());
        let seen = updates.seen.iter();
        let seen = seen.map(|(subject, (first, seen))| {
            self.store_seen(*first, subject, seen, calendars.of(&subject.0)).boxed()
        });
        let malformed = std::iter::once(self.quarantine.put(delivery, &updates.malformed).boxed());
        let agents = updates.agents.into_iter();
        let agents = agents.map(|(chain, batch)| self.append(delivery, chain, batch).boxed());
        let all: Vec<_> = deltas.chain(users).chain(seen).chain(malformed).chain(agents).collect();
        let mut failures: Vec<_> = stream::iter(all).buffer_unordered(IN_FLIGHT).collect().await;
        let mut dirty = sealed.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (day, (first, last)) in outdated {
            let records = dirty.entry(day).or_insert((first, last));
            *records = (records.0.min(first), records.1.max(last));
        }
        failures.extend(self.mark_dirty(delivery, &dirty).await);
        let first_failed = failures.into_iter().flatten().min();
        let processed = &delivery.records[..first_failed.unwrap_or(delivery.records.len())];
        // After all else: whoever reads the position relies on what was written before.
        let ((), noted) = join!(
            self.progress.note(processed),
            self.progress.note_position(&delivery.mark, processed.last())
        );
        let unnoted = processed.len().checked_sub(1).filter(|_| !noted);
        delivery.sequence_text(unnoted.or(first_failed)?)
    }

    /// Marks days as dirty. Returns the first record index of each day that could
    /// not be marked.
    async fn mark_dirty(&self, delivery: &Delivery<'_>, days: &DirtyDays) -> Vec<Option<usize>> {
        let marked = days.iter().map(|((org, day), (first, last))| async move {
            let asker = format!("{}#{}", delivery.mark, delivery.sequence_text(*last).unwrap_or_default());
            let error = self.tables.usage.mark_dirty(org, *day, &asker).await.err()?;
            tracing::error!(%error, %day, "failed to mark a day as dirty");
            Some(*first)
        });
        stream::iter(marked.map(FutureExt::boxed).collect::<Vec<_>>())
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await
    }

    /// Adds deltas to one item. Returns the index of the first record that is not added if that fails.
    ///
    /// An update can name a limited number of columns, so a delivery may take several. Each covers a part of the
    /// delivery's records, in order, and sets the mark to the last of them.
    async fn add(
        &self,
        delivery: &Delivery<'_>,
        target: &RollupId,
        mut deltas: &[Delta],
        note_sealed: &(impl Fn(&RollupId, &[Delta]) + Sync),
    ) -> Option<usize> {
        let key = target.key();
        // The most records of an update. One that an item has no room for must not take others with it.
        let mut most = usize::MAX;
        while let Some(first) = deltas.first() {
            let kept = self.cache.kept(&key);
            let (taken, sums) = first_update(&deltas[..most.min(deltas.len())], kept.as_deref());
            let last = deltas[taken - 1].sequence;
            let range = ShardRange { mark: &delivery.mark, first: first.sequence, last };
            let added = match kept {
                None => self.tables.usage.add(&key, &sums, range).await,
                Some(_) => self.tables.usage.add_to_full(&key, &sums, range).await,
            };
            match added {
                Ok(AddOutcome::Added { kilobytes }) => {
                    deltas = &deltas[taken..];
                    if kept.is_none() && kilobytes >= self.full_kilobytes {
                        self.mark_full(&key).await;
                    }
                }
                Ok(AddOutcome::AlreadyAt(mark)) => {
                    let contained = deltas.partition_point(|delta| delta.sequence <= mark);
                    deltas = &deltas[contained..];
                }
                Ok(AddOutcome::Sealed) => {
                    note_sealed(target, deltas);
                    return None;
                }
                Ok(AddOutcome::Full(columns)) => self.cache.add_full(&key, columns),
                // Concurrent updates filled the item before any of them could mark it.
                Ok(AddOutcome::TooLarge) if kept.is_none() && self.mark_full(&key).await => {}
                Ok(AddOutcome::TooLarge) if taken > 1 => most = taken / 2,
                Ok(AddOutcome::TooLarge) => {
                    if let Some(failed) = self.quarantine_too_large(delivery, &key, [first.record]).await {
                        return Some(failed);
                    }
                    deltas = &deltas[1..];
                }
                Err(error) => {
                    tracing::error!(%error, pk = key.pk, sk = key.sk, "failed to update a rollup");
                    return Some(first.record);
                }
            }
        }
        None
    }

    /// Appends events to the chain of agents' days. Returns the index of the first record that may be missing if that
    /// fails.
    async fn append(
        &self,
        delivery: &Delivery<'_>,
        chain: AgentChain,
        batch: EventBatch<'_, SequenceNumber>,
    ) -> Option<usize> {
        let first = batch.first()?;
        let AgentChain { owner, day, stored } = &chain;
        let now = || self.clock.now().timestamp();
        if !self.cache.is_listed(owner, *day, now()) {
            if let Err(error) = self.tables.usage.list_day(owner, *day, now()).await {
                tracing::error!(%error, %owner, %day, "failed to list a day for compaction");
                return Some(delivery.index_of(first));
            }
            self.cache.add_listed(owner, *day, now());
        }
        let place = (chain.clone(), delivery.shard);
        let mut tails = self.cache.tails(&place);
        let of_shard = ShardDay { owner, day: *day, arrival: *stored, shard: delivery.shard };
        let appended = self.tables.usage.append(of_shard, batch, &mut tails, now).await;
        self.cache.set_tails(place, tails);
        match appended {
            Ok(ChainOutcome::Applied) => None,
            Ok(ChainOutcome::Dirty) => {
                tracing::warn!(%owner, %day, "records are too old to be appended: their day was marked as dirty");
                None
            }
            Err(Unapplied { first: missing, error }) => {
                tracing::error!(%error, %owner, %day, "failed to append to a chain");
                Some(delivery.index_of(missing.unwrap_or(first)))
            }
        }
    }

    /// Marks an item as full. If that fails, the next update of the item will try again, since the item is as long then.
    async fn mark_full(&self, key: &Key) -> bool {
        match self.tables.usage.mark_full(key).await {
            Ok(marked) => {
                tracing::warn!(
                    pk = key.pk,
                    sk = key.sk,
                    "a rollup is full: new models are counted as (other)"
                );
                marked
            }
            Err(error) => {
                tracing::warn!(%error, pk = key.pk, sk = key.sk, "failed to mark a rollup as full");
                false
            }
        }
    }

    /// Quarantines records that an item has no room for. Returns the index of the first record if that fails.
    async fn quarantine_too_large(
        &self,
        delivery: &Delivery<'_>,
        key: &Key,
        records: impl IntoIterator<Item = usize>,
    ) -> Option<usize> {
        let reason = format!("the item {} {} would be too large", key.pk, key.sk);
        let records: Vec<_> = records.into_iter().map(|index| (index, reason.as_str())).collect();
        self.quarantine.put(delivery, &records).await
    }

    /// Adds end users, each with the first record that names it, to their item. Returns the index of the first record if
    /// that fails.
    async fn add_end_users(&self, key: &Key, users: &BTreeMap<EndUser, usize>) -> Option<usize> {
        let hashes = users.keys().map(|user| user.hash).collect();
        match self.tables.usage.add_end_users(key, &hashes).await {
            Ok(true) => {}
            // The number of distinct users is a lower bound from here on.
            Ok(false) => tracing::warn!(pk = key.pk, sk = key.sk, "a bucket of end users is full"),
            Err(error) => {
                tracing::error!(%error, pk = key.pk, "failed to add end users");
                return users.values().copied().min();
            }
        }
        self.cache.add_end_users(users.keys());
        None
    }

    /// Stores what the events say about a subject. Returns the index of the first record if that fails.
    async fn store_seen(
        &self,
        first: usize,
        subject: &OrgSubject,
        news: &Seen,
        calendars: &[Calendar],
    ) -> Option<usize> {
        match self.tables.registry.see(&subject.0, &subject.1, news, calendars).await {
            Ok(stored) => {
                self.cache.add_seen(subject, stored);
                None
            }
            Err(error) => {
                tracing::error!(%error, org = subject.0.as_str(), "failed to update the registry");
                Some(first)
            }
        }
    }
}

fn note_sealed(
    delivery: &Delivery<'_>,
    calendars: &LiveCalendars,
    target: &RollupId,
    deltas: &[Delta],
    sealed: &Mutex<DirtyDays>,
) {
    let mut days = sealed.lock().unwrap_or_else(PoisonError::into_inner);
    for Delta { record, .. } in deltas {
        let Content::Event(event) = &delivery.records[*record].content else { continue };
        let day = calendars.day(target, event);
        let records = days.entry((event.org.clone(), day)).or_insert((*record, *record));
        *records = (records.0.min(*record), records.1.max(*record));
    }
}
