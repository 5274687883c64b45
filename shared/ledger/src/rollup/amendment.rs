//! Amendments: the difference between two revisions of an event.

use std::collections::{BTreeMap, BTreeSet};

use super::{Contribution, Rollup, RollupId, UnpricedRows, contribution};
use crate::calendar::Calendar;
use crate::event::{Amendment, Data, Event};
use crate::period::Day;

/// What an amendment adds: the contribution of what holds from now on, less that of what held before.
///
/// Only numbers can be subtracted. Members of sets (end users, instances) and rows of unpriced calls that no longer hold
/// stay until the day is recomputed, and so do the sightings of agents.
pub fn of_amendment(event: &Event, amendment: &Amendment, calendars: &[Calendar]) -> Contribution {
    let of = |data: &Option<Box<Data>>| -> Contribution {
        let event = data.as_ref().map(|data| event.saying((**data).clone()));
        event.map(|event| contribution(&event, calendars)).unwrap_or_default()
    };
    let (old, mut after) = (of(&amendment.replaces), of(&amendment.with));
    let mut sums: BTreeMap<RollupId, Rollup> = std::mem::take(&mut after.sums).into_iter().collect();
    let mut is_outdated = old.end_users.iter().any(|user| !after.end_users.contains(user));
    for (target, old) in old.sums {
        let new = sums.entry(target).or_default();
        is_outdated |= !holds_all_of(new, &old);
        if !old.unpriced.is_empty() && new.unpriced.is_like(&old.unpriced) {
            // Its row is there already.
            new.unpriced = UnpricedRows::default();
        }
        for (column, value) in &old.numbers {
            new.add(column.clone(), -*value);
        }
    }
    // An organization's day is updated even if nothing of it changes: where it is sealed, its agents' days are recomputed.
    let is_kept =
        |target: &RollupId, sums: &Rollup| !sums.is_empty() || matches!(target, RollupId::OrgDay(..));
    after.sums = sums.into_iter().filter(|(target, sums)| is_kept(target, sums)).collect();
    if is_outdated {
        after.outdates = days_of(event, calendars);
    }
    after
}

/// The days whose recomputation reads an event.
fn days_of(event: &Event, calendars: &[Calendar]) -> BTreeSet<Day> {
    let days = calendars.iter().filter_map(|calendar| calendar.day(event.time));
    days.chain([event.utc_day()]).collect()
}

/// Puts the members and rows of `stands` in the place of those in `counts`.
pub fn restate(counts: &mut Contribution, stands: Contribution) {
    let mut sums: BTreeMap<RollupId, Rollup> = std::mem::take(&mut counts.sums).into_iter().collect();
    for (target, stands) in stands.sums {
        let sum = sums.entry(target).or_default();
        (sum.sets, sum.unpriced) = (stands.sets, stands.unpriced);
    }
    counts.sums = sums.into_iter().filter(|(_, sums)| !sums.is_empty()).collect();
}

/// Takes out what cannot be subtracted.
pub fn split_off_members(counts: &mut Contribution) -> Contribution {
    let members = counts.sums.iter_mut().map(|(target, sums)| {
        let (sets, unpriced) = (std::mem::take(&mut sums.sets), std::mem::take(&mut sums.unpriced));
        (target.clone(), Rollup { sets, unpriced, ..Rollup::default() })
    });
    let sums = members.filter(|(_, members)| !members.is_empty()).collect();
    Contribution { sums, end_users: std::mem::take(&mut counts.end_users), ..Contribution::default() }
}

/// Whether everything in `old` that cannot be subtracted is in `new` as well.
fn holds_all_of(new: &Rollup, old: &Rollup) -> bool {
    let holds_members = old
        .sets
        .iter()
        .all(|(column, members)| new.sets.get(column).is_some_and(|of_new| members.is_subset(of_new)));
    holds_members && (old.unpriced.is_empty() || old.unpriced == new.unpriced)
}

#[cfg(test)]
mod tests;
