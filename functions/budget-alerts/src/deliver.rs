//! Delivers one organization's alerts: each channel takes them one after the other, all channels at the same time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use ledger::alert::RetryAdvice;
use ledger::alert::{Channel, DeliveryState, Status};
use ledger::ids::OrgId;
use store::alerts::{Alert, DueChange};
use store::error::{Error, Result};
use tokio::sync::Mutex;

use crate::channels::{Destinations, SendError, host};
use crate::deadline::Deadline;
use crate::metrics::Counts;
use crate::services::Services;

/// Attempts to store the outcome of a delivery. Each further one is made because someone else wrote the alert.
const STORE_ATTEMPTS: u32 = 5;

/// Delivers one organization's alerts.
pub struct Deliverer<'a> {
    pub services: &'a Services,
    pub org: &'a OrgId,
    pub destinations: &'a Destinations,
    pub deadline: Deadline,
}

/// An alert that several channels are delivering.
struct OpenAlert {
    alert: Alert,
    /// Channels that this run has not tried yet. The alert's lease ends with the last of them.
    untried: usize,
}

impl Deliverer<'_> {
    /// Delivers `alerts`, which are leased to this run. Deliveries that succeed are counted even if others fail.
    pub async fn deliver(&self, alerts: Vec<Alert>) -> (Counts, Vec<Error>) {
        let now = self.services.clock.now();
        let mut queues: BTreeMap<Channel, Vec<usize>> = BTreeMap::new();
        let mut open = Vec::with_capacity(alerts.len());
        for (index, alert) in alerts.into_iter().enumerate() {
            let due = alert.deliveries.iter().filter(|delivery| delivery.is_due(now));
            let channels: Vec<_> = due.map(|delivery| delivery.channel.clone()).collect();
            let untried = channels.len();
            for channel in channels {
                queues.entry(channel).or_default().push(index);
            }
            open.push(Mutex::new(OpenAlert { alert, untried }));
        }
        let queues = queues.iter().map(|(channel, queue)| self.work_off(channel, queue, &open));
        let (mut counts, mut faults) = (Counts::default(), Vec::new());
        // All queues end before a fault is returned: it must not cut off what can be delivered.
        for (of_queue, fault) in join_all(queues).await {
            counts += of_queue;
            faults.extend(fault);
        }
        (counts, faults)
    }

    /// Delivers one channel's alerts, oldest first. A channel that does not respond is not tried again in this run.
    async fn work_off(
        &self,
        channel: &Channel,
        queue: &[usize],
        open: &[Mutex<OpenAlert>],
    ) -> (Counts, Option<Error>) {
        let mut counts = Counts::default();
        for index in queue {
            if !self.deadline.may_start() {
                break;
            }
            let (alert, now) = (open[*index].lock().await.alert.clone(), self.services.clock.now());
            let sent = self.services.channels.send(&alert, channel, self.destinations, now).await;
            match self.store_outcome(&mut *open[*index].lock().await, channel, &sent, now).await {
                Ok(counted) => counts += counted,
                Err(fault) => return (counts, Some(fault)),
            }
            if is_unresponsive(&sent) {
                break;
            }
        }
        (counts, None)
    }

    async fn store_outcome(
        &self,
        open: &mut OpenAlert,
        channel: &Channel,
        sent: &Result<(), SendError>,
        now: DateTime<Utc>,
    ) -> Result<Counts> {
        let store = &self.services.store;
        open.untried = open.untried.saturating_sub(1);
        let delivery = |alert: &Alert| alert.deliveries.iter().find(|one| one.channel == *channel).cloned();
        for _ in 0..STORE_ATTEMPTS {
            let alert = &mut open.alert;
            let counts = self.note(alert, channel, sent, now);
            let (done, noted) = (Status::of(&alert.deliveries) != Status::Pending, delivery(alert));
            alert.lease = alert.lease.filter(|_| open.untried > 0);
            if store.write_alert(alert, if done { DueChange::Remove } else { DueChange::Keep }).await? {
                return Ok(counts);
            }
            let Some(stored) = store.alert_now(self.org, &alert.key).await? else { return Ok(counts) };
            *alert = stored;
            // The write had succeeded, and only its response was lost.
            if delivery(alert) == noted {
                return Ok(counts);
            }
        }
        Err(Error::Unavailable("others keep changing the same alert".to_owned()))
    }

    /// Notes the outcome of one delivery in the alert.
    fn note(
        &self,
        alert: &mut Alert,
        channel: &Channel,
        sent: &Result<(), SendError>,
        now: DateTime<Utc>,
    ) -> Counts {
        let (id, mut counts) = (alert.id(), Counts::default());
        let Some(delivery) = alert.deliveries.iter_mut().find(|delivery| delivery.channel == *channel) else {
            return counts;
        };
        if let Channel::Webhook(name) = channel {
            delivery.host = self.destinations.get(name).map(|destination| host(&destination.url));
        }
        match sent {
            Ok(()) => delivery.record_attempt(&id, now, Ok(())),
            Err(SendError::Failed(failure)) => {
                tracing::warn!(org = %self.org, %id, ?channel, failure = failure.detail, "failed to deliver an alert");
                delivery.record_attempt(&id, now, Err(failure));
            }
            Err(SendError::NoReceiver(why)) => delivery.abandon(why),
        }
        match delivery.state {
            DeliveryState::Pending => counts.retried = 1,
            DeliveryState::Delivered => counts.sent = 1,
            DeliveryState::DeadLettered => counts.dead_lettered = 1,
            DeliveryState::Gone => counts.gone = 1,
        }
        counts
    }
}

/// Whether there was no response at all.
fn is_unresponsive(sent: &Result<(), SendError>) -> bool {
    let Err(SendError::Failed(failure)) = sent else { return false };
    failure.status.is_none() && matches!(failure.advice, RetryAdvice::Retry { .. })
}
