use std::future::pending;
use std::net::Ipv4Addr;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::*;
use crate::template::{Function, Route};

fn gateway() -> Gateway {
    let router = Router::new()
        .route("/slow", get(|| async { sleep(Duration::from_millis(400)).await }))
        .fallback(|| async { StatusCode::NO_CONTENT });
    let route = Route { method: "ANY".to_owned(), path: "$default".to_owned() };
    let function = crate::testing::function("one", "one", Duration::from_secs(5));
    Gateway::new([(Function { routes: vec![route], ..function }, router)])
}

/// Serves until the sender is dropped.
async fn serving(limits: Limits) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stop_requested = async move { drop(stopped.await) };
    (address, stop, tokio::spawn(serve(Arc::new(gateway()), limits, listener, stop_requested)))
}

/// All bytes that the server sends on a connection until it closes it.
async fn exchange(address: SocketAddr, sent: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(sent).await.unwrap();
    let mut received = Vec::new();
    // The server may close before it has read everything.
    let _ = connection.read_to_end(&mut received).await;
    String::from_utf8(received).unwrap()
}

fn parsed(response: &str) -> (u16, Value) {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{response:?}"));
    assert!(head.to_ascii_lowercase().contains("content-type: application/json"), "{head}");
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn what_is_not_http_is_refused_in_the_usual_format() {
    let (address, _stop, _) = serving(Limits::default()).await;
    let many = "x: 1\r\n".repeat(200);
    let close = "connection: close\r\n";
    for (request, status, detail) in [
        ("GET /\u{1} HTTP/1.1\r\n\r\n".to_owned(), 400, "The request is not valid HTTP."),
        ("nonsense\r\n\r\n".to_owned(), 400, "The request is not valid HTTP."),
        (
            format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(70_000)),
            414,
            "The path and query are too long.",
        ),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), 431, "The headers are larger than 10 KiB."),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\n{close}x: {}\r\n\r\n", "a".repeat(11_000)),
            431,
            "The headers are larger than 10 KiB.",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n".to_owned(),
            400,
            "The body is not whole.",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(),
            501,
            "The only transfer coding is chunked.",
        ),
    ] {
        let response = exchange(address, request.as_bytes()).await;
        assert_eq!(parsed(&response), (status, json!({ "detail": detail })), "{}", &request[..20]);
    }
    let good = format!("GET / HTTP/1.1\r\nhost: a\r\n{close}\r\n");
    assert!(exchange(address, good.as_bytes()).await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn a_request_that_does_not_arrive_is_given_up() {
    let short = Duration::from_millis(100);
    let (address, _stop, _) = serving(Limits { head: short, body: short, ..Limits::default() }).await;
    let began = Instant::now();
    assert_eq!(exchange(address, b"GET / HTTP/1.1\r\nhost:").await, "");
    let body = exchange(address, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx").await;
    assert_eq!(parsed(&body), (408, json!({ "detail": "The request did not arrive in time." })));
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_request_beyond_the_limit_is_refused_soon_and_the_next_is_answered() {
    let limits = Limits { in_flight: 2, wait: Duration::from_millis(50), ..Limits::default() };
    let (address, _stop, _) = serving(limits).await;
    let request = b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let ask = move || async move { exchange(address, request).await };
    let storm: Vec<_> = (0..10).map(|_| tokio::spawn(ask())).collect();
    let mut refused = 0;
    for response in storm {
        let response = response.await.unwrap();
        if response.starts_with("HTTP/1.1 200") {
            continue;
        }
        assert_eq!(parsed(&response), (429, json!({ "detail": "Too many requests. Try again later." })));
        assert!(response.contains("retry-after: 1"), "{response}");
        refused += 1;
    }
    assert_eq!(refused, 8);
    assert!(ask().await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn requests_in_flight_are_finished_and_idle_connections_closed() {
    let (address, stop, served) = serving(Limits::default()).await;
    let idle = TcpStream::connect(address).await.unwrap();
    let asked = tokio::spawn(async move {
        exchange(address, b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await
    });
    sleep(Duration::from_millis(100)).await;
    drop(stop);
    assert!(asked.await.unwrap().starts_with("HTTP/1.1 200"));
    tokio::select! {
        served = served => served.unwrap().unwrap(),
        () = sleep(Duration::from_secs(3)) => pending().await,
    }
    drop(idle);
}
