//! Keys and names of alerts, which are items of the registry table.
//!
//! What a run has to know of an organisation is one stretch of its partition: its budget, its agents' budgets, the
//! places that alerts are sent to, what was decided of each budget this month, and which alerts are still to be
//! delivered. The alerts themselves lie outside of it, since there are ever more of them.

use chrono::{DateTime, Utc};

use super::{AFTER_SEPARATOR, Key, KeyRange, ORGANIZATIONS, SEPARATOR, activity_time, registry};
use ledger::alert::{AlertKey, BudgetId, MessageId};
use ledger::ids::OrgId;

/// Alerts begin with this.
pub const ALERT: &str = "ALERT#";
/// What was decided of a budget begins with this.
pub const CROSSED: &str = "CROSSED#";
/// Alerts that are still to be delivered are listed under this, by the rest of their own sort key.
pub const DUE: &str = "DUE#";

/// The organisation, of an alert: the partition of [`BY_TIME`].
pub const ORG: &str = "ao";
/// Where an alert stands in [`BY_TIME`]: newest first, then by id.
pub const PLACE: &str = "ap";
/// The organisation and the id of an alert: the partition of [`BY_ID`].
pub const ID: &str = "ai";
/// The index of an organisation's alerts, newest first.
pub const BY_TIME: &str = "alerts";
/// The index of alerts by id.
pub const BY_ID: &str = "alerts-by-id";

/// What is said, to the byte: JSON.
pub const MESSAGE: &str = "m";
/// To whom, and how that goes: JSON.
pub const DELIVERIES: &str = "o";
/// Whether it is still to be delivered, has been, or never will be.
pub const STATUS: &str = "st";
/// When it was decided: RFC 3339 in UTC.
pub const DECIDED: &str = "t";
/// When it was said that it no longer holds.
pub const RESOLVED: &str = "z";
/// Until when nobody else delivers it.
pub const LEASE: &str = "l";
/// Counts the writes of an item, so that one can see another.
pub const WRITES: &str = "w";
/// What was decided of a budget: JSON.
pub const STATE: &str = "d";
/// When it may be forgotten: seconds since 1970. The table's TTL attribute.
pub const EXPIRES: &str = "x";
/// The organisation that a run begins with.
pub const NEXT: &str = "n";

/// The item of an alert.
pub fn alert(org: &OrgId, key: &AlertKey) -> Key {
    Key { pk: org.to_string(), sk: format!("{ALERT}{key}") }
}

/// The id of an alert, which webhooks carry and URLs name. It reveals nothing about the alert.
pub fn message_id(org: &OrgId, key: &AlertKey) -> MessageId {
    let Key { pk, sk } = alert(org, key);
    MessageId::of(&format!("{pk}{SEPARATOR}{sk}"))
}

/// The item that says that an alert is still to be delivered.
pub fn due(org: &OrgId, key: &AlertKey) -> Key {
    Key { pk: org.to_string(), sk: format!("{DUE}{key}") }
}

/// The item of what was decided of a budget.
pub fn crossed(org: &OrgId, budget: &BudgetId) -> Key {
    Key { pk: org.to_string(), sk: format!("{CROSSED}{budget}") }
}

/// All that a run has to know of an organisation: from `BUDGET` by way of `CROSSED#` and `DEST#` to `DUE#`.
pub fn watched(org: &OrgId) -> KeyRange {
    let to = format!("{}{AFTER_SEPARATOR}", DUE.trim_end_matches(SEPARATOR));
    KeyRange { pk: org.to_string(), from: registry::BUDGET.to_owned(), to }
}

/// An alert's place among those of its organisation.
pub fn place(decided: DateTime<Utc>, id: &str) -> String {
    format!("{}{SEPARATOR}{id}", activity_time(decided))
}

/// All places of an organisation.
pub fn all_places(org: &OrgId) -> KeyRange {
    KeyRange { pk: org.to_string(), from: "0".to_owned(), to: ":".to_owned() }
}

/// The partition of [`BY_ID`].
pub fn id(org: &OrgId, id: &str) -> String {
    format!("{org}{SEPARATOR}{id}")
}

/// Organisations in the list of all, by id, from one on.
pub fn organizations_from(first: &str) -> KeyRange {
    // No organisation's id begins with a character before the one or after the other.
    KeyRange { pk: ORGANIZATIONS.to_owned(), from: first.max("!").to_owned(), to: "~".to_owned() }
}

/// The item that remembers which organisation a run did not reach.
pub fn cursor() -> Key {
    Key { pk: "#budget-alerts".to_owned(), sk: "next".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::alert::AlertKind;
    use ledger::ids::AgentId;
    use ledger::period::Month;

    fn org() -> OrgId {
        OrgId::new("acme").unwrap()
    }

    /// The schema of the stored data, like that of all other keys.
    #[test]
    fn the_keys_are_as_they_always_were() {
        let budget = BudgetId::Agent(AgentId::new("a/b:c@d").unwrap());
        let name = AlertKey {
            budget: budget.clone(),
            version: "0123456789abcdef".to_owned(),
            month: Month::parse("2026-11").unwrap(),
            kind: AlertKind::Actual,
            threshold: 80,
            resolved: false,
        };
        let text = |key: Key| format!("{} | {}", key.pk, key.sk);
        let rest = "agent:a/b:c@d#0123456789abcdef#2026-11#actual#80";
        assert_eq!(text(alert(&org(), &name)), format!("acme | ALERT#{rest}"));
        assert_eq!(text(due(&org(), &name)), format!("acme | DUE#{rest}"));
        assert_eq!(text(crossed(&org(), &budget)), "acme | CROSSED#agent:a/b:c@d");
        assert_eq!(text(crossed(&org(), &BudgetId::Organization)), "acme | CROSSED#org");
        let agent = AgentId::new("a/b:c@d").unwrap();
        assert_eq!(text(super::super::agent_budget(&org(), &agent)), "acme | BUDGET#a/b:c@d");
        assert_eq!(text(cursor()), "#budget-alerts | next");
        let noon = DateTime::from_timestamp(1_789_473_600, 0).unwrap();
        assert_eq!(place(noon, "msg_x"), "8210526399999#msg_x");
        assert_eq!(id(&org(), "msg_x"), "acme#msg_x");
    }

    #[test]
    fn what_is_watched_is_one_stretch_without_anything_else() {
        let range = watched(&org());
        let within = |key: &str| *range.from <= *key && *key <= *range.to;
        let watched =
            [registry::BUDGET, "BUDGET#-", "BUDGET#z", "CROSSED#org", "DEST#-", "DEST#z", "DUE#org#z"];
        assert_eq!(watched.map(within), [true; 7]);
        let others = [registry::AGENT, registry::NODE, registry::PROJECT, registry::PRICE, ALERT];
        assert!(others.iter().all(|prefix| !within(&format!("{prefix}z")) && !within(&format!("{prefix}-"))));
        assert!(![registry::ORG, registry::PLAN].into_iter().any(within));
    }

    #[test]
    fn newer_alerts_come_before_older_ones_and_all_lie_within_the_list() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let places =
            [place(at(2_000_000_000), "b"), place(at(1_000_000_000), "a"), place(at(1_000_000_000), "b")];
        assert!(places.is_sorted());
        let all = all_places(&org());
        assert!(places.iter().all(|place| all.from < *place && *place < all.to));
    }
}
