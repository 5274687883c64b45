//! Metrics of a function, printed as log lines in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! The counts belong to the task of one invocation and end with it. Outside of [`counted`] and [`printed`], as in the
//! local stack and in most tests, counting has no effect.
//!
//! The crate `metrics_cloudwatch_embedded` writes the same format, but it counts per process and brings a package called
//! `metrics`, which would make `cargo test -p metrics` ambiguous. `metrique` has the right shape (one record per unit of
//! work) and is worth a look once it is 1.0.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::metrics_namespace;

/// The only dimension of all metrics. Its value is the name of the function's binary.
pub const DIMENSION: &str = "Function";

macro_rules! metrics {
    ($($($function:literal)|+ { $($(#[$doc:meta])+ $name:ident,)+ })+) => {
        /// A metric of a function. The name of the variant is the name of the metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $($($(#[$doc])+ $name,)+)+
        }

        impl Metric {
            /// All metrics.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// The name of the metric in CloudWatch.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$name => stringify!($name),)+)+ }
            }

            /// The names of the functions that have this metric.
            pub const fn functions(self) -> &'static [&'static str] {
                match self { $($(Self::$name)|+ => &[$($function),+],)+ }
            }
        }
    };
}

metrics! {
    "aggregator" {
        /// Stream records received.
        Records,
        /// Records quarantined. A redelivered record is counted again, so that none is missed.
        Quarantined,
        /// Batches of which at least one record has to be redelivered.
        FailedBatches,
    }
    "ingest" | "intake" {
        /// Events stored.
        Accepted,
        /// Events that were already stored.
        Duplicates,
        /// Events rejected as invalid or conflicting.
        Rejected,
        /// Events that could not be stored at the time and should be sent again.
        Unavailable,
    }
    "reconcile" {
        /// Rollup columns that differed from their recomputed values.
        Drift,
        /// Raw events that could not be parsed.
        UnreadableEvents,
        /// DynamoDB read units consumed.
        ReadUnits,
    }
    "budget-alerts" {
        /// Alerts stored for delivery. Superseded ones are not counted.
        Decided,
        /// Deliveries that succeeded.
        Sent,
        /// Deliveries that failed and will be retried.
        Retried,
        /// Deliveries that were given up.
        DeadLetters,
        /// Organizations whose budgets could not be checked.
        FailedOrganizations,
    }
}

tokio::task_local! {
    static COUNTS: Arc<Counts>;
}

/// The counts of one invocation: all metrics of its function, including those at 0.
#[derive(Debug)]
pub struct Counts {
    function: &'static str,
    counts: Vec<(Metric, AtomicU64)>,
}

impl Metric {
    /// Adds `n` to the count of the current invocation, if its function has this metric.
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
        let metrics = Metric::ALL.iter().filter(|metric| metric.functions().contains(&function));
        Self { function, counts: metrics.map(|metric| (*metric, AtomicU64::new(0))).collect() }
    }

    /// The count of `metric`. 0 if the function does not have it.
    pub fn get(&self, metric: Metric) -> u64 {
        let found = self.counts.iter().find(|(one, _)| *one == metric);
        found.map_or(0, |(_, count)| count.load(Ordering::Relaxed))
    }

    /// The log line of an invocation that ended at `now`.
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

/// Runs an invocation of `function`. Returns its output and its counts.
pub async fn counted<F: Future>(function: &'static str, invocation: F) -> (F::Output, Arc<Counts>) {
    let counts = Arc::new(Counts::of(function));
    let done = COUNTS.scope(counts.clone(), Box::pin(invocation)).await;
    (done, counts)
}

/// Runs an invocation of `function` and prints its counts to standard output, which Lambda logs.
pub async fn printed<F: Future>(function: &'static str, invocation: F) -> F::Output {
    let (done, counts) = counted(function, invocation).await;
    // The invocation succeeded even if its metrics cannot be printed.
    let _ = writeln!(std::io::stdout(), "{}", counts.line(Clock::system().now()));
    done
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Limits of the format: metrics per directive and dimensions per set.
    const MAX_METRICS: usize = 100;
    const MAX_DIMENSIONS: usize = 30;

    /// Parses a line as the specification describes it.
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
        assert!(dimensions.len() <= MAX_DIMENSIONS);
        // Dimensions and metrics refer to members of the root object: dimensions to strings, metrics to numbers.
        let dimension = |name: &Value| {
            let value = root[name.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()));
            format!("{}={value}", name.as_str().unwrap())
        };
        let dimensions: Vec<_> = dimensions.iter().map(dimension).collect();
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!(metrics.len() <= MAX_METRICS);
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
    async fn a_line_follows_the_embedded_metric_format() {
        let invocation = async {
            Metric::Records.count(2);
            tokio::task::yield_now().await;
            futures::join!(async { Metric::Records.count(40) }, async { Metric::FailedBatches.count(1) });
            // A metric of another function does not appear in the line.
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
    async fn concurrent_invocations_count_separately() {
        // Outside of an invocation, counting has no effect.
        Metric::Sent.count(1);
        let one = counted("budget-alerts", async { Metric::Sent.count(3) });
        let other = counted("budget-alerts", async { Metric::Sent.count(4) });
        let (((), one), ((), other)) = futures::join!(one, other);
        assert_eq!((one.get(Metric::Sent), other.get(Metric::Sent)), (3, 4));
        assert_eq!(other.get(Metric::Retried), 0);
    }

    #[test]
    fn every_function_stays_within_the_limits_and_names_are_unique() {
        let functions: BTreeSet<_> = Metric::ALL.iter().flat_map(|metric| metric.functions()).collect();
        for function in functions {
            let read = read(&Counts::of(function).line(DateTime::UNIX_EPOCH));
            let names: BTreeSet<_> = read.iter().map(|(_, name, _)| name.as_str()).collect();
            assert_eq!(names.len(), read.len());
            assert!(!names.contains(DIMENSION) && !names.contains("_aws"));
        }
    }
}
