//! Reads the first record after a position in each shard of the table's streams.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue as TableValue;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::operation::get_shard_iterator::GetShardIteratorError;
use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record, ShardIteratorType};
use chrono::{DateTime, Utc};
use futures::FutureExt;
use lambda_runtime::Error;
use store::{Item, events};

/// Consecutive calls without a record after which an open shard is assumed to have none. The API may return no records
/// although there are some later in the shard, but then returns another iterator.
const EMPTY_READS: usize = 4;

/// A shard of a stream.
#[derive(Clone, Debug)]
pub struct Shard {
    /// The ARN of the stream, which contains its label.
    pub stream: String,
    pub id: String,
}

/// The streams of a table. There may be several, because a disabled stream keeps its records for a day.
#[derive(Clone, Debug)]
pub struct Streams {
    client: Client,
    table: String,
}

impl Streams {
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// All shards of all streams.
    pub async fn shards(&self) -> Result<Vec<Shard>, Error> {
        let mut shards = Vec::new();
        for stream in self.streams().await? {
            let mut after = None;
            loop {
                let request = self.client.describe_stream().stream_arn(&stream);
                let response = request.set_exclusive_start_shard_id(after).send().boxed().await?;
                let Some(described) = response.stream_description else { break };
                let ids = described.shards().iter().filter_map(|shard| shard.shard_id());
                shards.extend(ids.map(|id| Shard { stream: stream.clone(), id: id.to_owned() }));
                after = described.last_evaluated_shard_id;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(shards)
    }

    async fn streams(&self) -> Result<Vec<String>, Error> {
        let (mut streams, mut after) = (Vec::new(), None);
        loop {
            let request = self.client.list_streams().table_name(&self.table);
            let page = request.set_exclusive_start_stream_arn(after).send().boxed().await?;
            streams.extend(page.streams().iter().filter_map(|one| one.stream_arn()).map(str::to_owned));
            after = page.last_evaluated_stream_arn;
            if after.is_none() {
                return Ok(streams);
            }
        }
    }

    /// The time at which the first record after a position was stored, if there is one. Without a position, it is the
    /// first record of the shard.
    pub async fn first_after(
        &self,
        shard: &Shard,
        position: Option<&str>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let request = self.client.get_shard_iterator().stream_arn(&shard.stream).shard_id(&shard.id);
        let request = match position {
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Some(position) => {
                request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).sequence_number(position)
            }
        };
        let mut iterator = match request.send().boxed().await {
            Ok(response) => response.shard_iterator,
            // The position was trimmed, so everything that is left in the shard is newer.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetShardIteratorError::is_trimmed_data_access_exception) =>
            {
                return Box::pin(self.first_after(shard, None)).await;
            }
            // The shard was deleted after it was listed.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetShardIteratorError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        for _ in 0..EMPTY_READS {
            let Some(next) = iterator else { return Ok(None) };
            let read = self.client.get_records().shard_iterator(next).limit(1).send().boxed().await?;
            if let Some(record) = read.records().first() {
                return stored_at(record)
                    .map(Some)
                    .ok_or_else(|| "a record of the stream has no time".into());
            }
            iterator = read.next_shard_iterator;
        }
        Ok(None)
    }
}

/// The time at which a record's event was stored or arrived, whichever is earlier: the two come from different clocks.
/// For a change to an event that was stored before, such as an erasure, it is the time of the change: the arrival of
/// that event says nothing about new ones.
fn stored_at(record: &Record) -> Option<DateTime<Utc>> {
    let change = record.dynamodb.as_ref()?;
    let stored = change.approximate_creation_date_time?;
    let stored = DateTime::from_timestamp(stored.secs(), stored.subsec_nanos())?;
    if record.event_name.as_ref().is_some_and(|name| *name != OperationType::Insert) {
        return Some(stored);
    }
    let received = change.new_image.as_ref().and_then(|image| events::arrival(&item_of(image)));
    Some(received.map_or(stored, |received| received.min(stored)))
}

/// The attributes of an event's arrival, in the types of the table's client.
fn item_of(image: &HashMap<String, AttributeValue>) -> Item {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => Some(TableValue::S(text.clone())),
        AttributeValue::B(bytes) => Some(TableValue::B(Blob::new(bytes.as_ref()))),
        _ => None,
    };
    image.iter().filter_map(|(name, one)| Some((name.clone(), value(one)?))).collect()
}
