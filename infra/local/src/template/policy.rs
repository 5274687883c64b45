//! The policies in the template, which define what a function's role grants.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_norway::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sid: String,
    /// Such as `dynamodb:Query`.
    pub actions: Vec<String>,
    /// In the template's notation, such as `UsageTable.Arn`. An asterisk matches anything.
    pub resources: Vec<String>,
    /// All of them have to be met.
    pub conditions: Vec<Condition>,
}

/// A condition on a request's values of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub operator: Operator,
    /// Such as `dynamodb:Select`.
    pub key: String,
    pub allowed: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// The request has the key, and its values are allowed.
    StringEquals,
    /// The values are allowed if the request has the key.
    StringEqualsIfExists,
    /// All values that the request has are allowed.
    #[serde(rename = "ForAllValues:StringEquals")]
    ForAllValuesStringEquals,
    /// Like the one above, with patterns in which `*` stands for any text.
    #[serde(rename = "ForAllValues:StringLike")]
    ForAllValuesStringLike,
}

/// The properties of a function that define its role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Role {
    #[serde(default)]
    policies: Vec<Policy>,
    role: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    #[serde(rename = "Version")]
    _version: String,
    // A conditional statement is null if its condition is false.
    statement: Vec<Option<StatementProperties>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StatementProperties {
    sid: String,
    effect: String,
    action: OneOrMany,
    resource: OneOrMany,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMany>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Vec<String> {
    fn from(given: OneOrMany) -> Self {
        match given {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

impl Role {
    /// The statements, or an error if one of them uses a feature that the local stack does not implement.
    pub(super) fn checked(self) -> Result<Vec<Statement>, String> {
        if self.role.is_some() {
            return Err("the local stack supports only roles that are defined by Policies".to_owned());
        }
        let statements = self.policies.into_iter().flat_map(|policy| policy.statement);
        statements.flatten().map(StatementProperties::checked).collect()
    }
}

impl StatementProperties {
    fn checked(self) -> Result<Statement, String> {
        let wrong = |what: &str| format!("{}: {what}", self.sid);
        if self.effect != "Allow" {
            return Err(wrong("the local stack supports only Effect: Allow"));
        }
        let actions: Vec<String> = self.action.into();
        if actions.iter().any(|action| action.contains('*')) {
            return Err(wrong("actions must not have wildcards"));
        }
        let mut conditions = Vec::new();
        for (operator, keys) in self.condition {
            let operator = serde_norway::from_value::<Operator>(Value::String(operator))
                .map_err(|_| wrong("the local stack does not support the operator of a Condition"))?;
            let condition =
                |(key, allowed): (String, OneOrMany)| Condition { operator, key, allowed: allowed.into() };
            conditions.extend(keys.into_iter().map(condition));
        }
        Ok(Statement { sid: self.sid, actions, resources: self.resource.into(), conditions })
    }
}

impl Statement {
    pub fn covers(&self, resource: &str) -> bool {
        self.resources.iter().any(|pattern| matches(pattern, resource))
    }
}

/// Whether `text` matches `pattern`, in which an asterisk matches anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let pieces: Vec<_> = pieces.collect();
    let Some((last, between)) = pieces.split_last() else { return rest.is_empty() };
    for piece in between {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_matches_anything() {
        for (pattern, text) in
            [("a", "a"), ("a*", "a"), ("a*", "abc"), ("*", ""), ("a*c*e", "abcde"), ("*b*", "abc")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a", "ab"), ("a", ""), ("a*", "ba"), ("a*c", "acb"), ("a*c*e", "aec"), ("aa*a", "aa")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
