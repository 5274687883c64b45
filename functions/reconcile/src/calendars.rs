//! Recomputes an organization's days after its time zone or its tracked dimensions were changed, in the background.
//!
//! A generation of rollups is built beside the one that figures are shown by, one day after the other, from raw events.
//! Meanwhile the aggregator adds new events to both. A day is built by the same comparison and repair as any other day:
//! what differs is rewritten and sealed, and a sealed item that an event reaches later makes its day dirty. So a build
//! can be interrupted at any point, and be done twice. When every day is built, one write shows figures by the new
//! calendar. The rollups of the old one are deleted an hour later.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::calendar::{Calendar, CalendarBuild, CalendarChange, CalendarStart, Calendars};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use store::error::{Error, Result};
use store::keys;
use store::registry::StoredCalendars;
use tokio::time::Instant;

use crate::Reconciler;
use crate::day::{DayReconciliation, SETTLE, Scope};
use crate::report::Report;
use crate::request::Actions;
use crate::schedule::{CLOSED_AFTER, oldest_complete_day};

/// How long after a generation was retired its rollups are deleted: long after the last request that may read it.
const GRACE: TimeDelta = TimeDelta::hours(1);
/// How much longer a run has the lease than it has time.
const LEASE_MARGIN: TimeDelta = TimeDelta::minutes(2);
/// Days between the oldest that can be recomputed and the first that is, so that a build has time.
const SPARE_DAYS: usize = 2;
/// Days before today from which on a build visits every day, even where nothing is known of any event: the aggregator may
/// be about to add events of these.
pub const LATE_DAYS: u32 = CLOSED_AFTER + 3;

impl Reconciler {
    /// Does what is left to be done about an organization's calendars, as far as there is time.
    pub(crate) async fn settled(&self, org: OrgId, until: Instant) -> Report {
        let mut report = Report::default();
        if let Err(error) = self.settle(&mut report, &org, until).await {
            report.failures.push(format!("{org}: its days cannot be recomputed: {error}"));
        }
        report
    }

    async fn settle(&self, report: &mut Report, org: &OrgId, until: Instant) -> Result<()> {
        let stored = self.tables.registry.calendars(org).await?;
        let Some(stored) = self.build(report, org, stored, until).await? else { return Ok(()) };
        self.clean_up(org, stored, until).await
    }

    /// Builds what is to be built, and shows figures by it. None if another run does, or if the calendars have changed.
    async fn build(
        &self,
        report: &mut Report,
        org: &OrgId,
        stored: StoredCalendars,
        until: Instant,
    ) -> Result<Option<StoredCalendars>> {
        let Some(change) = stored.calendars.change.clone() else { return Ok(Some(stored)) };
        let now = self.clock.now();
        let shown = change.to.generation == stored.calendars.active.generation;
        if shown && now < change.requested + SETTLE {
            // Figures are shown by it already. In a moment its items are complete, and need not be sealed.
            return Ok(Some(stored));
        }
        if change.build.as_ref().is_some_and(|build| now < build.leased_until) {
            return Ok(None);
        }
        let claimed = self.claim(org, &stored.calendars, change, until).await?;
        let Some(mut stored) = self.store(org, stored, Some(claimed)).await? else { return Ok(None) };
        while let Some((change, day)) = next_day(&stored) {
            if Instant::now() >= until {
                report.days_to_build +=
                    change.build.as_ref().map_or(0, |build| build.left().days().count() as u64);
                let paused = with_build(change, |build| build.leased_until = now);
                return self.store(org, stored, Some(paused)).await.map(|_| None);
            }
            self.build_day(report, org, stored.calendars.active, &change, day).await?;
            let built = with_build(change, |build| build.done = Some(day));
            match self.store(org, stored, Some(built)).await? {
                Some(next) => stored = next,
                None => return Ok(None),
            }
        }
        // Events that arrived meanwhile, so that nothing is missing for longer than it has to be.
        for (_, day) in self.tables.usage.dirty_days().await?.into_iter().filter(|(of, _)| of == org) {
            self.reconcile_in_time(report, (org, day), Actions::REPAIR, until).await;
        }
        let mut finished = stored.calendars.clone();
        finished.finish(self.clock.now());
        self.tables.registry.set_calendars(org, &stored, finished).await
    }

    async fn store(
        &self,
        org: &OrgId,
        stored: StoredCalendars,
        change: Option<CalendarChange>,
    ) -> Result<Option<StoredCalendars>> {
        let mut calendars = stored.calendars.clone();
        calendars.change = change;
        self.tables.registry.set_calendars(org, &stored, calendars).await
    }

    /// The change with a lease, and with its days if they are not determined yet, or can no longer be built as they were.
    async fn claim(
        &self,
        org: &OrgId,
        calendars: &Calendars,
        mut change: CalendarChange,
        until: Instant,
    ) -> Result<CalendarChange> {
        let now = self.clock.now();
        let left = TimeDelta::from_std(until.saturating_duration_since(Instant::now())).unwrap_or(GRACE);
        let leased_until = now + left + LEASE_MARGIN;
        let oldest = oldest_complete_day(Day::of(now, chrono_tz::UTC), self.retention_days);
        let begun = change.build.take().filter(|build| {
            let next = build.left().first;
            next >= oldest || change.to.since.is_some_and(|since| next < since.day && oldest < since.day)
        });
        let build = if let Some(build) = begun {
            CalendarBuild { leased_until, ..build }
        } else {
            let first = self.tables.registry.first_event(org).await?.unwrap_or(now);
            change.to.since = since(calendars.active, first, oldest);
            let copied_before = change.to.since.map(|since| since.day);
            change.tracked = change.tracked.continuing(&calendars.tracked, copied_before);
            let days = days(&[calendars.active, change.to], first, now, self.late_days);
            CalendarBuild { started: now, first: days.first, last: days.last, done: None, leased_until }
        };
        Ok(CalendarChange { build: Some(build), ..change })
    }

