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
        let (crowded, mut parts): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_crowded);
        for part in crowded {
            parts.extend(self.days_of(&owner, part).await?);
        }
        Ok(parts.into_iter().map(|part| (part.first, capped(part.rows))).collect())
    }

    /// The days of a part, each by itself.
    async fn days_of(&self, owner: &Owner, part: Part) -> Result<Vec<Part>> {
        let (Some(first), Some(last)) = (part.days.first(), part.days.last()) else { return Ok(Vec::new()) };
        let days = DayRange { first: *first, last: *last };
        let rows = |views: &[Table]| views.first().cloned().unwrap_or_default();
        let of_days = self.agent_views(owner, days, &[View::Tracked], rows).await?;
        let read = of_days.into_iter().filter(|(day, _)| part.days.contains(day));
        Ok(read.map(|(day, rows)| Part { first: day, days: vec![day], rows }).collect())
    }
}

/// Whether several days together have more values of a dimension than a day tells apart. Which of them a day does is only known
/// from the day by itself.
fn is_crowded(part: &Part) -> bool {
    part.days.len() > 1 && !part.rows.value_caps().is_empty()
}

fn capped(rows: Table) -> Table {
    let caps = rows.value_caps();
    rows.capped(&caps)
}
