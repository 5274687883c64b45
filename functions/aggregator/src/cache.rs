//! What this process knows to be stored already, which saves writing it again.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ledger::ids::OrgId;
use ledger::rollup::{EndUser, Seen, Subject};

/// The most entries of each kind. A full cache is emptied, so that its memory is bounded.
const MAX_ENTRIES: usize = 500_000;

/// An organization, or an agent, project or node of it.
pub type OrgSubject = (OrgId, Subject);

#[derive(Default)]
pub struct Cache {
    end_users: Mutex<HashSet<EndUser>>,
    /// As the registry stores it.
    seen: Mutex<HashMap<OrgSubject, Seen>>,
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

    /// Whether `news` would change what the registry stores about a subject.
    pub fn is_news(&self, subject: &OrgSubject, news: &Seen) -> bool {
        lock(&self.seen).get(subject).is_none_or(|known| {
            let mut merged = known.clone();
            merged.merge(news);
            known.worth_storing(&merged)
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
