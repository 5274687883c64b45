//! What becomes of a request, and what the weather is like.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::wire::Answer;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out and answered.
    Fine,
    /// It is carried out, and the answer gets lost.
    AnswerLost,
    /// It does not arrive.
    RequestLost,
    /// It is refused, for now.
    Throttled,
    /// It is carried out, and the answer says that something went wrong.
    Doubtful,
    /// Some of what it holds is done and some is not.
    InPart,
}

/// How often what goes wrong: in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Requests that meet one of the other fates, each.
    pub requests: u32,
    /// Weights of what befalls whole invocations.
    pub invocations: u32,
}

impl Weather {
    /// Fair, fresh or foul.
    pub fn any(rng: &mut StdRng) -> Self {
        let of = |rng: &mut StdRng, of: [u32; 4]| of[rng.random_range(0..4)];
        Self { requests: of(rng, [0, 15, 30, 80]), invocations: of(rng, [0, 4, 10, 25]) }
    }

    /// What becomes of a request.
    pub fn fate(self, rng: &mut StdRng, operation: &str) -> Fate {
        let fates = [Fate::AnswerLost, Fate::RequestLost, Fate::Throttled, Fate::Doubtful, Fate::InPart];
        let roll: u32 = rng.random_range(0..1000);
        let nth = roll.checked_div(self.requests).map_or(fates.len(), |nth| nth as usize);
        match fates.get(nth) {
            Some(Fate::InPart) if !operation.starts_with("Batch") => Fate::Throttled,
            Some(fate) => *fate,
            None => Fate::Fine,
        }
    }
}

/// A refusal for now, of one of the kinds that there are.
pub fn refusal(rng: &mut StdRng) -> Answer {
    let (status, name) = [
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (400, "RequestLimitExceeded"),
        (503, "ServiceUnavailable"),
        (500, "InternalServerError"),
    ][rng.random_range(0..5)];
    error(status, name)
}

/// An answer that says neither yes nor no.
pub fn doubtful() -> Answer {
    error(500, "InternalServerError")
}

/// An answer that does not come.
pub fn silence(rng: &mut StdRng) -> Answer {
    if rng.random() { Answer::Broken } else { Answer::TimedOut }
}

fn error(status: u16, name: &str) -> Answer {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{name}");
    Answer::Reply(status, json!({ "__type": kind, "message": "simulated" }).to_string())
}

/// Carries out a part of a batch by way of `execute`, and answers for all of it.
pub fn in_part(
    rng: &mut StdRng,
    operation: &str,
    body: &Value,
    execute: impl FnMut(&Value) -> (u16, String),
) -> Answer {
    if operation == "BatchGetItem" {
        keys_in_part(rng, body, execute)
    } else {
        statements_in_part(rng, body, execute)
    }
}

/// Of some statements it is said that they were not carried out; some of those were.
fn statements_in_part(
    rng: &mut StdRng,
    body: &Value,
    mut execute: impl FnMut(&Value) -> (u16, String),
) -> Answer {
    let statements = body["Statements"].as_array().unwrap();
    let fates: Vec<u32> = statements.iter().map(|_| rng.random_range(0..4)).collect();
    let mut request = body.clone();
    let carried = statements.iter().zip(&fates).filter(|(_, fate)| **fate > 0).map(|(one, _)| one.clone());
    request["Statements"] = carried.collect();
    let mut answers = Vec::new();
    if fates.iter().any(|fate| *fate > 0) {
        let (status, answer) = execute(&request);
        if status != 200 {
            return Answer::Reply(status, answer);
        }
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answers.clone_from(answer["Responses"].as_array().unwrap());
    }
    let mut answers = answers.into_iter();
    let codes =
        ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", "RequestLimitExceeded"];
    let refused = |code: &str| json!({ "Error": { "Code": code, "Message": "simulated" } });
    let mut one = |fate: u32| match fate {
        0 => refused(codes[rng.random_range(0..codes.len())]),
        1 => answers.next().map(|_| refused("InternalServerError")).unwrap(),
        _ => answers.next().unwrap(),
    };
    let all: Vec<_> = fates.into_iter().map(&mut one).collect();
    Answer::Reply(200, json!({ "Responses": all }).to_string())
}

/// Some keys are left over.
fn keys_in_part(rng: &mut StdRng, body: &Value, mut execute: impl FnMut(&Value) -> (u16, String)) -> Answer {
    let (table, wanted) = body["RequestItems"].as_object().unwrap().iter().next().unwrap();
    let keys = wanted["Keys"].as_array().unwrap();
    let taken = rng.random_range(0..keys.len());
    let mut left = wanted.clone();
    left["Keys"] = json!(keys[taken..]);
    let mut answer = json!({ "Responses": { table: [] }, "UnprocessedKeys": {} });
    if taken > 0 {
        let mut request = body.clone();
        request["RequestItems"][table]["Keys"] = json!(keys[..taken]);
        let (status, got) = execute(&request);
        if status != 200 {
            return Answer::Reply(status, got);
        }
        answer = serde_json::from_str(&got).unwrap();
    }
    answer["UnprocessedKeys"] = json!({ table: left });
    Answer::Reply(200, answer.to_string())
}
