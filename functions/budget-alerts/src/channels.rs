//! The channels that alerts are sent to: an SNS topic, the organization's webhooks, and the terminal of a local stack.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ledger::alert::{Channel, Delivery, Message};
use ledger::alert::{DeliveryFailure, RetryAdvice};
use ledger::ids::Name;
use ledger::settings::{DestinationSettings, MAX_DESTINATIONS, MessageFormat};
use store::alerts::Alert;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use webhook::Webhooks;

use crate::topic::{self, Topic};

/// Webhooks sent at the same time. Most of the time they only wait.
const CONCURRENCY: usize = 256;

/// The pause before the second try of a first attempt.
const QUICK_RETRY: Duration = Duration::from_secs(2);

/// An organization's webhooks, by id.
pub type Destinations = BTreeMap<Name, DestinationSettings>;

/// Prints one line of text.
pub type Printer = Arc<dyn Fn(&str) + Send + Sync>;

/// The channels of all organizations.
#[derive(Clone)]
pub struct Channels {
    webhooks: Webhooks,
    permits: Arc<Semaphore>,
    topic: Option<Topic>,
    printer: Option<Printer>,
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channels").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// Why an alert was not sent.
pub enum SendError {
    Failed(DeliveryFailure),
    /// The channel no longer exists.
    NoReceiver(&'static str),
}

impl Channels {
    /// Sends to the organizations' webhooks only.
    pub fn new(webhooks: Webhooks) -> Self {
        Self { webhooks, permits: Arc::new(Semaphore::new(CONCURRENCY)), topic: None, printer: None }
    }

    /// Also publishes all alerts to a topic.
    #[must_use]
    pub fn with_topic(self, topic: Topic) -> Self {
        Self { topic: Some(topic), ..self }
    }

    /// Also prints all alerts, one line each.
    #[must_use]
    pub fn with_printer(self, printer: Printer) -> Self {
        Self { printer: Some(printer), ..self }
    }

    /// The deliveries of an alert that is decided at `now`. Channels added later get later alerts only.
    pub fn deliveries(&self, destinations: &Destinations, now: DateTime<Utc>) -> Vec<Delivery> {
        let new = |channel| Delivery::new(channel, now);
        let print = self.printer.iter().map(|_| new(Channel::Print));
        let topic = self.topic.iter().map(|_| new(Channel::Topic));
        // Two destinations added at the same moment may exceed the limit by one.
        if destinations.len() > MAX_DESTINATIONS {
            let most = MAX_DESTINATIONS;
            tracing::error!(
                destinations = destinations.len(),
                most,
                "an organization has too many destinations; the last ones get no alerts"
            );
        }
        let webhooks = destinations.iter().take(MAX_DESTINATIONS).map(|(id, destination)| {
            let host = Some(host(&destination.url));
            Delivery { host, ..new(Channel::Webhook(id.clone())) }
        });
        print.chain(topic).chain(webhooks).collect()
    }

    /// Makes one attempt to send an alert to one channel. The first attempt at a webhook is made twice within seconds, if
    /// its receiver responds with a failure: most that fail are being restarted.
    pub async fn send(
        &self,
        alert: &Alert,
        channel: &Channel,
        destinations: &Destinations,
        now: DateTime<Utc>,
    ) -> Result<(), SendError> {
        match channel {
            Channel::Print => self.print(alert),
            Channel::Topic => self.publish(alert).await,
            Channel::Webhook(id) => {
                let removed = SendError::NoReceiver("The destination was deleted.");
                let destination = destinations.get(id).ok_or(removed)?;
                let mut sent = self.post_webhook(alert, destination, now).await;
                let is_first =
                    alert.deliveries.iter().any(|one| one.channel == *channel && one.attempts == 0);
                if is_first && is_worth_a_quick_retry(&sent) {
                    sleep(QUICK_RETRY).await;
                    sent = self.post_webhook(alert, destination, now).await;
                }
                sent.map_err(SendError::Failed)
            }
        }
    }

    fn print(&self, alert: &Alert) -> Result<(), SendError> {
        let printer = self.printer.as_ref();
        let printer = printer.ok_or(SendError::NoReceiver("Alerts are no longer printed."))?;
        printer(&summary(alert).map_err(SendError::Failed)?);
        Ok(())
    }

    async fn publish(&self, alert: &Alert) -> Result<(), SendError> {
        let topic = self.topic.as_ref().ok_or(SendError::NoReceiver("The topic no longer exists."))?;
        let message = read(alert).map_err(SendError::Failed)?;
        let message = topic::Message {
            subject: &message.data.summary,
            body: &alert.message,
            text: &message.text(),
            alert_id: &alert.id(),
            kind: message.message_type.as_str(),
            organization: alert.org.as_str(),
        };
        topic.publish(&message).await.map_err(SendError::Failed)
    }

    async fn post_webhook(
        &self,
        alert: &Alert,
        destination: &DestinationSettings,
        now: DateTime<Utc>,
    ) -> Result<(), DeliveryFailure> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let secrets: Vec<_> = destination.secrets_at(now).collect();
        let body = match destination.format {
            MessageFormat::Json => alert.message.clone(),
            format => read(alert)?.body(&alert.message, format),
        };
        self.webhooks.send(&destination.url, &secrets, &alert.id(), now, body.as_bytes()).await.map(drop)
    }
}

/// Whether the receiver may take the same message in a moment: it responded, and did not ask for more time.
fn is_worth_a_quick_retry(sent: &Result<(), DeliveryFailure>) -> bool {
    let Err(DeliveryFailure { advice: RetryAdvice::Retry { after }, status: Some(_), .. }) = sent else {
        return false;
    };
    after.is_none_or(|after| after <= QUICK_RETRY)
}

/// The host of a URL. Only that is shown, since the path and query are often credentials.
pub fn host(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}

fn read(alert: &Alert) -> Result<Message, DeliveryFailure> {
    let malformed = |_| DeliveryFailure {
        advice: RetryAdvice::GiveUp,
        status: None,
        detail: "The stored alert cannot be read.".to_owned(),
    };
    alert.read().map_err(malformed)
}

fn summary(alert: &Alert) -> Result<String, DeliveryFailure> {
    read(alert).map(|message| message.data.summary)
}

#[cfg(test)]
mod tests {
    use webhook::Policy;

    use super::*;

    #[test]
    fn an_alert_goes_to_at_most_fifty_webhooks() {
        let policy = Policy { allow_local: false, timeout: Duration::from_secs(1) };
        let channels = Channels::new(Webhooks::new(policy).unwrap()).with_printer(Arc::new(|_| ()));
        let deliveries = |webhooks: usize| {
            let destination = DestinationSettings {
                url: "https://a.example/x".to_owned(),
                secrets: Vec::new(),
                format: MessageFormat::Json,
            };
            let destinations =
                (0..webhooks).map(|nth| (Name::new(nth.to_string()).unwrap(), destination.clone()));
            channels.deliveries(&destinations.collect(), DateTime::UNIX_EPOCH).len()
        };
        assert_eq!([0, 1, 50, 51].map(deliveries), [1, 2, 51, 51]);
    }

    #[test]
    fn only_the_host_of_a_url_is_kept() {
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
