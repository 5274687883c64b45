//! Reads a JSON object field by field and collects the faults.
//!
//! Values are kept as the text that was sent, so that numbers keep their digits.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::{Fault, Loc};
use ledger::ids::{InvalidId, Label};
use ledger::money::Rounded;
use ledger::tags::{MAX_TAG_NAME, MAX_TAGS, Tags, is_tag_name};
use ledger::{money, period};

/// Maximum number of faults listed for one object. An object may have a hundred thousand unknown fields.
const MAX_FAULTS: usize = 50;

/// Why a value is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// A stable code for programs.
    pub kind: &'static str,
    /// A sentence for people.
    pub msg: String,
}

impl Invalid {
    /// A value that is invalid for the reason `kind`.
    pub fn new(kind: &'static str, msg: impl Into<String>) -> Self {
        Self { kind, msg: msg.into() }
    }

    fn at(self, loc: Vec<Loc>) -> Fault {
        Fault::new(loc, self.kind, self.msg)
    }
}

/// The fields of an object.
pub struct FieldReader<'a> {
    loc: Vec<Loc>,
    left: Vec<(String, &'a RawValue)>,
    /// Every name that was asked for, to suggest one for a name that nobody knows.
    known: Vec<&'static str>,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl<'a> FieldReader<'a> {
    /// The fields of `raw`, whose faults start with `loc`.
    pub fn of(raw: &'a RawValue, loc: Vec<Loc>) -> Result<Self, Fault> {
        match serde_json::from_str::<Object<'a>>(raw.get()) {
            Ok(object) => {
                Ok(Self { loc, left: object.0, known: Vec::new(), faults: Vec::new(), warnings: Vec::new() })
            }
            Err(_) => Err(Fault::new(loc, "object_type", "Input should be an object")),
        }
    }

    /// The location of a field.
    pub fn at(&self, name: &'static str) -> Vec<Loc> {
        let mut loc = self.loc.clone();
        loc.push(name.into());
        loc
    }

    /// Reports a fault of a field.
    pub fn fault(&mut self, name: &'static str, invalid: Invalid) {
        let fault = invalid.at(self.at(name));
        self.faults.push(fault);
    }

    /// Reports faults inside the value of a field, which have locations of their own.
    pub fn faults(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    /// Takes a field as raw text. A repeated field is a fault, since neither value can be preferred.
    pub fn raw(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.known.push(name);
        let first = self.left.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.left.remove(first);
        let before = self.left.len();
        self.left.retain(|(key, _)| key != name);
        if self.left.len() < before {
            self.fault(name, Invalid::new("repeated", "Field should be given once"));
        }
        Some(value)
    }

    /// Whether a field is present and not null.
    pub fn is_given(&self, name: &str) -> bool {
        self.left.iter().any(|(key, value)| key == name && value.get() != "null")
    }

    /// Takes a field that may be absent or null.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Invalid>,
    ) -> Option<T> {
        let raw = self.raw(name).filter(|raw| raw.get() != "null")?;
        read(raw).map_err(|invalid| self.fault(name, invalid)).ok()
    }

    /// Reports something about a field that does not make the object invalid.
    pub fn warn(&mut self, name: &'static str, invalid: Invalid) {
        let warning = invalid.at(self.at(name));
        self.warnings.push(warning);
    }

    /// Reports something about a part of a field, for example about a tag.
    pub fn warn_part(&mut self, name: &'static str, part: &str, invalid: Invalid) {
        let mut loc = self.at(name);
        loc.push(Loc::given(part));
        self.warnings.push(invalid.at(loc));
    }

    /// Takes a field that may be absent or null, and that is left out with a warning where it is invalid.
    pub fn lenient<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Invalid>,
    ) -> Option<T> {
        let raw = self.raw(name).filter(|raw| raw.get() != "null")?;
        read(raw).map_err(|invalid| self.warn(name, invalid)).ok()
    }

    /// Takes a required field.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Invalid>,
    ) -> Option<T> {
        let Some(raw) = self.raw(name) else {
            self.fault(name, Invalid::new("missing", "Field required"));
            return None;
        };
        read(raw).map_err(|invalid| self.fault(name, invalid)).ok()
    }

    /// Takes an optional list of the given length. Each invalid value is reported.
    pub fn list<T, R: FnOnce(&'a RawValue) -> Result<T, Invalid>>(
        &mut self,
        name: &'static str,
        length: &RangeInclusive<usize>,
        read: impl Fn() -> R,
    ) -> Option<Vec<T>> {
        let given = self.optional(name, |raw| entries(raw, length))?;
        let mut values = Vec::with_capacity(given.len());
        for (i, raw) in given.into_iter().enumerate() {
            match read()(raw) {
                Ok(value) => values.push(value),
                Err(invalid) => {
                    let mut loc = self.at(name);
                    loc.push(i.into());
                    self.faults.push(invalid.at(loc));
                }
            }
        }
        Some(values)
    }

    /// Takes an optional object. `read` returns None if a required field of it is missing or invalid.
    pub fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut FieldReader<'a>) -> Option<T>,
    ) -> Option<T> {
        let raw = self.raw(name).filter(|raw| raw.get() != "null")?;
        let mut inner = Self::of(raw, self.at(name)).map_err(|fault| self.faults.push(fault)).ok()?;
        let value = read(&mut inner);
        self.faults.extend(inner.finish());
        value
    }

    /// Ignores these fields.
    pub fn ignore(&mut self, names: &[&str]) {
        self.ignore_if(|name, _| names.contains(&name));
    }

    /// Ignores the fields for which `ignore` holds.
    pub fn ignore_if(&mut self, mut ignore: impl FnMut(&str, &RawValue) -> bool) {
        self.left.retain(|(name, value)| !ignore(name, value));
    }

    /// All faults, and all warnings: a field that nobody read is one of these.
    pub fn finish_leniently(mut self) -> (Vec<Fault>, Vec<Fault>) {
        for (name, _) in self.left.drain(..).take(MAX_FAULTS) {
            let mut loc = self.loc.clone();
            loc.push(Loc::given(&name));
            let msg = match nearest(&name, &self.known) {
                Some(known) => format!("Field is not known and was left out; did you mean '{known}'?"),
                None => "Field is not known and was left out".to_owned(),
            };
            self.warnings.push(Fault::new(loc, "unknown_field", msg));
        }
        self.faults.truncate(MAX_FAULTS);
        self.warnings.truncate(MAX_FAULTS);
        (self.faults, self.warnings)
    }

    /// All faults, including one for each field that nobody read.
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

