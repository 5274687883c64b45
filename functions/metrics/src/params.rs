//! The query parameter `days`, which all metrics endpoints share.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use ledger::calendar::Calendar;
use ledger::period::{Day, DayRange};
use ledger::rollup::OrgDay;
use store::Result;
use web::caller::Caller;
use web::query::{FromQuery, QueryReader};

use crate::App;

/// The window: the last `days` days, today included.
pub struct Params {
    /// 7 to 90, default 30.
    pub days: u32,
}

/// The days of the window that have any usage.
pub struct Days {
    /// The organization's time zone.
    pub zone: Tz,
    pub window: DayRange,
    pub days: BTreeMap<Day, OrgDay>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        Self { days: query.integer("days", 7..=90, 30) }
    }
}

impl Params {
    /// The window as a function of today in the organization's zone.
    pub fn window(&self) -> impl Fn(Day) -> DayRange {
        let days = self.days;
        move |today| DayRange::ending(today, days)
    }

    /// Reads the days of the window.
    pub async fn org_days(&self, app: &App, caller: &Caller) -> Result<Days> {
        let (now, window) = (app.clock.now(), self.window());
        let range = |zone| window(Day::of(now, zone));
        let fetch = |of, days| app.tables.usage.org_days(&caller.org, of, days);
        let (Calendar { zone, .. }, mut days) =
            app.tables.registry.fetch_in_zone(&caller.org, range, fetch).await?;
        let window = range(zone);
        days.retain(|day, _| window.contains(*day));
        Ok(Days { zone, window, days })
    }
}
