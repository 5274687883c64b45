//! The request body of a repricing.

use std::ops::RangeInclusive;

use ledger::period::Day;
use runtime::config::Config;
use serde_json::value::RawValue;
use web::body::FromBody;
use web::fields::{self, FieldReader, Invalid, boolean, integer, text};

use super::cursor::Cursor;

/// The most events that one request of a dry run reads, and the default. That takes some seconds.
pub const MAX_EVENTS: u64 = 50_000;
/// Length of the reason in characters.
const WHY: RangeInclusive<usize> = 1..=500;

pub struct RepriceBody {
    pub from: Day,
    pub to: Day,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub why: Option<String>,
    pub dry_run: bool,
    /// The most events that a dry run reads.
    pub limit: u64,
    /// Where a dry run continues.
    pub cursor: Option<Cursor>,
}

impl FromBody for RepriceBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        read(fields)
    }
}

fn read(fields: &mut FieldReader<'_>) -> Option<RepriceBody> {
    let (from, to) = (fields.required("from", day), fields.required("to", day));
    let provider = fields.optional("provider", fields::label).map(String::from);
    let model = fields.optional("model", fields::label).map(String::from);
    let why = fields.optional("why", text(WHY));
    let dry_run = fields.optional("dryRun", boolean).unwrap_or(true);
    let limit = fields.optional("limit", integer(1..=MAX_EVENTS)).unwrap_or(MAX_EVENTS);
    let cursor = fields.optional("cursor", cursor);
    let (from, to) = (from?, to?);
    if cursor.as_ref().is_some_and(|cursor| !(from..=to).contains(&cursor.day)) {
        fields.fault("cursor", Invalid::new("cursor", "Cursor should belong to these days"));
    }
    Some(RepriceBody { from, to, provider, model, why, dry_run, limit, cursor })
}

fn day(raw: &RawValue) -> Result<Day, Invalid> {
    let day = Day::parse(&fields::string(raw)?);
    day.ok_or_else(|| Invalid::new("date_parsing", "Input should be a date, yyyy-mm-dd"))
}

fn cursor(raw: &RawValue) -> Result<Cursor, Invalid> {
    let cursor = Cursor::parse(&fields::string(raw)?);
    cursor.ok_or_else(|| Invalid::new("cursor", "Input should be the nextCursor of a response"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading_required;

    #[test]
    fn a_dry_run_is_the_default() {
        let body = reading_required(r#"{"from":"2026-09-01","to":"2026-09-30","provider":null}"#, read);
        let body = body.unwrap_or_else(|faults| panic!("{faults:?}"));
        assert!(body.dry_run && body.cursor.is_none());
        assert_eq!((body.limit, body.provider, body.model), (MAX_EVENTS, None, None));
    }

    #[test]
    fn every_fault_is_listed() {
        let bad = r#"{"from":"2026-9-1","provider":"","model":1,"why":"","dryRun":"no","limit":0,"cursor":"x","x":1}"#;
        let faults = reading_required(bad, read).err().unwrap();
        let expected = [
            r#"["body","from"] date_parsing"#,
            r#"["body","to"] missing"#,
            r#"["body","provider"] label"#,
            r#"["body","model"] string_type"#,
            r#"["body","why"] string_too_short"#,
            r#"["body","dryRun"] bool_type"#,
            r#"["body","limit"] greater_than_equal"#,
            r#"["body","cursor"] cursor"#,
            r#"["body","x"] extra_forbidden"#,
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn a_cursor_belongs_to_the_days_of_the_request() {
        let cursor = Cursor { day: Day::parse("2026-09-05").unwrap(), lane: 1, after: None };
        for (from, to, fits) in [
            ("2026-09-01", "2026-09-05", true),
            ("2026-09-06", "2026-09-07", false),
            ("2026-09-01", "2026-09-04", false),
        ] {
            let body = format!(r#"{{"from":"{from}","to":"{to}","cursor":"{cursor}"}}"#);
            assert_eq!(reading_required(&body, read).is_ok(), fits, "{from} {to}");
        }
    }
}
