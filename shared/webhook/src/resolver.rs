//! The look-up of names, which no address that is not public leaves.
//!
//! What is checked here is what is connected to: between the check and the connection nothing is looked up again, so a
//! name whose answer changes (DNS rebinding) gains nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;
use super::target::is_localhost;

/// Looks names up as this machine does.
#[derive(Clone, Copy, Debug)]
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Nowhere {
    /// It has no addresses, or they cannot be found out now.
    #[error("The name of the host was not found.")]
    NotFound,
    /// At least one of its addresses may not be reached. Which one is not told: what names stand for inside our network
    /// is nobody's business.
    #[error("The name of the host stands for an address that is not public.")]
    NotPublic,
}

/// A look-up that answers only if all addresses of a name may be reached.
pub(super) struct Guard {
    pub names: Arc<dyn Resolve>,
    pub allow_local: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let local_only = is_localhost(name.as_str());
        let allow_local = self.allow_local;
        let looked_up = self.names.resolve(name);
        Box::pin(async move {
            let found: Vec<_> =
                looked_up.await.map_err(|_| Nowhere::NotFound)?.map(|found| found.ip()).collect();
            if found.is_empty() {
                return Err(Nowhere::NotFound.into());
            }
            // One bad address condemns the name: which of them is connected to is a matter of chance.
            let may_be_reached = |ip: &IpAddr| {
                allow_local && ip.is_loopback() || !local_only && address::special(*ip).is_none()
            };
            if !found.iter().all(may_be_reached) {
                return Err(Nowhere::NotPublic.into());
            }
            // Port 0 is replaced by the URL's.
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
