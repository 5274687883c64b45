use std::sync::{Arc, Mutex};

use tokio::time::sleep;

use super::*;
use crate::aws::invoke::Handler;
use crate::testing::lambda;

/// A timer of a function that records its events before it runs the test's handler.
struct Rig {
    timer: Arc<Timer>,
    events: Arc<Mutex<Vec<Value>>>,
    stop: watch::Sender<bool>,
}

impl Rig {
    fn new(expression: &str, input: Option<Value>, handler: Handler) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let recorded = events.clone();
        let recording: Handler = Arc::new(move |event| {
            recorded.lock().unwrap().push(event.clone());
            handler(event)
        });
        let lambda = lambda("AFunction", "a", Duration::from_secs(90), recording);
        let schedule = Schedule { name: "S".to_owned(), expression: expression.parse().unwrap(), input };
        let timer = Timer::new(lambda, schedule, LONGEST_RATE);
        let (stop, _) = watch::channel(false);
        Self { timer: Arc::new(timer), events, stop }
    }

    fn start(&self) -> tokio::task::JoinHandle<()> {
        let (timer, stop) = (self.timer.clone(), self.stop.subscribe());
        tokio::spawn(async move { timer.run(stop).await })
    }

    fn begun(&self) -> usize {
        self.events.lock().unwrap().len()
    }
}

/// Lets this many seconds pass.
async fn pass(seconds: u64) {
    for _ in 0..seconds {
        sleep(Duration::from_secs(1)).await;
    }
}

/// A handler that takes `pause` for each invocation.
fn taking(pause: Duration) -> Handler {
    Arc::new(move |_| {
        Box::pin(async move {
            sleep(pause).await;
            Ok(Value::Null)
        })
    })
}

#[tokio::test(start_paused = true)]
async fn every_schedule_runs_at_least_once_a_minute_and_first_after_one() {
    for (expression, calls_in_ten_minutes) in
        [("rate(1 minute)", 10), ("rate(15 minutes)", 10), ("rate(1 day)", 10), ("cron(10 2 * * ? *)", 10)]
    {
        let rig = Rig::new(expression, Some(json!({ "do": 1 })), taking(Duration::ZERO));
        let running = rig.start();
        pass(59).await;
        assert_eq!(rig.begun(), 0);
        pass(542).await;
        assert_eq!(rig.timer.calls(), calls_in_ten_minutes, "{expression}");
        assert!(rig.events.lock().unwrap().iter().all(|event| *event == json!({ "do": 1 })));
        rig.stop.send_replace(true);
        running.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_without_input_sends_a_scheduled_event() {
    let rig = Rig::new("cron(10 2 * * ? *)", None, taking(Duration::ZERO));
    let running = rig.start();
    pass(61).await;
    let event = rig.events.lock().unwrap()[0].clone();
    assert_eq!(event["detail-type"], "Scheduled Event");
    assert_eq!(event["source"], "aws.scheduler");
    assert_eq!(
        event["resources"],
        json!(["arn:aws:scheduler:us-east-1:000000000000:schedule/default/AFunctionS"])
    );
    assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
    // A dropped sender stops the timer, too.
    drop(rig.stop);
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn invocations_do_not_overlap_and_are_cut_off_at_the_timeout() {
    let rig = Rig::new("rate(1 minute)", None, taking(Duration::from_hours(1)));
    let running = rig.start();
    pass(61).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (1, 0));
    pass(80).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (1, 0));
    // The first one began 90 seconds ago, and the next one was due since.
    pass(10).await;
    assert_eq!((rig.begun(), rig.timer.calls()), (2, 1));
    rig.stop.send_replace(true);
    running.await.unwrap();
    assert_eq!((rig.begun(), rig.timer.calls()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_invocation_does_not_end_the_schedule() {
    let mut calls = 0;
    let count = Mutex::new(move || {
        calls += 1;
        calls
    });
    let handler: Handler = Arc::new(move |_| {
        let call = count.lock().unwrap()();
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
    pass(181).await;
    assert_eq!(rig.timer.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_stack_invokes_nothing() {
    let rig = Rig::new("rate(1 minute)", None, taking(Duration::ZERO));
    rig.stop.send_replace(true);
    rig.start().await.unwrap();
    assert_eq!(rig.begun(), 0);
}
