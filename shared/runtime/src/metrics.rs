//! What a function counts, as a log line that CloudWatch takes metrics from: the embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! An invocation is one task, and what it counts belongs to that task alone: no state outlives it, and where nobody
//! asks for a line (the local stack, the tests), counting does nothing.
//!
//! The crate `metrics_cloudwatch_embedded` would write the line too. It counts for the process as a whole, though, and
//! brings a package called `metrics`, after which `cargo test -p metrics` no longer means the function of that name.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::metrics_namespace;

/// Their one dimension: the name of the function's binary.
pub const DIMENSION: &str = "Function";

macro_rules! metrics {
    ($($function:literal { $($(#[$doc:meta])+ $name:ident,)+ })+) => {
        /// Something that a function counts. The variant's name is the metric's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $($($(#[$doc])+ $name,)+)+
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// The metric's name.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$name => stringify!($name),)+)+ }
            }

            /// The name of the function that counts it.
            pub const fn function(self) -> &'static str {
                match self { $($(Self::$name)|+ => $function,)+ }
            }
        }
    };
}

metrics! {
    "aggregator" {
        /// Records that were delivered.
        Records,
        /// Records that were put aside. One that is delivered again is counted again, so that none is ever missed.
        Quarantined,
        /// Deliveries of which some record has to come again.
        FailedBatches,
    }
    "ingest" {
        /// Events that were stored.
        Accepted,
        /// Events that had been stored before.
        Duplicates,
        /// Events that are not taken.
        Rejected,
        /// Events that could not be stored now.
        Unavailable,
    }
    "reconcile" {
        /// Columns that were not what their raw events come to.
        Drift,
        /// Raw events that could not be read.
        UnreadableEvents,
        /// Read units that were used.
        ReadUnits,
    }
    "budget-alerts" {
        /// Alerts that were decided.
        Decided,
        /// Alerts that were delivered.
        Sent,
        /// Deliveries that failed and will be tried again.
        Retried,
        /// Alerts that were given up.
        DeadLetters,
        /// Organisations whose budgets could not be looked at.
        FailedOrganizations,
    }
}

tokio::task_local! {
    static COUNTS: Arc<Counts>;
}

/// What one invocation of a function has counted: each of its metrics, those that stand at 0 too.
#[derive(Debug)]
pub struct Counts {
    function: &'static str,
    counts: Vec<(Metric, AtomicU64)>,
}

impl Metric {
    /// Counts `n` more, if this is one of the metrics of the invocation under way.
    pub fn count(self, n: usize) {
        let _ = COUNTS.try_with(|counts| {
            if let Some((_, count)) = counts.counts.iter().find(|(metric, _)| *metric == self) {
                count.fetch_add(n as u64, Ordering::Relaxed);
            }
        });
    }
}

impl Counts {
    fn of(function: &'static str) -> Self {
        let its = Metric::ALL.iter().filter(|metric| metric.function() == function);
        Self { function, counts: its.map(|metric| (*metric, AtomicU64::new(0))).collect() }
    }

    /// How often the invocation has counted `metric`.
    pub fn get(&self, metric: Metric) -> u64 {
        let found = self.counts.iter().find(|(one, _)| *one == metric);
        found.map_or(0, |(_, count)| count.load(Ordering::Relaxed))
    }

    /// The line of an invocation that ended at `now`.
    pub fn line(&self, now: DateTime<Utc>) -> String {
        let metric = |(metric, _): &(Metric, _)| json!({ "Name": metric.name(), "Unit": "Count" });
        let mut line = json!({
            "_aws": {
                "Timestamp": now.timestamp_millis(),
                "CloudWatchMetrics": [{
                    "Namespace": metrics_namespace(),
                    "Dimensions": [[DIMENSION]],
                    "Metrics": self.counts.iter().map(metric).collect::<Value>(),
                }],
            },
            DIMENSION: self.function,
        });
        for (metric, count) in &self.counts {
            line[metric.name()] = count.load(Ordering::Relaxed).into();
        }
        line.to_string()
    }
}

/// Runs an invocation of `function`; what it comes to, and what it has counted.
pub async fn counted<F: Future>(function: &'static str, invocation: F) -> (F::Output, Arc<Counts>) {
    let counts = Arc::new(Counts::of(function));
    let done = COUNTS.scope(counts.clone(), Box::pin(invocation)).await;
    (done, counts)
}

/// Runs an invocation of `function` and prints what it has counted, where Lambda takes it for the log.
pub async fn printed<F: Future>(function: &'static str, invocation: F) -> F::Output {
    let (done, counts) = counted(function, invocation).await;
    // A line that cannot be written is no reason to fail what has been done.
    let _ = writeln!(std::io::stdout(), "{}", counts.line(Clock::system().now()));
    done
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Metrics in a line, and dimensions in a set of them: limits of the format.
    const MOST_METRICS: usize = 100;
    const MOST_DIMENSIONS: usize = 30;

    /// Reads a line as the specification says that CloudWatch does.
    fn read(line: &str) -> Vec<(String, String, u64)> {
        assert!(!line.contains('\n'));
        let root: Value = serde_json::from_str(line).unwrap();
        assert!(root["_aws"]["Timestamp"].is_u64());
        let [directive] = root["_aws"]["CloudWatchMetrics"].as_array().unwrap().as_slice() else {
            panic!("{line}");
        };
        assert!((1..=1024).contains(&directive["Namespace"].as_str().unwrap().len()));
        let [dimensions] = directive["Dimensions"].as_array().unwrap().as_slice() else { panic!("{line}") };
        let dimensions = dimensions.as_array().unwrap();
        assert!(dimensions.len() <= MOST_DIMENSIONS);
        // A target member stands at the root: of a dimension a text, of a metric a number.
        let dimension = |name: &Value| {
            let value = root[name.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()));
            format!("{}={value}", name.as_str().unwrap())
        };
        let dimensions: Vec<_> = dimensions.iter().map(dimension).collect();
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!(metrics.len() <= MOST_METRICS);
        let metric = |metric: &Value| {
            assert_eq!(metric["Unit"], "Count");
            let name = metric["Name"].as_str().unwrap();
            let place =
                format!("{} {} {name}", directive["Namespace"].as_str().unwrap(), dimensions.join(","));
            (place, name.to_owned(), root[name].as_u64().unwrap())
        };
        metrics.iter().map(metric).collect()
    }

    #[tokio::test]
    async fn a_line_is_what_cloudwatch_reads() {
        let invocation = async {
            Metric::Records.count(2);
            tokio::task::yield_now().await;
            futures::join!(async { Metric::Records.count(40) }, async { Metric::FailedBatches.count(1) });
            // What the function does not count is not in its line.
            Metric::Accepted.count(7);
            "done"
        };
        let (done, counts) = counted("aggregator", invocation).await;
        assert_eq!(done, "done");
        let line = counts.line(DateTime::from_timestamp_millis(1_789_473_600_123).unwrap());
        let read: Vec<_> = read(&line).into_iter().map(|(place, _, value)| (place, value)).collect();
        let place = |name| format!("Fleetledger Function=aggregator {name}");
        assert_eq!(read, [(place("Records"), 42), (place("Quarantined"), 0), (place("FailedBatches"), 1)]);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["_aws"]["Timestamp"], 1_789_473_600_123_u64);
    }

    #[tokio::test]
    async fn an_invocation_counts_for_itself_alone() {
        // Outside of an invocation counting does nothing.
        Metric::Sent.count(1);
        let one = counted("budget-alerts", async { Metric::Sent.count(3) });
        let other = counted("budget-alerts", async { Metric::Sent.count(4) });
        let (((), one), ((), other)) = futures::join!(one, other);
        assert_eq!((one.get(Metric::Sent), other.get(Metric::Sent)), (3, 4));
        assert_eq!(other.get(Metric::Retried), 0);
    }

    #[test]
    fn every_function_keeps_within_the_formats_limits_and_no_name_is_given_twice() {
        let functions: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.function()).collect();
        for function in functions {
            let read = read(&Counts::of(function).line(DateTime::UNIX_EPOCH));
            let names: BTreeSet<_> = read.iter().map(|(_, name, _)| name.as_str()).collect();
            assert_eq!(names.len(), read.len());
            assert!(!names.contains(DIMENSION) && !names.contains("_aws"));
        }
    }
}
