//! URLs that webhooks may be sent to.

use std::net::IpAddr;

use http::Uri;
use http::uri::Authority;
use url::{Host, Url};

use super::address;

/// The maximum length of a URL in bytes.
pub const MAX_URL_BYTES: usize = 2048;
/// The first port outside the range of system ports (RFC 6335, 6).
const FIRST_USER_PORT: u16 = 1024;

/// The reason why a URL is rejected. `Display` is meant for the customer who set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("URL should have at most {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Not a URL with a host, or one with user information or a fragment.
    #[error("Input should be an https URL without user or fragment")]
    Unreadable,
    /// A host that cannot be a name in the DNS.
    #[error("URL host should be a name of labels of 1 to 63 characters, or a public address")]
    Host,
    /// The scheme is not `https`.
    #[error("URL scheme should be 'https'")]
    Scheme,
    /// A system port other than 443.
    #[error("URL port should be 443, or 1024 or higher")]
    Port,
    /// An address that is not public, with the kind of address.
    #[error("URL host should be a name or a public address; this is a {0} address")]
    Address(&'static str),
}

impl WebhookUrlError {
    /// A stable code for programs.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::TooLong => "url_too_long",
            Self::Unreadable => "url_parsing",
            Self::Host => "url_host",
            Self::Scheme => "url_scheme",
            Self::Port => "url_port",
            Self::Address(_) => "url_address",
        }
    }
}

/// A URL that webhooks may be sent to. If its host is a name, the addresses of the name are checked when sending.
#[derive(Clone, Debug)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// Parses and checks a URL. With `allow_local`, loopback addresses and `localhost` are allowed as well, by http and
    /// https.
    ///
    /// Ports below 1024 other than the default port of the scheme are rejected: mail, remote shells and similar services
    /// use them and would have to interpret bytes chosen by a customer. From 1024 on, legitimate receivers cannot be
    /// told apart from other services.
    pub fn parse(text: &str, allow_local: bool) -> Result<Self, WebhookUrlError> {
        if text.len() > MAX_URL_BYTES {
            return Err(WebhookUrlError::TooLong);
        }
        // The WHATWG URL parser tolerates white space, backslashes and missing slashes. RFC 3986 does not, and a URL
        // on which parsers disagree is rejected.
        let uri =
            text.parse::<Uri>().ok().filter(|_| !text.contains('#')).ok_or(WebhookUrlError::Unreadable)?;
        let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
        if uri.scheme().is_none() || authority.is_empty() || authority.contains('@') {
            return Err(WebhookUrlError::Unreadable);
        }
        // The WHATWG parser normalizes every spelling of an IPv4 address: 2130706433, 0x7f.1 and 0177.0.0.1 all become
        // 127.0.0.1.
        let url = Url::parse(text).map_err(|_| WebhookUrlError::Unreadable)?;
        let (special, is_local) = match url.host().ok_or(WebhookUrlError::Unreadable)? {
            Host::Ipv4(ip) => (address::special(IpAddr::V4(ip)), ip.is_loopback()),
            Host::Ipv6(ip) => (address::special(IpAddr::V6(ip)), ip.is_loopback()),
            Host::Domain(name) if !is_dns_name(name) => return Err(WebhookUrlError::Host),
            Host::Domain(name) if is_localhost(name) => (Some("loopback"), true),
            Host::Domain(_) => (None, false),
        };
        let is_local = allow_local && is_local;
        if !(url.scheme() == "https" || url.scheme() == "http" && is_local) {
            return Err(WebhookUrlError::Scheme);
        }
        if let Some(kind) = special.filter(|_| !is_local) {
            return Err(WebhookUrlError::Address(kind));
        }
        if url.port().is_some_and(|port| port < FIRST_USER_PORT) {
            return Err(WebhookUrlError::Port);
        }
        Ok(Self(url))
    }

    /// The URL to send to.
    pub(super) fn into_url(self) -> Url {
        self.0
    }
}

/// Whether a name has the lengths that the DNS allows (RFC 1035, 2.3.4). It may end with the dot of the root.
fn is_dns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Whether a name is reserved for loopback addresses (RFC 6761, 6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests;
