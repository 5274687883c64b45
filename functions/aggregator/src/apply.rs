//! Writing a delivery's sums: one update per item, each event once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use store::keys::Keyed;

use futures::FutureExt;
use futures::stream::{self, StreamExt};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::{EndUser, Seen, Subject, Sums, Target};
use store::Store;
use store::keys::Key;
use store::sequence::SequenceNumber;
use store::usage::{Batch as Stretch, MAX_COLUMNS, Outcome};

use crate::aside::PuttingAside;
use crate::batch::Batch;
use crate::progress::Progress;
use crate::record::Reading;

/// Updates in flight at once.
const IN_FLIGHT: usize = 32;
/// Facts that are kept in memory of each kind; a process forgets them all rather than grow.
const MEMORY: usize = 500_000;

/// Adds deliveries to the tables.
pub struct Applier {
    store: Store,
    aside: PuttingAside,
    progress: Progress,
    /// End users that this process has stored.
    users: Mutex<HashSet<EndUser>>,
    /// What this process knows the registry to hold.
    seen: Mutex<HashMap<(OrgId, Subject), Seen>>,
}

/// Days whose events came to sealed items, with the first and the last of their records in the delivery.
type SealedDays = BTreeMap<(OrgId, Day), (usize, usize)>;

/// What one delivery asks for, gathered by item. Each knows the first record that it is about, which has to be
/// delivered again if it fails. The same delivery is written in the same order always.
#[derive(Default)]
struct Work<'a> {
    sums: BTreeMap<Target, Vec<(SequenceNumber, usize, Sums)>>,
    users: BTreeMap<Key, BTreeMap<EndUser, usize>>,
    seen: BTreeMap<(OrgId, Subject), (usize, Seen)>,
    odd: Vec<(usize, &'a str)>,
}

impl Applier {
    /// Adds to the tables of `store`.
    pub fn new(store: Store) -> Self {
        Self {
            aside: PuttingAside::new(store.clone()),
            progress: Progress::new(store.clone()),
            store,
            users: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Adds all that a delivery brings. The sequence number of the first record that has to come again, if any.
    pub async fn apply<'a>(&self, batch: &Batch<'a>) -> Option<&'a str> {
        let work = self.gather(batch);
        let sealed = Mutex::default();
        let sums = work.sums.iter().map(|(target, deltas)| self.add(batch, target, deltas, &sealed).boxed());
        let users = work.users.iter().map(|(key, users)| self.add_users(batch, key, users).boxed());
        let seen = work.seen.iter().map(|(subject, (first, seen))| self.see(*first, subject, seen).boxed());
        let odd = std::iter::once(self.aside.put(batch, &work.odd).boxed());
        let all: Vec<_> = sums.chain(users).chain(seen).chain(odd).collect();
        let mut failures: Vec<_> = stream::iter(all).buffer_unordered(IN_FLIGHT).collect().await;
        failures.extend(self.mark_dirty(batch, &sealed.into_inner().unwrap_or_default()).await);
        let first_failed = failures.into_iter().flatten().min();
        self.progress.note(&batch.records[..first_failed.unwrap_or(batch.records.len())]).await;
        batch.sequence_text(first_failed?)
    }

    /// Has the days computed anew whose events came to sealed items. The indices of the first records of those days
    /// for which that failed.
    async fn mark_dirty(&self, batch: &Batch<'_>, days: &SealedDays) -> Vec<Option<usize>> {
        let marked = days.iter().map(|((org, day), (first, last))| async move {
            let asker = format!("{}#{}", batch.mark, batch.sequence_text(*last).unwrap_or_default());
            let failed = self.store.mark_dirty(org, *day, &asker).await.err()?;
            tracing::error!(error = %failed, %day, "a day was not marked to be computed anew");
            Some(*first)
        });
        stream::iter(marked.map(FutureExt::boxed).collect::<Vec<_>>())
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await
    }

    fn gather<'b>(&self, batch: &'b Batch<'_>) -> Work<'b> {
        let mut work = Work::default();
        for (index, record) in batch.records.iter().enumerate() {
            let event = match &record.reading {
                Reading::Count(event) => event,
                Reading::Ignore => continue,
                Reading::Odd(reason) => {
                    work.odd.push((index, reason));
                    continue;
                }
            };
            let brings = rollup::contribution(event);
            for (target, sums) in brings.sums {
                work.sums.entry(target).or_default().push((record.sequence, index, sums));
            }
            for sighting in brings.sightings {
                let key = (sighting.org, sighting.subject);
                let entry = work.seen.entry(key).or_insert_with(|| (index, sighting.seen.clone()));
                entry.1.merge(&sighting.seen);
            }
            if let Some(user) = brings.end_user.filter(|user| !lock(&self.users).contains(user)) {
                work.users.entry(user.key()).or_default().entry(user).or_insert(index);
            }
        }
        let known = lock(&self.seen);
        work.seen.retain(|subject, (_, news)| {
            known.get(subject).is_none_or(|known| {
                let mut merged = known.clone();
                merged.merge(news);
                known.worth_storing(&merged)
            })
        });
        work
    }

