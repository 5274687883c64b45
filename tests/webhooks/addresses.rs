//! Attempts to reach what nobody outside should reach: by spelling, by name, by a name that changes its mind, by
//! redirection.

use ledger::alert::Verdict;
use webhook::{Policy, Sent};

use super::{DEPLOYED, LOCAL, Names, send};
use crate::support::receiver::{NAME, Receiver, Reply};

const NOT_PUBLIC: &str = "The name of the host stands for an address that is not public.";

/// Sends to a URL that must not be sent to.
async fn refused(names: &Names, policy: Policy, url: &str) -> String {
    let failure = send(&names.webhooks(policy), url).await.unwrap_err();
    assert_eq!((failure.verdict, failure.status), (Verdict::GiveUp, None), "{url}: {failure}");
    failure.detail
}

#[tokio::test]
async fn no_spelling_of_this_machine_is_connected_to() {
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
            let told = refused(&names, DEPLOYED, &https).await;
            assert!(
                told.starts_with("Not sent: URL host should be a name or a public address"),
                "{host}: {told}"
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
async fn one_bad_address_condemns_a_name() {
    let receiver = Receiver::start_tls().await;
    for addresses in [
        &["8.8.8.8", "127.0.0.1"][..],
        &["127.0.0.1", "8.8.8.8"],
        &["2606:4700:4700::1111", "::1"],
        &["8.8.8.8", "8.8.4.4", "2606:4700:4700::1111", "10.0.0.1", "1.1.1.1"],
    ] {
        let told = refused(&Names::all(addresses), DEPLOYED, &receiver.url_of(NAME)).await;
        assert_eq!(told, NOT_PUBLIC, "{addresses:?}");
    }
    let told = refused(&Names::all(&["127.0.0.1", "10.0.0.1"]), LOCAL, &receiver.url_of(NAME)).await;
    assert_eq!(told, NOT_PUBLIC);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_is_looked_up_once_so_it_cannot_change_its_mind() {
    let receiver = Receiver::start().await;
    // Good when it is checked; whoever looked it up again to connect would reach nothing, or worse.
    let names = Names::then(&[&["127.0.0.1"], &["10.0.0.1"], &["127.0.0.1"]]);
    let webhooks = names.webhooks(LOCAL);
    let url = receiver.url_of("rebind.localhost");
    assert_eq!(send(&webhooks, &url).await, Ok(Sent { status: 204 }));
    assert_eq!(names.asked(), ["rebind.localhost"]);
    // The next message is another matter: that the name was good once counts for nothing.
    let failure = send(&webhooks, &url).await.unwrap_err();
    assert_eq!((failure.verdict, failure.detail.as_str()), (Verdict::GiveUp, NOT_PUBLIC));
    assert_eq!(send(&webhooks, &url).await, Ok(Sent { status: 204 }));
    assert_eq!((names.asked().len(), receiver.connections()), (3, 2));
}

#[tokio::test]
async fn a_bad_name_is_refused_before_it_turns_good() {
    let receiver = Receiver::start_tls().await;
    let names = Names::then(&[&["169.254.169.254"], &["8.8.8.8"]]);
    assert_eq!(refused(&names, DEPLOYED, &receiver.url_of(NAME)).await, NOT_PUBLIC);
    assert_eq!(names.asked(), [NAME]);
}

#[tokio::test]
async fn a_name_kept_for_this_machine_leads_nowhere_else() {
    let receiver = Receiver::start().await;
    for elsewhere in [&["8.8.8.8"][..], &["127.0.0.1", "8.8.8.8"], &["10.0.0.1"]] {
        let told = refused(&Names::all(elsewhere), LOCAL, &receiver.url_of("localhost")).await;
        assert_eq!(told, NOT_PUBLIC, "{elsewhere:?}");
    }
}

#[tokio::test]
async fn allowing_this_machine_allows_nothing_else() {
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
async fn a_redirection_leads_nowhere() {
    let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
    for status in [301, 302, 303, 307, 308] {
        receiver.answers(Reply::With(status, vec![("location", inside.url())], String::new()));
        let failure = send(&Names::all(&["127.0.0.1"]).webhooks(LOCAL), &receiver.url()).await.unwrap_err();
        assert_eq!((failure.status, failure.verdict), (Some(status), Verdict::Again { after: None }));
        let told = format!("The receiver answered {status} (redirections are not followed)");
        assert_eq!(failure.detail, told);
    }
    assert_eq!((receiver.received().len(), inside.connections()), (5, 0));
}
