//! Several writes, of one table or of several: all are applied or none.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use futures::FutureExt;

use super::error::failed;
use super::{Table, Write};
use crate::error::{Error, Result};

/// The outcome of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactOutcome {
    Committed,
    /// Nothing was written: the conditions of these writes, by their position, did not hold.
    ConditionsFailed(Vec<usize>),
    /// Nothing was written: another writer had one of the items at the same time.
    Conflict,
    /// Nothing was written: a table is over its throughput.
    Throttled,
}

impl TransactOutcome {
    /// Whether the transaction was committed; not, where another writer came first.
    pub fn committed(self) -> Result<bool> {
        match self {
            Self::Committed => Ok(true),
            Self::ConditionsFailed(_) | Self::Conflict => Ok(false),
            Self::Throttled => Err(Error::Unavailable("TransactWriteItems: throttled".to_owned())),
        }
    }
}

impl Table {
    /// Sends writes of this table, and of others, as one transaction. DynamoDB takes 100 writes and 4 MB.
    pub async fn transact(&self, writes: Vec<Write<'_>>) -> Result<TransactOutcome> {
        let items: Result<Vec<_>> = writes.into_iter().map(Write::into_transact_item).collect();
        let done = self
            .connection
            .client
            .transact_write_items()
            .set_transact_items(Some(items?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .boxed()
            .await;
        let error = match done {
            Ok(done) => {
                self.connection.meter.write(done.consumed_capacity());
                return Ok(TransactOutcome::Committed);
            }
            Err(error) => error,
        };
        self.connection.meter.write(None);
        let outcome = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                let reasons = canceled.cancellation_reasons().iter();
                outcome(reasons.map(|reason| reason.code().unwrap_or("None")))
            }
            _ => None,
        };
        outcome.ok_or_else(|| failed("TransactWriteItems", &error))
    }
}

/// The outcome that the cancellation reasons of all writes amount to; none where one of them is a real failure.
fn outcome<'a>(codes: impl Iterator<Item = &'a str>) -> Option<TransactOutcome> {
    let (mut failed, mut throttled) = (Vec::new(), false);
    for (position, code) in codes.enumerate() {
        match code {
            "None" | "TransactionConflict" => {}
            "ConditionalCheckFailed" => failed.push(position),
            "ThrottlingError" | "ProvisionedThroughputExceeded" => throttled = true,
            _ => return None,
        }
    }
    Some(match (failed.is_empty(), throttled) {
        (false, _) => TransactOutcome::ConditionsFailed(failed),
        (true, true) => TransactOutcome::Throttled,
        (true, false) => TransactOutcome::Conflict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_names_failed_conditions_before_any_other_reason() {
        let outcome = |codes: &[&str]| outcome(codes.iter().copied());
        let failed = |positions: &[usize]| Some(TransactOutcome::ConditionsFailed(positions.to_vec()));
        assert_eq!(outcome(&["None", "ConditionalCheckFailed", "ThrottlingError"]), failed(&[1]));
        assert_eq!(outcome(&["TransactionConflict", "None"]), Some(TransactOutcome::Conflict));
        assert_eq!(
            outcome(&["TransactionConflict", "ProvisionedThroughputExceeded"]),
            Some(TransactOutcome::Throttled)
        );
        assert_eq!(outcome(&["ConditionalCheckFailed", "ValidationError"]), None);
    }
}
