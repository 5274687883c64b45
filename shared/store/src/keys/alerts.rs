//! Keys and attributes of alerts, which are items of the registry table.
//!
//! All that a run of budget-alerts needs of an organization is in one range of keys: its budget, the agents' budgets, the
//! webhook destinations, the state of each budget, and the list of due alerts. The alerts themselves are outside of that
//! range, since their number only grows.

use chrono::{DateTime, Utc};

use super::escape::{IN_KEY, escape, unescape};
use super::{AFTER_SEPARATOR, Key, KeyRange, ORGANIZATIONS, SEPARATOR, newest_first, registry};
use ledger::alert::{AlertKey, AlertKind, BudgetId, MessageId};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::period::Month;

/// The prefix of alerts.
pub const ALERT: &str = "ALERT#";
/// The prefix of budgets' states.
pub const CROSSED: &str = "CROSSED#";
/// The prefix of the list of due alerts, whose entries end like the sort keys of the alerts.
pub const DUE: &str = "DUE#";

/// The organization of an alert: the partition key of [`BY_TIME`].
pub const ORG: &str = "ao";
/// The sort key of [`BY_TIME`]: newest first, then by id.
pub const PLACE: &str = "ap";
/// The organization and the id of an alert: the partition key of [`BY_ID`].
pub const ID: &str = "ai";
/// The index of an organization's alerts, newest first.
pub const BY_TIME: &str = "alerts";
/// The index of alerts by id.
pub const BY_ID: &str = "alerts-by-id";

/// The exact bytes of the message: JSON.
pub const MESSAGE: &str = "m";
/// The deliveries and their states: JSON.
pub const DELIVERIES: &str = "o";
/// The state of the alert.
pub const STATUS: &str = "st";
/// The time of the decision: RFC 3339 in UTC.
pub const DECIDED: &str = "t";
/// When the alert was found to no longer hold: RFC 3339 in UTC.
pub const RESOLVED: &str = "z";
/// Until when one run delivers the alert exclusively: RFC 3339 in UTC, or null.
pub const LEASE: &str = "l";
/// Counts the writes of an item (optimistic lock).
pub const WRITES: &str = "w";
/// The state of a budget: JSON.
pub const STATE: &str = "d";
/// When the item may be deleted: seconds since 1970. The table's TTL attribute.
pub const EXPIRES: &str = "x";
/// The organization that the next run begins with.
pub const NEXT: &str = "n";

/// The organization's budget in keys. It cannot collide with an agent named `org`, whose budget is `agent:org`.
const OF_ORGANIZATION: &str = "org";
const OF_AGENT: &str = "agent:";
const OF_RULE: &str = "rule:";
/// The last part of the key of an alert that resolves others.
const RESOLUTION: &str = "resolved";

fn budget_part(budget: &BudgetId) -> String {
    match budget {
        BudgetId::Organization => OF_ORGANIZATION.to_owned(),
        BudgetId::Agent(agent) => format!("{OF_AGENT}{}", escape(agent.as_str(), IN_KEY)),
        BudgetId::Rule(id) => format!("{OF_RULE}{}", escape(id.as_str(), IN_KEY)),
    }
}

/// The budget of a sort key after [`CROSSED`].
pub fn parse_budget(text: &str) -> Option<BudgetId> {
    if text == OF_ORGANIZATION {
        return Some(BudgetId::Organization);
    }
    if let Some(id) = text.strip_prefix(OF_RULE) {
        return Some(BudgetId::Rule(Name::new(unescape(id, IN_KEY)?).ok()?));
    }
    let agent = unescape(text.strip_prefix(OF_AGENT)?, IN_KEY)?;
    Some(BudgetId::Agent(AgentId::new(agent).ok()?))
}

fn alert_part(key: &AlertKey) -> String {
    let AlertKey { budget, version, month, kind, threshold, resolved } = key;
    let end = if *resolved { format!("{SEPARATOR}{RESOLUTION}") } else { String::new() };
    format!("{}#{version}#{month}#{}#{threshold}{end}", budget_part(budget), kind.as_str())
}

/// The alert of a sort key after [`ALERT`] or [`DUE`].
pub fn parse_alert(text: &str) -> Option<AlertKey> {
    let mut parts = text.split(SEPARATOR);
    let mut next = || parts.next();
    let key = AlertKey {
        budget: parse_budget(next()?)?,
        version: next()?.to_owned(),
        month: Month::parse(next()?)?,
        kind: AlertKind::parse(next()?)?,
        threshold: next()?.parse().ok()?,
        resolved: match next() {
            None => false,
            Some(RESOLUTION) => true,
            Some(_) => return None,
        },
    };
    parts.next().is_none().then_some(key)
}

/// The item of an alert.
pub fn alert(org: &OrgId, key: &AlertKey) -> Key {
    Key { pk: org.to_string(), sk: format!("{ALERT}{}", alert_part(key)) }
}

/// The message id of an alert, which webhooks carry and URLs name. A hash, so it reveals nothing about the alert.
pub fn message_id(org: &OrgId, key: &AlertKey) -> MessageId {
    let Key { pk, sk } = alert(org, key);
    MessageId::of(&format!("{pk}{SEPARATOR}{sk}"))
}

