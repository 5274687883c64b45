//! The template language's own functions (`!Ref`, `!GetAtt` and the like), as far as a local stack can answer them.

use std::collections::BTreeMap;

use serde_norway::value::TaggedValue;
use serde_norway::{Mapping, Value};

/// Replaces references by what they stand for here: a parameter by its default, a resource by its logical id, a
/// resource's attribute by `Id.Attribute`. What cannot be known here (conditions, accounts, regions) is null.
pub struct Resolver {
    defaults: BTreeMap<String, Value>,
}

impl Resolver {
    /// A resolver that knows the parameters' defaults.
    pub fn new(defaults: BTreeMap<String, Value>) -> Self {
        Self { defaults }
    }

    /// `value` without tags.
    pub fn resolve(&self, value: Value) -> Value {
        match value {
            Value::Tagged(tagged) => self.call(*tagged),
            Value::Sequence(items) => items.into_iter().map(|item| self.resolve(item)).collect(),
            Value::Mapping(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, self.resolve(value)));
                // A property without a value is a property that is not there, as with AWS::NoValue.
                Value::Mapping(fields.filter(|(_, value)| !value.is_null()).collect::<Mapping>())
            }
            scalar => scalar,
        }
    }

    fn call(&self, tagged: TaggedValue) -> Value {
        match (tagged.tag.to_string().as_str(), tagged.value) {
            ("!Ref", Value::String(name)) if name.starts_with("AWS::") => Value::Null,
            ("!Ref", Value::String(name)) => {
                self.defaults.get(&name).cloned().unwrap_or_else(|| Value::String(name.clone()))
            }
            ("!GetAtt", path @ Value::String(_)) => path,
            _ => Value::Null,
        }
    }
}
