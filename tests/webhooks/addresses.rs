//! Attempts to reach private addresses: by spelling, by name, by DNS rebinding, by redirect.
//! redirection.

use ledger::alert::RetryAdvice;
use webhook::{Policy, Sent};

use super::{DEPLOYED, LOCAL, Names, send};
use crate::support::receiver::{NAME, Receiver, Reply};

const NOT_PUBLIC: &str = "The host name resolves to an address that is not public.";

/// Sends to a URL that must be refused, and returns the detail of the failure.
async fn refused(names: &Names, policy: Policy, url: &str) -> String {
    let failure = send(&names.webhooks(policy), url).await.unwrap_err();
    assert_eq!((failure.advice, failure.status), (RetryAdvice::GiveUp, None), "{url}: {failure}");
    failure.detail
}

#[tokio::test]
async fn no_spelling_of_the_local_machine_is_connected_to() {
    let receivers = [Receiver::start().await, Receiver::start_tls().await];
    let names = Names::all(&["8.8.8.8"]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "localhost",
        "localhost.",
        "x.localhost",
    ] {
        for receiver in &receivers {
            refused(&names, DEPLOYED, &receiver.url_of(host)).await;
            let https = receiver.url_of(host).replace("http:", "https:");
            let detail = refused(&names, DEPLOYED, &https).await;
            assert!(
                detail.starts_with("Not sent: URL host should be a name or a public address"),
                "{host}: {detail}"
            );
        }
    }
    assert_eq!(names.asked(), Vec::<String>::new());
    assert_eq!(receivers.map(|receiver| receiver.connections()), [0, 0]);
}

#[tokio::test]
async fn no_name_of_a_special_address_is_connected_to() {
    let receiver = Receiver::start_tls().await;
    for address in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        let names = Names::all(&[address]);
        assert_eq!(refused(&names, DEPLOYED, &receiver.url_of(NAME)).await, NOT_PUBLIC, "{address}");
        if !["127.0.0.1", "::1"].contains(&address) {
            assert_eq!(refused(&names, LOCAL, &receiver.url_of(NAME)).await, NOT_PUBLIC, "{address}");
        }
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_with_one_forbidden_address_is_refused() {
    let receiver = Receiver::start_tls().await;
    for addresses in [
        &["8.8.8.8", "127.0.0.1"][..],
        &["127.0.0.1", "8.8.8.8"],
        &["2606:4700:4700::1111", "::1"],
        &["8.8.8.8", "8.8.4.4", "2606:4700:4700::1111", "10.0.0.1", "1.1.1.1"],
    ] {
        let detail = refused(&Names::all(addresses), DEPLOYED, &receiver.url_of(NAME)).await;
        assert_eq!(detail, NOT_PUBLIC, "{addresses:?}");
    }
    let detail = refused(&Names::all(&["127.0.0.1", "10.0.0.1"]), LOCAL, &receiver.url_of(NAME)).await;
    assert_eq!(detail, NOT_PUBLIC);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_is_resolved_once_per_message() {
    let receiver = Receiver::start().await;
    // Allowed when it is checked. A second look-up to connect would return a forbidden address.
    let names = Names::then(&[&["127.0.0.1"], &["10.0.0.1"], &["127.0.0.1"]]);
    let webhooks = names.webhooks(LOCAL);
    let url = receiver.url_of("rebind.localhost");
    assert_eq!(send(&webhooks, &url).await, Ok(Sent { status: 204 }));
    assert_eq!(names.asked(), ["rebind.localhost"]);
    // The next message is checked again.
    let failure = send(&webhooks, &url).await.unwrap_err();
    assert_eq!((failure.advice, failure.detail.as_str()), (RetryAdvice::GiveUp, NOT_PUBLIC));
    assert_eq!(send(&webhooks, &url).await, Ok(Sent { status: 204 }));
    assert_eq!((names.asked().len(), receiver.connections()), (3, 2));
}

#[tokio::test]
async fn a_forbidden_name_is_refused_though_it_becomes_allowed() {
    let receiver = Receiver::start_tls().await;
    let names = Names::then(&[&["169.254.169.254"], &["8.8.8.8"]]);
    assert_eq!(refused(&names, DEPLOYED, &receiver.url_of(NAME)).await, NOT_PUBLIC);
    assert_eq!(names.asked(), [NAME]);
}

#[tokio::test]
async fn localhost_must_resolve_to_this_machine() {
    let receiver = Receiver::start().await;
    for elsewhere in [&["8.8.8.8"][..], &["127.0.0.1", "8.8.8.8"], &["10.0.0.1"]] {
        let detail = refused(&Names::all(elsewhere), LOCAL, &receiver.url_of("localhost")).await;
        assert_eq!(detail, NOT_PUBLIC, "{elsewhere:?}");
    }
}

#[tokio::test]
async fn a_local_policy_allows_no_other_private_address() {
    let names = Names::all(&["10.0.0.1"]);
    for url in [
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
        "https://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://8.8.8.8/",
        "http://a.example/",
        "http://169.254.169.254/",
        "ftp://127.0.0.1/",
        "file://localhost/etc/passwd",
        "unix:///run/docker.sock",
        "http://127.0.0.1:22/",
        "https://localhost:25/",
    ] {
        refused(&names, LOCAL, url).await;
    }
    assert_eq!(names.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
    for status in [301, 302, 303, 307, 308] {
        receiver.answers(Reply::With(status, vec![("location", inside.url())], String::new()));
        let failure = send(&Names::all(&["127.0.0.1"]).webhooks(LOCAL), &receiver.url()).await.unwrap_err();
        assert_eq!((failure.status, failure.advice), (Some(status), RetryAdvice::Retry { after: None }));
        let detail = format!("The receiver answered {status} (redirects are not followed)");
        assert_eq!(failure.detail, detail);
    }
    assert_eq!((receiver.received().len(), inside.connections()), (5, 0));
}
