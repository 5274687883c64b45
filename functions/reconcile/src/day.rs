//! One day of one organisation: read what is stored, compute it anew, compare, and set right what differs.
//!
//! What is stored is read first, the raw events after it: so they hold every event that is counted already, and what
//! they hold beside may only be on its way. An item is written only if it has had no update since it was read, and is
//! sealed by that: nothing is added to it any more. An event that comes to a sealed item marks its day dirty, which
//! has it computed anew, with that event. An item that is updated too often for this is frozen first.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::Column;
use ledger::rollup::{Seen, Subject, Sums};
use runtime::clock::Clock;
use store::Store;
use store::error::{Error, Result};
use store::keys::{END_USERS, Key, own_day};
use store::proof::{Guarded, Rewritten};

use crate::compare::{Verdict, compare};
use crate::fold::{Fold, Part};
use crate::held;
use crate::report::DayReport;

/// An event that arrived less than this long ago may still be on its way to the sums.
pub const SETTLE: TimeDelta = TimeDelta::minutes(15);
/// Times that a day is looked at when it keeps changing.
const ROUNDS: usize = 4;

/// What is to be done about a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Items that differ are written anew.
    pub repair: bool,
    /// All items of the day are sealed.
    pub seal: bool,
}

/// One item, looked at.
struct Look {
    key: Key,
    held: Guarded,
    /// Its columns that are about the day.
    stored: Sums,
    part: Part,
    verdict: Verdict,
}

/// A day, looked at.
struct Looked {
    looks: Vec<Look>,
    /// The items that were not listed, and therefore read last.
    unlisted: BTreeSet<Key>,
    /// Who was seen.
    seen: BTreeMap<Subject, Seen>,
}

/// A day under proof.
pub struct Proof<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub org: &'a OrgId,
    pub day: Day,
    pub how: How,
}

