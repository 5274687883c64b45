//! Invariants that hold at every moment.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use ledger::calendar::{Calendar, Generation};
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::{Rollup, Seen};
use store::keys::{Key, Keyed, Owner, dirty_day};

use super::CheckResult;
use super::items::{self, RollupItem, RollupKind, Usage};
use super::messages::ORGS;
use super::run::Run;
use super::stream::{Contribution, Effect, Record, Shard, ShardIndex};
use crate::support::tables::names;

impl Run {
    /// In each rollup, the part of each shard is the sum over the shard's events up to its mark, and no mark goes back.
    ///
    /// A mutant may have any marks, so it is judged by its figures alone.
    pub fn check_rollups(&mut self) -> CheckResult {
        if self.mutant.is_some() {
            return Ok(());
        }
        let usage = Usage::read(&self.engine)?;
        if usage.summary.0 != usage.quarantined.len() {
            return Err(format!(
                "the summary {:?} does not match the entries {:?}",
                usage.summary,
                usage.quarantined.keys()
            ));
        }
        self.check_progress(&usage.progress)?;
        let is_dirty = |owner: &Owner, day: Day| usage.dirty.contains(&dirty_day(&owner.org, day).sk);
        self.check_chains(&usage.chains, is_dirty)?;
        self.check_completeness()?;
        let proved: Vec<_> = usage.rollups.keys().filter(|key| self.is_proved(key)).collect();
        let mut parts: BTreeMap<&Key, Part> = proved.iter().map(|key| (*key, Part::default())).collect();
        let calendars: BTreeMap<_, _> =
            ORGS.iter().map(|(org, _)| (*org, self.proved(&OrgId::new(*org).unwrap()))).collect();
        for shard in self.streams.iter().flat_map(|stream| &stream.shards) {
            for record in &shard.records {
                let Effect::Count(event) = &record.effect else { continue };
                let counted = Contribution::of(event, &calendars[event.org.as_str()]);
                let is_amended = self.senders.is_amended(&record.event_key());
                for (key, sums) in &counted.sums {
                    let marks = usage
                        .rollups
                        .get_key_value(key)
                        .map(|(key, item)| (key, item.marks.get(&shard.mark)));
                    if let Some((key, Some(mark))) = marks
                        && record.number <= *mark
                    {
                        parts.entry(key).or_default().add(sums, is_amended);
                    }
                }
            }
        }
        for (key, part) in parts.iter().filter(|(key, _)| !usage.rollups[**key].sealed) {
            let item = &usage.rollups[*key];
            part.compare(key, item).map_err(|why| format!("by its marks, {why}"))?;
        }
        self.marks.retain(|(key, _), _| {
            parts.contains_key(key) && !usage.rollups.get(key).is_some_and(|item| item.sealed)
        });
        let unsealed = usage.rollups.iter().filter(|(key, item)| !item.sealed && parts.contains_key(key));
        for (key, item) in unsealed {
            for (name, mark) in &item.marks {
                let before = self.marks.insert((key.clone(), name.clone()), *mark);
                if before.is_some_and(|before| before > *mark) {
                    return Err(format!("the mark {name} of {key:?} went back"));
                }
            }
        }
        let gone = self
            .marks
            .keys()
            .find(|(key, name)| usage.rollups.get(key).is_none_or(|item| !item.marks.contains_key(name)));
        gone.map_or(Ok(()), |gone| Err(format!("the mark {gone:?} is gone")))
    }

    /// The progress of a lane is the arrival of an event that has been fully aggregated, and never goes back.
    fn check_progress(&mut self, progress: &BTreeMap<u8, i64>) -> CheckResult {
        for (lane, arrival) in progress {
            let shards = self.streams.iter().flat_map(|stream| &stream.shards);
            let records = shards.flat_map(|shard| shard.records.iter().map(move |record| (shard, record)));
            let counted = records.filter_map(|(shard, record)| match &record.effect {
                Effect::Count(event) => {
                    let arrived = record.arrival().map(|arrival| arrival.timestamp_millis());
                    let is_there = record.lane() == Some(*lane) && arrived == Some(*arrival);
                    is_there.then(|| self.is_counted(shard, record, event))
                }
                Effect::Quarantine | Effect::Nothing => None,
            });
            let counted: Vec<_> = counted.collect();
            if !counted.iter().any(Result::is_ok) {
                return Err(format!("lane {lane} is said to be at {arrival}, but {counted:?}"));
            }
        }
        let back =
            self.progress.iter().find(|(lane, before)| progress.get(*lane).is_none_or(|now| now < *before));
        if let Some(back) = back {
            return Err(format!("the lane {back:?} went back to {progress:?}"));
        }
        self.progress.clone_from(progress);
        Ok(())
    }

    /// All records before the checkpoint have been fully aggregated.
    pub fn check_applied(&self, (stream, shard): ShardIndex, from: usize, to: usize) -> CheckResult {
        if self.mutant.is_some() {
            return Ok(());
        }
        let shard = &self.streams[stream].shards[shard];
        for record in &shard.records[from..to] {
            let applied = match &record.effect {
                Effect::Nothing => Ok(()),
                Effect::Quarantine => self.is_quarantined(shard, record),
                Effect::Count(event) => self.is_counted(shard, record, event),
            };
            applied.map_err(|what| format!("the checkpoint passed {}, but {what}", record.digits))?;
        }
        Ok(())
    }

    fn is_quarantined(&self, shard: &Shard, record: &Record) -> CheckResult {
        let quarantined = self.engine.item(&names().usage, &shard.quarantine_key(record));
        quarantined.map(drop).ok_or_else(|| "it was not put quarantined".to_owned())
    }

