//! Delivery of an alert to its channels: attempts, retries and the resulting status.
//!
//! Each channel is tried up to [`MAX_ATTEMPTS`] times. The backoff after a failure doubles from 4 minutes to 8 hours
//! 32 minutes, plus a jitter of up to a quarter of it: all backoffs together are between 25 hours 32 minutes and
//! 31 hours 55 minutes. The jitter is derived from the alert's id and the attempt number, so alerts that failed together
//! are not retried together, and no randomness is needed. The first backoff ends before the next run, 5 minutes later.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DeliveryFailure, MessageId, RetryAdvice};
use crate::ids::Name;

/// Attempts at one channel before the alert is dead-lettered there.
pub const MAX_ATTEMPTS: u32 = 10;
/// The backoff after the first failure, without jitter.
const FIRST_BACKOFF: TimeDelta = TimeDelta::minutes(4);
/// How often the backoff doubles at most.
const MAX_DOUBLINGS: u32 = 7;
/// The jitter is at most the backoff divided by this.
const JITTER_DIVISOR: i32 = 4;

/// Where an alert is delivered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Channel {
    /// The SNS topic, which carries the alerts of all organizations.
    Topic,
    /// One of the organization's webhooks, by the id of its destination.
    Webhook(Name),
    /// The output of the local stack.
    Print,
}

/// The state of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not delivered yet; another attempt will be made.
    Pending,
    /// The channel accepted the alert.
    Delivered,
    /// Given up: all attempts failed, or another one could not help.
    DeadLettered,
    /// The receiver asked for no more messages (410 Gone), or the destination was deleted.
    Gone,
}

/// The delivery of one alert to one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The channel. Stored as `outlet`.
    #[serde(rename = "outlet")]
    pub channel: Channel,
    /// The current state.
    pub state: DeliveryState,
    /// Attempts made since the alert was stored, or since its redelivery was last requested.
    pub attempts: u32,
    /// When the next attempt is due. Meaningful only while the state is pending.
    pub next: DateTime<Utc>,
    /// The host of the last attempt. No more of the URL is kept here: its path is often a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When the channel accepted the alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<DateTime<Utc>>,
    /// Why the last attempt failed, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Delivery {
    /// A delivery that is due immediately.
    pub const fn new(channel: Channel, now: DateTime<Utc>) -> Self {
        let (host, delivered, failure) = (None, None, None);
        Self { channel, state: DeliveryState::Pending, attempts: 0, next: now, host, delivered, failure }
    }

    /// Whether an attempt is due at `now`.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.state == DeliveryState::Pending && self.next <= now
    }

    /// Records the result of an attempt made at `now`.
    pub fn record_attempt(
        &mut self,
        id: &MessageId,
        now: DateTime<Utc>,
        result: Result<(), &DeliveryFailure>,
    ) {
        self.attempts += 1;
        self.failure = result.err().map(|failure| failure.detail.clone());
        self.state = match result.map_err(|failure| failure.advice) {
            Ok(()) => {
                self.delivered = Some(now);
                DeliveryState::Delivered
            }
            Err(RetryAdvice::Gone) => DeliveryState::Gone,
            Err(RetryAdvice::Retry { after }) if self.attempts < MAX_ATTEMPTS => {
                let requested = after.and_then(|after| TimeDelta::from_std(after).ok()).unwrap_or_default();
                self.next = (now + backoff(id, self.attempts).max(requested)).trunc_subsecs(3);
                DeliveryState::Pending
            }
            Err(RetryAdvice::Retry { .. } | RetryAdvice::GiveUp) => DeliveryState::DeadLettered,
        };
    }

    /// Records that the channel no longer exists, with the reason.
    pub fn abandon(&mut self, why: &str) {
        self.state = DeliveryState::Gone;
        self.failure = Some(why.to_owned());
    }

    /// Makes the delivery due at `now`. One that had ended starts over with all its attempts.
    pub fn redeliver(&mut self, now: DateTime<Utc>) {
        if self.state != DeliveryState::Pending {
            self.attempts = 0;
        }
        self.state = DeliveryState::Pending;
        self.next = now;
    }
}

/// The backoff after the `attempt`-th attempt (counted from 1) to deliver the message `id` has failed.
pub fn backoff(id: &MessageId, attempt: u32) -> TimeDelta {
    let doublings = attempt.saturating_sub(1).min(MAX_DOUBLINGS);
    let least = FIRST_BACKOFF * 2_i32.pow(doublings);
    let hash = Sha256::digest(format!("{id}.{attempt}"));
    // 16 bits of the hash choose a fraction of the longest jitter.
    let fraction = i32::from(hash[0]) << 8 | i32::from(hash[1]);
    let step = (least / JITTER_DIVISOR).to_std().unwrap_or_default() / 0x1_0000;
    least + TimeDelta::from_std(step * fraction.unsigned_abs()).unwrap_or_default()
}

/// The status of an alert across all its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At least one delivery is pending.
    Pending,
    /// No delivery is pending or dead-lettered.
    Sent,
    /// An alert of a higher threshold was sent instead; this one is never delivered.
    Superseded,
    /// It was sent and no longer applies: the budget was raised or removed.
    Resolved,
    /// No delivery is pending, and at least one was given up.
    DeadLettered,
}

impl Status {
    /// The status that follows from the states of the deliveries.
    pub fn of(deliveries: &[Delivery]) -> Self {
        let any = |state| deliveries.iter().any(|delivery| delivery.state == state);
        if any(DeliveryState::Pending) {
            Self::Pending
        } else if any(DeliveryState::DeadLettered) {
            Self::DeadLettered
        } else {
            Self::Sent
        }
    }

    /// The text of the status in stored items and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Superseded => "superseded",
            Self::Resolved => "resolved",
            Self::DeadLettered => "dead_lettered",
        }
    }

    /// Parses the text that [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Sent, Self::Superseded, Self::Resolved, Self::DeadLettered];
        all.into_iter().find(|status| status.as_str() == text)
    }
}

#[cfg(test)]
mod tests;
