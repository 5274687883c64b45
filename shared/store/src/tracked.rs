//! Figures by the values of tracked dimensions, over many days.

use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::pack::{Table, View};
use ledger::period::{Day, Windows};

use crate::Usage;
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
        self.view_over(&Owner::new(org, generation), windows, View::Tracked).await
    }
}
