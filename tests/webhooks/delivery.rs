//! Messages as they arrive, over HTTP and HTTPS.

use std::process::Command;
use std::sync::Arc;

use ledger::alert::{MessageId, RetryAdvice};
use reqwest::Certificate;
use webhook::{Sent, Webhooks, new_secret};

use super::{BODY, DEPLOYED, LOCAL, Names, SECRET, send};
use crate::support::noon;
use crate::support::receiver::{NAME, ROOT, Receiver, Reply};

#[tokio::test]
async fn a_message_arrives_as_it_was_signed() {
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(LOCAL).unwrap();
    assert_eq!(send(&webhooks, &receiver.url()).await, Ok(Sent { status: 204 }));
    let received = receiver.only();
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/hook?token=sesame"));
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("user-agent"), concat!("Fleetledger/", env!("CARGO_PKG_VERSION")));
    assert_eq!(received.header("webhook-timestamp"), noon().timestamp().to_string());
    assert_eq!(received.id(), MessageId::of("x").as_str());
    assert_eq!(received.body, BODY.as_bytes());
    assert!(received.is_signed_by(SECRET) && !received.is_signed_by(&new_secret()));
    assert_eq!(received.signatures().len(), 1);
}

#[tokio::test]
async fn during_rotation_both_secrets_sign() {
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(LOCAL).unwrap();
    let (new, old) = (new_secret(), new_secret());
    let id = webhook::unique_id();
    webhooks.send(&receiver.url(), &[&new, &old], &id, noon(), b"{}").await.unwrap();
    let received = receiver.only();
    assert_eq!(received.signatures().len(), 2);
    assert!(received.is_signed_by(&new) && received.is_signed_by(&old) && !received.is_signed_by(SECRET));
}

#[tokio::test]
async fn nothing_is_sent_without_a_valid_secret() {
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(LOCAL).unwrap();
    for secrets in [&[][..], &[""], &["whsec_"], &["whsec_dG9vIHNob3J0"], &[SECRET, "sesame"]] {
        let sent = webhooks.send(&receiver.url(), secrets, &MessageId::of("x"), noon(), b"{}").await;
        let failure = sent.unwrap_err();
        assert_eq!(failure.advice, RetryAdvice::GiveUp);
        assert!(!failure.detail.contains("sesame"), "{failure}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn message_ids_are_distinct_and_contain_no_period() {
    assert_eq!(MessageId::of("acme#ALERT#a.b"), MessageId::of("acme#ALERT#a.b"));
    assert_ne!(MessageId::of("acme#ALERT#a.b"), MessageId::of("acme#ALERT#a.c"));
    assert_ne!(webhook::unique_id(), webhook::unique_id());
    for id in [MessageId::of("acme#ALERT#a.b"), webhook::unique_id()] {
        let harmless = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!(id.as_str().chars().all(harmless) && id.as_str().len() == 47, "{id}");
    }
}

/// A sender that trusts the receiver's root certificate.
fn trusting(names: &Names) -> Webhooks {
    let root = Certificate::from_pem(ROOT).unwrap();
    let transport = reqwest::Client::builder().tls_certs_only([root]);
    Webhooks::with_transport(transport, Arc::new(names.clone()), LOCAL).unwrap()
}

#[tokio::test]
async fn over_https_the_certificate_must_match_the_name() {
    let receiver = Receiver::start_tls().await;
    let names = Names::all(&["127.0.0.1"]);
    let sent = send(&trusting(&names), &receiver.url_of(NAME)).await;
    assert_eq!(sent, Ok(Sent { status: 204 }));
    assert!(receiver.only().is_signed_by(SECRET));
    assert_eq!(receiver.only().header("host"), format!("{NAME}:{}", receiver.port()));

    let other = send(&trusting(&names), &receiver.url_of("other.example")).await.unwrap_err();
    let address = send(&trusting(&names), &receiver.url()).await.unwrap_err();
    let nobody = send(&names.webhooks(LOCAL), &receiver.url_of(NAME)).await.unwrap_err();
    for failure in [other, address, nobody] {
        assert_eq!(failure.advice, RetryAdvice::Retry { after: None });
        assert!(
            failure.detail.starts_with("No connection to the receiver: invalid peer certificate"),
            "{failure}"
        );
    }
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn proxies_in_the_environment_are_ignored() {
    let proxy = Receiver::start().await;
    proxy.answers(Reply::Status(200));
    // Runs the first test of this file in a process with a proxy in its environment.
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "webhooks::delivery::a_message_arrives_as_it_was_signed"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, proxy.url());
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let detail = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && detail.contains("1 passed"), "{detail}");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn http_is_allowed_for_this_machine_only() {
    let receiver = Receiver::start().await;
    for webhooks in [Names::all(&["127.0.0.1"]).webhooks(DEPLOYED), Names::all(&["8.8.8.8"]).webhooks(LOCAL)]
    {
        let failure = send(&webhooks, &receiver.url_of("hooks.example")).await.unwrap_err();
        assert_eq!(failure.detail, "Not sent: URL scheme should be 'https'.");
        assert_eq!(failure.advice, RetryAdvice::GiveUp);
    }
    assert_eq!(receiver.connections(), 0);
}
