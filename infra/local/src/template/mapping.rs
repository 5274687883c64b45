//! An event source mapping from a stream to a function.

use serde::Deserialize;
use serde_norway::Value;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamMapping {
    /// The function's logical id.
    pub function_name: String,
    /// The table's logical id. The template has the ARN of its stream, which `checked` replaces.
    #[serde(rename = "EventSourceArn")]
    pub table: String,
    /// The most records in one invocation.
    #[serde(default = "default_batch_size")]
    pub batch_size: usize,
    pub tumbling_window_in_seconds: Option<u32>,
    /// Whether a batch that failed as a whole is split in two.
    #[serde(default)]
    pub bisect_batch_on_function_error: bool,
    #[serde(default)]
    function_response_types: Vec<String>,
    starting_position: String,
    #[serde(default = "one")]
    parallelization_factor: u32,
    filter_criteria: Option<Value>,
    destination_config: Option<DestinationConfig>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DestinationConfig {
    on_failure: OnFailure,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnFailure {
    destination: String,
}

/// Lambda's default.
const fn default_batch_size() -> usize {
    100
}

const fn one() -> u32 {
    1
}

impl StreamMapping {
    /// Whether the function's response names the records that failed.
    pub fn reports_item_failures(&self) -> bool {
        self.function_response_types.iter().any(|kind| kind == "ReportBatchItemFailures")
    }

    /// Where Lambda sends records that it gives up on, in the template's notation. The local stack never gives up.
    pub fn on_failure(&self) -> Option<&str> {
        self.destination_config.as_ref().map(|config| config.on_failure.destination.as_str())
    }

    /// Extracts the table from `Table.StreamArn`, and refuses settings that the local stack would not honor.
    pub(super) fn checked(mut self) -> Result<Self, &'static str> {
        self.table = match self.table.strip_suffix(".StreamArn") {
            Some(table) => table.to_owned(),
            None => return Err("EventSourceArn should be !GetAtt <table>.StreamArn"),
        };
        if self.starting_position != "TRIM_HORIZON" {
            return Err("the local stack supports only StartingPosition: TRIM_HORIZON");
        }
        if self.parallelization_factor != 1 {
            return Err("the local stack supports only ParallelizationFactor: 1");
        }
        if self.filter_criteria.is_some() {
            return Err("the local stack does not support FilterCriteria");
        }
        Ok(self)
    }
}
