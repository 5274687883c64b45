//! What names an alert.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{AgentId, SEPARATOR};
use crate::period::Month;
use crate::settings::BudgetSettings;

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetId {
    /// The organisation's.
    Organization,
    /// An agent's.
    Agent(AgentId),
}

/// The organisation's budget in keys. An agent of that name has another one, since a word stands before its name.
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
    /// A budget as keys name it.
    pub fn parse(text: &str) -> Option<Self> {
        if text == ORGANIZATION {
            return Some(Self::Organization);
        }
        Some(Self::Agent(AgentId::new(text.strip_prefix(AGENT)?).ok()?))
    }
}

/// What is held against a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What the month has cost so far.
    Actual,
    /// What it is likely to cost.
    Forecast,
}

impl Kind {
    /// The kind as keys and messages write it.
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

/// The version of a budget: `token` is that of its amount, made anew whenever the amount is changed.
///
/// It is no hash of the amount: a budget that is raised and lowered again starts anew, since it was said in between
/// that its alerts no longer hold.
pub fn version(token: &str, rules: &BudgetSettings) -> String {
    let mut hash = Sha256::new();
    hash.update(token);
    hash.update([0, u8::from(rules.forecast)]);
    for threshold in &rules.thresholds {
        hash.update(threshold.to_be_bytes());
    }
    BASE64.encode(&hash.finalize()[..12])
}

/// What stands for an alert that takes others back.
const RESOLVED: &str = "resolved";

/// The name of an alert within its organisation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertKey {
    /// The budget.
    pub budget: BudgetId,
    /// Its [`version`].
    pub version: String,
    /// The month.
    pub month: Month,
    /// What is held against the budget.
    pub kind: Kind,
    /// In percent of it.
    pub threshold: u32,
    /// Whether it takes back the alert that is named by all the rest.
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
    /// An alert as it is named in keys.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(SEPARATOR);
        let mut next = || parts.next();
        let key = Self {
            budget: BudgetId::parse(next()?)?,
            version: next()?.to_owned(),
            month: Month::parse(next()?)?,
            kind: Kind::parse(next()?)?,
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
            kind: Kind::Forecast,
            threshold: 1000,
            resolved,
        }
    }

    #[test]
    fn a_key_names_all_its_parts() {
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
    fn a_version_follows_the_budget_its_thresholds_and_the_forecast() {
        let rules = BudgetSettings::default();
        let other = |change: fn(&mut BudgetSettings)| {
            let mut rules = BudgetSettings::default();
            change(&mut rules);
            version("a", &rules)
        };
        let all = [
            version("a", &rules),
            version("b", &rules),
            other(|rules| rules.thresholds = vec![50, 80]),
            other(|rules| rules.thresholds = vec![50, 80, 100, 120]),
            other(|rules| rules.forecast = false),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // The amount has a token of its own.
        assert_eq!(version("a", &rules), other(|rules| rules.monthly = Some(crate::money::Usd::ZERO)));
    }
}
