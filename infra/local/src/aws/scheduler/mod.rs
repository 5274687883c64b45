//! Stands in for EventBridge Scheduler: invokes a function on its schedule, one invocation at a time.
//!
//! Schedules are sped up: intervals are capped, and a cron schedule runs at the cap, because nobody at a local stack
//! waits for two in the morning.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::SecondsFormat;
use runtime::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::aws::invoke::Lambda;
use crate::template::{Expression, Schedule};

/// The default cap. A job that runs once a day in an account should run while somebody watches.
pub const LONGEST_RATE: Duration = Duration::from_mins(1);

/// A schedule and the function that it invokes.
pub struct Timer {
    lambda: Lambda,
    schedule: Schedule,
    every: Duration,
    calls: AtomicU64,
}

impl Timer {
    /// Invokes `lambda` by `schedule`, but at least every `longest_rate`.
    pub fn new(lambda: Lambda, schedule: Schedule, longest_rate: Duration) -> Self {
        let every = match schedule.expression {
            Expression::Rate(every) => every.min(longest_rate),
            Expression::Cron => longest_rate,
        };
        Self { lambda, schedule, every, calls: AtomicU64::new(0) }
    }

    /// How many invocations have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Invokes the function whenever it is due, until told to stop. Stopping aborts an invocation in flight, which
    /// every function has to tolerate.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.tick() => {}
            // A dropped sender also means stop.
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Waits before the first invocation, too: a restart is not a new schedule, and a new stack is still loading the
    /// demo.
    async fn tick(&self) {
        let mut ticks = interval_at(Instant::now() + self.every, self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.call().await;
        }
    }

    async fn call(&self) {
        let event = self.schedule.input.clone().unwrap_or_else(|| self.notification());
        if let Err(error) = self.lambda.invoke(event).await {
            let (function, schedule) = (self.lambda.name(), &self.schedule.name);
            tracing::warn!(function, schedule, error = error.error_message, "a scheduled invocation failed");
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The event that the scheduler sends when the schedule has no input of its own.
    fn notification(&self) -> Value {
        let id = rand::random::<u128>();
        let name = format!("{}{}", self.lambda.id(), self.schedule.name);
        json!({
            "version": "0",
            "id": format!("{id:032x}"),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": "000000000000",
            "time": Clock::system().now().to_rfc3339_opts(SecondsFormat::Secs, true),
            "region": "us-east-1",
            "resources": [format!("arn:aws:scheduler:us-east-1:000000000000:schedule/default/{name}")],
            "detail": "{}",
        })
    }
}

#[cfg(test)]
mod tests;
