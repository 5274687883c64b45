//! The distinct end users of a day: hashes, spread over buckets.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::{Item, Usage, decode, keys};
use crate::error::{Error, Result};
use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::period::DayRange;

impl Usage {
    /// The hashes of the distinct end users within `days`: one query for each month, at the same time.
    pub async fn end_users(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
    ) -> Result<BTreeSet<[u8; 8]>> {
        let months = days.by_month().map(|(month, part)| async move {
            let range = keys::end_users(org, generation, month, part.first, part.last);
            self.table.query(&range).all(|bucket| hashes(&bucket)).await
        });
        Ok(try_join_all(months).await?.into_iter().flatten().flatten().collect())
    }
}

fn hashes(bucket: &Item) -> Result<BTreeSet<[u8; 8]>> {
    // DynamoDB removes a set together with its last member.
    let Some(hashes) = bucket.get(keys::END_USERS) else { return Ok(BTreeSet::new()) };
    let malformed = || Error::Internal("a bucket of end users is malformed".to_owned());
    decode::hashes(hashes).ok_or_else(malformed)
}
