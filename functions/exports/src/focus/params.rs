//! The days to export, and the version of FOCUS.

use chrono::Days;
use ledger::period::{Day, DayRange};
use web::error::{Error, Fault, Result};
use web::query::{FromQuery, QueryReader};

/// The most days of a file.
const MAX_DAYS: i64 = 400;

/// The version of FOCUS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    #[default]
    V1_4,
    V1_2,
}

/// The format of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Csv,
    /// Apache Parquet. Each page is a whole file.
    Parquet,
}

#[derive(Debug)]
pub struct Params {
    /// `from`: the first day. Default: the first day of the month in which the range ends.
    from: Option<Day>,
    /// `to`: the first day after the range. Default: tomorrow.
    to: Option<Day>,
    /// `version`: 1.4 or 1.2.
    pub version: Version,
    /// `format`: csv or parquet. `csv` is removed from the query before it gets here.
    pub format: Format,
    /// `compute`: whether the file has the hours of compute, which have no cost.
    pub has_compute: bool,
    /// `cursor`: the `x-next-cursor` of the previous page.
    pub cursor: Option<String>,
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let version = match query.text("version").as_deref() {
            None | Some("1.4") => Version::V1_4,
            Some("1.2") => Version::V1_2,
            Some(_) => {
                query.fault("version", "enum", "Input should be '1.4' or '1.2'");
                Version::default()
            }
        };
        let format = match query.text("format").as_deref() {
            None | Some("csv") => Format::Csv,
            Some("parquet") => Format::Parquet,
            Some(_) => {
                query.fault("format", "enum", "Input should be 'csv' or 'parquet'");
                Format::default()
            }
        };
        let has_compute = match query.text("compute").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                query.fault("compute", "bool_parsing", "Input should be 'true' or 'false'");
                false
            }
        };
        let (from, to, cursor) = (query.day("from"), query.day("to"), query.text("cursor"));
        Self { from, to, version, format, has_compute, cursor }
    }
}

impl Params {
    /// The range, which has at least one day.
    pub fn days(&self, today: Day) -> Result<DayRange> {
        let last = self.to.unwrap_or(today.next()).minus(1);
        let first = self.from.unwrap_or(last.month().first());
        let fault =
            |name: &'static str, kind, msg: String| -> Error { Fault::of_query(name, kind, msg).into() };
        if first > last {
            return Err(fault("to", "range", "Input should be after 'from'".to_owned()));
        }
        let most = first.date().checked_add_days(Days::new(MAX_DAYS.unsigned_abs()));
        if most.is_some_and(|most| last.date() >= most) {
            return Err(fault(
                "from",
                "range_too_long",
                format!("The range should have at most {MAX_DAYS} days"),
            ));
        }
        Ok(DayRange { first, last })
    }

    /// The parameters for a single day in Parquet.
    pub fn of_day(day: Day) -> Self {
        Self {
            from: Some(day),
            to: Some(day.next()),
            version: Version::default(),
            format: Format::Parquet,
            has_compute: false,
            cursor: None,
        }
    }

    /// The parameters that a cursor is bound to.
    pub fn bound(&self) -> String {
        let Self { from, to, version, format, has_compute, .. } = self;
        format!("{from:?} {to:?} {version:?} {format:?} {has_compute}")
    }
}