/// The known name that is most like `name`, if one is at least as much alike as a typing error leaves it.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    const LONGEST: usize = 64;
    let name = name.get(..LONGEST).unwrap_or(name).to_ascii_lowercase();
    let best = known.iter().map(|known| (strsim::jaro_winkler(&name, known), *known));
    best.max_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(alike, _)| *alike >= 0.8)
        .map(|(_, known)| known)
}

/// The fields of an object in order, including repeated ones.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
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
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// A string.
pub fn string(raw: &RawValue) -> Result<String, Invalid> {
    serde_json::from_str(raw.get()).map_err(|_| Invalid::new("string_type", "Input should be a valid string"))
}

/// An identifier.
pub fn id<T: TryFrom<String, Error = InvalidId>>(raw: &RawValue) -> Result<T, Invalid> {
    T::try_from(string(raw)?).map_err(|fault| Invalid::new("id", fault.to_string()))
}

/// An integer within `range`, in any notation.
pub fn integer(range: RangeInclusive<u64>) -> impl FnOnce(&RawValue) -> Result<u64, Invalid> {
    move |raw| {
        let text = raw.get();
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        // JSON Schema's integers have any notation: R, Lua and pandas write 488.0.
        let whole = || exact_decimal(text).ok().filter(Decimal::is_integer)?.to_i128();
        let parsed: Option<i128> = text.parse().ok().or_else(whole).filter(|_| is_number);
        // An integer may be too long to parse.
        let digits = is_number && text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        match parsed {
            Some(value) if value < i128::from(*range.start()) => Err(too_small(range.start())),
            Some(value) if value > i128::from(*range.end()) => Err(too_big(range.end())),
            Some(value) => u64::try_from(value).map_err(|_| too_big(range.end())),
            None if digits && text.starts_with('-') => Err(too_small(range.start())),
            None if digits => Err(too_big(range.end())),
            None => Err(Invalid::new("int_type", "Input should be a valid integer")),
        }
    }
}

fn too_small(least: impl fmt::Display) -> Invalid {
    Invalid::new("greater_than_equal", format!("Input should be greater than or equal to {least}"))
}

fn too_big(most: impl fmt::Display) -> Invalid {
    Invalid::new("less_than_equal", format!("Input should be less than or equal to {most}"))
}

/// Maximum number of decimals of an amount other than money.
pub const QUANTITY_SCALE: u32 = 6;

/// An amount from 0 to `most` with at most [`QUANTITY_SCALE`] decimals, as a JSON number or a string.
pub fn quantity(most: u64) -> impl FnOnce(&RawValue) -> Result<Decimal, Invalid> {
    decimal(most, QUANTITY_SCALE)
}

/// An amount from 0 to `most` with at most `scale` decimals, as a JSON number or a string.
pub fn decimal(most: u64, scale: u32) -> impl FnOnce(&RawValue) -> Result<Decimal, Invalid> {
    move |raw| {
        let text = string(raw).unwrap_or_else(|_| raw.get().to_owned());
        amount(&text, most, scale)
    }
}

/// A label: 1 to 256 characters without control characters, brought to the normal form NFC.
pub fn label(raw: &RawValue) -> Result<Label, Invalid> {
    Label::new(&string(raw)?).map_err(|invalid| Invalid::new("label", invalid.to_string()))
}

