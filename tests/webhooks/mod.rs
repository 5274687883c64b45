//! Sending webhooks to real servers over real connections.

mod addresses;
mod delivery;
mod failures;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger::alert::{DeliveryFailure, MessageId};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use webhook::{Policy, Sent, TIMEOUT, Webhooks};

use crate::support::noon;

/// The secret that signs messages.
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
/// The body of messages.
pub const BODY: &str = r#"{"type":"test","data":"ä"}"#;

/// The policy on a developer's machine.
pub const LOCAL: Policy = Policy { allow_local: true, timeout: TIMEOUT };
/// The policy of the deployed system.
pub const DEPLOYED: Policy = Policy { allow_local: false, timeout: TIMEOUT };
/// A short timeout, for receivers that never respond.
pub const SHORT: Policy = Policy { allow_local: true, timeout: Duration::from_millis(300) };

/// Sends a message with the id `x`.
pub async fn send(webhooks: &Webhooks, url: &str) -> Result<Sent, DeliveryFailure> {
    webhooks.send(url, &[SECRET], &MessageId::of("x"), noon(), BODY.as_bytes()).await
}

/// A resolver with a given response for each look-up; the last one repeats.
#[derive(Clone, Default)]
pub struct Names {
    responses: Arc<Mutex<Vec<Vec<String>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    /// Every look-up returns these addresses.
    pub fn all(addresses: &[&str]) -> Self {
        Self::then(&[addresses])
    }

    /// The first look-up returns the first of these, the second the second, and so on.
    pub fn then(responses: &[&[&str]]) -> Self {
        let responses = responses.iter().map(|all| all.iter().map(|ip| (*ip).to_owned()).collect()).collect();
        Self { responses: Arc::new(Mutex::new(responses)), asked: Arc::default() }
    }

    /// The names looked up so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A sender with this resolver.
    pub fn webhooks(&self, policy: Policy) -> Webhooks {
        Webhooks::with_transport(reqwest::Client::builder(), Arc::new(self.clone()), policy).unwrap()
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        self.asked.lock().unwrap().push(name.as_str().to_owned());
        let mut responses = self.responses.lock().unwrap();
        let response = if responses.len() > 1 { responses.remove(0) } else { responses[0].clone() };
        // Must be ignored in favor of the port in the URL.
        let addresses = response.into_iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 9));
        let addresses: Addrs = Box::new(addresses.collect::<Vec<_>>().into_iter());
        Box::pin(async { Ok(addresses) })
    }
}
