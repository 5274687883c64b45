//! What this process knows to be stored already, which saves writing it again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::calendar::Calendar;
use ledger::ids::OrgId;
use ledger::rollup::{Column, EndUser, Seen, Subject};
use store::keys::Key;

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
}

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
