//! What a URL has to be for anything to be sent to it.

use std::net::IpAddr;

use http::Uri;
use http::uri::Authority;
use url::{Host, Url};

use super::address;

/// The longest URL, in bytes.
pub const MAX_URL: usize = 2048;
/// The first port that no well-known service has.
const FREE_PORTS: u16 = 1024;

/// Why nothing is sent to a URL. `Display` is a sentence for whoever set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Longer than [`MAX_URL`].
    #[error("URL should have at most {MAX_URL} bytes")]
    TooLong,
    /// No URL with a host, or one with a user or a fragment.
    #[error("Input should be an https URL without user or fragment")]
    Unreadable,
    /// Not `https`.
    #[error("URL scheme should be 'https'")]
    Scheme,
    /// A port that webhooks have no business at.
    #[error("URL port should be 443 or from 1024 on")]
    Port,
    /// An address that not everyone may reach; what makes it one, in a word.
    #[error("URL host should be a name or a public address; this is a {0} address")]
    Address(&'static str),
}

impl Unfit {
    /// A stable code for a program.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::TooLong => "url_too_long",
            Self::Unreadable => "url_parsing",
            Self::Scheme => "url_scheme",
            Self::Port => "url_port",
            Self::Address(_) => "url_address",
        }
    }
}

/// A URL that may be sent to. Where its host is a name, the name's addresses are looked at when it is sent to.
#[derive(Clone, Debug)]
pub struct Target(Url);

impl Target {
    /// Reads a URL. With `allow_local`, loopback addresses and `localhost` may be reached too, by http and https.
    ///
    /// Ports below 1024 other than the scheme's own are refused: mail, remote shells and the like are there, which
    /// would have to make something of a customer's bytes. From 1024 on there are too many good receivers to tell
    /// them from bad ones.
    pub fn parse(text: &str, allow_local: bool) -> Result<Self, Unfit> {
        if text.len() > MAX_URL {
            return Err(Unfit::TooLong);
        }
        // The URL standard forgives much (white space, backslashes, missing slashes); RFC 3986 does not, and a URL that
        // is read in two ways is not sent to.
        let uri = text.parse::<Uri>().ok().filter(|_| !text.contains('#')).ok_or(Unfit::Unreadable)?;
        let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
        if uri.scheme().is_none() || authority.is_empty() || authority.contains('@') {
            return Err(Unfit::Unreadable);
        }
        // The URL standard reads every spelling of an IPv4 address: 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1.
        let url = Url::parse(text).map_err(|_| Unfit::Unreadable)?;
        let (special, is_local) = match url.host().ok_or(Unfit::Unreadable)? {
            Host::Ipv4(ip) => (address::special(IpAddr::V4(ip)), ip.is_loopback()),
            Host::Ipv6(ip) => (address::special(IpAddr::V6(ip)), ip.is_loopback()),
            Host::Domain(name) if is_localhost(name) => (Some("loopback"), true),
            Host::Domain(_) => (None, false),
        };
        let is_local = allow_local && is_local;
        if !(url.scheme() == "https" || url.scheme() == "http" && is_local) {
            return Err(Unfit::Scheme);
        }
        if let Some(kind) = special.filter(|_| !is_local) {
            return Err(Unfit::Address(kind));
        }
        if url.port().is_some_and(|port| port < FREE_PORTS) {
            return Err(Unfit::Port);
        }
        Ok(Self(url))
    }

    /// The URL, as it is sent to.
    pub(super) fn into_url(self) -> Url {
        self.0
    }
}

/// Whether a name is kept for this machine (RFC 6761, 6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests;
