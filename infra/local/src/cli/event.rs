//! `fleetledger event`: prints stored events in a readable form.

use std::io::Read;

use local::error::{Error, Result};
use local::stored_events::{items, readable};
use serde_json::Value;

pub const HELP: &str = "\
Reads the output of `aws dynamodb get-item` or `query` on the events table, or a stream record, such as the `record` of a
quarantined one, from standard input:
  aws dynamodb query --table-name EVENTS --key-condition-expression 'pk = :pk' \\
    --expression-attribute-values '{\":pk\": {\"S\": \"acme#2026-11-28#0\"}}' | fleetledger event";

/// Prints the events of standard input, one JSON object per line.
pub fn print() -> Result<()> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Error::caused("cannot read standard input", error))?;
    let input: Value =
        serde_json::from_str(&text).map_err(|error| Error::caused("standard input is not JSON", error))?;
    for item in items(&input) {
        println!("{}", readable(item)?);
    }
    Ok(())
}
