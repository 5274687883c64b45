//! The query parameter `month`, and the usage of that month.

use futures::try_join;
use ledger::period::{Day, DayRange, Month, Windows};
use ledger::rollup::{OrgDay, UnpricedRows};
use store::Result;
use web::caller::Caller;
use web::query::{FromQuery, QueryReader};

use crate::App;
use crate::model_names::ModelNames;
use crate::spending::{self, Spending};

/// `month`: a calendar month in the organization's zone, `yyyy-mm`, default the current one.
pub struct Period {
    month: Option<Month>,
}

impl FromQuery for Period {
    fn from_query(query: &mut QueryReader) -> Self {
        let name = "month";
        let text = query.text(name);
        let month = text.as_deref().and_then(Month::parse);
        if text.is_some() && month.is_none() {
            query.fault(name, "month_parsing", "Input should be a month, yyyy-mm");
        }
        Self { month }
    }
}

impl Period {
    fn window(&self) -> impl Fn(Day) -> DayRange {
        let month = self.month;
        move |today| DayRange::of_month(month.unwrap_or(today.month()))
    }

    /// The organization's usage.
    pub async fn of_org(&self, app: &App, caller: &Caller) -> Result<OrgDay> {
        let fetch = |of, days| app.tables.usage.org_days(&caller.org, of, days);
        let (window, days) =
            app.tables.registry.fetch_days(&caller.org, app.clock.now(), self.window(), fetch).await?;
        let mut all = OrgDay::default();
        for (_, day) in days.into_iter().filter(|(day, _)| window.contains(*day)) {
            all.merge(day);
        }
        Ok(all)
    }

    /// The organization's calls without a price, by day.
    pub async fn unpriced(&self, app: &App, caller: &Caller) -> Result<Vec<UnpricedRows>> {
        let fetch = |of, days| app.tables.usage.unpriced_days(&caller.org, of, days);
        let (window, days) =
            app.tables.registry.fetch_days(&caller.org, app.clock.now(), self.window(), fetch).await?;
        Ok(days.into_iter().filter(|(day, _)| window.contains(*day)).map(|(_, rows)| rows).collect())
    }

    pub async fn of_agents(&self, app: &App, caller: &Caller) -> Result<Vec<Spending>> {
        let (org, tables) = (&caller.org, &app.tables);
        let fetch = |of, windows: Windows| async move {
            try_join!(
                tables.usage.agent_models_over(org, of, &windows),
                tables.usage.org_days(org, of, windows.days())
            )
        };
        let days = Box::pin(app.tables.registry.fetch_windows(org, app.clock.now(), self.window(), fetch));
        let ((window, (calls, org_days)), agents) = try_join!(days, tables.registry.agents(org))?;
        Ok(spending::of(window, calls, &ModelNames::of(org_days.values()), agents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str, today: &str) -> Option<String> {
        let mut query = QueryReader::parse(text);
        let period = Period::from_query(&mut query);
        query.finish().ok()?;
        let days = period.window()(Day::parse(today).unwrap());
        Some(format!("{}/{}", days.first, days.last))
    }

    #[test]
    fn a_month_covers_all_its_days() {
        for (query, today, days) in [
            ("", "2026-09-15", "2026-09-01/2026-09-30"),
            ("", "2026-12-31", "2026-12-01/2026-12-31"),
            ("", "2027-01-01", "2027-01-01/2027-01-31"),
            ("", "2024-02-29", "2024-02-01/2024-02-29"),
            ("month=2024-02", "2026-09-15", "2024-02-01/2024-02-29"),
            ("month=2023-02", "2026-09-15", "2023-02-01/2023-02-28"),
            ("month=0000-01", "2026-09-15", "0000-01-01/0000-01-31"),
            ("month=9999-12", "2026-09-15", "9999-12-01/9999-12-31"),
        ] {
            assert_eq!(window(query, today).as_deref(), Some(days), "{query} {today}");
        }
        for bad in ["", "2026", "2026-9", "2026-00", "2026-13", "-026-01", "2026-09-01", "20260-1", "x"] {
            assert_eq!(window(&format!("month={bad}"), "2026-09-15"), None, "{bad}");
        }
        assert_eq!(window("month=2026-09&month=2026-09", "2026-09-15"), None);
    }
}
