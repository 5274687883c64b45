//! Receivers that fail in various ways.

use std::time::Duration;

use ledger::alert::{DeliveryFailure, RetryAdvice};
use tokio::net::TcpListener;
use webhook::{MAX_RESPONSE_BYTES, Policy, Sent, Webhooks};

use super::{LOCAL, Names, SECRET, SHORT, send};
use crate::support::receiver::{Receiver, Reply};

const AGAIN: RetryAdvice = RetryAdvice::Retry { after: None };

/// The outcome of one message to a receiver with this reply.
async fn sent(reply: Reply) -> Result<Sent, DeliveryFailure> {
    let receiver = Receiver::start().await;
    receiver.answers(reply);
    let sent = send(&Webhooks::new(LOCAL).unwrap(), &receiver.url()).await;
    assert_eq!(
        (receiver.connections(), receiver.received().len()),
        (1, 1),
        "nothing is tried again by itself"
    );
    sent
}

/// The detail of a failure, after checking that it reveals no secret.
fn detail(failure: &DeliveryFailure) -> &str {
    let detail = &failure.detail;
    for secret in ["sesame", "hook", SECRET, &SECRET[6..]] {
        assert!(!detail.contains(secret), "{detail} shows {secret}");
    }
    assert!(
        !detail.is_empty() && detail.chars().count() <= 300 && !detail.contains(char::is_control),
        "{detail}"
    );
    detail
}

#[tokio::test]
async fn every_2xx_is_delivered_and_no_other_status_is() {
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(sent(Reply::Status(status)).await, Ok(Sent { status }));
    }
    for status in [300, 400, 401, 403, 404, 408, 425, 429, 500, 502, 503, 504] {
        let failure = sent(Reply::Status(status)).await.unwrap_err();
        assert_eq!((failure.advice, failure.status), (AGAIN, Some(status)));
        assert!(detail(&failure).starts_with(&format!("The receiver answered {status}")), "{failure}");
    }
    let gone = sent(Reply::Status(410)).await.unwrap_err();
    assert_eq!((gone.advice, gone.status), (RetryAdvice::Gone, Some(410)));
}

#[tokio::test]
async fn retry_after_is_respected() {
    for status in [429, 503] {
        let reply = Reply::With(status, vec![("retry-after", "90".to_owned())], String::new());
        let failure = sent(reply).await.unwrap_err();
        assert_eq!(failure.advice, RetryAdvice::Retry { after: Some(Duration::from_secs(90)) });
    }
}

#[tokio::test]
async fn the_detail_quotes_the_beginning_of_the_response() {
    let html = "<html>\r\n<title>Bad\u{202e} Gateway</title>".to_owned() + &"x".repeat(100_000);
    let failure = sent(Reply::With(502, vec![], html)).await.unwrap_err();
    assert!(
        detail(&failure).starts_with("The receiver answered 502: <html> <title>Bad Gateway</title>xxx"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_hanging_receiver_times_out() {
    for reply in [Reply::Hang, Reply::Trickle] {
        let receiver = Receiver::start().await;
        receiver.answers(reply);
        let failure = send(&Webhooks::new(SHORT).unwrap(), &receiver.url()).await.unwrap_err();
        assert_eq!((failure.advice, failure.status), (AGAIN, None));
        assert_eq!(detail(&failure), "The receiver did not answer within 300ms.");
    }
    // A TLS handshake times out, too: this server accepts connections and sends nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/", silent.local_addr().unwrap().port());
    let failure = send(&Webhooks::new(SHORT).unwrap(), &url).await.unwrap_err();
    assert_eq!((failure.advice, detail(&failure)), (AGAIN, "The receiver did not answer within 300ms."));
}

#[tokio::test]
async fn the_status_counts_even_if_the_body_never_comes() {
    for status in [200, 500] {
        let receiver = Receiver::start().await;
        receiver.answers(Reply::HangAmidBody(status));
        // Enough time for the status to arrive.
        let policy = Policy { timeout: Duration::from_secs(2), ..LOCAL };
        let sent = send(&Webhooks::new(policy).unwrap(), &receiver.url()).await;
        assert_eq!(sent.map_or_else(|failure| failure.status, |sent| Some(sent.status)), Some(status));
    }
}

#[tokio::test]
async fn an_endless_body_is_not_read_to_its_end() {
    for status in [200, 500] {
        let receiver = Receiver::start().await;
        receiver.answers(Reply::Endless(status));
        let sent = send(&Webhooks::new(LOCAL).unwrap(), &receiver.url()).await;
        assert_eq!(sent.map_or_else(|failure| failure.status, |sent| Some(sent.status)), Some(status));
        // The buffers of two sockets fill up beyond what is read.
        let most = MAX_RESPONSE_BYTES + (64 << 20);
        assert!(receiver.bytes_sent() < most, "{}", receiver.bytes_sent());
    }
}

#[tokio::test]
async fn a_broken_connection_is_retried() {
    let failure = sent(Reply::Close).await.unwrap_err();
    assert_eq!((failure.advice, failure.status), (AGAIN, None));
    assert!(detail(&failure).starts_with("The connection broke: "), "{failure}");

    let failure = sent(Reply::Nonsense).await.unwrap_err();
    assert_eq!((failure.advice, failure.status), (AGAIN, None));
    assert!(detail(&failure).starts_with("The connection broke: "), "{failure}");

    let vacant = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{vacant}/hook?token=sesame");
    let failure = send(&Webhooks::new(LOCAL).unwrap(), &url).await.unwrap_err();
    assert_eq!((failure.advice, failure.status), (AGAIN, None));
    assert!(detail(&failure).starts_with("No connection to the receiver: Connection refused"), "{failure}");
}

#[tokio::test]
async fn an_unknown_host_name_is_retried() {
    let failure = send(&Names::all(&[]).webhooks(LOCAL), "https://hooks.example/").await.unwrap_err();
    assert_eq!((failure.advice, detail(&failure)), (AGAIN, "The host name was not found."));
}

#[tokio::test]
async fn localhost_is_resolved_by_the_system() {
    let receiver = Receiver::start().await;
    let sent = send(&Webhooks::new(LOCAL).unwrap(), &receiver.url_of("localhost")).await;
    assert_eq!(sent, Ok(Sent { status: 204 }));
}
