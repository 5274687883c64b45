//! What a run came to, in figures.

use std::ops::AddAssign;

use runtime::metrics::Metric;
use serde::Serialize;

/// What a run, or a part of one, came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Organisations that were looked at, failed ones included.
    pub organizations: u64,
    /// Alerts that were decided to be told.
    pub decided: u64,
    /// Alerts that were superseded from the first.
    pub superseded: u64,
    /// Deliveries that were taken.
    pub sent: u64,
    /// Deliveries that failed and will be tried again.
    pub retried: u64,
    /// Deliveries that were given up.
    pub dead_lettered: u64,
    /// Deliveries that nobody wants any more.
    pub gone: u64,
    /// Organisations that failed.
    pub failed: u64,
    /// Organisations that the time did not suffice for.
    pub left: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.organizations += other.organizations;
        self.decided += other.decided;
        self.superseded += other.superseded;
        self.sent += other.sent;
        self.retried += other.retried;
        self.dead_lettered += other.dead_lettered;
        self.gone += other.gone;
        self.failed += other.failed;
        self.left += other.left;
    }
}

/// Tells the log, and counts for the invocation.
pub fn emit(counts: &Counts) {
    for (metric, count) in [
        (Metric::Decided, counts.decided),
        (Metric::Sent, counts.sent),
        (Metric::Retried, counts.retried),
        (Metric::DeadLetters, counts.dead_lettered),
        (Metric::FailedOrganizations, counts.failed),
    ] {
        metric.count(usize::try_from(count).unwrap_or(usize::MAX));
    }
    tracing::info!(
        organizations = counts.organizations,
        decided = counts.decided,
        superseded = counts.superseded,
        sent = counts.sent,
        retried = counts.retried,
        dead_lettered = counts.dead_lettered,
        gone = counts.gone,
        failed = counts.failed,
        left = counts.left,
        "budgets were watched"
    );
}