/// The entry of an alert in the list of due alerts.
pub fn due(org: &OrgId, key: &AlertKey) -> Key {
    Key { pk: org.to_string(), sk: format!("{DUE}{}", alert_part(key)) }
}

/// The item of a budget's state.
pub fn crossed(org: &OrgId, budget: &BudgetId) -> Key {
    Key { pk: org.to_string(), sk: format!("{CROSSED}{}", budget_part(budget)) }
}

/// All that a run needs of an organization: `BUDGET`, `BUDGET#`, `CHECK#`, `CROSSED#`, `DEST#` and `DUE#`.
pub fn watched(org: &OrgId) -> KeyRange {
    let to = format!("{}{AFTER_SEPARATOR}", DUE.trim_end_matches(SEPARATOR));
    KeyRange { pk: org.to_string(), from: registry::BUDGET.to_owned(), to }
}

/// An alert's sort key in [`BY_TIME`].
pub fn place(decided: DateTime<Utc>, id: &str) -> String {
    format!("{}{SEPARATOR}{id}", newest_first(decided))
}

/// All alerts of an organization in [`BY_TIME`].
pub fn all_places(org: &OrgId) -> KeyRange {
    KeyRange { pk: org.to_string(), from: "0".to_owned(), to: ":".to_owned() }
}

/// An alert's partition key in [`BY_ID`].
pub fn id(org: &OrgId, id: &str) -> String {
    format!("{org}{SEPARATOR}{id}")
}

/// The organizations in the list whose id is `first` or greater.
pub fn organizations_from(first: &str) -> KeyRange {
    // No organization's id begins with a character outside of these bounds.
    KeyRange { pk: ORGANIZATIONS.to_owned(), from: first.max("!").to_owned(), to: "~".to_owned() }
}

/// The item that stores where the next run begins.
pub fn cursor() -> Key {
    Key { pk: "#budget-alerts".to_owned(), sk: "next".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org() -> OrgId {
        OrgId::new("acme").unwrap()
    }

    /// The schema of the stored data. A change here needs a new item version, and code that reads the old one.
    #[test]
    fn the_keys_do_not_change() {
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
    fn an_alert_is_parsed_from_its_key() {
        let agent = |id: &str| BudgetId::Agent(AgentId::new(id).unwrap());
        for (budget, text) in [
            (BudgetId::Organization, "org#v-1_x#2026-09#forecast#1000"),
            (agent("org"), "agent:org#v-1_x#2026-09#forecast#1000"),
            (agent("a/b:c@d.e"), "agent:a/b:c@d.e#v-1_x#2026-09#forecast#1000"),
            (BudgetId::Rule(Name::new("a#b").unwrap()), "rule:a$3b#v-1_x#2026-09#forecast#1000"),
            (agent("a #$b%"), "agent:a$0$3$4b%#v-1_x#2026-09#forecast#1000"),
        ] {
            let key = |resolved| AlertKey {
                budget: budget.clone(),
                version: "v-1_x".to_owned(),
                month: Month::parse("2026-09").unwrap(),
                kind: AlertKind::Forecast,
                threshold: 1000,
                resolved,
            };
            let resolved = format!("{text}#resolved");
            assert_eq!(
                (alert_part(&key(false)), alert_part(&key(true))),
                (text.to_owned(), resolved.clone())
            );
            assert_eq!((parse_alert(text), parse_alert(&resolved)), (Some(key(false)), Some(key(true))));
            assert_eq!(
                (parse_alert(&format!("{text}#x")), parse_alert(&format!("{resolved}#x"))),
                (None, None)
            );
            assert_eq!(parse_budget(&budget_part(&budget)), Some(budget));
        }
        for bad in ["", "org", "nova#v#2026-09#actual#50", "org#v#2026-9#actual#50", "org#v#2026-09#x#50"] {
            assert_eq!(parse_alert(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_watched_range_holds_nothing_else() {
        let range = watched(&org());
        let within = |key: &str| *range.from <= *key && *key <= *range.to;
        let watched = [
            registry::BUDGET,
            "BUDGET#-",
            "BUDGET#z",
            "CHECK#z",
            "CROSSED#org",
            "DEST#-",
            "DEST#z",
            "DUE#org#z",
        ];
        assert_eq!(watched.map(within), [true; 8]);
        let others = [registry::AGENT, registry::NODE, registry::PROJECT, registry::PRICE, ALERT];
        assert!(others.iter().all(|prefix| !within(&format!("{prefix}z")) && !within(&format!("{prefix}-"))));
        assert!(![registry::ORG, registry::PLAN].into_iter().any(within));
    }

    #[test]
    fn alerts_are_listed_newest_first() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let places =
            [place(at(2_000_000_000), "b"), place(at(1_000_000_000), "a"), place(at(1_000_000_000), "b")];
        assert!(places.is_sorted());
        let all = all_places(&org());
        assert!(places.iter().all(|place| all.from < *place && *place < all.to));
    }
}
