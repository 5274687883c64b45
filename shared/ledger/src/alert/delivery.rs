//! To whom an alert is said, and how that goes.
//!
//! Each outlet is tried up to [`MAX_ATTEMPTS`] times. The pause after a failure doubles from four minutes to eight hours
//! and a half, and is up to a quarter longer: all pauses together are between 25 hours 32 minutes and 31 hours 55
//! minutes. How much longer follows from the alert's id and the attempt, so that alerts that failed together do not
//! come back together, and no dice are needed. The first pause is over when the next run comes, five minutes later.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Failure, MessageId, Verdict};
use crate::ids::Name;

/// Attempts at one outlet before it is given up.
pub const MAX_ATTEMPTS: u32 = 10;
/// The pause after the first failure.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(4);
/// Doublings of it, at most.
const MAX_DOUBLINGS: u32 = 7;
/// The part of a pause by which it is longer at most: one in so many.
const JITTER: i32 = 4;

/// Where an alert goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Outlet {
    /// The topic of all organisations.
    Topic,
    /// A webhook of the organisation.
    Webhook(Name),
    /// Whoever watches the local stack.
    Print,
}

/// How it goes with one outlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is still to be delivered.
    Pending,
    /// It has been delivered.
    Delivered,
    /// It has been tried as often as it is worth.
    DeadLettered,
    /// The receiver wants no more of it (410 Gone), or there is no such destination any more.
    Gone,
}

/// One outlet of one alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where to.
    pub outlet: Outlet,
    /// How it goes.
    pub state: DeliveryState,
    /// Attempts that were made since it was decided, or last asked for anew.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub next: DateTime<Utc>,
    /// The host that it was last sent to: of an address no more is kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When it was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<DateTime<Utc>>,
    /// Why the last attempt failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Delivery {
    /// A delivery that is due at once.
    pub const fn new(outlet: Outlet, now: DateTime<Utc>) -> Self {
        let (host, delivered, failure) = (None, None, None);
        Self { outlet, state: DeliveryState::Pending, attempts: 0, next: now, host, delivered, failure }
    }

    /// Whether it is to be tried at `now`.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.state == DeliveryState::Pending && self.next <= now
    }

    /// Notes how an attempt went that was made at `now`.
    pub fn attempted(&mut self, id: &MessageId, now: DateTime<Utc>, result: Result<(), &Failure>) {
        self.attempts += 1;
        self.failure = result.err().map(|failure| failure.detail.clone());
        self.state = match result.map_err(|failure| failure.verdict) {
            Ok(()) => {
                self.delivered = Some(now);
                DeliveryState::Delivered
            }
            Err(Verdict::Gone) => DeliveryState::Gone,
            Err(Verdict::Again { after }) if self.attempts < MAX_ATTEMPTS => {
                let asked = after.and_then(|after| TimeDelta::from_std(after).ok()).unwrap_or_default();
                self.next = (now + pause(id, self.attempts).max(asked)).trunc_subsecs(3);
                DeliveryState::Pending
            }
            Err(Verdict::Again { .. } | Verdict::GiveUp) => DeliveryState::DeadLettered,
        };
    }

    /// Notes that there is nobody to deliver to any more.
    pub fn abandoned(&mut self, why: &str) {
        self.state = DeliveryState::Gone;
        self.failure = Some(why.to_owned());
    }

    /// Makes it due again, with all attempts before it.
    pub fn again(&mut self, now: DateTime<Utc>) {
        if self.state != DeliveryState::Pending {
            self.attempts = 0;
        }
        self.state = DeliveryState::Pending;
        self.next = now;
    }
}

/// The pause after the `attempt`-th attempt, from 1, at the message `id` has failed.
pub fn pause(id: &MessageId, attempt: u32) -> TimeDelta {
    let doublings = attempt.saturating_sub(1).min(MAX_DOUBLINGS);
    let least = FIRST_PAUSE * 2_i32.pow(doublings);
    let hash = Sha256::digest(format!("{id}.{attempt}"));
    // 16 bits of the hash, as a part of the longest addition.
    let part = i32::from(hash[0]) << 8 | i32::from(hash[1]);
    let step = (least / JITTER).to_std().unwrap_or_default() / 0x1_0000;
    least + TimeDelta::from_std(step * part.unsigned_abs()).unwrap_or_default()
}

/// How it goes with an alert as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Some outlet is still to have it.
    Pending,
    /// Nothing is left to deliver.
    Sent,
    /// A higher threshold was told in its place: it is told to nobody.
    Superseded,
    /// It was told, and no longer holds: the budget has been raised or taken away.
    Resolved,
    /// Some outlet never had it, and will not be tried any more.
    DeadLettered,
}

