//! The commands, one file each.

pub mod event;
pub mod import;
pub mod invoke;
pub mod prices;
pub mod run;
pub mod token;
pub mod tokens;
pub mod verify;

/// The path with which this program was started, for commands that a person can copy.
fn command() -> String {
    std::env::args().next().unwrap_or_else(|| "fleetledger".to_owned())
}
