//! The match rules of genai-prices, which say which ids mean a model.

use fancy_regex::Regex;
use serde_json::Value;

/// A rule. Its texts, and the ids that are matched with it, are in lower case.
#[derive(Debug)]
pub enum Rule {
    /// The id itself.
    Equals(String),
    /// How the id starts.
    StartsWith(String),
    /// How the id ends.
    EndsWith(String),
    /// A part of the id.
    Contains(String),
    /// A regular expression, with look-ahead.
    Regex(Box<Regex>),
    /// One of several rules.
    Or(Vec<Self>),
    /// All of several rules.
    And(Vec<Self>),
}

impl Rule {
    /// Reads `{"equals": …}` and so on.
    pub fn read(value: &Value) -> Result<Self, String> {
        let malformed = || format!("{value} is not a match rule");
        let (kind, value) = value.as_object().and_then(|rule| rule.iter().next()).ok_or_else(malformed)?;
        let text = || value.as_str().map(str::to_lowercase).ok_or_else(malformed);
        let all = || -> Result<Vec<Self>, String> {
            value.as_array().ok_or_else(malformed)?.iter().map(Self::read).collect()
        };
        Ok(match kind.as_str() {
            "equals" => Self::Equals(text()?),
            "starts_with" => Self::StartsWith(text()?),
            "ends_with" => Self::EndsWith(text()?),
            "contains" => Self::Contains(text()?),
            "regex" => {
                let pattern = value.as_str().ok_or_else(malformed)?;
                Self::Regex(Box::new(Regex::new(pattern).map_err(|e| format!("{pattern}: {e}"))?))
            }
            "or" => Self::Or(all()?),
            "and" => Self::And(all()?),
            _ => return Err(malformed()),
        })
    }

    /// Whether the rule is true of `id`, which is in lower case.
    pub fn matches(&self, id: &str) -> bool {
        match self {
            Self::Equals(text) => id == text,
            Self::StartsWith(text) => id.starts_with(text),
            Self::EndsWith(text) => id.ends_with(text),
            Self::Contains(text) => id.contains(text),
            Self::Regex(regex) => regex.is_match(id).unwrap_or(false),
            Self::Or(rules) => rules.iter().any(|rule| rule.matches(id)),
            Self::And(rules) => rules.iter().all(|rule| rule.matches(id)),
        }
    }

    /// The texts of the rule that can be ids by themselves.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Equals(text) | Self::StartsWith(text) | Self::EndsWith(text) | Self::Contains(text) => {
                vec![text]
            }
            Self::Or(rules) => rules.iter().flat_map(Self::texts).collect(),
            // The conditions of an `and` only identify the model together.
            Self::Regex(_) | Self::And(_) => Vec::new(),
        }
    }
}
