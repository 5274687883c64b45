//! The edges of all blocks, and a comparison with the standard library.

use proptest::prelude::*;

use super::*;

fn kind(address: &str) -> &'static str {
    special(address.parse().unwrap()).unwrap_or("public")
}

#[test]
fn ipv4_blocks_end_at_their_edges() {
    for (first, last, name) in [
        ("0.0.0.0", "0.255.255.255", "this-network"),
        ("10.0.0.0", "10.255.255.255", "private"),
        ("100.64.0.0", "100.127.255.255", "carrier-grade NAT"),
        ("127.0.0.0", "127.255.255.255", "loopback"),
        ("169.254.0.0", "169.254.255.255", "link-local"),
        ("172.16.0.0", "172.31.255.255", "private"),
        ("192.0.0.0", "192.0.0.255", "protocol"),
        ("192.0.2.0", "192.0.2.255", "documentation"),
        ("192.88.99.0", "192.88.99.255", "6to4 relay"),
        ("192.168.0.0", "192.168.255.255", "private"),
        ("198.18.0.0", "198.19.255.255", "benchmarking"),
        ("198.51.100.0", "198.51.100.255", "documentation"),
        ("203.0.113.0", "203.0.113.255", "documentation"),
        ("224.0.0.0", "239.255.255.255", "multicast"),
        ("240.0.0.0", "255.255.255.255", "reserved"),
    ] {
        assert_eq!((kind(first), kind(last)), (name, name), "{first} {last}");
        let (first, last): (Ipv4Addr, Ipv4Addr) = (first.parse().unwrap(), last.parse().unwrap());
        // The neighbors of a block are public or belong to the adjacent block.
        let beside = [first.to_bits().checked_sub(1), last.to_bits().checked_add(1)];
        for address in beside.into_iter().flatten().map(Ipv4Addr::from_bits) {
            let expected = if address == Ipv4Addr::new(239, 255, 255, 255) {
                Some("multicast")
            } else {
                (address == Ipv4Addr::new(240, 0, 0, 0)).then_some("reserved")
            };
            assert_eq!(special(address.into()), expected, "{address}");
        }
    }
    for public in ["1.1.1.1", "8.8.8.8", "169.253.255.255", "192.0.1.1", "192.31.196.1", "223.255.255.255"] {
        assert_eq!(kind(public), "public", "{public}");
    }
}

#[test]
fn ipv6_blocks_end_at_their_edges() {
    for (first, last, name) in [
        ("::", "::", "unspecified"),
        ("::1", "::1", "loopback"),
        ("::2", "::ffff:ffff", "IPv4-compatible"),
        ("::7f00:1", "::8.8.8.8", "IPv4-compatible"),
        ("::ffff:0.0.0.0", "::ffff:255.255.255.255", "IPv4-mapped"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "local NAT64"),
        ("100::", "100::ffff:ffff:ffff:ffff", "reserved"),
        ("100:0:0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"),
        ("2001:1::1", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "protocol"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"),
        ("4000::", "5f00::1", "reserved"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique-local"),
        ("fd00:ec2::254", "fd00:ec2::23", "unique-local"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"),
        ("64:ff9b::10.0.0.1", "64:ff9b::10.255.255.255", "private"),
        ("64:ff9b::169.254.169.254", "64:ff9b::a9fe:0", "link-local"),
    ] {
        assert_eq!((kind(first), kind(last)), (name, name), "{first} {last}");
    }
    for public in [
        "2000::",
        "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "2003::",
        "2606:4700:4700::1111",
        "3fff:1000::",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "64:ff9b::8.8.8.8",
    ] {
        assert_eq!(kind(public), "public", "{public}");
    }
}

proptest! {
    #[test]
    fn every_ipv4_address_special_to_the_standard_library_is_special(bits: u32, block in 0..SPECIAL_V4.len()) {
        // One address is inside a block; most random ones are in none.
        let (block, name) = SPECIAL_V4[block];
        let inside = Ipv4Addr::from_bits(block.network().to_bits() | bits & block.hostmask().to_bits());
        prop_assert!(special(inside.into()).is_some(), "{inside} is {name}");
        for address in [inside, Ipv4Addr::from_bits(bits)] {
            let known = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_broadcast() || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!known || special(address.into()).is_some(), "{}", address);
            // Embedding an IPv4 address in IPv6 never makes it public.
            let compatible = Ipv6Addr::from_bits(address.to_bits().into());
            let [a, b, c, d] = address.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let six_to_four = Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1);
            let teredo = Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !high, !low);
            for wrapped in [address.to_ipv6_mapped(), compatible, six_to_four, teredo] {
                prop_assert!(special(wrapped.into()).is_some(), "{}", wrapped);
            }
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
            prop_assert_eq!(special(nat64.into()), special(address.into()));
        }
    }

    #[test]
    fn only_ipv6_global_unicast_is_public(bits: u128, block in 0..SPECIAL_V6.len()) {
        let (block, name) = SPECIAL_V6[block];
        let inside = Ipv6Addr::from_bits(block.network().to_bits() | bits & block.hostmask().to_bits());
        prop_assert!(special(inside.into()).is_some(), "{inside} is {name}");
        let address = Ipv6Addr::from_bits(bits);
        let known = address.is_loopback() || address.is_multicast() || address.is_unspecified()
            || address.is_unique_local() || address.is_unicast_link_local() || bits >> 125 != 1;
        prop_assert!(!known || NAT64.contains(&address) || special(address.into()).is_some(), "{}", address);
    }
}
