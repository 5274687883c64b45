//! Replaces the name of an end user by a random stand-in, in raw events and wherever it is counted or kept.
//!
//! All days are read twice. The second pass begins after every request has ended that was there during the first: it may
//! have copied the name from an event into an amendment. The stand-in is then counted in place of the name among the
//! distinct end users of each day, once no stream record with the name is under way any more, which an aggregator would
//! count again. So the number of end users stays what it was, and what is recomputed later leads to the same number.
//!
//! Rollups of tracked dimensions know end users by pseudonyms, which tell whether a name that somebody knows is among them.
//! So the days that have the name's pseudonym are recomputed, with the stand-in's.
//!
//! An event that this release cannot read, which is in the quarantine, is left as it is and counted: request the erasure
//! again after it was replayed.
//!
//! A process can die at any point, and two can do the same: every write replaces what was read.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::dimension::Dimension;
use ledger::ids::OrgId;
use ledger::pack::{Table, View};
use ledger::period::{Day, DayRange};
use ledger::rollup::EndUser;
use runtime::clock::Clock;
use store::chains::Consistency;
use store::erasure::{Erasure, ErasureProgress, ErasureWork, RenamedEvents};
use store::error::Result;
use store::keys::{LANES, Owner};
use tokio::time::Instant;

use crate::Tables;

/// How long after the first pass the second begins: longer than a request takes.
const SECOND_PASS: TimeDelta = TimeDelta::minutes(2);
/// How long after the first pass records of the stream are waited for, if it is not known how far they are aggregated.
const STREAM: TimeDelta = TimeDelta::hours(1);

/// Carries an erasure out as far as there is time. Returns in how many events the name was replaced.
pub async fn carry_out(tables: &Tables, org: &OrgId, id: &str, clock: &Clock, until: Instant) -> Result<u64> {
    let Some(erasure) = tables.registry.erasure(org, id).await? else { return Ok(0) };
    let Some(work) = erasure.work.clone() else { return Ok(0) };
    let is_early = |first: DateTime<Utc>| clock.now() < first + SECOND_PASS;
    if work.first_pass.is_some_and(is_early) {
        return Ok(0);
    }
    let days = days(tables, org, &erasure).await?;
    let mut done = Erasure { work: Some(work), ..erasure.clone() };
    let is_read = read_days(tables, &mut done, days, until).await?;
    let events = done.progress.events - erasure.progress.events;
    let Some(work) = done.work.as_mut().filter(|_| is_read) else {
        tables.registry.note_erasure(&erasure, &done).await?;
        return Ok(events);
    };
    let Some(first_pass) = work.first_pass else {
        (work.first_pass, work.read) = (Some(clock.now()), None);
        done.progress.unreadable = 0;
        tables.registry.note_erasure(&erasure, &done).await?;
        return Ok(events);
    };
    let work = work.clone();
    if !tables.registry.note_erasure(&erasure, &done).await? {
        return Ok(events);
    }
    let aggregated = tables.usage.completeness().await?.of(org);
    let is_aggregated = aggregated.is_some_and(|through| through >= first_pass);
    if is_aggregated || clock.now() >= first_pass + STREAM {
        finish(tables, &done, &work, days, clock.now()).await?;
    }
    Ok(events)
}

/// The days of UTC that may have events with the name. An event may be ten minutes ahead, and ingest's clock as well.
async fn days(tables: &Tables, org: &OrgId, erasure: &Erasure) -> Result<DayRange> {
    let last = Day::of(erasure.settings.at, Tz::UTC).next();
    let first = tables.registry.first_event(org).await?.map(|first| Day::of(first, Tz::UTC).minus(1));
    Ok(DayRange { first: first.unwrap_or(last).min(last), last })
}

/// Reads the days that this pass has not read yet. False if there was not enough time.
async fn read_days(tables: &Tables, done: &mut Erasure, days: DayRange, until: Instant) -> Result<bool> {
    let Some(work) = done.work.as_mut() else { return Ok(true) };
    let all = u32::try_from(days.days().count()).unwrap_or(u32::MAX);
    done.progress.days = all.saturating_mul(2);
    for day in days.days() {
        if work.read.is_some_and(|read| day <= read) {
            continue;
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        let of_day = read_day(tables, &done.org, day, work).await?;
        done.progress.events += of_day.replaced;
        done.progress.unreadable += of_day.unreadable;
        done.progress.days_read += 1;
        work.read = Some(day);
    }
    Ok(true)
}

async fn read_day(tables: &Tables, org: &OrgId, day: Day, work: &ErasureWork) -> Result<RenamedEvents> {
    let mut done = RenamedEvents::default();
    for lane in 0..LANES {
        let of_lane = tables.events.rename_end_user(org, day, lane, work).await?;
        done.replaced += of_lane.replaced;
        done.unreadable += of_lane.unreadable;
    }
    Ok(done)
}

/// Counts the stand-in in place of the name, and forgets the name.
async fn finish(
    tables: &Tables,
    done: &Erasure,
    work: &ErasureWork,
    days: DayRange,
    now: DateTime<Utc>,
) -> Result<()> {
    let org = &done.org;
    let calendars = tables.registry.calendars(org).await?.calendars;
    // A day of another zone may begin on the day of UTC before.
    let days = DayRange { first: days.first.minus(1), last: days.last.next() };
    for calendar in calendars.live() {
        if calendars.tracked_in(calendar.generation).contains(&Dimension::EndUser) {
            mark_days(tables, &Owner::new(org, calendar.generation), done, work, days).await?;
        }
        for day in days.days() {
            let user = |name: &str| EndUser::new(org, calendar.generation, day, name);
            tables.usage.replace_end_user(&user(work.name.as_str()), &user(work.stand_in.as_str())).await?;
        }
    }
    let progress = ErasureProgress { completed: Some(now), ..done.progress };
    tables.registry.finish_erasure(done, progress).await.map(drop)
}

/// Marks the days as dirty whose rollups have the name's pseudonym.
async fn mark_days(
    tables: &Tables,
    owner: &Owner,
    done: &Erasure,
    work: &ErasureWork,
    days: DayRange,
) -> Result<()> {
    let pseudonym = EndUser::pseudonym(&owner.org, work.name.as_str());
    let is_named = |rows: &Table| {
        let mut values = rows.tracked_rows(&Dimension::EndUser);
        values.any(|row| row.value == pseudonym)
    };
    for day in days.days() {
        let only = DayRange { first: day, last: day };
        let stored = tables.usage.stored_agents(owner, only, &[View::Tracked], Consistency::Strong).await?;
        // One that is being merged at this moment is recomputed in any case.
        if stored.views(day).is_ok_and(|views| !views.iter().any(is_named)) {
            continue;
        }
        tables.usage.mark_dirty(&owner.org, day, &format!("erasure {}", done.id)).await?;
    }
    Ok(())
}