impl Proof<'_> {
    /// Proves the day.
    pub async fn run(&self) -> Result<DayReport> {
        let mut report = DayReport::of(self.org, self.day);
        let mut wanted = BTreeSet::new();
        for round in 1..=ROUNDS {
            let token = self.store.dirty(self.org, self.day).await?;
            let Looked { mut looks, unlisted, seen } =
                self.look(&mut report, &wanted, token.is_some()).await?;
            if report.unreadable > 0 {
                // What these would add is not known, so nothing can be held against the sums.
                return Ok(report);
            }
            // It was read after the events, so it may hold younger ones; the next round reads it before them.
            let doubtful = |look: &Look| unlisted.contains(&look.key) && !look.verdict.is_equal();
            report.is_restless = looks.iter().any(doubtful);
            if report.is_restless && round < ROUNDS {
                wanted.extend(unlisted);
                continue;
            }
            // There is no next round: what cannot be told is neither counted nor written.
            looks.retain(|look| !doubtful(look));
            report.note(looks.iter().map(|look| &look.verdict));
            if !self.how.repair {
                return Ok(report);
            }
            wanted.extend(looks.iter().map(|look| look.key.clone()));
            let done = self.set_right(&looks, &mut report).await?;
            if report.repaired > 0 {
                // Events that were never counted may be of somebody of whom nothing is known.
                self.note_who_was_seen(seen).await?;
            }
            if report.too_large > 0 || report.is_restless {
                // Something is still not as it should be: a dirty day stays dirty.
                return Ok(report);
            }
            if done {
                if let Some(token) = token {
                    self.store.clear_dirty(self.org, self.day, &token).await?;
                }
                return Ok(report);
            }
        }
        report.is_restless = true;
        Ok(report)
    }

    /// Reads and compares.
    async fn look(&self, report: &mut DayReport, wanted: &BTreeSet<Key>, dirty: bool) -> Result<Looked> {
        let settled = self.clock.now() - SETTLE;
        let mut held = held::read(self.store, self.org, self.day, wanted).await?;
        let mut fold = Fold::of(self.store, self.org, self.day, settled).await?;
        report.read(&mut fold);
        let unlisted: BTreeSet<_> =
            fold.parts.keys().filter(|key| !held.contains_key(*key)).cloned().collect();
        held.extend(held::each(self.store, unlisted.iter().cloned().collect()).await?);
        let looks = held.into_iter().map(|(key, held)| self.compare(key, held, &mut fold.parts, dirty));
        Ok(Looked { looks: looks.collect::<Result<_>>()?, unlisted, seen: fold.seen })
    }

    fn compare(&self, key: Key, held: Guarded, parts: &mut BTreeMap<Key, Part>, dirty: bool) -> Result<Look> {
        let own = own_day(&key).ok_or_else(|| Error::Internal(format!("{key:?} is of no day")))?;
        let stored = held.columns.part((self.day.date() - own.date()).num_days());
        let part = parts.remove(&key).unwrap_or_default();
        let verdict = compare(&key, &stored, &part, dirty && held.sealed.is_some());
        Ok(Look { key, held, stored, part, verdict })
    }

    async fn note_who_was_seen(&self, seen: BTreeMap<Subject, Seen>) -> Result<()> {
        let note = async |subject: Subject, seen: Seen| self.store.see(self.org, &subject, &seen).await;
        let notes = seen.into_iter().map(|(subject, seen)| note(subject, seen));
        stream::iter(notes).buffer_unordered(held::IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await
    }

    /// Writes what has to be written. Whether that is done with.
    async fn set_right(&self, looks: &[Look], report: &mut DayReport) -> Result<bool> {
        let mut done = true;
        for look in looks {
            done &= match self.what_to_do(look) {
                Todo::Nothing => true,
                Todo::Users => self.set_users_right(look, report).await?,
                Todo::Write => self.write(look, report).await?,
            };
        }
        Ok(done)
    }

    fn what_to_do(&self, look: &Look) -> Todo {
        let Look { key, held, stored, verdict, .. } = look;
        let is_of_users = stored.sets.contains_key(&users()) || look.part.all.sets.contains_key(&users());
        let drifts = !verdict.drift.is_empty();
        // Nothing is on its way to a sealed item: whatever it lacks has to be brought.
        let lacks = held.sealed.is_some() && !verdict.is_equal();
        let to_seal = self.how.seal && held.sealed.is_none() && own_day(key) == Some(self.day);
        match drifts || lacks {
            true if is_of_users => Todo::Users,
            true => Todo::Write,
            false if to_seal && !is_of_users && verdict.is_equal() && held.writes > 0 => Todo::Write,
            false => Todo::Nothing,
        }
    }

    /// A set of end users has no updates that could count twice: members are put in and taken out.
    async fn set_users_right(&self, look: &Look, report: &mut DayReport) -> Result<bool> {
        let of = |sums: &Sums| sums.sets.get(&users()).cloned().unwrap_or_default();
        let (stored, computed) = (of(&look.stored), of(&look.part.all));
        let (missing, extra) = (&computed - &stored, &stored - &computed);
        if !missing.is_empty() && !self.store.add_end_users(&look.key, &missing).await? {
            report.too_large += 1;
            return Ok(true);
        }
        if !extra.is_empty() {
            // A process that knows such a user to be stored would not store it again if it came now after all.
            self.mark_dirty(&look.key).await?;
            self.store.remove_end_users(&look.key, &extra).await?;
        }
        report.repaired(&look.verdict);
        Ok(true)
    }

    async fn write(&self, look: &Look, report: &mut DayReport) -> Result<bool> {
        let Look { key, held, stored, part, verdict } = look;
        match self.store.rewrite(key, stored, &part.all, held.writes).await? {
            Rewritten::Done => {
                report.repaired(verdict);
                report.sealed += u64::from(held.sealed.is_none());
                Ok(true)
            }
            Rewritten::TooLarge => {
                report.too_large += 1;
                Ok(true)
            }
            Rewritten::Changed => {
                if !verdict.drift.is_empty() && held.sealed.is_none() {
                    // First marked, then frozen: should this process die in between, the day is computed anew.
                    self.mark_dirty(key).await?;
                    self.store.freeze(key).await?;
                }
                Ok(false)
            }
        }
    }
}

impl Proof<'_> {
    async fn mark_dirty(&self, key: &Key) -> Result<()> {
        let token = format!("reconcile {} {}", self.clock.now().timestamp_millis(), key.sk);
        self.store.mark_dirty(self.org, self.day, &token).await
    }
}

/// What is to be done with an item.
enum Todo {
    Nothing,
    Users,
    Write,
}

fn users() -> Column {
    Column::stored(END_USERS.to_owned())
}
