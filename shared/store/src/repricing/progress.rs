//! Carrying repricing entries out and taking them back, day by day.

use chrono::{DateTime, Utc};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::repricing::RepricingFigures;

use super::day::{DayEntry, RepricedDay};
use super::entries::{Repricing, RepricingStatus, attr, figures};
use crate::error::{Error, Result};
use crate::keys::{self, SK};
use crate::table::{Write, absent, absent_or_below, equals};
use crate::{Item, Registry, Usage, decode, s};
use ledger::period::sortable;

/// Until when a process works on an organization's entries alone.
const LEASE: &str = "lease";

/// An entry that is to be carried out or taken back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueRepricing {
    /// The organization.
    pub org: OrgId,
    /// The entry's id.
    pub id: String,
}

/// What to do about an entry on one day.
#[derive(Clone, Debug)]
pub enum RepricingStep {
    /// Lets it hold for the day with the costs of this attempt; none: no call of the day has another cost.
    Apply(Option<DayEntry>, RepricingFigures),
    /// Takes it back.
    Withdraw,
}

impl Registry {
    /// All entries to be carried out or taken back, of each organization the oldest first.
    pub async fn due_repricings(&self) -> Result<Vec<DueRepricing>> {
        let due = |item: Item| {
            let sk = decode::required(&item, SK)?;
            let malformed = || Error::Internal(format!("{sk:?} is not a repricing entry"));
            let (org, id) = sk.split_once(keys::SEPARATOR).ok_or_else(malformed)?;
            Ok(DueRepricing { org: OrgId::new(org).map_err(|_| malformed())?, id: id.to_owned() })
        };
        self.table.query(&keys::due_repricings()).strong().all(due).await
    }

    /// Claims a due entry until `until`. False if another process has claimed it. Claims only save work: the figures do
    /// not depend on them.
    pub async fn claim_repricing(
        &self,
        due: &DueRepricing,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool> {
        let update = self.table.update_existing(&keys::due_repricing(&due.org, &due.id));
        let update = update.set(LEASE, s(sortable(until)));
        let is_free = absent_or_below(LEASE, s(sortable(now)));
        update.only_if(is_free).only_if(crate::table::exists(SK)).send().await?.applied()
    }

    /// Ends the claim of an entry that is still due.
    pub async fn release_repricing(&self, due: &DueRepricing) -> Result<()> {
        let update = self.table.update_existing(&keys::due_repricing(&due.org, &due.id)).remove(LEASE);
        update.only_if(crate::table::exists(SK)).send().await?.applied().map(drop)
    }

    /// Carries an entry out, or takes it back, for the next day: notes the progress, changes the entries that hold for
    /// the day, and marks the day as dirty; all or nothing. False if another writer came first.
    pub async fn reprice_day(
        &self,
        usage: &Usage,
        repricing: &Repricing,
        day: Day,
        before: &RepricedDay,
        step: RepricingStep,
    ) -> Result<bool> {
        let mut entries = before.entries.clone();
        let progress = match step {
            RepricingStep::Apply(entry, of_day) => {
                entries.extend(entry);
                let mut all = repricing.figures;
                all.merge(of_day);
                figures(&all).fold(
                    self.progress(repricing, attr::APPLIED, repricing.applied, day),
                    |update, (name, value)| update.set(name, value),
                )
            }
            RepricingStep::Withdraw => {
                entries.retain(|entry| entry.id != repricing.id);
                self.progress(repricing, attr::WITHDRAWN, repricing.withdrawn, day)
            }
        };
        let mut writes = vec![progress];
        if entries != before.entries {
            writes.push(usage.set_repriced_day(&repricing.org, day, before, &entries)?);
            writes.push(usage.dirty_mark(&repricing.org, day, &format!("repricing {}", repricing.id)));
        }
        self.table.transact(writes).await?.committed()
    }

    fn progress(&self, repricing: &Repricing, name: &str, last: Option<Day>, day: Day) -> Write<'_> {
        let unchanged = last.map_or_else(|| absent(name), |last| equals(name, s(last.to_string())));
        self.table
            .update_existing(&repricing.key())
            .set(name, s(day.to_string()))
            .only_if(unchanged)
            .only_if(equals(attr::STATUS, s(repricing.status.name())))
    }

    /// Notes that an entry was carried out for all of its days, or removes it if it was taken back. False if another
    /// writer came first.
    pub async fn finish_repricing(&self, repricing: &Repricing) -> Result<bool> {
        let key = repricing.key();
        let (write, name, last) = match repricing.status {
            RepricingStatus::Withdrawing => (self.table.delete(&key), attr::WITHDRAWN, repricing.withdrawn),
            RepricingStatus::Pending | RepricingStatus::Applied => {
                let update = self.table.update_existing(&key);
                let update = update.set(attr::STATUS, s(RepricingStatus::Applied.name()));
                (update, attr::APPLIED, repricing.applied)
            }
        };
        let unchanged = last.map_or_else(|| absent(name), |last| equals(name, s(last.to_string())));
        let write = write.only_if(equals(attr::STATUS, s(repricing.status.name()))).only_if(unchanged);
        let done = self.table.delete(&keys::due_repricing(&repricing.org, &repricing.id));
        self.table.transact(vec![write, done]).await?.committed()
    }
}
