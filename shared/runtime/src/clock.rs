//! The source of the current time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// The source of "now". Only this type reads the wall clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that returns the system time.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that returns `now`, in milliseconds, until it is set.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.timestamp_millis()))))
    }

    /// Sets a fixed clock. No effect on the system clock.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(fixed) = &self.0 {
            fixed.store(now.timestamp_millis(), Ordering::SeqCst);
        }
    }

    /// The current time of this clock.
    #[allow(clippy::disallowed_methods, reason = "the only place that reads the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => Utc::now(),
            Some(fixed) => DateTime::from_timestamp_millis(fixed.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }
}
