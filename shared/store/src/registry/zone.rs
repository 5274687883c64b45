//! Reads over days of an organization's calendar.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::try_join;

use crate::Registry;
use crate::error::Result;
use ledger::calendar::{Calendar, Generation};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange, Windows};

impl Registry {
    /// Fetches a day range relative to today in the organization's time zone and returns that range with what was
    /// fetched. What was fetched may contain more days at either end; the caller drops those outside of the range.
    ///
    /// If the calendar is not cached, the range is widened to cover today in every zone and fetched in parallel with the
    /// calendar; and fetched again if rollups of another generation are to be shown, which is rare.
    pub async fn fetch_days<T, F: Future<Output = Result<T>>>(
        &self,
        org: &OrgId,
        now: DateTime<Utc>,
        range: impl Fn(Day) -> DayRange,
        fetch: impl Fn(Generation, DayRange) -> F,
    ) -> Result<(DayRange, T)> {
        let (calendar, found) = self.fetch_in_zone(org, |zone| range(Day::of(now, zone)), fetch).await?;
        Ok((range(Day::of(now, calendar.zone)), found))
    }

    /// Like [`fetch_days`](Self::fetch_days), for a range that depends on the zone in any other way. Returns the calendar.
    pub async fn fetch_in_zone<T, F: Future<Output = Result<T>>>(
        &self,
        org: &OrgId,
        range: impl Fn(Tz) -> DayRange,
        fetch: impl Fn(Generation, DayRange) -> F,
    ) -> Result<(Calendar, T)> {
        // The last and the first zone to begin a day.
        let (last, first) = (Tz::Etc__GMTPlus12, Tz::Etc__GMTMinus14);
        let wide = || DayRange { first: range(last).first, last: range(first).last };
        self.fetch_guessing(org, wide, &range, fetch).await
    }

    /// Like [`fetch_days`](Self::fetch_days), for figures that are added up over the range: they may be added up before, as
    /// far as that makes no difference to any range that may turn out to be the right one.
    pub async fn fetch_windows<T, F: Future<Output = Result<T>>>(
        &self,
        org: &OrgId,
        now: DateTime<Utc>,
        range: impl Fn(Day) -> DayRange,
        fetch: impl Fn(Generation, Windows) -> F,
    ) -> Result<(DayRange, T)> {
        let today = |zone| Day::of(now, zone);
        let todays = DayRange { first: today(Tz::Etc__GMTPlus12), last: today(Tz::Etc__GMTMinus14) };
        let exact = |zone| Windows::from(range(today(zone)));
        let (calendar, found) =
            self.fetch_guessing(org, || Windows::of(&range, todays), exact, fetch).await?;
        Ok((range(today(calendar.zone)), found))
    }

    /// Fetches what is `exact` for the zone; if that is not cached, what is right in any zone.
    async fn fetch_guessing<A, T, F: Future<Output = Result<T>>>(
        &self,
        org: &OrgId,
        any: impl FnOnce() -> A,
        exact: impl Fn(Tz) -> A,
        fetch: impl Fn(Generation, A) -> F,
    ) -> Result<(Calendar, T)> {
        if let Some(settings) = self.settings_at_hand(org) {
            let calendar = settings.calendar;
            return Ok((calendar, fetch(calendar.generation, exact(calendar.zone)).await?));
        }
        let guessed = self.last_calendar(org).unwrap_or_default().generation;
        let (settings, found) = try_join!(self.settings_cached(org), fetch(guessed, any()))?;
        let calendar = settings.calendar;
        if calendar.generation == guessed {
            return Ok((calendar, found));
        }
        Ok((calendar, fetch(calendar.generation, exact(calendar.zone)).await?))
    }
}
