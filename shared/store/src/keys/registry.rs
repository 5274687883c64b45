//! Keys of the registry table, except those of [alerts](super::alerts). The constants are sort keys, or prefixes of them.

use chrono::NaiveDate;

use super::escape::escape;
use super::{AFTER_SEPARATOR, Key, KeyRange, SEPARATOR};
use ledger::ids::{AgentId, Name, NodeId, OrgId, ProjectId};
use ledger::period::Day;
use ledger::rollup::Subject;

/// The organization's settings.
pub const ORG: &str = "ORG";
/// The organization's calendars: between its settings and its plan, so that they are read together.
pub const CALENDAR: &str = "ORG#CALENDAR";
/// The prefix of agents.
pub const AGENT: &str = "AGENT#";
/// The prefix of projects.
pub const PROJECT: &str = "PROJECT#";
/// The prefix of nodes.
pub const NODE: &str = "NODE#";
/// The subscription.
pub const PLAN: &str = "PLAN";
/// The organization's budget.
pub const BUDGET: &str = "BUDGET";
/// The prefix of agents' budgets.
pub const AGENT_BUDGET: &str = "BUDGET#";
/// The prefix of own prices.
pub const PRICE: &str = "PRICE#";
/// The version of the settings that price an event, see [`settings_version`].
pub const SETTINGS_VERSION: &str = "VERSION";
/// The prefix of alert rules, which sorts among what a run of budget-alerts reads.
pub const ALERT_RULE: &str = "CHECK#";
/// The prefix of webhook destinations of alerts.
pub const DESTINATION: &str = "DEST#";

/// The name that a project had when it was deleted, in the project's item.
pub const FORMER_NAME: &str = "former_name";

/// The prefix of keys with which events are sent.
pub const API_KEY: &str = "KEY#";
/// The last day (UTC) on which a key was used, in the key's item.
pub const KEY_USED: &str = "key_used";

/// Attributes of a registry item that events fill in. The settings have attributes of their own.
pub mod seen {
    /// The time of the first event: RFC 3339 in UTC, as all times.
    pub const FIRST: &str = "seen_first";
    /// The time of the last event.
    pub const LAST: &str = "seen_last";
    /// The starts of the last quarters of an hour with a call.
    pub const CALLS: &str = "calls";
    /// The months with calls or tasks.
    pub const MONTHS: &str = "months";
    /// The host that the last call named.
    pub const HOST: &str = "host";
    /// The time of that call.
    pub const HOST_AT: &str = "host_at";
    /// The last reported number of sites.
    pub const SITES: &str = "sites";
    /// The time of that report.
    pub const SITES_AT: &str = "sites_at";
    /// Counts the writes of these attributes (optimistic lock).
    pub const WRITES: &str = "seen_writes";
}

/// The partition that lists the organizations, so that finding them never takes a scan.
pub const ORGANIZATIONS: &str = "#organizations";

/// An agent's registry item.
pub fn agent(org: &OrgId, agent: &AgentId) -> Key {
    Key { pk: org.to_string(), sk: format!("{AGENT}{agent}") }
}

/// A project's registry item.
pub fn project(org: &OrgId, project: &ProjectId) -> Key {
    Key { pk: org.to_string(), sk: format!("{PROJECT}{project}") }
}

/// A node's registry item.
pub fn node(org: &OrgId, node: &NodeId) -> Key {
    Key { pk: org.to_string(), sk: format!("{NODE}{node}") }
}

/// The item of the organization's settings.
pub fn organization_settings(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: ORG.to_owned() }
}

/// The item of the organization's calendars.
pub fn calendar(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: CALENDAR.to_owned() }
}

/// The partition that lists the organizations whose calendars have something left to be done.
const UNSETTLED_CALENDARS: &str = "#calendars";

/// The entry of an organization whose calendars have something left to be done.
pub fn unsettled_calendar(org: &OrgId) -> Key {
    Key { pk: UNSETTLED_CALENDARS.to_owned(), sk: org.to_string() }
}

/// All organizations whose calendars have something left to be done.
pub fn unsettled_calendars() -> KeyRange {
    KeyRange { pk: UNSETTLED_CALENDARS.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}

/// The item of the subscription.
pub fn plan(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: PLAN.to_owned() }
}

/// The item of the organization's budget.
pub fn budget(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: BUDGET.to_owned() }
}

/// The item of an agent's budget.
pub fn agent_budget(org: &OrgId, agent: &AgentId) -> Key {
    Key { pk: org.to_string(), sk: format!("{AGENT_BUDGET}{agent}") }
}

/// The characters that are escaped in the provider of an own price, which a slash ends.
const IN_PROVIDER: &[char] = &[' ', '!', '"', '#', '$', '/'];

/// The item of an own price that is in force from the day `from` on. Providers and models compare in lower case.
pub fn price(org: &OrgId, provider: &str, model: &str, from: NaiveDate) -> Key {
    let id = format!("{}/{model}", escape(provider, IN_PROVIDER)).to_ascii_lowercase();
    Key { pk: org.to_string(), sk: format!("{PRICE}{id}{SEPARATOR}{}", Day::new(from)) }
}

/// The item of an alert rule.
pub fn alert_rule(org: &OrgId, id: &Name) -> Key {
    Key { pk: org.to_string(), sk: format!("{ALERT_RULE}{id}") }
}

/// The item of a webhook destination of alerts.
pub fn destination(org: &OrgId, id: &Name) -> Key {
    Key { pk: org.to_string(), sk: format!("{DESTINATION}{id}") }
}

/// The item of a key with which events are sent.
pub fn api_key(org: &OrgId, id: &Name) -> Key {
    Key { pk: org.to_string(), sk: format!("{API_KEY}{id}") }
}

/// The list of organizations.
pub fn organizations() -> KeyRange {
    KeyRange { pk: ORGANIZATIONS.to_owned(), from: "!".to_owned(), to: "~".to_owned() }
}

/// The organization's entry in the list of organizations.
pub fn organization(org: &OrgId) -> Key {
    Key { pk: ORGANIZATIONS.to_owned(), sk: org.to_string() }
}

/// The registry item of a subject.
pub fn subject(org: &OrgId, subject: &Subject) -> Key {
    match subject {
        Subject::Org => organization(org),
        Subject::Agent(id) => agent(org, id),
        Subject::Project(id) => project(org, id),
        Subject::Node(id) => node(org, id),
    }
}

/// What pricing an event and showing figures needs, in one range of keys: organization, calendars, plan and own prices.
pub fn settings(org: &OrgId) -> KeyRange {
    KeyRange { pk: org.to_string(), from: ORG.to_owned(), to: "PRICE$".to_owned() }
}

/// The item that every change of the organization's [`settings`] rewrites, so that one small read tells whether settings
/// that were read before still hold.
pub fn settings_version(org: &OrgId) -> Key {
    Key { pk: org.to_string(), sk: SETTINGS_VERSION.to_owned() }
}

/// Whether an item is among the [`settings`] of its organization.
pub fn is_of_settings(key: &Key) -> bool {
    [ORG, PLAN].contains(&key.sk.as_str()) || key.sk.starts_with(PRICE)
}

/// All registry items of `org` with a prefix, one of the constants of this module that end with `#`.
pub fn all_of(org: &OrgId, prefix: &str) -> KeyRange {
    let to = format!("{}{AFTER_SEPARATOR}", prefix.trim_end_matches(SEPARATOR));
    KeyRange { pk: org.to_string(), from: prefix.to_owned(), to }
}