    /// Adds one item's sums. The index of the first record that is not in it, if it fails.
    ///
    /// An update names a limited number of columns, so a delivery may take several; each is a stretch of the shard
    /// with a mark of its own, in order.
    async fn add(
        &self,
        batch: &Batch<'_>,
        target: &Target,
        mut deltas: &[(SequenceNumber, usize, Sums)],
        sealed: &Mutex<SealedDays>,
    ) -> Option<usize> {
        let key = target.key();
        while let Some((first, index, _)) = deltas.first() {
            let (taken, sums) = take(deltas);
            let last = deltas[taken - 1].0;
            match self.store.add(&key, &sums, Stretch { mark: &batch.mark, first: *first, last }).await {
                Ok(Outcome::Applied) => deltas = &deltas[taken..],
                Ok(Outcome::AlreadyAt(mark)) => {
                    let had = deltas.partition_point(|(sequence, ..)| *sequence <= mark);
                    deltas = &deltas[had..];
                }
                Ok(Outcome::Sealed) => {
                    let mut days = lock(sealed);
                    for (_, index, _) in deltas {
                        let Reading::Count(event) = &batch.records[*index].reading else { continue };
                        let seen = days.entry((event.org.clone(), event.day)).or_insert((*index, *index));
                        *seen = (seen.0.min(*index), seen.1.max(*index));
                    }
                    return None;
                }
                Ok(Outcome::TooLarge) => {
                    let records = deltas[..taken].iter().map(|(_, index, _)| *index);
                    if let Some(failed) = self.put_aside(batch, &key, records).await {
                        return Some(failed);
                    }
                    deltas = &deltas[taken..];
                }
                Err(error) => {
                    tracing::error!(%error, pk = key.pk, sk = key.sk, "sums were not added");
                    return Some(*index);
                }
            }
        }
        None
    }

    /// Keeps the records that an item has no room for. The index of the first that is not kept, if one is not.
    async fn put_aside(
        &self,
        batch: &Batch<'_>,
        key: &Key,
        records: impl IntoIterator<Item = usize>,
    ) -> Option<usize> {
        let reason = format!("the item {} {} would be too large", key.pk, key.sk);
        let records: Vec<_> = records.into_iter().map(|index| (index, reason.as_str())).collect();
        self.aside.put(batch, &records).await
    }

    /// Adds end users to their bucket, each known from the first record that names it. The index of the first that is
    /// neither there nor put aside, if one is not.
    async fn add_users(
        &self,
        batch: &Batch<'_>,
        key: &Key,
        users: &BTreeMap<EndUser, usize>,
    ) -> Option<usize> {
        let hashes = users.keys().map(|user| user.hash).collect();
        match self.store.add_end_users(key, &hashes).await {
            Ok(true) => {}
            Ok(false) => {
                let records: BTreeSet<_> = users.values().copied().collect();
                if let Some(failed) = self.put_aside(batch, key, records).await {
                    return Some(failed);
                }
            }
            Err(error) => {
                tracing::error!(%error, pk = key.pk, "end users were not added");
                return users.values().copied().min();
            }
        }
        let mut known = lock(&self.users);
        if known.len() >= MEMORY {
            known.clear();
        }
        known.extend(users.keys().cloned());
        None
    }

    async fn see(&self, first: usize, subject: &(OrgId, Subject), news: &Seen) -> Option<usize> {
        match self.store.see(&subject.0, &subject.1, news).await {
            Ok(stored) => {
                let mut known = lock(&self.seen);
                if known.len() >= MEMORY {
                    known.clear();
                }
                known.insert(subject.clone(), stored);
                None
            }
            Err(error) => {
                tracing::error!(%error, org = subject.0.as_str(), "what was seen was not stored");
                Some(first)
            }
        }
    }
}

/// As many of the first deltas as one update can name the columns of, but at least one, and their sum.
fn take(deltas: &[(SequenceNumber, usize, Sums)]) -> (usize, Sums) {
    let mut sums = Sums::default();
    let mut columns = HashSet::new();
    for (taken, (.., delta)) in deltas.iter().enumerate() {
        columns.extend(delta.column_names());
        if taken > 0 && columns.len() > MAX_COLUMNS {
            return (taken, sums);
        }
        sums.merge(delta);
    }
    (deltas.len(), sums)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
