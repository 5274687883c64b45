//! The reader of the book's data file. It is strict: a price that is read wrongly is worse than no price.

use chrono::NaiveDate;
use csv::{ReaderBuilder, StringRecord};
use rust_decimal::Decimal;

use super::{Price, PriceBook, Rates, fold};
use crate::ids;

/// The header, in full.
pub(super) const COLUMNS: [&str; 11] = [
    "provider",
    "model",
    "aliases",
    "effective_from",
    "effective_to",
    "above_input_tokens",
    "input_per_mtok",
    "output_per_mtok",
    "cache_read_per_mtok",
    "cache_write_5m_per_mtok",
    "cache_write_1h_per_mtok",
];

/// A price book that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct MalformedBook {
    /// The line of the text, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// A line of the file. `above_input_tokens` 0 marks the base rates of a version.
pub(super) struct Row<'r> {
    pub(super) provider: &'r str,
    pub(super) model: &'r str,
    pub(super) aliases: Vec<&'r str>,
    pub(super) effective_from: Option<NaiveDate>,
    pub(super) effective_to: Option<NaiveDate>,
    pub(super) above_input_tokens: u64,
    pub(super) rates: Rates,
}

pub(super) fn parse(text: &str) -> Result<PriceBook, MalformedBook> {
    let mut book = PriceBook::default();
    // Of any length, so that the wrong number of fields is told in our own words.
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let unreadable = |e: csv::Error| MalformedBook {
        line: e.position().map_or(1, csv::Position::line),
        problem: e.to_string(),
    };
    if *reader.headers().map_err(unreadable)? != COLUMNS[..] {
        return Err(MalformedBook {
            line: 1,
            problem: format!("the header should be {}", COLUMNS.join(",")),
        });
    }
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(1, csv::Position::line);
        let added = Row::read(&record).and_then(|row| book.add(row));
        added.map_err(|problem| MalformedBook { line, problem })?;
    }
    for names in book.names.values_mut() {
        names.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    }
    Ok(book)
}

impl<'r> Row<'r> {
    fn read(record: &'r StringRecord) -> Result<Self, String> {
        if record.len() != COLUMNS.len() {
            return Err(format!("{} fields instead of {}", record.len(), COLUMNS.len()));
        }
        let mut fields = record.iter();
        let mut next = || fields.next().unwrap_or_default();
        let row = Self {
            provider: id("provider", next())?,
            model: id("model", next())?,
            aliases: aliases(next())?,
            effective_from: date(next())?,
            effective_to: date(next())?,
            above_input_tokens: count(next())?,
            rates: Rates {
                input: price(next())?.ok_or("there is no input price")?,
                output: price(next())?.ok_or("there is no output price")?,
                cache_read: price(next())?,
                cache_write_5m: price(next())?,
                cache_write_1h: price(next())?,
            },
        };
        if row.provider != fold(row.provider) {
            return Err(format!("the provider {} should be in lower case", row.provider));
        }
        match (row.effective_from, row.effective_to) {
            (Some(from), Some(to)) if from >= to => Err(format!("{from} to {to} holds no day")),
            _ => Ok(row),
        }
    }
}

fn id<'r>(what: &str, text: &'r str) -> Result<&'r str, String> {
    ids::check(text).map(|()| text).map_err(|e| format!("{what} {text:?}: {e}"))
}

fn aliases(list: &str) -> Result<Vec<&str>, String> {
    let check = |text| {
        let name = str::strip_prefix(text, ['=', '^']);
        let name = name.ok_or_else(|| format!("alias {text:?} starts with neither = nor ^"))?;
        id("alias", name).map(|_| text)
    };
    if list.is_empty() { Ok(Vec::new()) } else { list.split('|').map(check).collect() }
}

