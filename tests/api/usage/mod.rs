//! `/api/usage` and `/api/projects/{id}/usage`.

mod figures;
mod random;
mod ranges;
mod round_trips;

use chrono::{DateTime, Utc};
use ledger::period::{self, rfc3339};
use serde_json::{Value, json};

use crate::support::events::event;

fn at(text: &str) -> DateTime<Utc> {
    period::parse_instant(text).unwrap()
}

/// A compute sample of one core, 2 GB of memory and 10 GB of disk.
fn sample(id: &str, project: &str, instance: &str, from: &str, to: &str) -> Value {
    let data = json!({
        "project_id": project, "instance_id": instance, "from": from, "to": to,
        "cpu_cores": 1, "ram_gb": 2, "disk_gb": 10, "bandwidth_in_bytes": 1_000, "bandwidth_out_bytes": 7,
    });
    event(id, "compute.usage", at(to), data)
}

/// An instant, escaped for a query: the plus sign of an offset would be read as a space.
fn instant(time: DateTime<Utc>) -> String {
    rfc3339(time).replace('+', "%2B")
}
