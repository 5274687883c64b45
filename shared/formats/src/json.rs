//! Reads the parts of JSON documents that matter, and skips the rest.

use std::borrow::Cow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::Unreadable;

/// Reads a field if it has the expected type, and leaves it out otherwise: a bad label must not get the call rejected.
pub fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// Reads an object or a list, and null as an empty one.
pub fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a number, or a string that contains one, without going through a float.
pub fn decimal(raw: &RawValue) -> Option<Decimal> {
    let text = raw.get().trim_matches('"');
    text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text)).ok()
}

/// A count, 0 if absent or null. Python and JavaScript may send whole numbers as `12.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if raw.get() == "null" {
            return Ok(Self(0));
        }
        let count = decimal(raw).filter(Decimal::is_integer).and_then(|count| count.to_u64());
        count.map(Self).ok_or_else(|| serde::de::Error::custom("a count should be a whole number from 0"))
    }
}

/// An amount that may have a fraction, 0 if it is not a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount(pub Decimal);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let amount = decimal(raw).filter(|amount| !amount.is_sign_negative());
        Ok(Self(amount.unwrap_or_default()))
    }
}

/// Splits a body into entries: the items of a list, or values one after the other, as in NDJSON. The entries are not
/// parsed, so that a malformed one is rejected alone.
pub fn entries(body: &[u8]) -> Result<Vec<Cow<'_, str>>, Unreadable> {
    let unreadable = |why: &str| Unreadable(format!("Body should be JSON: {why}"));
    let text = std::str::from_utf8(body).map_err(|_| unreadable("it is not UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(unreadable("it is empty"));
    }
    let entries = match text.strip_prefix('[') {
        Some(rest) => split(rest.strip_suffix(']').ok_or_else(|| unreadable("the list does not end"))?, b','),
        None => split(text, b'\n'),
    };
    Ok(entries.into_iter().map(finite).collect())
}

/// Splits at separators that are outside of strings, objects and lists.
fn split(text: &str, separator: u8) -> Vec<&str> {
    let (mut entries, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, byte) in unquoted(text) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ if depth == 0 && byte == separator => {
                entries.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    entries.push(&text[start..]);
    entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty()).collect()
}

/// Replaces `NaN` and `Infinity`, which Python's `json` writes and JSON does not allow, with null.
fn finite(entry: &str) -> Cow<'_, str> {
    let (mut fixed, mut copied) = (String::new(), 0);
    for (at, byte) in unquoted(entry).filter(|(_, byte)| matches!(byte, b'N' | b'I')) {
        let word = if byte == b'N' { "NaN" } else { "Infinity" };
        if entry[at..].starts_with(word) {
            fixed.push_str(entry[copied..at].trim_end_matches('-'));
            fixed.push_str("null");
            copied = at + word.len();
        }
    }
    if copied == 0 { Cow::Borrowed(entry) } else { Cow::Owned(fixed + &entry[copied..]) }
}

/// The bytes of a JSON text that are outside of strings, with their positions.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().enumerate().filter(move |(_, byte)| {
        let was_quoted = quoted;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        !was_quoted && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        entries(text.as_bytes()).unwrap().into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn lists_ndjson_and_single_values_have_entries() {
        assert_eq!(of(r#" [{"a":"},{["}, {"b":[1,2]}] "#), [r#"{"a":"},{["}"#, r#"{"b":[1,2]}"#]);
        assert_eq!(of("{\"a\":\"\\\"\\n\"}\r\n\n{}\n"), ["{\"a\":\"\\\"\\n\"}", "{}"]);
        assert_eq!(of("{\n \"a\": 1\n}"), ["{\n \"a\": 1\n}"]);
        assert_eq!(of("[]"), [""; 0]);
        assert!(entries(b"[{}").is_err() && entries(b" ").is_err() && entries(b"\xff").is_err());
    }

    #[test]
    fn numbers_that_json_does_not_know_become_null() {
        assert_eq!(of(r#"{"a":NaN,"b":-Infinity,"c":"NaN"}"#), [r#"{"a":null,"b":null,"c":"NaN"}"#]);
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        let count = |text: &str| serde_json::from_str(text).ok().map(|Count(count)| count);
        for (text, expected) in [("12", Some(12)), ("12.0", Some(12)), ("1e3", Some(1000)), ("null", Some(0))]
        {
            assert_eq!(count(text), expected, "{text}");
        }
        for text in ["-1", "1.5", "true", "{}", "99999999999999999999999999"] {
            assert_eq!(count(text), None, "{text}");
        }
    }
}
