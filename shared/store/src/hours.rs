//! Figures by hour.

use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::pack::{HourRow, Table, View};
use ledger::period::DayRange;

use crate::Usage;
use crate::error::Result;
use crate::keys::Owner;

impl Usage {
    /// The figures of an organization by hour on some days. An hour may be in two parts, one for each of two days.
    pub async fn hours(&self, org: &OrgId, generation: Generation, days: DayRange) -> Result<Vec<HourRow>> {
        let hours = |views: &[Table]| views.iter().flat_map(Table::hours).collect::<Vec<_>>();
        let of_days = self.agent_views(&Owner::new(org, generation), days, &[View::Hours], hours).await?;
        Ok(of_days.into_iter().flat_map(|(_, hours)| hours).collect())
    }
}
