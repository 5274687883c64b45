//! The commands, one file each.

pub mod invoke;
pub mod run;
pub mod token;

/// How this program was called, for a person to call it again.
fn command() -> String {
    std::env::args().next().unwrap_or_else(|| "fleetledger".to_owned())
}
