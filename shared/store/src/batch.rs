//! Items by their keys, a hundred in a call.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use futures::future::try_join_all;
use rand::RngExt;
use tokio::time::sleep;

use super::keys::Key;
use super::{Item, Store, failed, key_attributes, version};
use crate::aws::ATTEMPTS;
use crate::error::{Error, Result};

/// The most keys that one call takes.
const GET_BATCH: usize = 100;
/// The longest pause before what a call left over is asked for again.
const LONGEST_PAUSE_MS: u64 = 100;

impl Store {
    /// The items that there are under `keys`, in no order: one call for each hundred keys, at the same time.
    pub(crate) async fn get_all(&self, table: &str, keys: &[Key]) -> Result<Vec<Item>> {
        let calls = keys.chunks(GET_BATCH).map(|keys| self.get_batch(table, keys));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    /// A call may leave keys over, where the items are large or the table is busy; they are asked for again, as long
    /// as that leads on.
    async fn get_batch(&self, table: &str, keys: &[Key]) -> Result<Vec<Item>> {
        let keys = keys.iter().map(key_attributes).collect();
        let mut left = KeysAndAttributes::builder().set_keys(Some(keys)).build().map_err(Error::internal)?;
        let (mut items, mut idle) = (Vec::new(), 0);
        loop {
            let before = left.keys().len();
            let answer = self
                .client
                .batch_get_item()
                .request_items(table, left)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| failed("BatchGetItem", &error))?;
            self.meter.read(answer.consumed_capacity().first());
            let found = answer.responses.into_iter().flat_map(HashMap::into_values).flatten();
            for item in found {
                items.push(version::known(item)?);
            }
            let unprocessed = answer.unprocessed_keys.unwrap_or_default().into_values().next();
            let Some(unprocessed) = unprocessed.filter(|left| !left.keys().is_empty()) else {
                return Ok(items);
            };
            idle = if unprocessed.keys().len() < before { 0 } else { idle + 1 };
            if idle == ATTEMPTS {
                return Err(Error::Unavailable("BatchGetItem leaves all keys over".to_owned()));
            }
            left = unprocessed;
            sleep(pause()).await;
        }
    }
}

/// A pause of any length up to the longest, so that those who met once do not meet again.
pub(super) fn pause() -> Duration {
    Duration::from_millis(rand::rng().random_range(0..=LONGEST_PAUSE_MS))
}
