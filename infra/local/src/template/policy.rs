//! What a function's role lets it do: the policies that the template writes out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_norway::Value;

/// Things that a role may do to other things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name, which says what it is for.
    pub sid: String,
    /// What may be done, such as `dynamodb:Query`.
    pub actions: Vec<String>,
    /// To what, as the template refers to it, such as `UsageTable.Arn`; an asterisk stands for anything.
    pub resources: Vec<String>,
    /// On what conditions, all of which have to hold.
    pub conditions: Vec<Condition>,
}

/// A condition on the values that a request has for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is asked of the values.
    pub operator: Operator,
    /// The key, such as `dynamodb:Select`.
    pub key: String,
    /// The values that are allowed.
    pub allowed: Vec<String>,
}

/// What a condition asks of a key's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// There is one, and it is allowed.
    StringEquals,
    /// If there is one, it is allowed.
    StringEqualsIfExists,
    /// All that there are are allowed.
    #[serde(rename = "ForAllValues:StringEquals")]
    ForAllValuesStringEquals,
}

/// The properties of a function that make its role.
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
    // A statement that is there on a condition is null where that does not hold.
    statement: Vec<Option<Written>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
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
    /// Its statements, unless something in them would be read otherwise here than there.
    pub(super) fn checked(self) -> Result<Vec<Statement>, String> {
        if self.role.is_some() {
            return Err("the local stack knows only roles that are made of Policies".to_owned());
        }
        let statements = self.policies.into_iter().flat_map(|policy| policy.statement);
        statements.flatten().map(Written::checked).collect()
    }
}

impl Written {
    fn checked(self) -> Result<Statement, String> {
        let wrong = |what: &str| format!("{}: {what}", self.sid);
        if self.effect != "Allow" {
            return Err(wrong("the local stack knows only Effect: Allow"));
        }
        let actions: Vec<String> = self.action.into();
        if actions.iter().any(|action| action.contains('*')) {
            return Err(wrong("actions are to be spelled out"));
        }
        let mut conditions = Vec::new();
        for (operator, keys) in self.condition {
            let operator = serde_norway::from_value::<Operator>(Value::String(operator))
                .map_err(|_| wrong("the local stack knows no such operator of a Condition"))?;
            let of =
                |(key, allowed): (String, OneOrMany)| Condition { operator, key, allowed: allowed.into() };
            conditions.extend(keys.into_iter().map(of));
        }
        Ok(Statement { sid: self.sid, actions, resources: self.resource.into(), conditions })
    }
}

impl Statement {
    /// Whether it speaks of `resource`.
    pub fn covers(&self, resource: &str) -> bool {
        self.resources.iter().any(|pattern| matches(pattern, resource))
    }
}

/// Whether `text` is what `pattern` says, in which an asterisk stands for anything.
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
    fn an_asterisk_stands_for_anything() {
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
