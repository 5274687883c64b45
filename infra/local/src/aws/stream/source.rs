//! Reads a stream through the DynamoDB Streams API.

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::operation::get_shard_iterator::GetShardIteratorError;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;

use super::shard::Shard;
use crate::error::{Error, Result};

/// The most records that the API returns in one call.
const READ_LIMIT: i32 = 1000;

pub struct Source {
    client: Client,
    pub arn: String,
}

impl Source {
    pub const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    /// Appends newly found shards to `shards`.
    pub async fn find_shards(&self, shards: &mut Vec<Shard>) -> Result<()> {
        let mut after = None;
        loop {
            let request =
                self.client.describe_stream().stream_arn(&self.arn).set_exclusive_start_shard_id(after);
            let response = request.send().await.map_err(|error| Error::caused("DescribeStream", error))?;
            let Some(stream) = response.stream_description else { return Ok(()) };
            for found in stream.shards() {
                let id = found.shard_id().unwrap_or_default();
                if shards.iter().all(|shard| shard.id != id) {
                    shards.push(Shard::new(id, found.parent_shard_id()));
                }
            }
            after = stream.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Continues after the last read, or else after the sequence number `after`, or else from the start.
    pub async fn read(&self, shard: &mut Shard, after: Option<String>) -> Result<()> {
        let iterator = match shard.iterator.take() {
            Some(iterator) => iterator,
            None => self.iterator(&shard.id, after).await?,
        };
        let request = self.client.get_records().shard_iterator(iterator).limit(READ_LIMIT);
        let read = request.send().await.map_err(|error| Error::caused("GetRecords", error))?;
        shard.pending.extend(read.records.unwrap_or_default());
        shard.closed = read.next_shard_iterator.is_none();
        shard.iterator = read.next_shard_iterator;
        Ok(())
    }

    async fn iterator(&self, shard: &str, after: Option<String>) -> Result<String> {
        let request = self.client.get_shard_iterator().stream_arn(&self.arn).shard_id(shard);
        let from_start = request.clone().shard_iterator_type(ShardIteratorType::TrimHorizon);
        let response = match after {
            None => from_start.send().await,
            Some(after) => {
                let request = request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber);
                match request.sequence_number(after).send().await {
                    // The checkpoint's record has been trimmed, so everything left is newer.
                    Err(e)
                        if e.as_service_error()
                            .is_some_and(GetShardIteratorError::is_trimmed_data_access_exception) =>
                    {
                        from_start.send().await
                    }
                    other => other,
                }
            }
        };
        let response = response.map_err(|error| Error::caused("GetShardIterator", error))?;
        response.shard_iterator.ok_or_else(|| Error::new("GetShardIterator returned no iterator"))
    }
}
