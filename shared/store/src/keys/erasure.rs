//! Keys of erasures: each in the registry, and the list of those to be carried out.

use super::{Key, KeyRange};
use ledger::ids::OrgId;

/// The prefix of erasures in the registry.
pub const ERASURE: &str = "ERASE#";
/// The partition of the registry that lists the erasures to be carried out.
pub const ERASURES_DUE: &str = "#erasures";

/// An erasure.
pub fn erasure(org: &OrgId, id: &str) -> Key {
    Key { pk: org.to_string(), sk: format!("{ERASURE}{id}") }
}

/// An erasure in the list of those to be carried out.
pub fn due_erasure(org: &OrgId, id: &str) -> Key {
    Key { pk: ERASURES_DUE.to_owned(), sk: format!("{org}#{id}") }
}

/// All erasures to be carried out.
pub fn due_erasures() -> KeyRange {
    KeyRange { pk: ERASURES_DUE.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}
