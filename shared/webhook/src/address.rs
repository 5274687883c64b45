//! Public IP addresses, the only ones that webhooks may be sent to.
//!
//! A URL set by a customer must not reach anything that only this machine or its network can reach: metadata services,
//! other customers' functions, the interfaces of the Lambda runtime.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length)
}

/// A block, by the first 48 bits of its addresses.
const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// The IPv4 blocks that are not globally reachable per the IANA IPv4 Special-Purpose Address Registry, and multicast.
///
/// Two anycast addresses of 192.0.0.0/24 are reachable (PCP and TURN servers), and 192.88.99.0/24 used to be. None of
/// them receives webhooks.
const SPECIAL_V4: [(Ipv4Net, &str); 15] = [
    (v4(0, 0, 0, 8), "this-network"),
    (v4(10, 0, 0, 8), "private"),
    (v4(100, 64, 0, 10), "carrier-grade NAT"),
    (v4(127, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 16), "link-local"),
    (v4(172, 16, 0, 12), "private"),
    (v4(192, 0, 0, 24), "protocol"),
    (v4(192, 0, 2, 24), "documentation"),
    (v4(192, 88, 99, 24), "6to4 relay"),
    (v4(192, 168, 0, 16), "private"),
    (v4(198, 18, 0, 15), "benchmarking"),
    (v4(198, 51, 100, 24), "documentation"),
    (v4(203, 0, 113, 24), "documentation"),
    (v4(224, 0, 0, 4), "multicast"),
    // Includes the broadcast address 255.255.255.255.
    (v4(240, 0, 0, 4), "reserved"),
];

/// The block from which all global unicast addresses are assigned (IANA IPv6 Global Unicast Address Assignments).
/// Everything outside is treated as not public, whatever it may be used for one day.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);
/// The well-known prefix of NAT64 (RFC 6052). The last four bytes are the IPv4 address that is reached.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);

/// The IPv6 blocks that are not globally reachable per the IANA IPv6 Special-Purpose Address Registry: all inside
/// [`GLOBAL_V6`], and those outside whose name helps to explain a rejection.
///
/// Blocks that embed IPv4 addresses for a transition mechanism are rejected entirely. Parts of `2001::/23` are reachable
/// (anycast, AMT, AS112, ORCHID), but none of them receives webhooks.
const SPECIAL_V6: [(Ipv6Net, &str); 13] = [
    (v6(0x2001, 0, 0, 32), "Teredo"),
    (v6(0x2001, 0, 0, 23), "protocol"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation"),
    (v6(0x2002, 0, 0, 16), "6to4"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback"),
    (v6(0, 0, 0, 128), "unspecified"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), "IPv4-mapped"),
    (v6(0, 0, 0, 96), "IPv4-compatible"),
    (v6(0x64, 0xff9b, 1, 48), "local NAT64"),
    (v6(0xfc00, 0, 0, 7), "unique-local"),
    (v6(0xfe80, 0, 0, 10), "link-local"),
    (v6(0xff00, 0, 0, 8), "multicast"),
];

/// The kind of special-purpose address, such as `loopback`. `None` for a public address.
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4.iter().find(|(block, _)| block.contains(&address)).map(|(_, name)| *name)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return special_v4(Ipv4Addr::new(a, b, c, d));
    }
    let block = SPECIAL_V6.iter().find(|(block, _)| block.contains(&address)).map(|(_, name)| *name);
    block.or_else(|| (!GLOBAL_V6.contains(&address)).then_some("reserved"))
}

#[cfg(test)]
mod tests;
