//! DNS resolution that only returns public addresses.
//!
//! The client connects to exactly the addresses that are checked here. Nothing is resolved again in between, so DNS
//! rebinding gains nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;
use super::webhook_url::is_localhost;

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// Why a host name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    /// The name has no addresses, or the lookup failed.
    #[error("The host name was not found.")]
    NotFound,
    /// At least one address of the name is not public. The error does not say which, so that it cannot be used to probe
    /// our internal network.
    #[error("The host name resolves to an address that is not public.")]
    NotPublic,
}

/// A resolver that fails unless every address of the name is allowed.
pub(super) struct PublicResolver {
    pub inner: Arc<dyn Resolve>,
    pub allow_local: bool,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let local_only = is_localhost(name.as_str());
        let allow_local = self.allow_local;
        let lookup = self.inner.resolve(name);
        Box::pin(async move {
            let found: Vec<_> =
                lookup.await.map_err(|_| ResolveError::NotFound)?.map(|found| found.ip()).collect();
            if found.is_empty() {
                return Err(ResolveError::NotFound.into());
            }
            // A single disallowed address rejects the name, because the client may connect to any of them.
            let is_allowed = |ip: &IpAddr| {
                allow_local && ip.is_loopback() || !local_only && address::special(*ip).is_none()
            };
            if !found.iter().all(is_allowed) {
                return Err(ResolveError::NotPublic.into());
            }
            // The client replaces port 0 with the port of the URL.
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
