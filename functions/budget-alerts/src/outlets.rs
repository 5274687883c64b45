//! Where alerts go: the topic, the organisation's webhooks, and the terminal of whoever runs the system locally.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ledger::alert::{Delivery, Message, Outlet};
use ledger::alert::{Failure, Verdict};
use ledger::ids::Name;
use ledger::settings::{DestinationSettings, MAX_DESTINATIONS};
use store::alerts::Alert;
use tokio::sync::Semaphore;
use webhook::Webhooks;

use crate::topic::{self, Topic};

/// Webhooks under way at once. Most of what they do is wait.
const AT_ONCE: usize = 256;

/// An organisation's webhooks, by id.
pub type Destinations = BTreeMap<Name, DestinationSettings>;

/// Takes one line for people.
pub type Printer = Arc<dyn Fn(&str) + Send + Sync>;

/// Where alerts go.
#[derive(Clone)]
pub struct Outlets {
    webhooks: Webhooks,
    under_way: Arc<Semaphore>,
    topic: Option<Topic>,
    printer: Option<Printer>,
}

impl fmt::Debug for Outlets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlets").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// Why something was not delivered.
pub enum Undelivered {
    /// An attempt failed.
    Failed(Failure),
    /// There is nobody to deliver to any more.
    Nobody(&'static str),
}

impl Outlets {
    /// The organisations' webhooks alone.
    pub fn new(webhooks: Webhooks) -> Self {
        Self { webhooks, under_way: Arc::new(Semaphore::new(AT_ONCE)), topic: None, printer: None }
    }

    /// And a topic that all alerts are published to.
    #[must_use]
    pub fn and_topic(self, topic: Topic) -> Self {
        Self { topic: Some(topic), ..self }
    }

    /// And somebody to whom all alerts are shown, a line each.
    #[must_use]
    pub fn and_printer(self, printer: Printer) -> Self {
        Self { printer: Some(printer), ..self }
    }

    /// Where an alert goes that is decided at `now`. What is added later gets later alerts only.
    pub fn deliveries(&self, destinations: &Destinations, now: DateTime<Utc>) -> Vec<Delivery> {
        let plain = |outlet| Delivery::new(outlet, now);
        let print = self.printer.iter().map(|_| plain(Outlet::Print));
        let topic = self.topic.iter().map(|_| plain(Outlet::Topic));
        // Two that are added at the same moment may be one too many.
        if destinations.len() > MAX_DESTINATIONS {
            let most = MAX_DESTINATIONS;
            tracing::error!(destinations = destinations.len(), most, "not all destinations are told");
        }
        let webhooks = destinations.iter().take(MAX_DESTINATIONS).map(|(id, destination)| {
            let host = Some(host(&destination.url));
            Delivery { host, ..plain(Outlet::Webhook(id.clone())) }
        });
        print.chain(topic).chain(webhooks).collect()
    }

    /// Delivers an alert to one outlet, once.
    pub async fn deliver(
        &self,
        alert: &Alert,
        outlet: &Outlet,
        destinations: &Destinations,
        now: DateTime<Utc>,
    ) -> Result<(), Undelivered> {
        match outlet {
            Outlet::Print => self.print(alert),
            Outlet::Topic => self.publish(alert).await,
            Outlet::Webhook(id) => {
                let removed = Undelivered::Nobody("The destination was taken away.");
                let destination = destinations.get(id).ok_or(removed)?;
                self.post(alert, destination, now).await.map_err(Undelivered::Failed)
            }
        }
    }

    fn print(&self, alert: &Alert) -> Result<(), Undelivered> {
        let printer = self.printer.as_ref();
        let printer = printer.ok_or(Undelivered::Nobody("Nobody is watching any more."))?;
        printer(&summary(alert).map_err(Undelivered::Failed)?);
        Ok(())
    }

    async fn publish(&self, alert: &Alert) -> Result<(), Undelivered> {
        let topic = self.topic.as_ref().ok_or(Undelivered::Nobody("There is no topic any more."))?;
        let message = read(alert).map_err(Undelivered::Failed)?;
        let message = topic::Message {
            subject: &message.data.summary,
            body: &alert.message,
            alert_id: &alert.id(),
            kind: message.message_type.as_str(),
            organization: alert.org.as_str(),
        };
        topic.publish(&message).await.map_err(Undelivered::Failed)
    }

    async fn post(
        &self,
        alert: &Alert,
        destination: &DestinationSettings,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        // Nobody closes it.
        let _under_way = self.under_way.acquire().await;
        let secrets: Vec<_> = destination.secrets_at(now).collect();
        let (id, body) = (alert.id(), alert.message.as_bytes());
        self.webhooks.send(&destination.url, &secrets, &id, now, body).await.map(drop)
    }
}

/// The host of a URL: its path and query may be what lets one in.
pub fn host(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}

fn read(alert: &Alert) -> Result<Message, Failure> {
    let odd = |_| Failure {
        verdict: Verdict::GiveUp,
        status: None,
        detail: "The stored alert cannot be read.".to_owned(),
    };
    alert.read().map_err(odd)
}

fn summary(alert: &Alert) -> Result<String, Failure> {
    read(alert).map(|message| message.data.summary)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use webhook::Policy;

    use super::*;

    #[test]
    fn an_alert_goes_to_fifty_webhooks_at_most() {
        let policy = Policy { allow_local: false, limit: Duration::from_secs(1) };
        let outlets = Outlets::new(Webhooks::new(policy).unwrap()).and_printer(Arc::new(|_| ()));
        let deliveries = |webhooks: usize| {
            let destination =
                DestinationSettings { url: "https://a.example/x".to_owned(), secrets: Vec::new() };
            let destinations =
                (0..webhooks).map(|nth| (Name::new(nth.to_string()).unwrap(), destination.clone()));
            outlets.deliveries(&destinations.collect(), DateTime::UNIX_EPOCH).len()
        };
        assert_eq!([0, 1, 50, 51].map(deliveries), [1, 2, 51, 51]);
    }

    #[test]
    fn of_an_address_the_host_is_kept() {
        for (url, expected) in [
            ("https://hooks.example/services/T0/token", "hooks.example"),
            ("https://hooks.example:8443?key=k", "hooks.example:8443"),
            ("https://[2001:db8::1]/x#y", "[2001:db8::1]"),
            ("x", "x"),
        ] {
            assert_eq!(host(url), expected);
        }
    }
}
