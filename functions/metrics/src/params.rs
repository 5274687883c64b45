//! The query parameter `days`, which all metrics endpoints share.

use std::collections::BTreeMap;

use ledger::period::{Day, DayRange};
use ledger::rollup::OrgDay;
use store::Result;
use web::app::App;
use web::caller::Caller;
use web::query::{FromQuery, QueryReader};

/// The window: the last `days` days, today included.
pub struct Params {
    /// 7 to 90, default 30.
    pub days: u32,
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

    /// The days of the window that have any usage.
    pub async fn org_days(&self, app: &App, caller: &Caller) -> Result<(DayRange, BTreeMap<Day, OrgDay>)> {
        let fetch = |days| app.store.org_days(&caller.org, days);
        let (window, mut days) = app.fetch_days(&caller.org, self.window(), fetch).await?;
        days.retain(|day, _| window.contains(*day));
        Ok((window, days))
    }
}