    async fn build_day(
        &self,
        report: &mut Report,
        org: &OrgId,
        from: Calendar,
        change: &CalendarChange,
        day: Day,
    ) -> Result<()> {
        let started = change.build.as_ref().map_or(change.requested, |build| build.started);
        let closed = day <= Day::of(self.clock.now(), change.to.zone).minus(CLOSED_AFTER);
        let actions = if closed { Actions::REPAIR_AND_SEAL } else { Actions::REPAIR };
        let scope = Scope::Build { to: change.to, tracked: &change.tracked, from, started };
        let (tables, clock) = (&self.tables, &self.clock);
        let block_bytes = self.policy.block_bytes;
        let day_of_build = DayReconciliation { tables, clock, org, day, scope, actions, block_bytes };
        let built = day_of_build.run().await?;
        if built.is_restless || built.too_large > 0 {
            return Err(Error::Unavailable(format!("{day} changes too often")));
        }
        report.days_built += 1;
        report.events += built.events;
        Ok(())
    }

    /// Deletes the rollups of generations that were retired some time ago.
    async fn clean_up(&self, org: &OrgId, mut stored: StoredCalendars, until: Instant) -> Result<()> {
        let now = self.clock.now();
        let first = self.tables.registry.first_event(org).await?.unwrap_or(now);
        // A sample may reach back by a month and a half from its event.
        let first = Day::of(first, chrono_tz::UTC).month().minus(2).first();
        let days = DayRange { first, last: Day::of(now, chrono_tz::UTC).month().next().last() };
        while let Some((generation, _)) =
            stored.calendars.retired.iter().find(|(_, retired)| now >= *retired + GRACE).copied()
        {
            for range in keys::generation_days(org, generation, days) {
                if Instant::now() >= until {
                    return Ok(());
                }
                self.tables.usage.delete_rollups(&range).await?;
            }
            let mut cleaned = stored.calendars.clone();
            cleaned.retired.retain(|(retired, _)| *retired != generation);
            match self.tables.registry.set_calendars(org, &stored, cleaned).await? {
                Some(next) => stored = next,
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

/// Where the new calendar begins, if some raw events may have expired.
fn since(active: Calendar, first_event: DateTime<Utc>, oldest: Day) -> Option<CalendarStart> {
    let day = (0..SPARE_DAYS).fold(oldest, |day, _| day.next());
    (Day::of(first_event, chrono_tz::UTC) < oldest)
        .then(|| CalendarStart { day, instant: day.start(active.zone) })
}

/// The days to be built: from the first event to the last that may have been stored before the build.
fn days(calendars: &[Calendar], first_event: DateTime<Utc>, now: DateTime<Utc>, late_days: u32) -> DayRange {
    let of = |instant| calendars.iter().map(move |calendar| Day::of(instant, calendar.zone));
    let late = of(now).min().map(|today| today.minus(late_days));
    let first = of(first_event).chain(late).min();
    // A sender's clock may run ahead.
    let last = of(now + TimeDelta::hours(1)).max();
    let today = Day::of(now, chrono_tz::UTC);
    DayRange { first: first.unwrap_or(today), last: last.unwrap_or(today) }
}

/// The change and the next day to be built.
fn next_day(stored: &StoredCalendars) -> Option<(CalendarChange, Day)> {
    let change = stored.calendars.change.as_ref()?;
    let day = change.build.as_ref()?.left().days().next()?;
    Some((change.clone(), day))
}

fn with_build(mut change: CalendarChange, edit: impl FnOnce(&mut CalendarBuild)) -> CalendarChange {
    change.build.as_mut().map(edit);
    change
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn every_day_with_an_event_is_built_and_those_that_late_events_may_reach() {
        let calendars = [Tz::Etc__GMTPlus12, Tz::Pacific__Kiritimati]
            .map(|zone| Calendar { zone, ..Calendar::default() });
        let built = |first: &str| days(&calendars, at(first), at("2026-09-15T12:00:00Z"), LATE_DAYS);
        let early = built("2026-01-05T00:00:00Z");
        assert_eq!((early.first, early.last), (day("2026-01-04"), day("2026-09-16")));
        assert_eq!(built("2026-09-15T11:00:00Z").first, day("2026-08-06"));
    }

    #[test]
    fn a_calendar_continues_another_only_if_raw_events_have_expired() {
        let active = Calendar { zone: Tz::Asia__Kathmandu, ..Calendar::default() };
        let oldest = day("2026-03-01");
        assert_eq!(since(active, at("2026-03-01T00:00:00Z"), oldest), None);
        let since = since(active, at("2026-02-28T23:59:59Z"), oldest).unwrap();
        assert_eq!((since.day, since.instant), (day("2026-03-03"), at("2026-03-02T18:15:00Z")));
    }
}
