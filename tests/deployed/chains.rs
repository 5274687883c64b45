//! The times that the chains of agents' days rely on.

use std::time::Duration;

use ledger::chain::Timing;
use local::template::Template;
use store::chains::{FORGET_AFTER, LISTED_FOR};

/// A page is removed once no aggregator can rely on what it knew of a chain before.
#[test]
fn pages_outlast_what_aggregators_know_of_them() {
    let template = Template::built_in().unwrap();
    let aggregator = template.functions.iter().find(|function| function.binary == "aggregator").unwrap();
    let timing = Timing::PRODUCTION;
    let known_for = Duration::from_secs(timing.tail_age.unsigned_abs()) + aggregator.timeout;
    assert!(known_for < Duration::from_secs(timing.delete_after.unsigned_abs()), "{known_for:?}");
    let day = 24 * 3600;
    assert!(timing.late > day && timing.expire_after > timing.late + timing.delete_after);
    const { assert!(2 * LISTED_FOR < FORGET_AFTER) };
}
