//! In place of EventBridge Scheduler: calls a function when it is due, by the real clock, one invocation at a time.

pub mod expression;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::SecondsFormat;
use croner::Cron;
use runtime::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::lambda::Lambda;
use crate::template::Schedule;
use expression::Expression;

/// How often at the least a function with a rate is called here: what takes a day in an account is to be seen.
pub const LONGEST_RATE: Duration = Duration::from_mins(1);
/// How long to sleep at most before the clock is looked at again: it may be set, and a machine may be asleep.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// A schedule and the function that it calls.
pub struct Timer {
    lambda: Lambda,
    schedule: Schedule,
    longest_rate: Duration,
    calls: AtomicU64,
}

impl Timer {
    /// The schedule, with a rate of `longest_rate` in place of a longer one.
    pub const fn new(lambda: Lambda, schedule: Schedule, longest_rate: Duration) -> Self {
        Self { lambda, schedule, longest_rate, calls: AtomicU64::new(0) }
    }

    /// How many invocations have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls the function whenever it is due by `clock`, until told to stop. The invocation under way is cut off
    /// then, as it may be at any time.
    pub async fn run(&self, clock: &Clock, mut stop: watch::Receiver<bool>) {
        let work = async {
            match &self.schedule.expression {
                Expression::Rate(every) => self.at_rate(*every, clock).await,
                Expression::Cron(cron) => self.at_times(cron, clock).await,
            }
        };
        tokio::select! {
            () = work => {}
            // A sender that is gone stops it like one that says so.
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// The first call comes after the first pause: a start is no new schedule, and the demo is being loaded then.
    async fn at_rate(&self, every: Duration, clock: &Clock) {
        let every = every.min(self.longest_rate);
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.call(clock).await;
        }
    }

    async fn at_times(&self, cron: &Cron, clock: &Clock) {
        let mut after = clock.now();
        while let Some(due) = expression::next(cron, after) {
            while let Ok(left) = (due - clock.now()).to_std()
                && !left.is_zero()
            {
                sleep(left.min(LONGEST_SLEEP)).await;
            }
            // What becomes due meanwhile is made up for by one call, however much it is.
            after = clock.now();
            self.call(clock).await;
        }
        tracing::warn!(function = self.lambda.name(), schedule = self.schedule.name, "is due no more");
    }

    async fn call(&self, clock: &Clock) {
        let event = self.schedule.input.clone().unwrap_or_else(|| self.notification(clock));
        if let Err(error) = self.lambda.invoke(event).await {
            let (function, schedule) = (self.lambda.name(), &self.schedule.name);
            tracing::warn!(function, schedule, error = error.error_message, "a scheduled invocation failed");
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// What a function is called with where the schedule has no input.
    fn notification(&self, clock: &Clock) -> Value {
        let id = rand::random::<u128>();
        let name = format!("{}{}", self.lambda.id(), self.schedule.name);
        json!({
            "version": "0",
            "id": format!("{id:032x}"),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": "000000000000",
            "time": clock.now().to_rfc3339_opts(SecondsFormat::Secs, true),
            "region": "us-east-1",
            "resources": [format!("arn:aws:scheduler:us-east-1:000000000000:schedule/default/{name}")],
            "detail": "{}",
        })
    }
}

#[cfg(test)]
mod tests;