/// `yyyy-mm-dd` in full, which chrono alone does not insist on.
fn date(text: &str) -> Result<Option<NaiveDate>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let date = text.parse::<NaiveDate>().ok().filter(|date| date.to_string() == text);
    date.map(Some).ok_or_else(|| format!("{text:?} is not a date"))
}

fn count(text: &str) -> Result<u64, String> {
    let count = text.parse::<u64>().ok().filter(|count| count.to_string() == text);
    count.ok_or_else(|| format!("{text:?} is not a number of tokens"))
}

/// Digits and at most one point between them: no sign, exponent or underscore, which `Decimal` would take.
fn price(text: &str) -> Result<Option<Price>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let plain = digits(whole) && digits(decimals);
    let usd = Decimal::from_str_exact(text).ok().filter(|_| plain);
    let usd = usd.ok_or_else(|| format!("{text:?} is not a price"))?;
    Price::new(usd).map(Some).map_err(|e| format!("{text}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(lines: &str) -> Result<PriceBook, MalformedBook> {
        parse(&format!("{}\n{lines}\n", COLUMNS.join(",")))
    }

    #[test]
    fn nothing_but_the_header_is_an_empty_book() {
        assert!(book("").unwrap().models.is_empty());
        for text in ["", "provider,model\n", "p,m,,,,0,1,2,,,\n"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with("line 1: the header should be provider,model,"), "{error}");
        }
    }

    #[test]
    fn a_fault_names_its_line() {
        for (lines, message) in [
            ("p,m,,,,0,1,2,,", "line 2: 10 fields instead of 11"),
            ("p,m,,,,0,1,2,,,,", "line 2: 12 fields instead of 11"),
            (",m,,,,0,1,2,,,", r#"line 2: provider "": Id should have 1 to 128 characters"#),
            ("P,m,,,,0,1,2,,,", "line 2: the provider P should be in lower case"),
            (
                "p,a b,,,,0,1,2,,,",
                "line 2: model \"a b\": Id should only contain the characters A-Z a-z 0-9 . _ : / @ -",
            ),
            ("p,m,x,,,0,1,2,,,", r#"line 2: alias "x" starts with neither = nor ^"#),
            ("p,m,=a|,,,0,1,2,,,", r#"line 2: alias "" starts with neither = nor ^"#),
            ("p,m,^,,,0,1,2,,,", r#"line 2: alias "": Id should have 1 to 128 characters"#),
            ("p,m,,2026-9-01,,0,1,2,,,", r#"line 2: "2026-9-01" is not a date"#),
            ("p,m,,,2026-02-30,0,1,2,,,", r#"line 2: "2026-02-30" is not a date"#),
            ("p,m,,2026-02-01,2026-02-01,0,1,2,,,", "line 2: 2026-02-01 to 2026-02-01 holds no day"),
            ("p,m,,,,,1,2,,,", r#"line 2: "" is not a number of tokens"#),
            ("p,m,,,,+5,1,2,,,", r#"line 2: "+5" is not a number of tokens"#),
            ("p,m,,,,0,,2,,,", "line 2: there is no input price"),
            ("p,m,,,,0,1,,,,", "line 2: there is no output price"),
            ("p,m,,,,0,1e0,2,,,", r#"line 2: "1e0" is not a price"#),
            ("p,m,,,,0,-1,2,,,", r#"line 2: "-1" is not a price"#),
            ("p,m,,,,0,1_0,2,,,", r#"line 2: "1_0" is not a price"#),
            ("p,m,,,,0,.5,2,,,", r#"line 2: ".5" is not a price"#),
            ("p,m,,,,0, 1,2,,,", r#"line 2: " 1" is not a price"#),
            ("p,m,,,,0,1,2,0.0000001,,", "line 2: 0.0000001: Price should have at most 6 decimals"),
            ("p,m,,,,0,1,2,,,1000001", "line 2: 1000001: Price should be at most 1000000 per million tokens"),
        ] {
            assert_eq!(book(lines).unwrap_err().to_string(), message, "{lines}");
        }
    }
}
