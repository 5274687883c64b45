//! Sending webhooks: to real servers, over real connections.

mod addresses;
mod delivery;
mod failures;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger::alert::{Failure, MessageId};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use webhook::{LIMIT, Policy, Sent, Webhooks};

use crate::support::noon;

/// What messages are signed with.
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
/// What is sent.
pub const BODY: &str = r#"{"type":"test","data":"ä"}"#;

/// As on a developer's machine.
pub const LOCAL: Policy = Policy { allow_local: true, limit: LIMIT };
/// As everywhere else.
pub const DEPLOYED: Policy = Policy { allow_local: false, limit: LIMIT };
/// For those who wait for what never comes.
pub const SHORT: Policy = Policy { allow_local: true, limit: Duration::from_millis(300) };

/// Sends the message `x`.
pub async fn send(webhooks: &Webhooks, url: &str) -> Result<Sent, Failure> {
    webhooks.send(url, &[SECRET], &MessageId::of("x"), noon(), BODY.as_bytes()).await
}

/// Names, and what they stand for at the first, the second … look-up; the last answer stays.
#[derive(Clone, Default)]
pub struct Names {
    answers: Arc<Mutex<Vec<Vec<String>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    /// Every name stands for these addresses.
    pub fn all(addresses: &[&str]) -> Self {
        Self::then(&[addresses])
    }

    /// Every name stands for the first of these, then for the second, and so on.
    pub fn then(answers: &[&[&str]]) -> Self {
        let answers = answers.iter().map(|all| all.iter().map(|ip| (*ip).to_owned()).collect()).collect();
        Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() }
    }

    /// The names that were looked up.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A sender that looks names up here.
    pub fn webhooks(&self, policy: Policy) -> Webhooks {
        Webhooks::over(reqwest::Client::builder(), Arc::new(self.clone()), policy).unwrap()
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        self.asked.lock().unwrap().push(name.as_str().to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        // A port that is not the URL's must not matter.
        let addresses = answer.into_iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 9));
        let addresses: Addrs = Box::new(addresses.collect::<Vec<_>>().into_iter());
        Box::pin(async { Ok(addresses) })
    }
}
