//! The audit entry of a change to the registry: an ordinary event of the activity log, stored in the same transaction.

use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use ledger::dimension::Dimension;
use ledger::event::{AgentActivity, Attribution, CONFIG_CHANGE, Data, Event, REGISTRY_SOURCE};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::money::Usd;
use ledger::settings::{
    AgentSettings, AlertRuleSettings, BudgetSettings, DestinationSettings, KeySettings, OrganizationSettings,
    PlanSettings, PriceSettings, ProjectSettings,
};

/// The most bytes of an entry's details, the same limit as for events that are ingested.
pub const MAX_DETAILS: usize = 8 << 10;
/// The lengths in characters that texts are cut to, one after the other, until the details are small enough.
const CUTS: [usize; 4] = [200, 100, 40, 16];
/// How many elements of a list are kept then.
const CUT_LIST: usize = 10;

/// A kind of settings that the registry stores.
pub trait Setting: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync {
    /// What the activity log shows of the settings: everything except secrets.
    fn shown(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The monthly budget among the settings, if it is also stored in an item of its own.
    fn agent_budget(&self) -> Option<Usd> {
        None
    }

    /// The name that reports on the past go on to show after these settings are deleted, if any.
    fn lasting_name(&self) -> Option<&str> {
        None
    }

    /// The time zone and the tracked dimensions among the settings, which the organization's calendars follow.
    fn rollups(&self) -> Option<(Tz, &[Dimension])> {
        None
    }
}

impl Setting for AgentSettings {
    fn agent_budget(&self) -> Option<Usd> {
        self.cost_budget_monthly
    }
}
impl Setting for AlertRuleSettings {}
impl Setting for BudgetSettings {}
impl Setting for OrganizationSettings {
    fn rollups(&self) -> Option<(Tz, &[Dimension])> {
        Some((self.timezone, &self.dimensions))
    }
}
impl Setting for PlanSettings {}
impl Setting for PriceSettings {}
impl Setting for ProjectSettings {
    fn lasting_name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl Setting for KeySettings {
    // Without the hash, which nobody needs to see.
    fn shown(&self) -> Value {
        let Self { name, scopes, created: _, expires, tags, hash: _ } = self;
        serde_json::json!({ "name": name, "scopes": scopes, "expires": expires, "tags": tags })
    }
}

impl Setting for DestinationSettings {
    /// Shows only the host, since a webhook URL's path is often a credential, and until when each secret signs, so that a
    /// rotation shows.
    fn shown(&self) -> Value {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let until: Vec<_> = self.secrets.iter().map(|secret| secret.until).collect();
        let mut shown = serde_json::json!({ "url": format!("{scheme}://{host}/…"), "secrets_until": until });
        if !self.format.is_json() {
            shown["format"] = serde_json::json!(self.format);
        }
        shown
    }
}

/// The details of an entry. The order of the fields is that of the JSON.
#[derive(Serialize)]
struct Details {
    who: String,
    what: String,
    before: Value,
    after: Value,
    /// Whether values were cut to fit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// What an audit entry says beside the settings before and after.
pub(super) struct AuditEntry<'a> {
    pub org: &'a OrgId,
    pub time: DateTime<Utc>,
    pub agent: Option<&'a AgentId>,
    pub who: &'a str,
    pub what: &'a str,
}

impl AuditEntry<'_> {
    /// The event that records the change from `before` to `after`.
    pub fn event<T: Setting>(&self, before: Option<&T>, after: Option<&T>) -> Result<Event> {
        let shown = |set: Option<&T>| set.map_or(Value::Null, T::shown);
        let details = details(self.who, self.what, shown(before), shown(after))?;
        let name = |text: &str| Name::new(text).map_err(Error::internal);
        let time = self.time.trunc_subsecs(3);
        Ok(Event {
            org: self.org.clone(),
            source: name(REGISTRY_SOURCE)?,
            id: name(&format!("{:032x}", rand::random::<u128>()))?,
            time,
            revision: 0,
            data: Data::AgentActivity(AgentActivity {
                attribution: Attribution::default(),
                agent_id: self.agent.cloned(),
                event_type: name(CONFIG_CHANGE)?,
                details,
            }),
        })
    }
}

/// The details as JSON of at most [`MAX_DETAILS`] bytes: texts and lists are cut, and in the end all values removed.
fn details(who: &str, what: &str, before: Value, after: Value) -> Result<String> {
    let text = |details: &Details| serde_json::to_string(details).map_err(Error::internal);
    let (who, what) = (cut_text(who, CUTS[0]), what.to_owned());
    let mut details = Details { who, what, before, after, truncated: false };
    let whole = text(&details)?;
    if whole.len() <= MAX_DETAILS {
        return Ok(whole);
    }
    details.truncated = true;
    for chars in CUTS {
        (details.before, details.after) = (cut(details.before, chars), cut(details.after, chars));
        let short = text(&details)?;
        if short.len() <= MAX_DETAILS {
            return Ok(short);
        }
    }
    let set = |value: &Value| if value.is_null() { Value::Null } else { Value::Object(Map::new()) };
    (details.before, details.after) = (set(&details.before), set(&details.after));
    text(&details)
}

fn cut(value: Value, chars: usize) -> Value {
    match value {
        Value::String(text) => Value::String(cut_text(&text, chars)),
        Value::Array(list) => list.into_iter().take(CUT_LIST).map(|value| cut(value, chars)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, cut(value, chars))).collect(),
        other => other,
    }
}

fn cut_text(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::settings::Secret;

    #[test]
    fn details_that_fit_are_complete_and_in_order() {
        let before = serde_json::json!({ "name": "é\"" });
        let text = details("ann", "agent nova", before, Value::Null).unwrap();
        assert_eq!(text, r#"{"who":"ann","what":"agent nova","before":{"name":"é\""},"after":null}"#);
    }

    #[test]
    fn details_never_exceed_their_size() {
        let wide = |fields: usize, text: &str| {
            let field = |i| (format!("f{i}"), Value::String(text.to_owned()));
            Value::Object((0..fields).map(field).collect())
        };
        let long = "\"🐄".repeat(100);
        for fields in [0, 1, 5, 9, 40, 400, 4_000] {
            for values in [(wide(fields, &long), wide(fields, &long)), (Value::Null, wide(fields, &long))] {
                let text = details(&"w".repeat(1_000), "x", values.0.clone(), values.1.clone()).unwrap();
                assert!(text.len() <= MAX_DETAILS, "{fields}: {}", text.len());
                let text: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(text["before"].is_null(), values.0.is_null());
                assert!(text["after"].is_object());
                let whole = text["after"] == values.1 && text["before"] == values.0;
                assert_eq!(text["truncated"] == true, !whole, "{fields}");
            }
        }
        let list = Value::Array(vec![Value::from("a".repeat(100)); 200]);
        let text = details("w", "x", Value::Null, serde_json::json!({ "list": list })).unwrap();
        let text: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text["after"]["list"].as_array().map(Vec::len), Some(CUT_LIST));
    }

    #[test]
    fn secrets_and_webhook_paths_are_not_shown() {
        let secret = |text: &str| Secret { secret: format!("whsec_{text}"), until: None };
        let set = DestinationSettings {
            url: "https://hooks.example:8443/services/T0/B0/token?key=k".to_owned(),
            secrets: vec![secret("one"), secret("two")],
            format: ledger::settings::MessageFormat::default(),
        };
        let shown = set.shown().to_string();
        assert_eq!(shown, r#"{"secrets_until":[null,null],"url":"https://hooks.example:8443/…"}"#);
    }
}
