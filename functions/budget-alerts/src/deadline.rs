//! When a run has to stop.

use std::time::Duration;

use tokio::time::Instant;

/// Time reserved for the end of a run: a webhook may be tried twice, and take fourteen seconds for both; then its outcome
/// has to be stored.
const MARGIN: Duration = Duration::from_secs(20);
/// A run too short for the margin reserves one part in so many of its time.
const SHARE: u32 = 4;

/// The times at which a run winds down.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// No new work is started after this.
    pub start_until: Instant,
    /// Work still in progress is canceled at this time.
    pub cancel_at: Instant,
}

impl Deadline {
    /// The deadline of a run that has `time_left` from now on.
    pub fn after(time_left: Duration) -> Self {
        let (now, margin) = (Instant::now(), MARGIN.min(time_left / SHARE));
        Self {
            start_until: now + time_left.saturating_sub(margin),
            cancel_at: now + time_left.saturating_sub(margin / SHARE),
        }
    }

    /// Whether new work may be started.
    pub fn may_start(&self) -> bool {
        Instant::now() < self.start_until
    }
}
