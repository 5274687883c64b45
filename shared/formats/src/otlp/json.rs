//! The value encodings of OTLP's JSON: ids are hex, 64-bit integers are strings or numbers, unset fields may be null.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use prost::bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// A string or a number, as text.
struct Scalar<'de>(Option<Cow<'de, str>>);

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(PhantomData))
    }
}

struct ScalarVisitor<'de>(PhantomData<&'de str>);

impl<'de> Visitor<'de> for ScalarVisitor<'de> {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number or null")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Scalar(Some(Cow::Owned(text))))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Scalar(None))
    }
}

/// A list that may be null.
pub fn items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Items<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list or null")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                items.push(item);
            }
            Ok(items)
        }

        fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }
    }
    deserializer.deserialize_any(Items(PhantomData))
}

pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    Ok(opt_text(deserializer)?.unwrap_or_default())
}

pub fn opt_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    Ok(text.map(|text| Bytes::from(text.into_owned())))
}

/// Reads hex digits in upper or lower case. Anything else is read as an empty id, so that only its entry is rejected,
/// not the request.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    let text = text.unwrap_or_default();
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    };
    Ok(pairs.map(byte).collect::<Option<Vec<u8>>>().unwrap_or_default().into())
}

pub fn nanos<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(parsed(deserializer, "a whole number of 64 bits")?.unwrap_or_default())
}

pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    parsed(deserializer, "a whole number of 64 bits")
}

pub fn double<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    parsed(deserializer, "a number, NaN or Infinity")
}

/// Reads a small integer. The specification only allows numbers for enums, so a name counts as not set.
pub fn bits<'de, D: Deserializer<'de>, T: std::str::FromStr + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
}

fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr>(
    deserializer: D,
    expected: &'static str,
) -> Result<Option<T>, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar(None) => Ok(None),
        Scalar(Some(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| Error::invalid_value(Unexpected::Other("another text or number"), &expected)),
    }
}
