//! Fields that have several names, any number of which may be in one object.
//!
//! serde's `alias` rejects such an object as one that repeats a field. Real senders write them: Bedrock's Converse names
//! each cache count twice (BerriAI/litellm, `test_transform_usage`), and gateways that serve both of OpenAI's APIs write
//! the names of one with the counts and those of the other with zeros (`QuantumNous/new-api`, `dto/openai_response.go`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The other names of fields: the name that is read, then a name that means the same.
pub type Spellings = &'static [(&'static str, &'static str)];

/// An object in which each field has one name.
pub type Fields<'de> =
    MapDeserializer<'de, std::vec::IntoIter<(Cow<'de, str>, &'de RawValue)>, serde_json::Error>;

/// Renames the fields of an object to the names that are read, and reads it with `read`. Of several values of a field,
/// one that is not empty counts, and among those the one under the name that is read.
pub fn unified<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    spellings: Spellings,
    read: impl FnOnce(Fields<'de>) -> Result<T, serde_json::Error>,
) -> Result<T, D::Error> {
    let fields = deserializer.deserialize_map(Unifier(spellings))?;
    read(MapDeserializer::new(fields.into_iter())).map_err(D::Error::custom)
}

/// Implements `Deserialize` by [`unified`] for a struct with `#[serde(remote = "Self")]`.
macro_rules! unify {
    ($name:ident, $spellings:expr) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::spelling::unified(deserializer, $spellings, Self::deserialize)
            }
        }
    };
}
pub(crate) use unify;

struct Unifier(Spellings);

impl<'de> Visitor<'de> for Unifier {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Self::Value = Vec::new();
        let mut places: HashMap<Cow<'de, str>, usize> = HashMap::new();
        while let Some((key, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
            let other = self.0.iter().find(|(_, spelling)| *spelling == key);
            let name = other.map_or_else(|| key, |(name, _)| Cow::Borrowed(*name));
            match places.get(&name).and_then(|place| fields.get_mut(*place)) {
                None => {
                    places.insert(name.clone(), fields.len());
                    fields.push((name, value));
                }
                Some((_, known)) => {
                    let (before, now) = (substance(known), substance(value));
                    if now > before || (now == before && other.is_none()) {
                        *known = value;
                    }
                }
            }
        }
        Ok(fields)
    }
}

/// How much a value states, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Substance {
    Null,
    /// Zero, or a list or an object of empty values.
    Empty,
    Filled,
}

fn substance(raw: &RawValue) -> Substance {
    fn of(value: &Value) -> Substance {
        let is_empty = match value {
            Value::Null => return Substance::Null,
            Value::Bool(_) => false,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => matches!(text.trim(), "" | "0"),
            Value::Array(items) => items.iter().all(|item| of(item) < Substance::Filled),
            Value::Object(fields) => fields.values().all(|field| of(field) < Substance::Filled),
        };
        if is_empty { Substance::Empty } else { Substance::Filled }
    }
    serde_json::from_str(raw.get()).map_or(Substance::Filled, |value| of(&value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use crate::json::{Count, or_default};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(remote = "Self", default)]
    struct Usage {
        input: Option<Count>,
        #[serde(deserialize_with = "or_default")]
        details: Details,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Details {
        cached: Count,
    }

    unify!(Usage, &[("input", "prompt"), ("input", "in"), ("details", "more")]);

    fn input(text: &str) -> Option<u64> {
        serde_json::from_str::<Usage>(text).unwrap().input.map(|Count(tokens)| tokens)
    }

    #[test]
    fn a_value_wins_over_an_empty_one_in_any_order() {
        for text in [
            r#"{"input":7,"prompt":0,"in":null}"#,
            r#"{"in":null,"prompt":0,"input":7}"#,
            r#"{"input":0,"prompt":7}"#,
            r#"{"prompt":7,"input":0}"#,
            r#"{"prompt":7.0,"input":null}"#,
            r#"{"in":7}"#,
            r#"{"input":7,"input":7}"#,
        ] {
            assert_eq!(input(text), Some(7), "{text}");
        }
        for text in
            [r#"{"input":0,"prompt":null}"#, r#"{"prompt":null,"input":0}"#, r#"{"prompt":0,"input":null}"#]
        {
            assert_eq!(input(text), Some(0), "{text}");
        }
        assert_eq!(input("{}"), None);
    }

    #[test]
    fn the_name_that_is_read_wins_over_its_spellings() {
        assert_eq!(input(r#"{"prompt":8,"input":7,"in":9}"#), Some(7));
    }

    #[test]
    fn an_object_of_zeros_is_empty() {
        for text in [
            r#"{"details":{"cached":0,"x":[0,{}]},"more":{"cached":5}}"#,
            r#"{"more":{"cached":5},"details":null}"#,
        ] {
            assert_eq!(serde_json::from_str::<Usage>(text).unwrap().details.cached, Count(5), "{text}");
        }
    }

    #[test]
    fn faults_stay_faults() {
        for text in ["[]", "7", r#"{"input":-1}"#, r#"{"prompt":"x"}"#, r#"{"input":1"#] {
            assert!(serde_json::from_str::<Usage>(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// However often and under whichever names a count is written, zeros among them, it is read.
        #[test]
        fn a_repeated_count_is_read(
            tokens in 1..1_000_000_u64, names in prop::collection::vec((0..3_usize, any::<bool>()), 1..8), at in 0..8_usize,
        ) {
            let at = at % names.len();
            let fields = names.iter().enumerate().map(|(i, (name, zero))| {
                let name = ["input", "prompt", "in"][*name];
                let value = if *zero && i != at { "0".to_owned() } else { tokens.to_string() };
                format!("\"{name}\":{value}")
            });
            let text = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
            prop_assert_eq!(input(&text), Some(tokens), "{}", text);
        }
    }
}
