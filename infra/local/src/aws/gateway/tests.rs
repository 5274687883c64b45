use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, SET_COOKIE};
use lambda_http::{RequestExt, request::RequestContext};
use serde_json::{Value, json};

use super::*;
use crate::template::Route;

/// Responds with what the function received.
async fn echo(request: Request) -> Response<Body> {
    let context = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => serde_json::to_value(context).unwrap(),
        _ => Value::Null,
    };
    let left = i64::try_from(request.lambda_context_ref().unwrap().deadline).unwrap();
    let left = left - Clock::system().now().timestamp_millis();
    let parameters = request.path_parameters_ref().unwrap().iter();
    let parameters: Vec<_> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
    let header =
        |(name, value): (&http::HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    let mut received = json!({
        "line": format!("{} {}", request.method(), request.uri()),
        "headers": request.headers().iter().map(header).collect::<Vec<_>>(),
        "parameters": parameters,
        "routeKey": context["routeKey"],
        "ip": context["http"]["sourceIp"],
        "in_time": (0..=500).contains(&left),
    });
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    received["body"] = json!(body.to_vec());
    let mut response = Response::new(Body::from(received.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().append(SET_COOKIE, HeaderValue::from_static("a=1"));
    response.headers_mut().append(SET_COOKIE, HeaderValue::from_static("b=2"));
    response
}

fn function(binary: &str, routes: &[(&str, &str)]) -> Function {
    let route = |(method, path): &(&str, &str)| Route { method: (*method).into(), path: (*path).into() };
    let function = crate::testing::function(binary, binary, Duration::from_millis(500));
    Function { routes: routes.iter().map(route).collect(), ..function }
}

fn gateway() -> Gateway {
    let one = Router::new()
        .route("/v1/{id}", post(echo).get(echo))
        .route("/v1/slow", get(|| tokio::time::sleep(Duration::from_mins(1))))
        .route("/v1/panic", get(|| async { panic!("on purpose") as () }))
        .route("/v1/binary", get(|| async { vec![0_u8, 255] }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "one") });
    let two = Router::new().fallback(|| async { (StatusCode::NOT_FOUND, "two") });
    Gateway::new([
        (function("one", &[("POST", "/v1/{id}"), ("GET", "/v1/{id}")]), one),
        (function("two", &[("GET", "/v2/a/b")]), two),
    ])
}

async fn ask(method: &str, uri: &str, headers: &[(http::HeaderName, &str)], body: &[u8]) -> Response<Bytes> {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    gateway().call(request.body(Bytes::copy_from_slice(body)).unwrap()).await
}

fn received_body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn a_request_reaches_the_function_as_it_was_sent() {
    let two = http::HeaderName::from_static("x-two");
    let headers = [(two.clone(), "1"), (two, "2"), (COOKIE, "a=1; b=2")];
    let response = ask("POST", "/v1/a%20b?q=1&q=%2B2", &headers, b"{}").await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookies: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert!(response.headers().contains_key("apigw-requestid"));
    let received = received_body(&response);
    assert_eq!(received["line"], "POST http://localhost/v1/a%20b?q=1&q=%2B2");
    assert_eq!(received["parameters"], json!(["id=a b"]));
    assert_eq!(received["routeKey"], "POST /v1/{id}");
    assert_eq!(received["ip"], "127.0.0.1");
    assert_eq!(received["in_time"], true);
    assert_eq!(received["body"], json!(b"{}"));
    for header in ["x-two: 1,2", "cookie: a=1; b=2", "host: localhost", "x-forwarded-for: 127.0.0.1"] {
        assert!(received["headers"].as_array().unwrap().contains(&json!(header)), "{header}");
    }
}

#[tokio::test]
async fn any_bytes_reach_the_function() {
    for (content_type, encoding, body) in [
        ("application/json", "gzip", &b"\x1f\x8b\x00\xff"[..]),
        ("application/cloudevents+json", "identity", b"{}"),
        ("application/octet-stream", "identity", b"\x00\xff"),
        ("text/plain; charset=utf-8", "identity", "\u{e9}".as_bytes()),
    ] {
        let headers = [(CONTENT_TYPE, content_type), (CONTENT_ENCODING, encoding)];
        assert_eq!(
            received_body(&ask("POST", "/v1/x", &headers, body).await)["body"],
            json!(body),
            "{content_type}"
        );
    }
    assert_eq!(ask("GET", "/v1/binary", &[], b"").await.body().as_ref(), [0, 255]);
}

#[test]
fn only_api_gateways_text_types_are_sent_as_text() {
    for (content_type, text) in [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("text/csv", true),
        ("application/cloudevents+json", false),
        ("application/cloudevents-batch+json", false),
        ("", false),
    ] {
        let request = http::Request::builder().header(CONTENT_TYPE, content_type).body(()).unwrap();
        let info = super::RequestInfo {
            route_key: String::new(),
            path: "/".to_owned(),
            path_parameters: [].into(),
            id: String::new(),
            time: Clock::system().now(),
        };
        let event = event::event(&request.into_parts().0, &Bytes::from_static(b"{}"), &info);
        assert_eq!(event["isBase64Encoded"], !text, "{content_type}");
        assert_eq!(event["body"], if text { "{}" } else { "e30=" });
    }
}

#[tokio::test]
async fn a_request_without_a_route_goes_to_the_default_function() {
    let call = async |gateway: &Gateway, method, path| {
        let request = http::Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
        let response = gateway.call(request).await;
        (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
    };
    let without = gateway();
    for path in ["/v1/a/b", "/v2/a/c", "/"] {
        let not_found = (404, r#"{"detail":"Not Found"}"#.to_owned());
        assert_eq!(call(&without, "GET", path).await, not_found, "{path}");
    }
    let router = Router::new().fallback(|request: Request| async move {
        (StatusCode::NOT_FOUND, format!("{} {}", request.method(), request.uri().path()))
    });
    let with = Gateway::new([(function("three", &[("ANY", "$default"), ("GET", "/v1/{id}")]), router)]);
    for (method, path) in [("GET", "/v1/a/b"), ("PUT", "/v1/a"), ("GET", "/")] {
        assert_eq!(call(&with, method, path).await, (404, format!("{method} {path}")));
    }
}

#[tokio::test]
async fn what_lambda_refuses_is_refused() {
    let text = [(CONTENT_TYPE, "text/plain")];
    let large = ask("POST", "/v1/x", &text, &vec![b'x'; MAX_PAYLOAD_BYTES]).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Base64 makes it a third larger.
    let binary = ask("POST", "/v1/x", &[], &vec![b'x'; MAX_PAYLOAD_BYTES / 4 * 3 + 3]).await;
    assert_eq!(binary.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let router = Router::new()
        .route("/under", get(|| async { "x".repeat(MAX_PAYLOAD_BYTES - 1_000) }))
        .route("/over", get(|| async { "x".repeat(MAX_PAYLOAD_BYTES) }))
        .route("/escaped", get(|| async { "\\".repeat(MAX_PAYLOAD_BYTES / 2) }));
    let gateway = Gateway::new([(function("one", &[("ANY", "$default")]), router)]);
    for (path, status) in [("/under", 200), ("/over", 500), ("/escaped", 500)] {
        let request = http::Request::builder().uri(path).body(Bytes::new()).unwrap();
        assert_eq!(gateway.call(request).await.status(), status, "{path}");
    }
    let long = ask("GET", "/v1/x", &[(http::header::ACCEPT, &*"x".repeat(MAX_HEAD_BYTES))], b"").await;
    assert_eq!(long.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_read_responses() {
    use http::header::{ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN};
    let cors = Cors::new(&["http://localhost:3000".to_owned()]);
    let gateway = gateway().with_cors(cors);
    let call = async |method, origin: &str| {
        let request = http::Request::builder().method(method).uri("/v1/x").header(ORIGIN, origin);
        let request = request.header("access-control-request-method", "GET").body(Bytes::new()).unwrap();
        gateway.call(request).await.headers().clone()
    };
    let (read, asked) =
        (call("GET", "http://localhost:3000").await, call("OPTIONS", "http://localhost:3000").await);
    assert_eq!(read[ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000");
    assert!(!read.contains_key(ACCESS_CONTROL_ALLOW_METHODS));
    assert_eq!(asked[ACCESS_CONTROL_ALLOW_METHODS], cors::ALLOW_METHODS);
    for other in ["http://localhost:3001", "null", "http://localhost:3000.example.com"] {
        assert!(!call("OPTIONS", other).await.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{other}");
    }
}

#[tokio::test]
async fn a_failed_function_does_not_leak_its_error() {
    let (status, body) = {
        let response = ask("GET", "/v1/slow", &[], b"").await;
        (response.status(), received_body(&response))
    };
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, json!({ "detail": "The service cannot answer now. Try again." }));
    let response = ask("GET", "/v1/panic", &[], b"").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!String::from_utf8_lossy(response.body()).contains("purpose"));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let big = vec![b'x'; MAX_BODY_BYTES + 1];
    let response = ask("POST", "/v1/x", &[(CONTENT_TYPE, "text/plain")], &big).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(received_body(&response), json!({ "detail": "The body is larger than 10 MiB." }));
}

#[tokio::test]
async fn an_invalid_host_is_refused() {
    for (host, status) in [
        ("a:80", 200),
        ("[::1]:80", 200),
        ("a b", 400),
        ("a:99999", 400),
        ("[::", 400),
        ("[]", 400),
        ("1.2.3.4.5", 400),
    ] {
        assert_eq!(ask("GET", "/v1/x", &[(http::header::HOST, host)], b"").await.status(), status, "{host}");
    }
}
