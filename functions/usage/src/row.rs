//! The usage row that all three endpoints return.

use chrono::{DateTime, Utc};
use ledger::money::{Number, ratio};
use ledger::period::rfc3339;
use ledger::rollup::Compute;
use rust_decimal::Decimal;
use serde::Serialize;

/// Usage of one or several projects over a period.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    bandwidth_in_bytes: Number,
    bandwidth_out_bytes: Number,
    cpu_core_hours: Number,
    disk_gb_hours: Number,
    /// Number of distinct instances.
    instance_count: usize,
    instance_hours: Number,
    period_start: String,
    period_type: &'static str,
    project_id: String,
    project_name: String,
    ram_gb_hours: Number,
}

/// The project of a row; empty for a row over several projects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowProject {
    pub id: String,
    /// The registered name, else the id.
    pub name: String,
}

impl Row {
    pub fn new(used: &Compute, start: DateTime<Utc>, period_type: &'static str, project: RowProject) -> Self {
        Self {
            bandwidth_in_bytes: Number(used.bytes_in),
            bandwidth_out_bytes: Number(used.bytes_out),
            cpu_core_hours: hours(used.cpu_core_seconds),
            disk_gb_hours: hours(used.disk_gb_seconds),
            instance_count: used.instances.len(),
            instance_hours: hours(used.instance_seconds),
            period_start: rfc3339(start),
            period_type,
            project_id: project.id,
            project_name: project.name,
            ram_gb_hours: hours(used.ram_gb_seconds),
        }
    }
}

/// Seconds as hours, rounded half-even to 6 decimals. Nothing is rounded before.
fn hours(seconds: Decimal) -> Number {
    Number(ratio(seconds, Decimal::from(3600), 1, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_rounded_half_even_to_six_decimals() {
        for (seconds, written) in [
            ("0", "0"),
            ("3600", "1"),
            ("1", "0.000278"),
            ("0.001", "0"),
            // Exactly halfway: 1.8 ms are half a millionth of an hour.
            ("0.0018", "0"),
            ("0.0054", "0.000002"),
            ("0.005400000001", "0.000002"),
            ("0.001800000001", "0.000001"),
            ("86400000000.000001", "24000000"),
            ("311040000000000000.5", "86400000000000.000139"),
        ] {
            let seconds = Decimal::from_str_exact(seconds).unwrap();
            assert_eq!(serde_json::to_string(&hours(seconds)).unwrap(), written, "{seconds}");
        }
    }
}
