//! A JSON object under examination: what it says, field by field, and everything that is wrong with it.
//!
//! Values are kept as the text that came, so that a number keeps its digits.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::{Fault, Loc};
use ledger::ids::InvalidId;
use ledger::{money, period};

/// Faults listed of one object; a hundred thousand unknown fields need not each be named.
const MAX_FAULTS: usize = 50;

/// A fault of one value: its code and its sentence.
pub type Bad = (&'static str, String);

/// An object's fields.
pub struct Fields<'a> {
    loc: Vec<Loc>,
    left: Vec<(String, &'a RawValue)>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// The fields of `raw`, which stands at `loc`.
    pub fn of(raw: &'a RawValue, loc: Vec<Loc>) -> Result<Self, Fault> {
        match serde_json::from_str::<Object<'a>>(raw.get()) {
            Ok(object) => Ok(Self { loc, left: object.0, faults: Vec::new() }),
            Err(_) => Err(Fault::new(loc, "object_type", "Input should be an object")),
        }
    }

    /// The place of a field.
    pub fn at(&self, name: &'static str) -> Vec<Loc> {
        let mut loc = self.loc.clone();
        loc.push(name.into());
        loc
    }

    /// Notes a fault of a field.
    pub fn fault(&mut self, name: &'static str, bad: Bad) {
        let fault = Fault::new(self.at(name), bad.0, bad.1);
        self.faults.push(fault);
    }

    /// Notes faults from inside a field's value, which name their own places.
    pub fn faults(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    /// Takes a field as it is. Given twice it is a fault, since no reading of it would be the right one.
    pub fn raw(&mut self, name: &'static str) -> Option<&'a RawValue> {
        let first = self.left.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.left.remove(first);
        let before = self.left.len();
        self.left.retain(|(key, _)| key != name);
        if self.left.len() < before {
            self.fault(name, ("repeated", "Field should be given once".to_owned()));
        }
        Some(value)
    }

    /// Takes a field that may be absent or null.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Bad>,
    ) -> Option<T> {
        let raw = self.raw(name).filter(|raw| raw.get() != "null")?;
        read(raw).map_err(|bad| self.fault(name, bad)).ok()
    }

    /// Takes a field that has to be there.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Bad>,
    ) -> Option<T> {
        let Some(raw) = self.raw(name) else {
            self.fault(name, ("missing", "Field required".to_owned()));
            return None;
        };
        read(raw).map_err(|bad| self.fault(name, bad)).ok()
    }

    /// Removes the fields that `keep` does not want to see again.
    pub fn take_if(&mut self, mut take: impl FnMut(&str, &RawValue) -> bool) {
        self.left.retain(|(name, value)| !take(name, value));
    }

    /// Every fault, with one for each field that nothing has asked for.
    pub fn finish(mut self) -> Vec<Fault> {
        for (name, _) in self.left.drain(..).take(MAX_FAULTS) {
            let mut loc = self.loc.clone();
            loc.push(Loc::given(&name));
            self.faults.push(Fault::new(loc, "extra_forbidden", "Field is not known"));
        }
        self.faults.truncate(MAX_FAULTS);
        self.faults
    }
}

/// An object with its fields in order, repeated ones included.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A text.
pub fn string(raw: &RawValue) -> Result<String, Bad> {
    serde_json::from_str(raw.get()).map_err(|_| ("string_type", "Input should be a valid string".to_owned()))
}

/// An identifier.
pub fn id<T: TryFrom<String, Error = InvalidId>>(raw: &RawValue) -> Result<T, Bad> {
    T::try_from(string(raw)?).map_err(|fault| ("id", fault.to_string()))
}

/// A whole number within `range`.
pub fn integer(range: RangeInclusive<u64>) -> impl FnOnce(&RawValue) -> Result<u64, Bad> {
    move |raw| {
        let text = raw.get();
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let parsed: Option<i128> = text.parse().ok().filter(|_| is_number);
        // Digits alone are a whole number, however long.
        let digits = is_number && text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        match parsed {
            Some(value) if value < i128::from(*range.start()) => Err(too_small(range.start())),
            Some(value) if value > i128::from(*range.end()) => Err(too_big(range.end())),
            Some(value) => u64::try_from(value).map_err(|_| too_big(range.end())),
            None if digits && text.starts_with('-') => Err(too_small(range.start())),
            None if digits => Err(too_big(range.end())),
            None => Err(("int_type", "Input should be a valid integer".to_owned())),
        }
    }
}

fn too_small(least: impl fmt::Display) -> Bad {
    ("greater_than_equal", format!("Input should be greater than or equal to {least}"))
}

fn too_big(most: impl fmt::Display) -> Bad {
    ("less_than_equal", format!("Input should be less than or equal to {most}"))
}

/// The most decimals of an amount that is not money.
pub const QUANTITY_SCALE: u32 = 6;

/// An amount from 0 to `most` with at most [`QUANTITY_SCALE`] decimals, as a JSON number or a string.
pub fn quantity(most: u64) -> impl FnOnce(&RawValue) -> Result<Decimal, Bad> {
    move |raw| {
        let text = string(raw).unwrap_or_else(|_| raw.get().to_owned());
        amount(&text, most, QUANTITY_SCALE)
    }
}

