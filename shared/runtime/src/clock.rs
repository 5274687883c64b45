//! The clock of a function.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// The source of the current time. Only this type reads the wall clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The wall clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `now` until it is set.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.timestamp_millis()))))
    }

    /// Sets a fixed clock. Has no effect on the wall clock.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(fixed) = &self.0 {
            fixed.store(now.timestamp_millis(), Ordering::SeqCst);
        }
    }

    /// The current time.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => Utc::now(),
            Some(fixed) => DateTime::from_timestamp_millis(fixed.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }
}
