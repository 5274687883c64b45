//! Faults of requests, how often they occur, and what the SDK gets to see of them.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::wire::SdkResponse;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFate {
    /// It is executed, and its response arrives.
    Success,
    /// It is executed, and its response is lost.
    ResponseLost,
    /// It is lost.
    RequestLost,
    /// It is throttled.
    Throttled,
    /// It is executed, and the response is a server error.
    ErrorAfterExecution,
    /// Only a part of the batch is executed.
    Partial,
    /// It is a query, and its page ends early.
    ShortPage,
    /// It is a write, for which there is no room.
    DiskFull,
}

/// Rates of faults.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultRates {
    /// The rate of each fault of requests, in thousandths.
    pub requests: u32,
    /// The weight of crashes and timeouts of each invocation.
    pub invocations: u32,
}

impl FaultRates {
    /// Random rates, often zero.
    pub fn any(rng: &mut StdRng) -> Self {
        let of = |rng: &mut StdRng, of: [u32; 4]| of[rng.random_range(0..4)];
        Self { requests: of(rng, [0, 15, 30, 80]), invocations: of(rng, [0, 4, 10, 25]) }
    }

    /// A random fate.
    pub fn fate(self, rng: &mut StdRng, operation: &str) -> RequestFate {
        let fates = [
            RequestFate::ResponseLost,
            RequestFate::RequestLost,
            RequestFate::Throttled,
            RequestFate::ErrorAfterExecution,
            RequestFate::Partial,
        ];
        let roll: u32 = rng.random_range(0..1000);
        let nth = roll.checked_div(self.requests).map_or(fates.len(), |nth| nth as usize);
        match fates.get(nth) {
            Some(RequestFate::Partial) if !operation.starts_with("Batch") => RequestFate::Throttled,
            Some(fate) => *fate,
            None if operation == "Query" && roll >= 1000 - 2 * self.requests => RequestFate::ShortPage,
            None => RequestFate::Success,
        }
    }
}

/// Whether an operation changes a table.
pub fn is_write(operation: &str) -> bool {
    !["GetItem", "Query", "BatchGetItem"].contains(&operation)
}

/// A random error that says the request was not executed.
pub fn throttled(rng: &mut StdRng) -> SdkResponse {
    let (status, name) = [
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (400, "RequestLimitExceeded"),
        (503, "ServiceUnavailable"),
        (500, "InternalServerError"),
    ][rng.random_range(0..5)];
    error(status, name)
}

/// An error that leaves open whether the request was executed.
pub fn server_error() -> SdkResponse {
    error(500, "InternalServerError")
}

/// A missing response.
pub fn no_response(rng: &mut StdRng) -> SdkResponse {
    if rng.random() { SdkResponse::Broken } else { SdkResponse::TimedOut }
}

fn error(status: u16, name: &str) -> SdkResponse {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{name}");
    SdkResponse::Http(status, json!({ "__type": kind, "message": "simulated" }).to_string())
}

/// Executes a part of a batch through `execute`, and returns the response for the whole.
pub fn partial(
    rng: &mut StdRng,
    operation: &str,
    body: &Value,
    execute: impl FnMut(&Value) -> (u16, String),
) -> SdkResponse {
    if operation == "BatchGetItem" {
        partial_keys(rng, body, execute)
    } else {
        partial_statements(rng, body, execute)
    }
}

/// Some statements fail, and some of those are executed nevertheless.
fn partial_statements(
    rng: &mut StdRng,
    body: &Value,
    mut execute: impl FnMut(&Value) -> (u16, String),
) -> SdkResponse {
    let statements = body["Statements"].as_array().unwrap();
    let fates: Vec<u32> = statements.iter().map(|_| rng.random_range(0..4)).collect();
    let mut request = body.clone();
    let carried = statements.iter().zip(&fates).filter(|(_, fate)| **fate > 0).map(|(one, _)| one.clone());
    request["Statements"] = carried.collect();
    let mut responses = Vec::new();
    if fates.iter().any(|fate| *fate > 0) {
        let (status, response) = execute(&request);
        if status != 200 {
            return SdkResponse::Http(status, response);
        }
        let response: Value = serde_json::from_str(&response).unwrap();
        responses.clone_from(response["Responses"].as_array().unwrap());
    }
    let mut responses = responses.into_iter();
    let codes =
        ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", "RequestLimitExceeded"];
    let refused = |code: &str| json!({ "Error": { "Code": code, "Message": "simulated" } });
    let mut one = |fate: u32| match fate {
        0 => refused(codes[rng.random_range(0..codes.len())]),
        1 => responses.next().map(|_| refused("InternalServerError")).unwrap(),
        _ => responses.next().unwrap(),
    };
    let all: Vec<_> = fates.into_iter().map(&mut one).collect();
    SdkResponse::Http(200, json!({ "Responses": all }).to_string())
}

/// Some keys remain unprocessed.
fn partial_keys(
    rng: &mut StdRng,
    body: &Value,
    mut execute: impl FnMut(&Value) -> (u16, String),
) -> SdkResponse {
    let (table, wanted) = body["RequestItems"].as_object().unwrap().iter().next().unwrap();
    let keys = wanted["Keys"].as_array().unwrap();
    let taken = rng.random_range(0..keys.len());
    let mut left = wanted.clone();
    left["Keys"] = json!(keys[taken..]);
    let mut response = json!({ "Responses": { table: [] }, "UnprocessedKeys": {} });
    if taken > 0 {
        let mut request = body.clone();
        request["RequestItems"][table]["Keys"] = json!(keys[..taken]);
        let (status, got) = execute(&request);
        if status != 200 {
            return SdkResponse::Http(status, got);
        }
        response = serde_json::from_str(&got).unwrap();
    }
    response["UnprocessedKeys"] = json!({ table: left });
    SdkResponse::Http(200, response.to_string())
}