    pub fn is_counted(&self, shard: &Shard, record: &Record, event: &Event) -> CheckResult {
        let calendars = self.proved(&event.org);
        let counted = Contribution::of(event, &calendars);
        for (key, _) in &counted.sums {
            let item = self.engine.item(&names().usage, key).and_then(|item| items::rollup_item(&item));
            if item.as_ref().is_some_and(|item| item.sealed) {
                // It includes the event, or will once its dirty day is recomputed, which the final check verifies.
                continue;
            }
            let mark = item.and_then(|item| item.marks.get(&shard.mark).copied());
            // Before a generation was recomputed, an event and its amendments may have canceled out.
            let is_amendment = matches!(event.data, Data::Amendment(_));
            let may_be_unmarked =
                was_built(key) && (is_amendment || self.senders.is_amended(&record.event_key()));
            if mark.is_none_or(|mark| mark < record.number) && !may_be_unmarked {
                return Err(format!("the mark of {key:?} is {mark:?}"));
            }
        }
        self.is_in_chains(shard, record, event)?;
        for user in &counted.users {
            let item = self.engine.item(&names().usage, &user.key()).unwrap_or_default();
            // An amendment may have taken the user out. So may reconcile, which saw only events that were amended: it marks
            // the day as dirty before it does.
            let may_be_missing =
                || self.senders.is_amended(&record.event_key()) || self.is_dirty(&user.org, user.day);
            if !items::users(&item).contains(&user.hash) && !may_be_missing() {
                return Err(format!("the end user {user:?} is missing"));
            }
        }
        for sighting in &counted.sightings {
            let item =
                self.engine.item(&names().registry, &store::keys::subject(&sighting.org, &sighting.subject));
            let known = item.as_ref().and_then(items::seen).ok_or("someone was not seen")?;
            if !includes(&known, &sighting.seen, &calendars) {
                return Err(format!("{known:?} does not include {sighting:?}"));
            }
        }
        Ok(())
    }
}

/// What the events up to the marks of an item add to it.
#[derive(Default)]
struct Part {
    all: Rollup,
    /// Without the events that were amended since.
    in_force: Rollup,
}

impl Part {
    fn add(&mut self, sums: &Rollup, is_amended: bool) {
        self.all.merge(sums);
        if !is_amended {
            self.in_force.merge(sums);
        }
    }

    fn compare(&self, key: &Key, item: &RollupItem) -> CheckResult {
        let exact = compare(key, &item.sums, &item.holding(&self.all));
        if exact.is_err() && was_built(key) && self.may_be(&item.sums) {
            return Ok(());
        }
        exact
    }

    /// Whether this is what an item of a recomputed generation may hold. The generation lacks what was amended before,
    /// which is the same number, but neither the same members nor the same unpriced calls: the aggregator never takes
    /// those out.
    fn may_be(&self, stored: &Rollup) -> bool {
        let mut columns = stored.columns().chain(self.all.columns());
        let requests = |sums: &Rollup| -> BTreeMap<_, _> {
            sums.unpriced.rows().map(|(call, figures)| (call.clone(), figures.requests)).collect()
        };
        let is_at_most = |some: &Rollup, more: &Rollup| {
            let (some, more) = (requests(some), requests(more));
            some.iter().all(|(call, some)| more.get(call).is_some_and(|more| some <= more))
        };
        columns.all(|column| {
            let members = |sums: &Rollup| sums.set(column.clone());
            stored.number(column) == self.all.number(column)
                && members(&self.in_force).is_subset(&members(stored))
                && members(stored).is_subset(&members(&self.all))
        }) && stored.names == self.all.names
            && is_at_most(&self.in_force, stored)
            && is_at_most(stored, &self.all)
    }
}

/// Whether the rollup belongs to a generation that was recomputed from raw events.
fn was_built(key: &Key) -> bool {
    matches!(items::kind(key), RollupKind::ByDay(generation) if generation != Generation::FIRST)
}

/// Whether what is known of a subject includes a sighting. The host may be another one if it is of the same hour or later.
fn includes(known: &Seen, seen: &Seen, calendars: &[Calendar]) -> bool {
    // A call is as good as forgotten once later ones have been noted; the final check compares with all of them.
    let covered = calendars.iter().all(|calendar| {
        let day = |calls: &BTreeSet<_>| calls.last().map(|call| Day::of(*call, calendar.zone));
        day(&known.calls) >= day(&seen.calls)
    });
    let mut merged = known.clone();
    merged.merge(&Seen { calls: BTreeSet::new(), ..seen.clone() });
    let late_enough = |at| known.host.as_ref().is_some_and(|host| host.at >= hour(at));
    let same = |calendar: &Calendar| known.covers(&merged, calendar.zone);
    covered
        && merged.sites == known.sites
        && calendars.iter().all(same)
        && seen.host.as_ref().is_none_or(|host| late_enough(host.at))
}

/// The start of the hour of an instant.
pub fn hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.duration_trunc(TimeDelta::hours(1)).unwrap()
}

/// Returns an error with the first column in which two rollups differ.
pub fn compare(key: &Key, stored: &Rollup, wanted: &Rollup) -> CheckResult {
    if stored == wanted {
        return Ok(());
    }
    let columns = stored.numbers.keys().chain(wanted.numbers.keys());
    let column = columns.into_iter().find(|column| stored.number(*column) != wanted.number(*column));
    Err(match column {
        Some(column) => {
            let (stored, wanted) = (stored.number(column), wanted.number(column));
            format!("{column:?} of {key:?} is {stored}, but should be {wanted}")
        }
        None => format!("{key:?} is {stored:?}, but should be {wanted:?}"),
    })
}
