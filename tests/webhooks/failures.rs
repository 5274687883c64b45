//! Receivers that fail, each in its own way.

use std::time::Duration;

use ledger::alert::{Failure, Verdict};
use tokio::net::TcpListener;
use webhook::{MAX_ANSWER, Policy, Sent, Webhooks};

use super::{LOCAL, Names, SECRET, SHORT, send};
use crate::support::receiver::{Receiver, Reply};

const AGAIN: Verdict = Verdict::Again { after: None };

/// What becomes of a message to a receiver that answers so.
async fn sent(reply: Reply) -> Result<Sent, Failure> {
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

/// What is told of a failure, once it is sure that it gives nothing away.
fn told(failure: &Failure) -> &str {
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
        assert_eq!((failure.verdict, failure.status), (AGAIN, Some(status)));
        assert!(told(&failure).starts_with(&format!("The receiver answered {status}")), "{failure}");
    }
    let gone = sent(Reply::Status(410)).await.unwrap_err();
    assert_eq!((gone.verdict, gone.status), (Verdict::Gone, Some(410)));
}

#[tokio::test]
async fn a_receiver_may_ask_to_be_left_alone() {
    for status in [429, 503] {
        let reply = Reply::With(status, vec![("retry-after", "90".to_owned())], String::new());
        let failure = sent(reply).await.unwrap_err();
        assert_eq!(failure.verdict, Verdict::Again { after: Some(Duration::from_secs(90)) });
    }
}

#[tokio::test]
async fn what_it_says_is_told_in_short() {
    let html = "<html>\r\n<title>Bad\u{202e} Gateway</title>".to_owned() + &"x".repeat(100_000);
    let failure = sent(Reply::With(502, vec![], html)).await.unwrap_err();
    assert!(
        told(&failure).starts_with("The receiver answered 502: <html> <title>Bad Gateway</title>xxx"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up() {
    for reply in [Reply::Hang, Reply::Trickle] {
        let receiver = Receiver::start().await;
        receiver.answers(reply);
        let failure = send(&Webhooks::new(SHORT).unwrap(), &receiver.url()).await.unwrap_err();
        assert_eq!((failure.verdict, failure.status), (AGAIN, None));
        assert_eq!(told(&failure), "The receiver did not answer within 300ms.");
    }
    // Nor is a handshake waited for: this one listens, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/", silent.local_addr().unwrap().port());
    let failure = send(&Webhooks::new(SHORT).unwrap(), &url).await.unwrap_err();
    assert_eq!((failure.verdict, told(&failure)), (AGAIN, "The receiver did not answer within 300ms."));
}

#[tokio::test]
async fn a_status_holds_though_the_body_never_comes() {
    for status in [200, 500] {
        let receiver = Receiver::start().await;
        receiver.answers(Reply::HangAmidBody(status));
        // Long enough for the status to come.
        let policy = Policy { limit: Duration::from_secs(2), ..LOCAL };
        let sent = send(&Webhooks::new(policy).unwrap(), &receiver.url()).await;
        assert_eq!(sent.map_or_else(|failure| failure.status, |sent| Some(sent.status)), Some(status));
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_not_read_to_it() {
    for status in [200, 500] {
        let receiver = Receiver::start().await;
        receiver.answers(Reply::Endless(status));
        let sent = send(&Webhooks::new(LOCAL).unwrap(), &receiver.url()).await;
        assert_eq!(sent.map_or_else(|failure| failure.status, |sent| Some(sent.status)), Some(status));
        // Beside what is read, the buffers of two sockets fill up.
        let most = MAX_ANSWER + (64 << 20);
        assert!(receiver.bytes_sent() < most, "{}", receiver.bytes_sent());
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_later() {
    let failure = sent(Reply::Close).await.unwrap_err();
    assert_eq!((failure.verdict, failure.status), (AGAIN, None));
    assert!(told(&failure).starts_with("The connection broke: "), "{failure}");

    let failure = sent(Reply::Nonsense).await.unwrap_err();
    assert_eq!((failure.verdict, failure.status), (AGAIN, None));
    assert!(told(&failure).starts_with("The connection broke: "), "{failure}");

    let vacant = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{vacant}/hook?token=sesame");
    let failure = send(&Webhooks::new(LOCAL).unwrap(), &url).await.unwrap_err();
    assert_eq!((failure.verdict, failure.status), (AGAIN, None));
    assert!(told(&failure).starts_with("No connection to the receiver: Connection refused"), "{failure}");
}

#[tokio::test]
async fn a_name_that_is_not_found_is_tried_again_later() {
    let failure = send(&Names::all(&[]).webhooks(LOCAL), "https://hooks.example/").await.unwrap_err();
    assert_eq!((failure.verdict, told(&failure)), (AGAIN, "The name of the host was not found."));
}

#[tokio::test]
async fn names_are_looked_up_for_real() {
    let receiver = Receiver::start().await;
    let sent = send(&Webhooks::new(LOCAL).unwrap(), &receiver.url_of("localhost")).await;
    assert_eq!(sent, Ok(Sent { status: 204 }));
}
