use std::sync::Arc;
use std::time::Duration;

use http::Request;

use super::*;
use crate::aws::invoke::Handler;
use crate::testing::lambda;

fn api() -> InvokeApi {
    let handler: Handler = Arc::new(|event| {
        Box::pin(async move {
            match event["do"].as_str() {
                Some("fail") => Err("no".into()),
                Some("panic") => panic!("on purpose"),
                Some("wait") => std::future::pending().await,
                _ => Ok(json!({ "got": event })),
            }
        })
    });
    InvokeApi::new(vec![lambda("NightlyFunction", "nightly", Duration::from_millis(20), handler)])
}

const PATH: &str = "/2015-03-31/functions/nightly/invocations";

async fn ask(uri: &str, headers: &[(HeaderName, &str)], body: &[u8]) -> Option<Response<Bytes>> {
    let mut request = Request::post(uri);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    api().handle(&parts, &Bytes::copy_from_slice(body)).await
}

/// Returns the status, the error's type and the body.
async fn parsed(uri: &str, headers: &[(HeaderName, &str)], body: &[u8]) -> (u16, String, Value) {
    let response = ask(uri, headers, body).await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert!(response.headers().contains_key(REQUEST_ID));
    let kind = response.headers().get(ERROR_TYPE).map_or("", |kind| kind.to_str().unwrap()).to_owned();
    (response.status().as_u16(), kind, serde_json::from_slice(response.body()).unwrap())
}

#[tokio::test]
async fn a_function_is_invoked_by_binary_name_or_logical_id() {
    for name in ["nightly", "NightlyFunction", "nigh%74ly"] {
        let path = format!("/2015-03-31/functions/{name}/invocations?Qualifier=$LATEST");
        let response = ask(&path, &[(INVOCATION_TYPE, "RequestResponse")], br#"{"a":1}"#).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[EXECUTED_VERSION], "$LATEST");
        assert!(!response.headers().contains_key(FUNCTION_ERROR));
        assert_eq!(response.body(), r#"{"got":{"a":1}}"#);
    }
    assert_eq!(parsed(PATH, &[], b"").await.2, json!({ "got": {} }));
}

#[tokio::test]
async fn a_failed_function_is_200_with_its_error() {
    for (what, message) in [
        ("fail", "no"),
        ("panic", "Lambda panicked: on purpose"),
        ("wait", "Task timed out after 0.02 seconds"),
    ] {
        let body = json!({ "do": what }).to_string();
        let response = ask(PATH, &[], body.as_bytes()).await.unwrap();
        assert_eq!(response.status(), 200, "{what}");
        assert_eq!(response.headers()[FUNCTION_ERROR], "Unhandled");
        let error: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(error["errorMessage"], message);
        assert!(!error["errorType"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn refusals_have_lambdas_texts() {
    let unknown = parsed("/2015-03-31/functions/other/invocations", &[], b"{}").await;
    let text = "Function not found: arn:aws:lambda:us-east-1:000000000000:function:other";
    let body = json!({ "Type": "User", "Message": text });
    assert_eq!(unknown, (404, "ResourceNotFoundException".to_owned(), body));
    for wrong in [&b"{"[..], b"{} {}", b"\xff", b" "] {
        let (status, kind, body) = parsed(PATH, &[], wrong).await;
        assert_eq!((status, kind.as_str()), (400, "InvalidRequestContentException"));
        assert!(body["message"].as_str().unwrap().starts_with("Could not parse request body into json: "));
    }
    for kind in ["Event", "DryRun", "event", ""] {
        let (status, kind, _) = parsed(PATH, &[(INVOCATION_TYPE, kind)], b"{}").await;
        assert_eq!((status, kind.as_str()), (400, "InvalidParameterValueException"));
    }
}

#[tokio::test]
async fn a_payload_at_the_limit_is_refused() {
    let text = |length| format!("\"{}\"", "x".repeat(length - 2));
    let largest = parsed(PATH, &[], text(PAYLOAD_LIMIT_BYTES - 1).as_bytes()).await;
    assert_eq!(largest.0, 200);
    let (status, kind, body) = parsed(PATH, &[], text(PAYLOAD_LIMIT_BYTES).as_bytes()).await;
    assert_eq!((status, kind.as_str()), (413, "RequestTooLargeException"));
    assert_eq!(
        body["message"],
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    );
}

#[tokio::test]
async fn web_pages_are_refused() {
    let refused = async |uri: &str, headers: &[(HeaderName, &str)]| {
        let (status, kind, body) = parsed(uri, headers, b"{}").await;
        assert_eq!(status == 403, kind == "AccessDeniedException" && body["Message"].is_string());
        status == 403
    };
    for host in
        ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "127.1.2.3", "[::1]", "[::1]:8080"]
    {
        assert!(!refused(PATH, &[(HOST, host)]).await, "{host}");
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8080",
        "0.0.0.0:8080",
        "10.0.0.1",
        "[::]",
        "[fe80::1]:8080",
        "",
    ] {
        assert!(refused(PATH, &[(HOST, host)]).await, "{host}");
    }
    // Every host that a request names has to be this machine.
    assert!(refused(PATH, &[(HOST, "localhost"), (HOST, "evil.example")]).await);
    assert!(refused(&format!("http://evil.example{PATH}"), &[(HOST, "localhost")]).await);
    assert!(!refused(&format!("http://localhost:8080{PATH}"), &[]).await);
    // A browser sends an origin, even for a page on this port or one with an opaque origin.
    for origin in ["http://evil.example", "http://127.0.0.1:8080", "null", ""] {
        assert!(refused(PATH, &[(HOST, "127.0.0.1:8080"), (ORIGIN, origin)]).await, "{origin}");
    }
}

#[tokio::test]
async fn other_requests_are_ignored() {
    for path in
        ["/2015-03-31/functions/nightly", "/2015-03-31/functions//invocations", "/v1/nightly/invocations"]
    {
        assert!(ask(path, &[], b"{}").await.is_none(), "{path}");
    }
    let (parts, ()) = Request::get(PATH).body(()).unwrap().into_parts();
    assert!(api().handle(&parts, &Bytes::new()).await.is_none());
}
