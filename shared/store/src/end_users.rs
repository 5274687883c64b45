//! The usage table's end users: by day, in buckets of hashes.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::{Store, decode, keys};
use crate::error::{Error, Result};
use ledger::ids::OrgId;
use ledger::period::DayRange;

impl Store {
    /// The distinct end users of all of `days`, by hash: one query for each month, at the same time.
    pub async fn end_users(&self, org: &OrgId, days: DayRange) -> Result<BTreeSet<[u8; 8]>> {
        let months = days.by_month().map(|(month, part)| async move {
            self.query(&self.tables().usage, &keys::end_users(org, month, part.first, part.last)).await
        });
        let buckets = try_join_all(months).await?;
        let mut users = BTreeSet::new();
        for bucket in buckets.iter().flatten() {
            // A set whose last member was taken out is no longer there.
            let Some(hashes) = bucket.get(keys::END_USERS) else { continue };
            let odd = || Error::Internal("a bucket of end users holds something else".to_owned());
            users.extend(decode::hashes(hashes).ok_or_else(odd)?);
        }
        Ok(users)
    }
}
