//! Limits and fields that several settings share.

use std::ops::RangeInclusive;

/// Length of a name in characters.
pub const NAME: RangeInclusive<usize> = 1..=200;
/// Maximum of an amount of money, in dollars.
pub const MAX_MONEY: u64 = 1_000_000_000_000;

#[cfg(test)]
pub mod tests {
    use web::body;
    use web::error::Error;
    use web::fields::FieldReader;

    /// Reads a body and returns the value, or the location and code of each fault.
    pub fn reading<T>(text: &str, read: impl FnOnce(&mut FieldReader<'_>) -> T) -> Result<T, Vec<String>> {
        reading_required(text, |fields| Some(read(fields)))
    }

    /// Like `reading`, for objects with required fields.
    pub fn reading_required<T>(
        text: &str,
        read: impl FnOnce(&mut FieldReader<'_>) -> Option<T>,
    ) -> Result<T, Vec<String>> {
        body::read(text, read).map_err(|error| match error {
            Error::Validation(faults) => faults.iter().map(ToString::to_string).collect(),
            other => panic!("{other}"),
        })
    }
}
