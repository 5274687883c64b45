//! What this process knows to be stored already, which saves writing it again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::calendar::Calendar;
use ledger::chain::Seconds;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::{Column, EndUser, Seen, Subject};
use store::chains::{LISTED_FOR, Tails};
use store::keys::{Key, Owner};

use crate::updates::AgentChain;

/// The most entries of each kind. A full cache is emptied, so that its memory is bounded.
const MAX_ENTRIES: usize = 500_000;

/// The most full items whose columns are known, which may be thousands each.
const MAX_FULL: usize = 32;

/// The columns of an item that gets no others.
pub type Kept = Arc<BTreeSet<Column>>;

/// An organization, or an agent, project or node of it.
pub type OrgSubject = (OrgId, Subject);

#[derive(Default)]
pub struct Cache {
    end_users: Mutex<HashSet<EndUser>>,
    /// As the registry stores it.
    seen: Mutex<HashMap<OrgSubject, Seen>>,
    /// The columns of full items.
    full: Mutex<HashMap<Key, Kept>>,
    /// The last pages of chains, by shard.
    tails: Mutex<HashMap<ShardChain, Tails>>,
    /// When days were found to be listed for compaction.
    listed: Mutex<HashMap<(Owner, Day), Seconds>>,
}

/// A chain of a shard.
pub type ShardChain = (AgentChain, [u8; 8]);

impl Cache {
    pub fn has_end_user(&self, user: &EndUser) -> bool {
        lock(&self.end_users).contains(user)
    }

    pub fn add_end_users<'a>(&self, users: impl Iterator<Item = &'a EndUser>) {
        let mut known = lock(&self.end_users);
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        known.extend(users.cloned());
    }

    /// The columns of an item that is full.
    pub fn kept(&self, key: &Key) -> Option<Kept> {
        lock(&self.full).get(key).cloned()
    }

    pub fn add_full(&self, key: &Key, columns: BTreeSet<Column>) {
        let mut known = lock(&self.full);
        if known.len() >= MAX_FULL {
            known.clear();
        }
        known.insert(key.clone(), Arc::new(columns));
    }

    /// What is known of the last pages of a shard's chain.
    pub fn tails(&self, chain: &ShardChain) -> Tails {
        lock(&self.tails).get(chain).copied().unwrap_or_default()
    }

    pub fn set_tails(&self, chain: ShardChain, tails: Tails) {
        let mut known = lock(&self.tails);
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        known.insert(chain, tails);
    }

    /// Whether a day is known to be listed for compaction.
    pub fn is_listed(&self, owner: &Owner, day: Day, now: Seconds) -> bool {
        lock(&self.listed).get(&(owner.clone(), day)).is_some_and(|at| now < at + LISTED_FOR)
    }

    pub fn add_listed(&self, owner: &Owner, day: Day, now: Seconds) {
        let mut known = lock(&self.listed);
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        known.insert((owner.clone(), day), now);
    }

    /// Whether `news` would change what the registry stores about a subject.
    pub fn is_news(&self, subject: &OrgSubject, news: &Seen, calendars: &[Calendar]) -> bool {
        lock(&self.seen).get(subject).is_none_or(|known| {
            let mut merged = known.clone();
            merged.merge(news);
            known.worth_storing(&merged, calendars)
        })
    }

    pub fn add_seen(&self, subject: &OrgSubject, stored: Seen) {
        let mut known = lock(&self.seen);
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        known.insert(subject.clone(), stored);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
