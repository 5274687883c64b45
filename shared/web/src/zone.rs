//! Reads over days in the organization's time zone.

use chrono_tz::Tz;
use futures::try_join;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};

use crate::app::App;

impl App {
    /// Fetches a day range relative to today in the organization's time zone and returns that range with what was
    /// fetched. What was fetched may contain more days at either end; the caller drops those outside of the range.
    ///
    /// If the zone is not cached, the range is widened to cover today in every zone and fetched in parallel with the
    /// zone.
    pub async fn fetch_days<T, F: Future<Output = store::Result<T>>>(
        &self,
        org: &OrgId,
        range: impl Fn(Day) -> DayRange,
        fetch: impl FnOnce(DayRange) -> F,
    ) -> store::Result<(DayRange, T)> {
        let now = self.clock.now();
        let (zone, found) = self.fetch_in_zone(org, |zone| range(Day::of(now, zone)), fetch).await?;
        Ok((range(Day::of(now, zone)), found))
    }

    /// Like [`fetch_days`](Self::fetch_days), for a range that depends on the zone in any other way. Returns the zone.
    pub async fn fetch_in_zone<T, F: Future<Output = store::Result<T>>>(
        &self,
        org: &OrgId,
        range: impl Fn(Tz) -> DayRange,
        fetch: impl FnOnce(DayRange) -> F,
    ) -> store::Result<(Tz, T)> {
        if let Some(settings) = self.store.settings_at_hand(org) {
            return Ok((settings.zone, fetch(range(settings.zone)).await?));
        }
        // The last and the first zone to begin a day.
        let (last, first) = (Tz::Etc__GMTPlus12, Tz::Etc__GMTMinus14);
        let wide = DayRange { first: range(last).first, last: range(first).last };
        let (settings, found) = try_join!(self.store.settings_cached(org), fetch(wide))?;
        Ok((settings.zone, found))
    }
}
