use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_789_473_600, 0).unwrap()
}

fn failure(advice: RetryAdvice) -> DeliveryFailure {
    DeliveryFailure { advice, status: None, detail: "no".to_owned() }
}

const AGAIN: RetryAdvice = RetryAdvice::Retry { after: None };

proptest! {
    #[test]
    fn backoffs_grow_within_their_bounds_and_depend_only_on_id_and_attempt(key in ".*") {
        let id = MessageId::of(&key);
        let mut whole = TimeDelta::zero();
        for attempt in 1..MAX_ATTEMPTS {
            let least = TimeDelta::minutes(4 << (attempt - 1).min(7));
            let backoff = backoff(&id, attempt);
            prop_assert!(least <= backoff && backoff < least + least / 4, "{attempt}: {backoff}");
            prop_assert_eq!(backoff, super::super::backoff(&id, attempt));
            whole += backoff;
        }
        prop_assert!(TimeDelta::minutes(25 * 60 + 32) <= whole && whole <= TimeDelta::minutes(31 * 60 + 55));
    }
}

#[test]
fn alerts_that_failed_together_are_retried_at_different_times() {
    let backoffs: std::collections::BTreeSet<_> =
        (0..100).map(|i| backoff(&MessageId::of(&i.to_string()), 1)).collect();
    assert!(backoffs.len() > 90, "{}", backoffs.len());
}

#[test]
fn a_delivery_is_dead_lettered_after_ten_attempts() {
    let id = MessageId::of("x");
    let mut delivery = Delivery::new(Channel::Topic, now());
    let mut at = now();
    for attempt in 1..=MAX_ATTEMPTS {
        assert!(delivery.is_due(at) && !delivery.is_due(delivery.next - TimeDelta::milliseconds(1)));
        delivery.record_attempt(&id, at, Err(&failure(AGAIN)));
        assert_eq!((delivery.attempts, delivery.failure.as_deref()), (attempt, Some("no")));
        at = delivery.next;
    }
    assert_eq!(delivery.state, DeliveryState::DeadLettered);
    assert!(!delivery.is_due(at + TimeDelta::days(999)));
    delivery.redeliver(at);
    assert_eq!((delivery.state, delivery.attempts, delivery.is_due(at)), (DeliveryState::Pending, 0, true));
    delivery.record_attempt(&id, at, Ok(()));
    assert_eq!(
        (delivery.state, delivery.failure, delivery.delivered),
        (DeliveryState::Delivered, None, Some(at))
    );
}

#[test]
fn retry_advice_decides_the_state_and_the_next_attempt() {
    let after = |advice| {
        let mut delivery = Delivery::new(Channel::Topic, now());
        delivery.record_attempt(&MessageId::of("x"), now(), Err(&failure(advice)));
        (delivery.state, delivery.next - now())
    };
    assert_eq!(after(RetryAdvice::Gone).0, DeliveryState::Gone);
    assert_eq!(after(RetryAdvice::GiveUp).0, DeliveryState::DeadLettered);
    let own = (now() + backoff(&MessageId::of("x"), 1)).trunc_subsecs(3) - now();
    assert_eq!(after(AGAIN), (DeliveryState::Pending, own));
    let requested = |seconds| after(RetryAdvice::Retry { after: Some(Duration::from_secs(seconds)) }).1;
    // A receiver can lengthen the backoff but not shorten it.
    assert_eq!((requested(1), requested(86_400)), (own, TimeDelta::hours(24)));
}

#[test]
fn the_stored_form_of_a_delivery_never_changes() {
    let delivery = Delivery::new(Channel::Webhook(Name::new("ops").unwrap()), now());
    let stored = r#"{"outlet":{"kind":"webhook","id":"ops"},"state":"pending","attempts":0,"next":"2026-09-15T12:00:00Z"}"#;
    assert_eq!(serde_json::to_string(&delivery).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Delivery>(stored).unwrap(), delivery);
}

#[test]
fn the_status_follows_from_the_states_of_the_deliveries() {
    use DeliveryState::{DeadLettered, Delivered, Gone, Pending};
    let status = |states: &[DeliveryState]| {
        let delivery =
            |state: &DeliveryState| Delivery { state: *state, ..Delivery::new(Channel::Topic, now()) };
        Status::of(&states.iter().map(delivery).collect::<Vec<_>>())
    };
    assert_eq!(status(&[]), Status::Sent);
    assert_eq!(status(&[Delivered, Gone]), Status::Sent);
    assert_eq!(status(&[Delivered, DeadLettered]), Status::DeadLettered);
    assert_eq!(status(&[Pending, DeadLettered]), Status::Pending);
    for status in [Status::Pending, Status::Sent, Status::Superseded, Status::Resolved, Status::DeadLettered]
    {
        assert_eq!(Status::parse(status.as_str()), Some(status));
    }
}
