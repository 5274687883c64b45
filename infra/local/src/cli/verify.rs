//! `fleetledger verify`: proves that each day of an export of the activity log is complete and unchanged.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use exports::ocsf::chain;
use local::error::{Error, Result};

#[derive(Args)]
pub struct Verify {
    /// File with the pages of /api/exports/ocsf, one after the other
    file: PathBuf,
}

/// Prints what the file contains, or fails with the first line that breaks the chain.
pub fn verify(arguments: &Verify) -> Result<()> {
    let name = arguments.file.display();
    let text = fs::read_to_string(&arguments.file)
        .map_err(|cause| Error::caused(format!("cannot read {name}"), cause))?;
    let proof = chain::verify(text.lines()).map_err(|broken| Error::new(format!("{name}: {broken}")))?;
    let (first, last) =
        (proof.days.first().map_or("-", String::as_str), proof.days.last().map_or("-", String::as_str));
    println!(
        "{name}: {} events of {} days from {first} to {last}, each day whole and unchanged",
        proof.events,
        proof.days.len()
    );
    let gaps = proof.gaps();
    if !gaps.is_empty() {
        let gaps: Vec<_> = gaps.iter().map(ToString::to_string).collect();
        println!("Days without events, or removed as a whole: {}", gaps.join(" "));
    }
    Ok(())
}
