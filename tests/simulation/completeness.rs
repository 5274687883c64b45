//! Up to which instant all events are said to be counted: nothing is claimed too early, and at rest everything is.

use chrono::{DateTime, TimeDelta, Utc};
use completeness::Completeness;
use ledger::ids::OrgId;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys::status;
use store::sequence::SequenceNumber;

use super::CheckResult;
use super::messages::ORGS;
use super::run::{InvocationKind, InvocationResult, Run};
use super::stream::{Effect, Shard, TABLE};
use crate::support::tables::names;

/// What clocks may be off by.
const SKEW: TimeDelta = TimeDelta::seconds(240);
/// How far behind a claim may be when all is quiet: the margin of the function.
const BEHIND: TimeDelta = TimeDelta::seconds(10);

impl Run {
    /// Finds out up to which instant all events are counted.
    pub fn measure(&mut self) {
        let process = self.process();
        let clock = Clock::fixed(self.skewed_time());
        let streams = self.wire.streams_client(process);
        let function = Completeness::new(self.open("completeness", process), streams, names().events, clock);
        self.note(|| format!("p{process} measures"));
        let task = tokio::spawn(async move {
            InvocationResult::Lambda(function.handle().await.map_err(|error| error.to_string()))
        });
        self.begin(process, InvocationKind::Measure, task);
    }

    /// The claim that is stored for an organization.
    fn claim(&self, org: &OrgId) -> Option<DateTime<Utc>> {
        let item = self.engine.item(&names().usage, &status::completeness())?;
        let item = serde_json::to_value(&item).unwrap();
        let held = &item[format!("{}{org}", status::complete::HELD)];
        let claim = if held.is_null() { &item[status::complete::THROUGH] } else { held };
        let milliseconds = claim["N"].as_str()?.parse().ok()?;
        DateTime::from_timestamp_millis(milliseconds).filter(|claim| *claim != DateTime::UNIX_EPOCH)
    }

    /// Every event that was stored before the claim is counted.
    pub fn check_completeness(&mut self) -> CheckResult {
        let claims: Vec<_> = ORGS.iter().map(|(org, _)| OrgId::new(*org).unwrap()).collect();
        let claims: Vec<_> =
            claims.into_iter().filter_map(|org| Some((self.claim(&org)? - SKEW, org))).collect();
        let mut counted = Vec::new();
        for shard in self.streams.iter().flat_map(|stream| &stream.shards) {
            for record in &shard.records {
                let Effect::Count(event) = &record.effect else { continue };
                let claimed = claims.iter().any(|(claim, org)| {
                    *org == event.org
                        && event.is_usage()
                        && record.stored().is_some_and(|stored| stored < *claim)
                });
                let place = (shard.mark.clone(), record.number);
                if !claimed || self.counted.contains(&place) {
                    continue;
                }
                self.is_counted(shard, record, event)
                    .map_err(|why| format!("{} is said to be counted, but {why}", record.digits))?;
                counted.push(place);
            }
        }
        if !counted.is_empty() {
            self.count("Claimed");
        }
        self.counted.extend(counted);
        Ok(())
    }

    /// When all is quiet, everything is complete, however long a shard has been idle.
    pub fn check_all_complete(&mut self) -> CheckResult {
        if self.mutant.is_some() {
            return Ok(());
        }
        self.check_completeness()?;
        for (org, _) in ORGS {
            let claim = self.claim(&OrgId::new(org).unwrap());
            if claim.is_none_or(|claim| claim < self.now - SKEW - BEHIND) {
                return Err(format!("{org} is complete through {claim:?} only at {}", self.now));
            }
        }
        Ok(())
    }

    /// The response of the streams; none to requests to tables.
    pub fn stream_response(&self, operation: &str, body: &Value) -> Option<Value> {
        let stream = || self.streams.iter().position(|stream| body["StreamArn"] == stream.arn.as_str());
        match operation {
            "ListStreams" => {
                let streams =
                    self.streams.iter().map(|stream| json!({ "StreamArn": stream.arn, "TableName": TABLE }));
                Some(json!({ "Streams": streams.collect::<Value>() }))
            }
            "DescribeStream" => {
                let stream = &self.streams[stream()?];
                let shards = stream.shards.iter().map(|shard| {
                    let parent = shard.parent.map(|parent| &stream.shards[parent].id);
                    json!({ "ShardId": shard.id, "ParentShardId": parent })
                });
                Some(json!({ "StreamDescription": { "Shards": shards.collect::<Value>() } }))
            }
            "GetShardIterator" => {
                let nth = stream()?;
                let at =
                    self.streams[nth].shards.iter().position(|shard| body["ShardId"] == shard.id.as_str())?;
                let shard = &self.streams[nth].shards[at];
                let after = body["SequenceNumber"].as_str().and_then(SequenceNumber::parse);
                let index = shard.records.partition_point(|record| Some(record.number) <= after);
                Some(json!({ "ShardIterator": format!("{nth}/{at}/{index}") }))
            }
            "GetRecords" => {
                let place = body["ShardIterator"].as_str()?;
                let place: Vec<usize> = place.split('/').map(|part| part.parse().unwrap()).collect();
                Some(records(&self.streams[place[0]].shards[place[1]], &place))
            }
            _ => None,
        }
    }
}

/// One record of a shard from a place on.
fn records(shard: &Shard, place: &[usize]) -> Value {
    let record = shard.records.get(place[2]);
    let index = place[2] + usize::from(record.is_some());
    let is_over = shard.closed && index == shard.records.len();
    let next = (!is_over).then(|| format!("{}/{}/{index}", place[0], place[1]));
    let shown = |record: &super::stream::Record| {
        let change = &record.raw["dynamodb"];
        // Malformed images are not what the real API returns.
        let image = record.arrival().map(|_| change["NewImage"].clone());
        json!({ "dynamodb": {
            "ApproximateCreationDateTime": change["ApproximateCreationDateTime"],
            "SequenceNumber": record.digits,
            "NewImage": image,
        } })
    };
    json!({ "Records": record.map(shown).into_iter().collect::<Value>(), "NextShardIterator": next })
}
