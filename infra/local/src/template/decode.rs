//! Reads parts of the template into types, with errors that name the place.

use serde::de::DeserializeOwned;
use serde_norway::{Mapping, Value};

use crate::error::{Error, Result};

/// An error at `place`, such as a logical id.
pub fn invalid(place: &str, what: impl std::fmt::Display) -> Error {
    Error::new(format!("template.yaml, {place}: {what}"))
}

/// Reads `value` as a `T`. A missing value is read as a `T` without properties.
pub fn decode<T: DeserializeOwned>(place: &str, value: Value) -> Result<T> {
    let value = if value.is_null() { Value::Mapping(Mapping::default()) } else { value };
    serde_norway::from_value(value).map_err(|error| invalid(place, error))
}
