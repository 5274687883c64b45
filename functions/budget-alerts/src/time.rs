//! How much of a run's time is left.

use std::time::Duration;

use tokio::time::Instant;

/// What is left for the end: a webhook may take ten seconds, and then its outcome has to be stored.
const MARGIN: Duration = Duration::from_secs(15);
/// The share of a short run that is left, one in so many.
const SHARE: u32 = 4;

/// A run's time.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// When nothing more is begun.
    pub begin_until: Instant,
    /// When what is still under way is dropped.
    pub drop_at: Instant,
}

impl Time {
    /// The time of a run that has `left` from now on.
    pub fn of(left: Duration) -> Self {
        let (start, margin) = (Instant::now(), MARGIN.min(left / SHARE));
        Self {
            begin_until: start + left.saturating_sub(margin),
            drop_at: start + left.saturating_sub(margin / SHARE),
        }
    }

    /// Whether something may still be begun.
    pub fn is_left(&self) -> bool {
        Instant::now() < self.begin_until
    }
}
