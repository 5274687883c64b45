use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::aws::invoke::Handler;
use crate::testing::lambda;

/// A function that notes what it is called with, and then does what the test says.
struct Rig {
    timer: Arc<Timer>,
    clock: Clock,
    events: Arc<Mutex<Vec<Value>>>,
    stop: watch::Sender<bool>,
}

fn noon() -> DateTime<Utc> {
    "2026-09-15T12:00:00Z".parse().unwrap()
}

impl Rig {
    fn new(expression: &str, input: Option<Value>, handler: Handler) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let noted = events.clone();
        let noting: Handler = Arc::new(move |event| {
            noted.lock().unwrap().push(event.clone());
            handler(event)
        });
        let lambda = lambda("AFunction", "a", Duration::from_secs(90), noting);
        let schedule = Schedule { name: "S".to_owned(), expression: expression.parse().unwrap(), input };
        let timer = Timer::new(lambda, schedule, LONGEST_RATE);
        let (stop, _) = watch::channel(false);
        Self { timer: Arc::new(timer), clock: Clock::fixed(noon()), events, stop }
    }

    fn start(&self) -> tokio::task::JoinHandle<()> {
        let (timer, clock, stop) = (self.timer.clone(), self.clock.clone(), self.stop.subscribe());
        tokio::spawn(async move { timer.run(&clock, stop).await })
    }

    /// Lets so many seconds pass, for the clock as well.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.set(self.clock.now() + TimeDelta::seconds(1));
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn begun(&self) -> usize {
        self.events.lock().unwrap().len()
    }
}

/// A function that takes `pause` for an invocation.
fn taking(pause: Duration) -> Handler {
    Arc::new(move |_| {
        Box::pin(async move {
            sleep(pause).await;
            Ok(Value::Null)
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_rate_runs_every_minute_at_least_and_first_after_one() {
    for (rate, calls_in_ten_minutes) in [("1 minute", 10), ("15 minutes", 10), ("1 day", 10)] {
        let rig = Rig::new(&format!("rate({rate})"), Some(json!({ "do": 1 })), taking(Duration::ZERO));
        let running = rig.start();
        rig.pass(59).await;
        assert_eq!(rig.begun(), 0);
        rig.pass(542).await;
        assert_eq!(rig.timer.calls(), calls_in_ten_minutes, "{rate}");
        assert!(rig.events.lock().unwrap().iter().all(|event| *event == json!({ "do": 1 })));
        rig.stop.send_replace(true);
        running.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_invocation_at_a_time_is_cut_off_when_its_time_is_over() {
    let rig = Rig::new("rate(1 minute)", None, taking(Duration::from_hours(1)));
    let running = rig.start();
    rig.pass(61).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (1, 0));
    rig.pass(80).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (1, 0));
    // 90 seconds after it began; the next one was due by then.
    rig.pass(10).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (2, 1));
    rig.stop.send_replace(true);
    running.await.unwrap();
    assert_eq!((rig.begun(), rig.timer.calls()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_does_not_end_a_schedule() {
    let mut calls = 0;
    let fail = Mutex::new(move || {
        calls += 1;
        calls
    });
    let handler: Handler = Arc::new(move |_| {
        let call = fail.lock().unwrap()();
        Box::pin(async move {
            match call {
                1 => Err("no".into()),
                2 => panic!("on purpose"),
                _ => Ok(Value::Null),
            }
        })
    });
    let rig = Rig::new("rate(1 minute)", None, handler);
    drop(rig.start());
    rig.pass(181).await;
    assert_eq!(rig.timer.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_cron_follows_the_clock_it_is_given() {
    let rig = Rig::new("cron(10 2 * * ? *)", None, taking(Duration::ZERO));
    let running = rig.start();
    rig.pass(3_600).await;
    assert_eq!(rig.begun(), 0);
    // The machine sleeps through three nights: one call makes up for them.
    rig.clock.set(noon() + TimeDelta::days(3));
    rig.pass(120).await;
    assert_eq!(rig.begun(), 1);
    rig.clock.set("2026-09-19T02:09:59Z".parse().unwrap());
    sleep(Duration::from_mins(2)).await;
    assert_eq!(rig.begun(), 1);
    rig.pass(61).await;
    assert_eq!(rig.begun(), 2);
    let event = rig.events.lock().unwrap()[1].clone();
    assert_eq!(event["detail-type"], "Scheduled Event");
    assert_eq!(event["source"], "aws.scheduler");
    assert_eq!(
        event["resources"],
        json!(["arn:aws:scheduler:us-east-1:000000000000:schedule/default/AFunctionS"])
    );
    assert!(event["time"].as_str().unwrap().starts_with("2026-09-19T02:1"), "{event}");
    // The stack goes, and says nothing.
    drop(rig.stop);
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_becomes_due_during_an_invocation_is_done_once_after_it() {
    let rig = Rig::new("cron(* * * * ? *)", None, taking(Duration::from_secs(80)));
    let running = rig.start();
    rig.pass(60 + 79).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (1, 0));
    rig.pass(2).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (2, 1));
    rig.stop.send_replace(true);
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cron_that_is_past_ends() {
    let rig = Rig::new("cron(0 0 1 1 ? 2026)", None, taking(Duration::ZERO));
    rig.start().await.unwrap();
    assert_eq!(rig.begun(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_has_stopped_already_calls_nothing() {
    let rig = Rig::new("rate(1 minute)", None, taking(Duration::ZERO));
    rig.stop.send_replace(true);
    rig.start().await.unwrap();
    assert_eq!(rig.begun(), 0);
}