/// Tags: an object of at most [`MAX_TAGS`] labels by name.
pub fn tags(raw: &RawValue) -> Result<Tags, Invalid> {
    let given: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get())
        .map_err(|_| Invalid::new("object_type", "Input should be an object"))?;
    if given.len() > MAX_TAGS {
        return Err(Invalid::new("too_long", format!("Object should have at most {MAX_TAGS} tags")));
    }
    given.into_iter().map(|(name, value)| tag(name, &value)).collect()
}

/// A tag: its name and its value.
pub fn tag(name: String, value: &RawValue) -> Result<(String, String), Invalid> {
    if !is_tag_name(&name) {
        let msg = format!("A tag's name should have 1 to {MAX_TAG_NAME} characters of a-z 0-9 _ . -");
        return Err(Invalid::new("tag_name", msg));
    }
    Ok((name, label(value)?.to_string()))
}

/// An amount from 0 to `most` in any notation and with any number of digits, as a JSON number or a string, rounded half-even
/// to [`money::MAX_SCALE`] places.
pub fn rounded(most: u64) -> impl FnOnce(&RawValue) -> Result<Decimal, Invalid> {
    move |raw| {
        let text = string(raw).unwrap_or_else(|_| raw.get().to_owned());
        match money::parse_rounded(&text, money::MAX_SCALE) {
            None => Err(not_a_decimal()),
            Some(Rounded::Negative) => Err(too_small(0)),
            Some(Rounded::TooLarge) => Err(too_big(most)),
            Some(Rounded::Value(value)) => within(value, most),
        }
    }
}

/// Money from 0 to `most` dollars, as a string.
pub fn usd(most: u64) -> impl FnOnce(&RawValue) -> Result<Decimal, Invalid> {
    move |raw| amount(&string(raw)?, most, money::MAX_SCALE)
}

fn amount(text: &str, most: u64, scale: u32) -> Result<Decimal, Invalid> {
    let value = within(exact_decimal(text)?, most)?.normalize();
    if value.scale() > scale {
        return Err(Invalid::new(
            "decimal_max_places",
            format!("Decimal input should have no more than {scale} decimal places"),
        ));
    }
    Ok(value)
}

fn not_a_decimal() -> Invalid {
    Invalid::new("decimal_parsing", "Input should be a valid decimal")
}

/// Whether the text has only what a decimal may have. The parser would also take a leading plus and underscores.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"-.eE+".contains(&byte)) && !text.starts_with('+')
}

fn exact_decimal(text: &str) -> Result<Decimal, Invalid> {
    money::parse_exact(text).filter(|_| is_plain(text)).ok_or_else(not_a_decimal)
}

fn within(value: Decimal, most: u64) -> Result<Decimal, Invalid> {
    if value < Decimal::ZERO {
        return Err(too_small(0));
    }
    if value > Decimal::from(most) {
        return Err(too_big(most));
    }
    Ok(value)
}

/// A boolean.
pub fn boolean(raw: &RawValue) -> Result<bool, Invalid> {
    serde_json::from_str(raw.get()).map_err(|_| Invalid::new("bool_type", "Input should be a valid boolean"))
}

/// An instant in RFC 3339.
pub fn instant(raw: &RawValue) -> Result<DateTime<Utc>, Invalid> {
    let text = string(raw)?;
    period::parse_instant(&text)
        .ok_or_else(|| Invalid::new("datetime_parsing", "Input should be a valid RFC 3339 date and time"))
}

/// One of the variants of `T`; `words` lists them for the message.
pub fn one_of<T: DeserializeOwned>(words: &'static str) -> impl FnOnce(&RawValue) -> Result<T, Invalid> {
    move |raw| {
        serde_json::from_str(raw.get()).map_err(|_| Invalid::new("enum", format!("Input should be {words}")))
    }
}

/// A string of the given length in characters, without control characters.
pub fn text(length: RangeInclusive<usize>) -> impl FnOnce(&RawValue) -> Result<String, Invalid> {
    move |raw| {
        let text = string(raw)?;
        let chars = text.chars().count();
        if chars < *length.start() {
            return Err(Invalid::new("string_too_short", "String should not be empty"));
        }
        if chars > *length.end() {
            let msg = format!("String should have at most {} characters", length.end());
            return Err(Invalid::new("string_too_long", msg));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid::new("control_character", "String should not contain control characters"));
        }
        Ok(text)
    }
}

fn entries<'a>(raw: &'a RawValue, length: &RangeInclusive<usize>) -> Result<Vec<&'a RawValue>, Invalid> {
    let given: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| Invalid::new("list_type", "Input should be a valid list"))?;
    if length.contains(&given.len()) {
        return Ok(given);
    }
    let kind = if given.len() < *length.start() { "too_short" } else { "too_long" };
    Err(Invalid::new(kind, format!("List should have {} to {} entries", length.start(), length.end())))
}

#[cfg(test)]
mod tests;
