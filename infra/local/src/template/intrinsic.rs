//! CloudFormation's intrinsic functions (`!Ref`, `!GetAtt` and others), as far as they can be evaluated locally.

use std::collections::BTreeMap;

use serde_norway::value::TaggedValue;
use serde_norway::{Mapping, Value};

/// Replaces references with local values: a parameter with its default, a resource with its logical id, an attribute of
/// a resource with `Id.Attribute`, a condition with its value for the defaults. What has no local value (accounts,
/// regions) becomes null.
pub struct Resolver {
    defaults: BTreeMap<String, Value>,
    conditions: BTreeMap<String, Value>,
}

impl Resolver {
    pub fn new(defaults: BTreeMap<String, Value>, conditions: BTreeMap<String, Value>) -> Self {
        Self { defaults, conditions }
    }

    /// Replaces all tags in `value`.
    pub fn resolve(&self, value: Value) -> Value {
        match value {
            Value::Tagged(tagged) => self.call(*tagged),
            Value::Sequence(items) => items.into_iter().map(|item| self.resolve(item)).collect(),
            Value::Mapping(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, self.resolve(value)));
                // As with AWS::NoValue, a property without a value is removed.
                Value::Mapping(fields.filter(|(_, value)| !value.is_null()).collect::<Mapping>())
            }
            scalar => scalar,
        }
    }

    fn call(&self, tagged: TaggedValue) -> Value {
        match (tagged.tag.to_string().as_str(), tagged.value) {
            ("!Ref", Value::String(name)) => self.reference(&name),
            ("!GetAtt", path @ Value::String(_)) => path,
            ("!Sub", Value::String(text)) => self.substitute(&text).map_or(Value::Null, Value::String),
            ("!If", Value::Sequence(given)) => match given.as_slice() {
                [Value::String(condition), yes, no] => match self.holds(condition) {
                    Some(holds) => self.resolve(if holds { yes.clone() } else { no.clone() }),
                    None => Value::Null,
                },
                _ => Value::Null,
            },
            ("!Equals", Value::Sequence(sides)) => match sides.as_slice() {
                [a, b] => Value::Bool(self.resolve(a.clone()) == self.resolve(b.clone())),
                _ => Value::Null,
            },
            ("!Not", Value::Sequence(of)) => match of.first().map(|of| self.resolve(of.clone())) {
                Some(Value::Bool(holds)) => Value::Bool(!holds),
                _ => Value::Null,
            },
            _ => Value::Null,
        }
    }

    fn reference(&self, name: &str) -> Value {
        if name.starts_with("AWS::") {
            return Value::Null;
        }
        self.defaults.get(name).cloned().unwrap_or_else(|| Value::String(name.to_owned()))
    }

    fn holds(&self, condition: &str) -> Option<bool> {
        self.resolve(self.conditions.get(condition)?.clone()).as_bool()
    }

    /// Fills in each `${…}`, or returns nothing if one of them has no local value.
    fn substitute(&self, text: &str) -> Option<String> {
        let mut pieces = text.split("${");
        let mut filled = pieces.next()?.to_owned();
        for piece in pieces {
            let (name, after) = piece.split_once('}')?;
            let value =
                if name.contains('.') { Value::String(name.to_owned()) } else { self.reference(name) };
            filled.push_str(value.as_str()?);
            filled.push_str(after);
        }
        Some(filled)
    }
}
