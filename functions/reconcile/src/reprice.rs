//! Carries out repricing entries, and takes back those that were deleted, one day of UTC after the other: days are those of
//! the raw events' keys here.
//!
//! For each day, the new costs of all calls that the entry covers are listed, the entry is added to those that hold for
//! the day, and the day's rollups are recomputed. A run that has no time left stops between two days; the next one goes on
//! there. An organization's entries are carried out one after the other, since each lists the calls whose cost it changes
//! as well as those that an earlier entry lists.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt};
use ledger::event::Data;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::repricing::RepricingFigures;
use ledger::settings::Settings;
use store::error::Result;
use store::keys::LANES;
use store::repricing::{
    CostPages, DayEntry, DueRepricing, PricedEvent, RepricedDay, Repricing, RepricingStatus, RepricingStep,
};

use crate::Tables;

/// How long an organization's entries are claimed for: longer than an invocation may take.
pub const CLAIM: TimeDelta = TimeDelta::minutes(16);

/// The entries that are due, by organization.
pub async fn due(tables: &Tables) -> Result<BTreeMap<OrgId, Vec<DueRepricing>>> {
    let mut due: BTreeMap<OrgId, Vec<DueRepricing>> = BTreeMap::new();
    for entry in tables.registry.due_repricings().await? {
        due.entry(entry.org.clone()).or_default().push(entry);
    }
    Ok(due)
}

/// Claims the entry of an organization that comes next: one that was begun, else the oldest. None if another process is
/// at work.
pub async fn claim(
    tables: &Tables,
    due: &[DueRepricing],
    now: DateTime<Utc>,
) -> Result<Option<DueRepricing>> {
    let mut next = None;
    for entry in due {
        let Some(repricing) = tables.registry.repricing(&entry.org, &entry.id).await? else { continue };
        let rank = (repricing.applied.is_none(), &entry.id);
        if next.as_ref().is_none_or(|(best, _)| rank < *best) {
            next = Some((rank, entry));
        }
    }
    let Some((_, entry)) = next else { return Ok(None) };
    let claimed = tables.registry.claim_repricing(entry, now, now + CLAIM).await?;
    Ok(claimed.then(|| entry.clone()))
}

/// The next day of UTC to do about an entry, of those whose raw events are complete from `oldest` on.
pub fn next_day(repricing: &Repricing, oldest: Day) -> Option<Day> {
    let days = repricing.settings.utc_days();
    let (done, last) = match repricing.status {
        RepricingStatus::Pending => (repricing.applied, days.last),
        RepricingStatus::Applied => return None,
        RepricingStatus::Withdrawing => (repricing.withdrawn, repricing.applied?),
    };
    let next = done.map_or(days.first, Day::next).max(oldest);
    (next <= last).then_some(next)
}

/// Carries an entry out for a day, or takes it back. False if another process came first.
pub async fn step(tables: &Tables, repricing: &Repricing, day: Day, settings: &Settings) -> Result<bool> {
    let before = tables.usage.repriced_day(&repricing.org, day).await?;
    let step = match repricing.status {
        RepricingStatus::Withdrawing => RepricingStep::Withdraw,
        RepricingStatus::Pending | RepricingStatus::Applied => {
            let attempt = format!("{:016x}", rand::random::<u64>());
            let entry = DayEntry { id: repricing.id.clone(), attempt };
            let (figures, pages) = list_costs(tables, repricing, day, &before, &entry, settings).await?;
            RepricingStep::Apply((pages > 0).then_some(entry), figures)
        }
    };
    tables.registry.reprice_day(&tables.usage, repricing, day, &before, step).await
}

/// Writes the new costs of a day's calls. Returns the figures of all calls that the entry covers, and the number of pages.
async fn list_costs(
    tables: &Tables,
    repricing: &Repricing,
    day: Day,
    before: &RepricedDay,
    entry: &DayEntry,
    settings: &Settings,
) -> Result<(RepricingFigures, usize)> {
    let lanes = (0..LANES).map(|lane| async move {
        let org = &repricing.org;
        let mut pages = CostPages::new(&tables.usage, org, day, lane, entry);
        let mut figures = RepricingFigures::default();
        let events = tables.events.priced_events(&tables.usage, org, day, lane, &before.entries);
        let mut events = events.boxed();
        while let Some(page) = events.try_next().await? {
            for event in page {
                list_cost(&event, repricing, settings, &mut figures, &mut pages).await?;
            }
        }
        Ok((figures, pages.finish().await?))
    });
    let mut all = (RepricingFigures::default(), 0);
    for (figures, pages) in try_join_all(lanes).await? {
        all.0.merge(figures);
        all.1 += pages;
    }
    Ok(all)
}

async fn list_cost(
    priced: &PricedEvent,
    repricing: &Repricing,
    settings: &Settings,
    figures: &mut RepricingFigures,
    pages: &mut CostPages<'_>,
) -> Result<()> {
    // A malformed event has no price. While there is one, its day cannot be recomputed.
    let Ok(event) = &priced.stored.event else { return Ok(()) };
    let Some(Data::LlmCall(call)) = event.data.in_force() else { return Ok(()) };
    // An amendment takes out whatever its predecessor costs.
    if priced.is_replaced {
        return Ok(());
    }
    if !repricing.settings.covers(call, event.time) {
        return Ok(());
    }
    let cost = settings.price_call(call, event.time);
    let stamped = priced.stamped.as_ref().unwrap_or(&call.cost);
    figures.count(stamped, &cost);
    // Of several entries the last one holds, even for a call whose stamped cost it restores.
    if priced.stamped.is_some() || !cost.is_counted_like(stamped) {
        pages.add(&priced.stored.sk, &cost).await?;
    }
    Ok(())
}

/// The days of an entry whose rollups have not been recomputed since it was carried out or taken back.
pub async fn pending_days(tables: &Tables, repricing: &Repricing, oldest: Day) -> Result<Vec<Day>> {
    let days = tables.usage.repriced_days(&repricing.org, repricing.settings.utc_days()).await?;
    Ok(days
        .into_iter()
        .filter(|(day, entries)| *day >= oldest && entries.is_pending())
        .map(|(day, _)| day)
        .collect())
}

/// Ends an entry of which every day is done. Costs that do not hold are deleted.
pub async fn finish(tables: &Tables, repricing: &Repricing) -> Result<bool> {
    let days = tables.usage.repriced_days(&repricing.org, repricing.settings.utc_days()).await?;
    let kept: BTreeSet<(Day, &str)> = days
        .iter()
        .flat_map(|(day, repriced)| repriced.entries.iter().map(|entry| (*day, entry)))
        .filter(|(_, entry)| entry.id == repricing.id)
        .map(|(day, entry)| (day, entry.attempt.as_str()))
        .collect();
    let keep = |day: Day, attempt: &str| kept.contains(&(day, attempt));
    tables.usage.delete_cost_pages(&repricing.org, &repricing.id, keep).await?;
    tables.registry.finish_repricing(repricing).await
}
