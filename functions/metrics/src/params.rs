//! The parameters that all four endpoints share, and the days that they ask for.

use std::collections::BTreeMap;

use ledger::period::{Day, DayRange};
use ledger::rollup::OrgDay;
use store::Result;
use web::app::App;
use web::caller::Caller;
use web::query::{FromQuery, Query};

/// `days`: how many days, today included; 7 to 90, by default 30.
pub struct Params {
    /// The number of days.
    pub days: u32,
}

impl FromQuery for Params {
    fn from_query(query: &mut Query) -> Self {
        Self { days: query.integer("days", 7..=90, 30) }
    }
}

impl Params {
    /// The window that ends today.
    pub fn window(&self) -> impl Fn(Day) -> DayRange {
        let days = self.days;
        move |today| DayRange::ending(today, days)
    }

    /// The window's days that saw any event.
    pub async fn org_days(&self, app: &App, caller: &Caller) -> Result<(DayRange, BTreeMap<Day, OrgDay>)> {
        let fetch = |days| app.store.org_days(&caller.org, days);
        let (window, mut days) = app.over(&caller.org, self.window(), fetch).await?;
        days.retain(|day, _| window.contains(*day));
        Ok((window, days))
    }
}
