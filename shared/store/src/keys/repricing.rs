//! Keys of repricing: entries and the list of those to be carried out in the registry table; in the usage table, the
//! entries that hold for a day of UTC and the new costs that they list.

use super::{AFTER_SEPARATOR, Key, KeyRange};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};

/// The prefix of repricing entries in the registry.
pub const REPRICING: &str = "REPRICE#";
/// The partition of the registry that lists the entries to be carried out or taken back.
pub const REPRICINGS_DUE: &str = "#repricings";

/// A repricing entry.
pub fn repricing(org: &OrgId, id: &str) -> Key {
    Key { pk: org.to_string(), sk: format!("{REPRICING}{id}") }
}

/// An entry in the list of those to be carried out or taken back.
pub fn due_repricing(org: &OrgId, id: &str) -> Key {
    Key { pk: REPRICINGS_DUE.to_owned(), sk: format!("{org}#{id}") }
}

/// All entries to be carried out or taken back, by organization and age.
pub fn due_repricings() -> KeyRange {
    KeyRange { pk: REPRICINGS_DUE.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}

fn repriced_days_key(org: &OrgId) -> String {
    format!("{org}#R")
}

/// The entries that hold for a day.
pub fn repriced_day(org: &OrgId, day: Day) -> Key {
    Key { pk: repriced_days_key(org), sk: day.to_string() }
}

/// The same for a range of days.
pub fn repriced_days(org: &OrgId, days: DayRange) -> KeyRange {
    KeyRange { pk: repriced_days_key(org), from: days.first.to_string(), to: days.last.to_string() }
}

/// The partition of the costs that an entry lists.
fn costs_key(org: &OrgId, id: &str) -> String {
    format!("{org}#R#{id}")
}

/// A page of the costs that an attempt at an entry lists for a lane of a day.
pub fn cost_page(org: &OrgId, id: &str, day: Day, attempt: &str, lane: u8, page: usize) -> Key {
    Key { pk: costs_key(org, id), sk: format!("{day}#{attempt}#{lane}#{page:06}") }
}

/// All pages for a lane of a day.
pub fn cost_pages(org: &OrgId, id: &str, day: Day, attempt: &str, lane: u8) -> KeyRange {
    let lane = format!("{day}#{attempt}#{lane}");
    KeyRange { pk: costs_key(org, id), from: format!("{lane}#"), to: format!("{lane}{AFTER_SEPARATOR}") }
}

/// All pages of an entry.
pub fn all_cost_pages(org: &OrgId, id: &str) -> KeyRange {
    KeyRange { pk: costs_key(org, id), from: "!".to_owned(), to: "~".to_owned() }
}

/// The attempt that wrote a page, and the day that it is about.
pub fn parse_cost_page(sk: &str) -> Option<(Day, &str)> {
    let mut parts = sk.split(super::SEPARATOR);
    Some((Day::parse(parts.next()?)?, parts.next()?))
}
