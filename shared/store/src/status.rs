//! How the system is: how far each lane of the events has been added up, and what is in the quarantine.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError as Refusal;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive;

use super::keys::{LANES, SK, VERSION, status};
use super::quarantine::{self, Summary};
use super::{Item, Store, decode, failed, key_attributes, version};
use crate::error::{Error, Result};

/// How the system is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Of each lane, the newest arrival that has been added up; none before the first.
    pub newest: [Option<DateTime<Utc>>; LANES as usize],
    /// What is in the quarantine.
    pub quarantine: Summary,
}

impl Store {
    /// How the system is: one call, two small items.
    pub async fn status(&self) -> Result<Status> {
        let items =
            self.get_all(&self.tables().usage, &[status::lanes(), status::quarantine_summary()]).await?;
        let find = |sk: String| items.iter().find(|item| decode::text(item, SK) == Some(&sk)).cloned();
        let lanes = find(status::lanes().sk).unwrap_or_default();
        let summary = find(status::quarantine_summary().sk).unwrap_or_default();
        let mut newest = [None; LANES as usize];
        for (lane, newest) in (0..LANES).zip(&mut newest) {
            *newest = arrival(&lanes, lane)?;
        }
        Ok(Status { newest, quarantine: quarantine::summary(&summary)? })
    }

    /// Notes the newest arrivals that have been added up, by lane. What is noted only moves forward.
    pub async fn note_progress(&self, newest: &BTreeMap<u8, DateTime<Utc>>) -> Result<()> {
        let mut newest: BTreeMap<_, _> =
            newest.iter().map(|(lane, newest)| (*lane, newest.timestamp_millis())).collect();
        while !newest.is_empty() {
            let Some(stored) = self.write_progress(&newest).await? else { return Ok(()) };
            let wanted = newest.len();
            for lane in 0..LANES {
                let known = arrival(&stored, lane)?.map(|known| known.timestamp_millis());
                if newest.get(&lane).is_some_and(|newest| known >= Some(*newest)) {
                    newest.remove(&lane);
                }
            }
            if newest.len() == wanted {
                return Err(Error::Internal("lanes were refused that are not as far".to_owned()));
            }
        }
        Ok(())
    }

    /// Writes these lanes if each moves forward, else gives what is stored.
    async fn write_progress(&self, newest: &BTreeMap<u8, i64>) -> Result<Option<Item>> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(&status::lanes())))
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":v", version::attribute())
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let (mut set, mut forward) = (vec!["#v = :v".to_owned()], Vec::new());
        for (lane, newest) in newest {
            update = update
                .expression_attribute_names(format!("#{lane}"), status::lane_column(*lane))
                .expression_attribute_values(format!(":{lane}"), AttributeValue::N(newest.to_string()));
            set.push(format!("#{lane} = :{lane}"));
            forward.push(format!("(attribute_not_exists(#{lane}) OR #{lane} < :{lane})"));
        }
        let update = update.update_expression(format!("SET {}", set.join(",")));
        match update.condition_expression(forward.join(" AND ")).send().await {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                Ok(None)
            }
            Err(error) => {
                self.meter.write(None);
                match error.as_service_error() {
                    Some(Refusal::ConditionalCheckFailedException(refused)) => {
                        Ok(Some(refused.item.clone().unwrap_or_default()))
                    }
                    _ => Err(failed("UpdateItem", &error)),
                }
            }
        }
    }
}

fn arrival(item: &Item, lane: u8) -> Result<Option<DateTime<Utc>>> {
    let Some(value) = item.get(&status::lane_column(lane)) else { return Ok(None) };
    let milliseconds = decode::number(value).and_then(|milliseconds| milliseconds.to_i64());
    let arrival = milliseconds.and_then(DateTime::from_timestamp_millis);
    arrival.map(Some).ok_or_else(|| Error::Internal(format!("lane {lane} is at an odd time")))
}
