//! DynamoDB expressions: conditions, and the placeholders that stand for attribute names and values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// What has to hold of an attribute of the stored item.
#[derive(Clone, Debug)]
pub struct Condition {
    attribute: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Exists,
    Absent,
    Equals(AttributeValue),
    AbsentOrEquals(AttributeValue),
    AbsentOrBelow(AttributeValue),
    AbsentOrSmaller(usize),
}

/// The attribute exists. Of a key attribute: the item exists.
pub fn exists(attribute: &str) -> Condition {
    Condition { attribute: attribute.to_owned(), test: Test::Exists }
}

/// The attribute does not exist. Of a key attribute: the item does not exist.
pub fn absent(attribute: &str) -> Condition {
    Condition { attribute: attribute.to_owned(), test: Test::Absent }
}

/// The attribute has this value.
pub fn equals(attribute: &str, value: AttributeValue) -> Condition {
    Condition { attribute: attribute.to_owned(), test: Test::Equals(value) }
}

/// The attribute does not exist, or has this value.
pub fn absent_or(attribute: &str, value: AttributeValue) -> Condition {
    Condition { attribute: attribute.to_owned(), test: Test::AbsentOrEquals(value) }
}

/// The attribute does not exist, or is below this value.
pub fn absent_or_below(attribute: &str, value: AttributeValue) -> Condition {
    Condition { attribute: attribute.to_owned(), test: Test::AbsentOrBelow(value) }
}

/// The attribute does not exist, or is a set of fewer members than this.
pub fn absent_or_smaller(attribute: &str, members: usize) -> Condition {
    Condition { attribute: attribute.to_owned(), test: Test::AbsentOrSmaller(members) }
}

impl Condition {
    pub(super) fn render(self, placeholders: &mut Placeholders) -> String {
        let name = placeholders.name(&self.attribute);
        match self.test {
            Test::Exists => format!("attribute_exists({name})"),
            Test::Absent => format!("attribute_not_exists({name})"),
            Test::Equals(value) => format!("{name} = {}", placeholders.value(value)),
            Test::AbsentOrEquals(value) => {
                format!("(attribute_not_exists({name}) OR {name} = {})", placeholders.value(value))
            }
            Test::AbsentOrBelow(value) => {
                format!("(attribute_not_exists({name}) OR {name} < {})", placeholders.value(value))
            }
            Test::AbsentOrSmaller(members) => {
                let members = placeholders.value(crate::n(members));
                format!("(attribute_not_exists({name}) OR size({name}) < {members})")
            }
        }
    }
}

/// The names and values of the expressions of one request. Every name goes through a placeholder, since any of them
/// may be a reserved word.
#[derive(Clone, Debug, Default)]
pub struct Placeholders {
    /// By attribute.
    names: HashMap<String, String>,
    /// By placeholder.
    values: Values,
}

/// Attributes by placeholder.
pub type Names = HashMap<String, String>;
/// Values by placeholder.
pub type Values = HashMap<String, AttributeValue>;

impl Placeholders {
    /// The placeholder of an attribute, the same for each mention of it.
    pub fn name(&mut self, attribute: &str) -> String {
        let next = self.names.len();
        self.names.entry(attribute.to_owned()).or_insert_with(|| format!("#{next}")).clone()
    }

    /// A placeholder of its own for a value.
    pub fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// A projection expression.
    pub fn projection<'a>(&mut self, attributes: impl IntoIterator<Item = &'a str>) -> String {
        attributes.into_iter().map(|attribute| self.name(attribute)).collect::<Vec<_>>().join(",")
    }

    /// Conditions that all have to hold.
    pub fn all(&mut self, conditions: Vec<Condition>) -> Option<String> {
        let rendered: Vec<_> = conditions.into_iter().map(|condition| condition.render(self)).collect();
        (!rendered.is_empty()).then(|| rendered.join(" AND "))
    }

    /// The names and values as a request takes them: DynamoDB rejects empty maps.
    pub fn into_parts(self) -> (Option<Names>, Option<Values>) {
        let names: Names =
            self.names.into_iter().map(|(attribute, placeholder)| (placeholder, attribute)).collect();
        ((!names.is_empty()).then_some(names), (!self.values.is_empty()).then_some(self.values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_has_one_placeholder_and_each_value_its_own() {
        let n = |n: u8| AttributeValue::N(n.to_string());
        let mut placeholders = Placeholders::default();
        let conditions = vec![absent("z"), absent_or_below("m", n(1)), equals("w", n(2)), equals("m", n(1))];
        assert_eq!(
            placeholders.all(conditions).unwrap(),
            "attribute_not_exists(#0) AND (attribute_not_exists(#1) OR #1 < :0) AND #2 = :1 AND #1 = :2"
        );
        assert_eq!(placeholders.projection(["z", "v"]), "#0,#3");
        let (names, values) = placeholders.into_parts();
        assert_eq!(names.unwrap()["#3"], "v");
        assert_eq!(values.unwrap().len(), 3);
        assert_eq!(Placeholders::default().all(Vec::new()), None);
        assert_eq!(Placeholders::default().into_parts(), (None, None));
    }
}
