//! The counts of a run: its result, its log line and its metrics.

use std::ops::AddAssign;

use runtime::metrics::Metric;
use serde::Serialize;

/// What a run, or a part of one, did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Organizations visited, including those that failed.
    pub organizations: u64,
    /// New alerts to be sent.
    pub decided: u64,
    /// New alerts that were superseded at once.
    pub superseded: u64,
    /// Deliveries that succeeded.
    pub sent: u64,
    /// Deliveries that failed and will be retried.
    pub retried: u64,
    /// Deliveries that were given up.
    pub dead_lettered: u64,
    /// Deliveries whose receiver no longer exists or wants no more alerts.
    pub gone: u64,
    /// Organizations that failed.
    pub failed: u64,
    /// Organizations that the run had no time for.
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

/// Writes the counts to the log and to the invocation's metrics.
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
        "checked budgets"
    );
}
