//! The query parameters of usage reports.

use chrono::Datelike;
use web::error::{Error, Fault, Result};
use web::query::{FromQuery, QueryReader};

use crate::range::{RequestedRange, Unit};

/// The years that a range may lie in. They have four digits in every time zone.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9998;

#[derive(Clone, Copy)]
pub struct Params {
    pub unit: Unit,
    pub requested: RequestedRange,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        Self { unit: unit(query), requested: RequestedRange::from_query(query) }
    }
}

fn unit(query: &mut QueryReader) -> Unit {
    let Some(text) = query.text("period") else { return Unit::default() };
    let unit = [Unit::Hour, Unit::Day, Unit::Month].into_iter().find(|unit| unit.period() == text);
    if unit.is_none() {
        query.fault("period", "enum", "Input should be 'hourly', 'daily' or 'monthly'");
    }
    unit.unwrap_or_default()
}

impl FromQuery for RequestedRange {
    fn from_query(query: &mut QueryReader) -> Self {
        let [start, end] = ["start_date", "end_date"].map(|name| {
            let instant = query.instant(name)?;
            if !YEARS.contains(&instant.year()) {
                let msg = format!("Input should lie in the years {} to {}", YEARS.start(), YEARS.end());
                query.fault(name, "datetime_range", msg);
                return None;
            }
            Some(instant)
        });
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            query.fault("end_date", "end_before_start", "Range should not end before it begins");
        }
        Self { start, end }
    }
}

/// Rejects a range with more than `most` buckets.
pub fn check(count: i64, most: i64) -> Result<()> {
    if count <= most {
        return Ok(());
    }
    let msg = format!("Range should touch at most {most} buckets");
    let fault = Fault::of_query("start_date", "too_many_buckets", msg);
    Err(Error::Validation(vec![fault]))
}
