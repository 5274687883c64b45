//! Looks up attributes by name, in all the types that emitters use for them.

use std::fmt;

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::messages::{AnyValue, KeyValue};
use crate::text::filled;

/// The attributes of a span, a log record or a resource.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(&'a [KeyValue]);

/// The attribute whose count is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCount(&'static str);

impl fmt::Display for InvalidCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} should be a whole number from 0", self.0)
    }
}

impl<'a> Attributes<'a> {
    pub const fn of(attributes: &'a [KeyValue]) -> Self {
        Self(attributes)
    }

    pub fn get(self, name: &str) -> Option<&'a AnyValue> {
        self.0.iter().find(|attribute| attribute.key == name.as_bytes())?.value.as_ref()
    }

    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first of `names` whose value is a string that is not blank.
    pub fn text(self, names: &[&'static str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.get(name).and_then(text))
    }

    /// A string, number or Boolean as text.
    pub fn scalar(self, name: &str) -> Option<String> {
        self.get(name).and_then(scalar)
    }

    /// The first count above zero among `names`, else zero if one of them is there. Emitters send counts as integers,
    /// doubles and strings, and spans that several instrumentations write to have a zero under a name of one of them.
    pub fn count(self, names: &[&'static str]) -> Result<Option<u64>, InvalidCount> {
        let mut found = None;
        for name in names {
            let Some(count) = self.scalar(name) else { continue };
            match count.parse() {
                Ok(0) => found = Some(0),
                Ok(count) => return Ok(Some(count)),
                Err(_) if found.is_none() => return Err(InvalidCount(name)),
                Err(_) => {}
            }
        }
        Ok(found)
    }

    /// The first amount among `names` that is a number.
    pub fn decimal(self, names: &[&'static str]) -> Option<Decimal> {
        names.iter().find_map(|name| decimal(&self.scalar(name)?))
    }

    /// Hashes all attributes with plain values. Each part is hashed with its length, so that different attributes never
    /// give the same bytes.
    pub fn hash(self, hash: &mut Sha256) {
        for KeyValue { key, value } in self.0 {
            part(hash, key);
            match value.as_ref().and_then(|value| value.string_value.as_ref()) {
                Some(text) => part(hash, text),
                None => part(hash, value.as_ref().and_then(scalar).unwrap_or_default().as_bytes()),
            }
        }
    }
}

pub fn text(value: &AnyValue) -> Option<&str> {
    filled(std::str::from_utf8(value.string_value.as_ref()?).ok()?)
}

/// A non-negative amount in any decimal notation.
pub fn decimal(text: &str) -> Option<Decimal> {
    let amount = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text)).ok()?;
    (!amount.is_sign_negative()).then_some(amount)
}

fn scalar(value: &AnyValue) -> Option<String> {
    let number = || value.int_value.map(|number| number.to_string());
    let double = || value.double_value.map(|number| number.to_string());
    let boolean = || value.bool_value.map(|value| value.to_string());
    text(value).map(str::to_owned).or_else(number).or_else(double).or_else(boolean)
}

/// Adds a part and its length to a hash.
pub fn part(hash: &mut Sha256, bytes: &[u8]) {
    hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(bytes);
}
