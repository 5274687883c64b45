//! The key of an alert: budget, version of the budget, month, kind and threshold.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{AgentId, SEPARATOR};
use crate::period::Month;
use crate::settings::BudgetSettings;

/// Identifies a budget within an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetId {
    /// The budget of the organization itself.
    Organization,
    /// The budget of an agent.
    Agent(AgentId),
}

/// The organization's budget in keys. It cannot collide with an agent named `org`, whose budget is `agent:org`.
const ORGANIZATION: &str = "org";
const AGENT: &str = "agent:";

impl fmt::Display for BudgetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str(ORGANIZATION),
            Self::Agent(id) => write!(f, "{AGENT}{id}"),
        }
    }
}

impl BudgetId {
    /// Parses the text that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        if text == ORGANIZATION {
            return Some(Self::Organization);
        }
        Some(Self::Agent(AgentId::new(text.strip_prefix(AGENT)?).ok()?))
    }
}

/// The figure that an alert compares with a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The month-to-date cost.
    Actual,
    /// The forecast cost of the whole month.
    Forecast,
}

impl AlertKind {
    /// The text of the kind in keys and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Forecast => "forecast",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Actual, Self::Forecast].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The version of a budget: a hash of its thresholds, whether forecasts count, and `token`, which is renewed whenever
/// the amount changes.
///
/// The amount itself is not hashed: a budget that is raised and then lowered to the old amount gets a new version,
/// because its alerts were resolved in between and must be able to fire again.
pub fn budget_version(token: &str, rules: &BudgetSettings) -> String {
    let mut hash = Sha256::new();
    hash.update(token);
    hash.update([0, u8::from(rules.forecast)]);
    for threshold in &rules.thresholds {
        hash.update(threshold.to_be_bytes());
    }
    BASE64.encode(&hash.finalize()[..12])
}

/// The last part of the key of an alert that resolves others.
const RESOLVED: &str = "resolved";

/// Identifies an alert within its organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertKey {
    /// The budget that the alert is about.
    pub budget: BudgetId,
    /// The [`budget_version`] of that budget.
    pub version: String,
    /// The month whose cost is compared with the budget.
    pub month: Month,
    /// The figure that is compared with the budget.
    pub kind: AlertKind,
    /// In percent of the budget.
    pub threshold: u32,
    /// Whether this alert resolves the one that the other fields identify.
    pub resolved: bool,
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, version, month, kind, threshold, resolved } = self;
        let kind = kind.as_str();
        write!(f, "{budget}#{version}#{month}#{kind}#{threshold}")?;
        if *resolved { write!(f, "#{RESOLVED}") } else { Ok(()) }
    }
}

impl AlertKey {
    /// Parses the text that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(SEPARATOR);
        let mut next = || parts.next();
        let key = Self {
            budget: BudgetId::parse(next()?)?,
            version: next()?.to_owned(),
            month: Month::parse(next()?)?,
            kind: AlertKind::parse(next()?)?,
            threshold: next()?.parse().ok()?,
            resolved: match next() {
                None => false,
                Some(RESOLVED) => true,
                Some(_) => return None,
            },
        };
        parts.next().is_none().then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(budget: BudgetId, resolved: bool) -> AlertKey {
        AlertKey {
            budget,
            version: "v-1_x".to_owned(),
            month: Month::parse("2026-09").unwrap(),
            kind: AlertKind::Forecast,
            threshold: 1000,
            resolved,
        }
    }

    #[test]
    fn a_key_round_trips_through_its_text() {
        let agent = |id: &str| BudgetId::Agent(AgentId::new(id).unwrap());
        for (budget, text) in [
            (BudgetId::Organization, "org#v-1_x#2026-09#forecast#1000"),
            (agent("org"), "agent:org#v-1_x#2026-09#forecast#1000"),
            (agent("a/b:c@d.e"), "agent:a/b:c@d.e#v-1_x#2026-09#forecast#1000"),
        ] {
            let (crossed, resolved) = (key(budget.clone(), false), key(budget, true));
            assert_eq!(
                (crossed.to_string(), resolved.to_string()),
                (text.to_owned(), format!("{text}#resolved"))
            );
            assert_eq!(AlertKey::parse(text), Some(crossed));
            assert_eq!(AlertKey::parse(&format!("{text}#resolved")), Some(resolved));
            assert_eq!(AlertKey::parse(&format!("{text}#x")), None);
            assert_eq!(AlertKey::parse(&format!("{text}#resolved#x")), None);
        }
        for bad in ["", "org", "nova#v#2026-09#actual#50", "org#v#2026-9#actual#50", "org#v#2026-09#x#50"] {
            assert_eq!(AlertKey::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_version_depends_on_token_thresholds_and_forecast() {
        let rules = BudgetSettings::default();
        let other = |change: fn(&mut BudgetSettings)| {
            let mut rules = BudgetSettings::default();
            change(&mut rules);
            budget_version("a", &rules)
        };
        let all = [
            budget_version("a", &rules),
            budget_version("b", &rules),
            other(|rules| rules.thresholds = vec![50, 80]),
            other(|rules| rules.thresholds = vec![50, 80, 100, 120]),
            other(|rules| rules.forecast = false),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // A change of the amount shows in the token, not in the rules.
        assert_eq!(budget_version("a", &rules), other(|rules| rules.monthly = Some(crate::money::Usd::ZERO)));
    }
}