impl Status {
    /// What the outlets' states come to.
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

    /// The status as items and the API write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Superseded => "superseded",
            Self::Resolved => "resolved",
            Self::DeadLettered => "dead_lettered",
        }
    }

    /// The status that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Sent, Self::Superseded, Self::Resolved, Self::DeadLettered];
        all.into_iter().find(|status| status.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_789_473_600, 0).unwrap()
    }

    fn failure(verdict: Verdict) -> Failure {
        Failure { verdict, status: None, detail: "no".to_owned() }
    }

    const AGAIN: Verdict = Verdict::Again { after: None };

    proptest! {
        #[test]
        fn pauses_grow_within_their_bounds_and_follow_from_the_id(key in ".*") {
            let id = MessageId::of(&key);
            let mut whole = TimeDelta::zero();
            for attempt in 1..MAX_ATTEMPTS {
                let least = TimeDelta::minutes(4 << (attempt - 1).min(7));
                let pause = pause(&id, attempt);
                prop_assert!(least <= pause && pause < least + least / 4, "{attempt}: {pause}");
                prop_assert_eq!(pause, super::pause(&id, attempt));
                whole += pause;
            }
            prop_assert!(TimeDelta::minutes(25 * 60 + 32) <= whole && whole <= TimeDelta::minutes(31 * 60 + 55));
        }
    }

    #[test]
    fn alerts_that_failed_together_come_back_apart() {
        let pauses: std::collections::BTreeSet<_> =
            (0..100).map(|i| pause(&MessageId::of(&i.to_string()), 1)).collect();
        assert!(pauses.len() > 90, "{}", pauses.len());
    }

    #[test]
    fn an_outlet_is_tried_ten_times_and_then_given_up() {
        let id = MessageId::of("x");
        let mut delivery = Delivery::new(Outlet::Topic, now());
        let mut at = now();
        for attempt in 1..=MAX_ATTEMPTS {
            assert!(delivery.is_due(at) && !delivery.is_due(delivery.next - TimeDelta::milliseconds(1)));
            delivery.attempted(&id, at, Err(&failure(AGAIN)));
            assert_eq!((delivery.attempts, delivery.failure.as_deref()), (attempt, Some("no")));
            at = delivery.next;
        }
        assert_eq!(delivery.state, DeliveryState::DeadLettered);
        assert!(!delivery.is_due(at + TimeDelta::days(999)));
        delivery.again(at);
        assert_eq!(
            (delivery.state, delivery.attempts, delivery.is_due(at)),
            (DeliveryState::Pending, 0, true)
        );
        delivery.attempted(&id, at, Ok(()));
        assert_eq!(
            (delivery.state, delivery.failure, delivery.delivered),
            (DeliveryState::Delivered, None, Some(at))
        );
    }

    #[test]
    fn what_each_verdict_comes_to() {
        let after = |verdict| {
            let mut delivery = Delivery::new(Outlet::Topic, now());
            delivery.attempted(&MessageId::of("x"), now(), Err(&failure(verdict)));
            (delivery.state, delivery.next - now())
        };
        assert_eq!(after(Verdict::Gone).0, DeliveryState::Gone);
        assert_eq!(after(Verdict::GiveUp).0, DeliveryState::DeadLettered);
        let own = (now() + pause(&MessageId::of("x"), 1)).trunc_subsecs(3) - now();
        assert_eq!(after(AGAIN), (DeliveryState::Pending, own));
        let asked = |seconds| after(Verdict::Again { after: Some(Duration::from_secs(seconds)) }).1;
        // What a receiver asks for is the least, never less than our own.
        assert_eq!((asked(1), asked(86_400)), (own, TimeDelta::hours(24)));
    }

    #[test]
    fn the_states_of_the_outlets_make_the_status() {
        use DeliveryState::{DeadLettered, Delivered, Gone, Pending};
        let status = |states: &[DeliveryState]| {
            let delivery =
                |state: &DeliveryState| Delivery { state: *state, ..Delivery::new(Outlet::Topic, now()) };
            Status::of(&states.iter().map(delivery).collect::<Vec<_>>())
        };
        assert_eq!(status(&[]), Status::Sent);
        assert_eq!(status(&[Delivered, Gone]), Status::Sent);
        assert_eq!(status(&[Delivered, DeadLettered]), Status::DeadLettered);
        assert_eq!(status(&[Pending, DeadLettered]), Status::Pending);
        for status in
            [Status::Pending, Status::Sent, Status::Superseded, Status::Resolved, Status::DeadLettered]
        {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}
