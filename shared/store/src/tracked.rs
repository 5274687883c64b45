//! Figures by the values of tracked dimensions, over many days.

use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::pack::{Table, View};
use ledger::period::{Day, DayRange, Windows};

use crate::Usage;
use crate::agent_parts::Part;
use crate::error::Result;
use crate::keys::Owner;

impl Usage {
    /// The rows of tracked dimensions, by parts that none of `windows` divides. Each part bears its first day.
    pub async fn tracked_over(
        &self,
        org: &OrgId,
        generation: Generation,
        windows: &Windows,
    ) -> Result<Vec<(Day, Table)>> {
        let owner = Owner::new(org, generation);
        let [parts] = self.parts(&owner, windows, [View::Tracked]).await?;
        let mut told_apart = Vec::new();
        for Part { first, days, rows } in parts {
            let is_crowded = days.len() > 1 && !rows.value_caps().is_empty();
            match days.last().filter(|_| is_crowded) {
                None => told_apart.push((first, capped(rows))),
                Some(last) => {
                    // Which values a day tells apart is only known from the day by itself.
                    let range = DayRange { first, last: *last };
                    let rows = |views: &[Table]| views.first().cloned().unwrap_or_default();
                    let of_days = self.agent_views(&owner, range, &[View::Tracked], rows).await?.into_iter();
                    let of_days = of_days.filter(|(day, _)| days.contains(day));
                    told_apart.extend(of_days.map(|(day, rows)| (day, capped(rows))));
                }
            }
        }
        Ok(told_apart)
    }
}

fn capped(rows: Table) -> Table {
    let caps = rows.value_caps();
    rows.capped(&caps)
}