/// Money from 0 to `most` dollars, as a string.
pub fn usd(most: u64) -> impl FnOnce(&RawValue) -> Result<Decimal, Bad> {
    move |raw| amount(&string(raw)?, most, money::MAX_SCALE)
}

fn amount(text: &str, most: u64, scale: u32) -> Result<Decimal, Bad> {
    // The parser would also take a leading plus and underscores between digits.
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit() || b"-.eE+".contains(&byte)) && !text.starts_with('+');
    let value = money::parse_exact(text).filter(|_| plain);
    let value = value.ok_or_else(|| ("decimal_parsing", "Input should be a valid decimal".to_owned()))?;
    if value < Decimal::ZERO {
        return Err(too_small(0));
    }
    if value > Decimal::from(most) {
        return Err(too_big(most));
    }
    let value = value.normalize();
    if value.scale() > scale {
        return Err((
            "decimal_max_places",
            format!("Decimal input should have no more than {scale} decimal places"),
        ));
    }
    Ok(value)
}

/// True or false.
pub fn boolean(raw: &RawValue) -> Result<bool, Bad> {
    serde_json::from_str(raw.get()).map_err(|_| ("bool_type", "Input should be a valid boolean".to_owned()))
}

/// An instant in RFC 3339.
pub fn instant(raw: &RawValue) -> Result<DateTime<Utc>, Bad> {
    let text = string(raw)?;
    period::parse_instant(&text)
        .ok_or_else(|| ("datetime_parsing", "Input should be a valid RFC 3339 date and time".to_owned()))
}

/// One of a few words.
pub fn one_of<T: DeserializeOwned>(words: &'static str) -> impl FnOnce(&RawValue) -> Result<T, Bad> {
    move |raw| serde_json::from_str(raw.get()).map_err(|_| ("enum", format!("Input should be {words}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn kind<T>(result: Result<T, Bad>) -> &'static str {
        result.err().map_or("ok", |bad| bad.0)
    }

    #[test]
    fn integers_at_their_edges() {
        let read = |text: &str| kind(integer(0..=1_000_000_000)(&raw(text)));
        assert_eq!(read("0"), "ok");
        assert_eq!(read("-0"), "ok");
        assert_eq!(read("1000000000"), "ok");
        assert_eq!(read("1000000001"), "less_than_equal");
        assert_eq!(read(&"9".repeat(60)), "less_than_equal");
        assert_eq!(read("-1"), "greater_than_equal");
        assert_eq!(read(&format!("-{}", "9".repeat(60))), "greater_than_equal");
        for bad in ["1.0", "1e3", "\"1\"", "true", "null", "[]"] {
            assert_eq!(read(bad), "int_type", "{bad}");
        }
    }

    #[test]
    fn amounts_keep_their_digits_or_are_refused() {
        let read = |text: &str| quantity(1_000_000)(&raw(text));
        assert_eq!(read("0.1").unwrap().to_string(), "0.1");
        assert_eq!(read("\"0.100000\"").unwrap().to_string(), "0.1");
        assert_eq!(read("2.5e-1").unwrap().to_string(), "0.25");
        assert_eq!(read("1000000").unwrap().to_string(), "1000000");
        assert_eq!(kind(read("1000000.000001")), "less_than_equal");
        assert_eq!(kind(read("-0.000001")), "greater_than_equal");
        assert_eq!(kind(read("0.000001")), "ok");
        assert_eq!(kind(read("0.0000001")), "decimal_max_places");
        for bad in ["true", "null", "\"\"", "\"1,5\"", "\"NaN\"", "\"1_000\"", "\"+1\"", "{}"] {
            assert_eq!(kind(read(bad)), "decimal_parsing", "{bad}");
        }
        assert_eq!(kind(usd(1)(&raw("\"0.000000000001\""))), "ok");
        assert_eq!(kind(usd(1)(&raw("\"0.0000000000001\""))), "decimal_max_places");
        assert_eq!(kind(usd(1)(&raw("0.5"))), "string_type");
    }

    #[test]
    fn every_fault_is_listed_with_its_place() {
        let text = raw(r#"{"a":1,"b":"x","b":"y","zz":0,"d":null}"#);
        let mut fields = Fields::of(&text, vec!["body".into(), 3.into()]).unwrap();
        assert_eq!(fields.required("a", string), None);
        fields.optional("b", string);
        assert_eq!(fields.required("c", string), None);
        assert_eq!(fields.optional("d", string), None);
        let faults = serde_json::to_value(fields.finish()).unwrap();
        let places: Vec<_> =
            faults.as_array().unwrap().iter().map(|f| format!("{} {}", f["loc"], f["type"])).collect();
        assert_eq!(
            places,
            [
                r#"["body",3,"a"] "string_type""#,
                r#"["body",3,"b"] "repeated""#,
                r#"["body",3,"c"] "missing""#,
                r#"["body",3,"zz"] "extra_forbidden""#,
            ]
        );
    }

    #[test]
    fn a_flood_of_faults_is_cut() {
        let text = format!("{{{}}}", (0..10_000).map(|i| format!("\"{i}\":0")).collect::<Vec<_>>().join(","));
        let text = raw(&text);
        assert_eq!(Fields::of(&text, vec![]).unwrap().finish().len(), MAX_FAULTS);
    }
}
