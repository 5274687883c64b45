//! Accepted and rejected URLs.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

fn outcome(text: &str, allow_local: bool) -> &'static str {
    WebhookUrl::parse(text, allow_local).map_or_else(WebhookUrlError::kind, |_| "accepted")
}

#[test]
fn only_https_urls_of_names_and_public_addresses_are_accepted() {
    for accepted in [
        "https://a.example",
        "HTTPS://A.example:443/x?y=z",
        "https://a.example:1024/",
        "https://a.example:65535/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]:8443/hook",
        "https://xn--bcher-kva.example/",
        "https://localhost.example/",
        "https://a.example./",
        &format!("https://{}.example/", "a".repeat(63)),
        "https://notlocalhost/",
    ] {
        assert_eq!(
            (outcome(accepted, false), outcome(accepted, true)),
            ("accepted", "accepted"),
            "{accepted}"
        );
    }
    for (text, kind) in [
        ("https://.", "url_host"),
        ("https://..", "url_host"),
        ("https://a..example/", "url_host"),
        (&format!("https://{}.example/", "a".repeat(64)), "url_host"),
        (&format!("https://{}example/", "a23456789.".repeat(25)), "url_host"),
        ("http://a.example", "url_scheme"),
        ("http://8.8.8.8", "url_scheme"),
        ("ftp://a.example", "url_scheme"),
        ("file://a.example/etc/passwd", "url_scheme"),
        ("gopher://a.example/", "url_scheme"),
        ("http://10.0.0.1/", "url_scheme"),
        ("https://a.example:0", "url_port"),
        ("https://a.example:25", "url_port"),
        ("https://a.example:80", "url_port"),
        ("https://a.example:1023", "url_port"),
        ("https://user:pass@a.example", "url_parsing"),
        ("https://user@a.example", "url_parsing"),
        ("https://@a.example", "url_parsing"),
        ("https://8.8.8.8@127.0.0.1/", "url_parsing"),
        ("https://a.example/#x", "url_parsing"),
        ("https://", "url_parsing"),
        ("https:///x", "url_parsing"),
        ("https:a.example", "url_parsing"),
        ("https:\\\\a.example", "url_parsing"),
        ("https://a.example\\@127.0.0.1/", "url_parsing"),
        ("https://a example", "url_parsing"),
        (" https://a.example", "url_parsing"),
        ("https://a.exa\nmple", "url_parsing"),
        ("https://a.example:65536", "url_parsing"),
        ("https://a.example:x", "url_parsing"),
        ("https://[fe80::1%25eth0]/", "url_parsing"),
        ("https://256.256.256.256/", "url_parsing"),
        ("https://1.2.3.4.5/", "url_parsing"),
        ("data:text/plain,x", "url_parsing"),
        ("/x", "url_parsing"),
        ("", "url_parsing"),
    ] {
        assert_eq!((outcome(text, false), outcome(text, true)), (kind, kind), "{text}");
    }
    let long = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
    assert_eq!(outcome(&long(MAX_URL_BYTES), false), "accepted");
    assert_eq!(outcome(&long(MAX_URL_BYTES + 1), false), "url_too_long");
}

/// Loopback addresses in many spellings, and names reserved for them.
const LOCAL: [&str; 17] = [
    "127.0.0.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0x0.0.01",
    "127.1",
    "127.0.1",
    "0x7f.1",
    "127.255.255.254",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "localhost",
    "LocalHost.",
    "a.localhost",
];

#[test]
fn loopback_is_accepted_only_if_allowed() {
    for host in LOCAL {
        assert_eq!(outcome(&format!("https://{host}:8443/"), false), "url_address", "{host}");
        assert_eq!(outcome(&format!("http://{host}:8080/"), false), "url_scheme", "{host}");
        for scheme in ["http", "https"] {
            assert_eq!(outcome(&format!("{scheme}://{host}:8080/x"), true), "accepted", "{scheme} {host}");
        }
        assert_eq!(outcome(&format!("http://{host}/"), true), "accepted", "{host}");
        assert_eq!(outcome(&format!("http://{host}:443/"), true), "url_port", "{host}");
    }
    let message = WebhookUrl::parse("https://[::1]", false).unwrap_err().to_string();
    assert_eq!(message, "URL host should be a name or a public address; this is a loopback address");
}

#[test]
fn no_spelling_of_another_special_address_is_accepted() {
    for host in [
        "10.0.0.1",
        "167772161",
        "0xa.1",
        "012.0.0.1",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "0",
        "0.0.0.0",
        "0x0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::1]",
        "[2001::1]",
        "[2001:db8::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[100::1]",
        "[5f00::1]",
    ] {
        assert_eq!(outcome(&format!("https://{host}/"), false), "url_address", "{host}");
        assert_eq!(outcome(&format!("https://{host}/"), true), "url_address", "{host}");
        assert_eq!(outcome(&format!("http://{host}/"), true), "url_scheme", "{host}");
    }
    // To the WHATWG parser these are 127.0.0.1 as well; RFC 3986 does not allow such hosts.
    for host in ["%31%32%37.0.0.1", "127\u{3002}0.0.1", "\u{ff11}27.0.0.1", "loc\u{ad}alhost"] {
        assert_ne!(outcome(&format!("https://{host}/"), false), "accepted", "{host}");
        assert_ne!(outcome(&format!("http://{host}/"), true), "url_address", "{host}");
    }
}

proptest! {
    #[test]
    fn every_spelling_of_an_address_has_the_outcome_of_the_address(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = address.octets();
        let expected = if address::special(IpAddr::V4(address)).is_some() { "url_address" } else { "accepted" };
        for host in [
            address.to_string(),
            format!("{bits}"),
            format!("0x{bits:x}"),
            format!("0{bits:o}"),
            format!("0x{a:X}.0{b:o}.{c}.{d}"),
            format!("{a}.{}", bits & 0x00ff_ffff),
            format!("{a}.{b}.0x{:x}", bits & 0xffff),
            format!("[64:ff9b::{address}]"),
        ] {
            prop_assert_eq!(outcome(&format!("https://{host}/"), false), expected, "{}", host);
        }
        let mapped = format!("https://[{}]/", address.to_ipv6_mapped());
        prop_assert_eq!(outcome(&mapped, false), "url_address");
    }
}
