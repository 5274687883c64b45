//! Invokes functions of a stack that runs in another process, through Lambda's Invoke API.

use reqwest::StatusCode;
use serde_json::Value;

use crate::error::{Error, Result};

/// The reason why an invocation has no response.
#[derive(Debug)]
pub enum InvokeError {
    /// Nothing listens at the URL.
    NotRunning,
    /// Anything else, including a failure of the function itself.
    Other(Error),
}

/// Invokes the function `name` of the stack at the URL `stack` and waits for its response without a timeout.
pub async fn invoke(stack: &str, name: &str, event: &Value) -> Result<Value, InvokeError> {
    let failed = |error: reqwest::Error| {
        if error.is_connect() {
            return InvokeError::NotRunning;
        }
        InvokeError::Other(Error::caused(format_args!("{stack} does not respond"), error))
    };
    // A proxy from the environment must not be used for this machine itself.
    let client = reqwest::Client::builder().no_proxy().build().map_err(failed)?;
    let request = client.post(format!("{stack}/2015-03-31/functions/{name}/invocations"));
    let response = request.body(event.to_string()).send().await.map_err(failed)?;
    let status = response.status();
    let is_error = response.headers().contains_key("x-amz-function-error");
    let body = response.bytes().await.map_err(failed)?;
    read(name, status, is_error, &body).map_err(InvokeError::Other)
}

/// Whether `reconcile` found a drift. A response that does not explicitly say 0 counts as drift.
pub fn has_drifted(response: &Value) -> bool {
    response["drift"].as_u64() != Some(0)
}

/// Reads the function's response from a response of the API.
fn read(name: &str, status: StatusCode, is_error: bool, body: &[u8]) -> Result<Value> {
    let text = String::from_utf8_lossy(body);
    let payload = serde_json::from_slice::<Value>(body).ok().filter(|_| status.is_success());
    let payload = payload.ok_or_else(|| Error::new(format!("invoking {name} returned {status}: {text}")))?;
    if is_error {
        let why = payload["errorMessage"].as_str().unwrap_or(&text);
        return Err(Error::new(format!("{name} failed: {why}")));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_successful_json_response_is_read() {
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
        assert_eq!(read(200, false, "<html>"), Err("invoking f returned 200 OK: <html>".to_owned()));
        assert_eq!(read(404, false, "{}"), Err("invoking f returned 404 Not Found: {}".to_owned()));
    }

    #[test]
    fn only_an_explicit_zero_is_no_drift() {
        assert!(!has_drifted(&json!({ "drift": 0, "events": 3 })));
        for drifted in
            [json!({ "drift": 1 }), json!({ "drift": -1 }), json!({ "drift": "0" }), json!({}), json!(0)]
        {
            assert!(has_drifted(&drifted), "{drifted}");
        }
    }
}
