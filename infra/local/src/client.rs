//! Calls functions of a stack that runs elsewhere, by Lambda's Invoke API.

use reqwest::StatusCode;
use serde_json::Value;

use crate::error::{Error, Result};

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// Nothing listens there.
    NotRunning,
    /// Anything else, the function's own failure included.
    Other(Error),
}

/// What the function `name` of the stack at the URL `stack` answers to `event`, however long it takes.
pub async fn invoke(stack: &str, name: &str, event: &Value) -> Result<Value, Failure> {
    let failed = |error: reqwest::Error| {
        if error.is_connect() {
            return Failure::NotRunning;
        }
        Failure::Other(Error::caused(format_args!("{stack} does not answer"), error))
    };
    // Whatever proxy the environment names, it is not between this machine and itself.
    let client = reqwest::Client::builder().no_proxy().build().map_err(failed)?;
    let request = client.post(format!("{stack}/2015-03-31/functions/{name}/invocations"));
    let response = request.body(event.to_string()).send().await.map_err(failed)?;
    let status = response.status();
    let is_error = response.headers().contains_key("x-amz-function-error");
    let body = response.bytes().await.map_err(failed)?;
    read(name, status, is_error, &body).map_err(Failure::Other)
}

/// Whether a day's sums were not what its events come to. An answer of `reconcile` that does not say that all is
/// well says that something is not.
pub fn has_drifted(answer: &Value) -> bool {
    answer["drift"].as_u64() != Some(0)
}

/// The answer that a response of the API carries.
fn read(name: &str, status: StatusCode, is_error: bool, body: &[u8]) -> Result<Value> {
    let text = String::from_utf8_lossy(body);
    let answer = serde_json::from_slice::<Value>(body).ok().filter(|_| status.is_success());
    let answer = answer.ok_or_else(|| Error::new(format!("{name} was answered {status}: {text}")))?;
    if is_error {
        let why = answer["errorMessage"].as_str().unwrap_or(&text);
        return Err(Error::new(format!("{name} failed: {why}")));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_answer_of_the_function_is_one() {
        let read = |status, is_error, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            read("f", status, is_error, body.as_bytes()).map_err(|error| error.to_string())
        };
        assert_eq!(read(200, false, r#"{"drift":0}"#), Ok(json!({ "drift": 0 })));
        assert_eq!(read(200, false, "null"), Ok(Value::Null));
        assert_eq!(
            read(200, true, r#"{"errorMessage":"no","errorType":"T"}"#),
            Err("f failed: no".to_owned())
        );
        assert_eq!(read(200, true, "{}"), Err("f failed: {}".to_owned()));
        assert_eq!(read(200, false, "<html>"), Err("f was answered 200 OK: <html>".to_owned()));
        assert_eq!(read(404, false, "{}"), Err("f was answered 404 Not Found: {}".to_owned()));
    }

    #[test]
    fn only_a_drift_of_nothing_is_none() {
        assert!(!has_drifted(&json!({ "drift": 0, "events": 3 })));
        for drifted in
            [json!({ "drift": 1 }), json!({ "drift": -1 }), json!({ "drift": "0" }), json!({}), json!(0)]
        {
            assert!(has_drifted(&drifted), "{drifted}");
        }
    }
}
