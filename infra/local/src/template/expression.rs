//! When a schedule is due, as EventBridge writes it: `rate(5 minutes)`, `cron(10 2 * * ? *)`, in UTC.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// When a schedule is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Again and again, so far apart.
    Rate(Duration),
    /// At times of the calendar.
    Cron(Box<Cron>),
}

/// The years that EventBridge knows.
const YEARS: RangeInclusive<u16> = 1970..=2199;

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.strip_suffix(')').and_then(|text| text.split_once('('));
        match parts {
            Some(("rate", inside)) => rate(inside).map(Self::Rate),
            Some(("cron", inside)) => cron(inside).map(|cron| Self::Cron(Box::new(cron))),
            _ => Err("should be rate(..) or cron(..)".to_owned()),
        }
        .map_err(|why| format!("{text}: {why}"))
    }
}

/// The first moment after `time` at which `cron` is due; there may be none left.
pub fn next(cron: &Cron, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    cron.find_next_occurrence(&time, false).ok()
}

/// A value and a unit: of one in the singular and of more in the plural, which rules insist on and schedules take.
fn rate(text: &str) -> Result<Duration, String> {
    let wrong = || "should be a rate such as 1 minute, 5 minutes, 1 hour, 2 days".to_owned();
    let (value, unit) = text.split_once(' ').ok_or_else(wrong)?;
    // A sign would be taken for part of a number.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let value = value.parse::<u32>().ok().filter(|value| digits && *value > 0).ok_or_else(wrong)?;
    let unit = match (value, unit) {
        (1, "minute") | (2.., "minutes") => Duration::from_mins(1),
        (1, "hour") | (2.., "hours") => Duration::from_hours(1),
        (1, "day") | (2.., "days") => Duration::from_hours(24),
        _ => return Err(wrong()),
    };
    unit.checked_mul(value).ok_or_else(wrong)
}

/// Six fields: minutes, hours, day of month, month, day of week from Sunday = 1, year.
fn cron(text: &str) -> Result<Cron, String> {
    let fields: Vec<_> = text.split_whitespace().collect();
    let [minutes, hours, day, month, weekday, year] = fields[..] else {
        return Err("should have six fields".to_owned());
    };
    if (day == "?") == (weekday == "?") {
        return Err("either the day of month or the day of week should be ?, and only one".to_owned());
    }
    // The crate takes more than EventBridge does.
    let stray = |field: &str| field.contains(['+', '@']) || (field.contains('?') && field != "?");
    if fields.iter().any(|field| stray(field)) {
        return Err("no field takes + or @, and ? stands alone".to_owned());
    }
    if weekday.contains(['8', '9']) {
        return Err("a day of week should be from 1 to 7".to_owned());
    }
    let years = year.split([',', '-']).filter_map(|part| part.split('/').next()?.parse::<u16>().ok());
    if years.into_iter().any(|year| !YEARS.contains(&year)) {
        return Err("a year should be from 1970 to 2199".to_owned());
    }
    // To EventBridge the last day of the week is Saturday.
    let weekday = if weekday.eq_ignore_ascii_case("L") { "7" } else { weekday };
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        // `1/10`: every tenth from the first on.
        .sloppy_ranges(true)
        .build();
    parser
        .parse(&format!("0 {minutes} {hours} {day} {month} {weekday} {year}"))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Expression, String> {
        text.parse()
    }

    #[test]
    fn a_rate_is_a_number_of_one_unit() {
        let minutes = |minutes| Ok(Expression::Rate(Duration::from_mins(minutes)));
        assert_eq!(read("rate(1 minute)"), minutes(1));
        assert_eq!(read("rate(5 minutes)"), minutes(5));
        assert_eq!(read("rate(1 hour)"), minutes(60));
        assert_eq!(read("rate(36 hours)"), minutes(36 * 60));
        assert_eq!(read("rate(1 day)"), minutes(24 * 60));
        assert_eq!(read("rate(4294967295 days)"), minutes(4_294_967_295 * 24 * 60));
        for wrong in [
            "",
            "0 minutes",
            "1 minutes",
            "2 minute",
            "5 seconds",
            "-5 minutes",
            "+5 minutes",
            "1.5 hours",
            "5",
            "5  minutes",
            " 5 minutes",
            "5 minutes ",
            "4294967296 days",
        ] {
            let error = read(&format!("rate({wrong})")).unwrap_err();
            assert_eq!(
                error,
                format!("rate({wrong}): should be a rate such as 1 minute, 5 minutes, 1 hour, 2 days")
            );
        }
    }

    /// When the expression is due from Wednesday 2025-12-31 23:30 on, three times.
    fn due(fields: &str) -> Vec<String> {
        let Ok(Expression::Cron(cron)) = read(&format!("cron({fields})")) else {
            panic!("{fields}: {:?}", read(&format!("cron({fields})")))
        };
        let from: DateTime<Utc> = "2025-12-31T23:30:00Z".parse().unwrap();
        let times = std::iter::successors(next(&cron, from), |time| next(&cron, *time)).take(3);
        times.map(|time| time.format("%F %R:%S %a").to_string()).collect()
    }

    #[test]
    fn a_cron_is_due_when_eventbridge_says() {
        let cases = [
            (
                "10 2 * * ? *",
                ["2026-01-01 02:10:00 Thu", "2026-01-02 02:10:00 Fri", "2026-01-03 02:10:00 Sat"],
            ),
            // The moment itself is past.
            (
                "30 23 * * ? *",
                ["2026-01-01 23:30:00 Thu", "2026-01-02 23:30:00 Fri", "2026-01-03 23:30:00 Sat"],
            ),
            (
                "0 18 ? * MON-FRI *",
                ["2026-01-01 18:00:00 Thu", "2026-01-02 18:00:00 Fri", "2026-01-05 18:00:00 Mon"],
            ),
            (
                "0 0 ? * 1 *",
                ["2026-01-04 00:00:00 Sun", "2026-01-11 00:00:00 Sun", "2026-01-18 00:00:00 Sun"],
            ),
            (
                "0 0 ? * L *",
                ["2026-01-03 00:00:00 Sat", "2026-01-10 00:00:00 Sat", "2026-01-17 00:00:00 Sat"],
            ),
            (
                "0 8 ? * 3#2 *",
                ["2026-01-13 08:00:00 Tue", "2026-02-10 08:00:00 Tue", "2026-03-10 08:00:00 Tue"],
            ),
            (
                "0 8 ? * 6L *",
                ["2026-01-30 08:00:00 Fri", "2026-02-27 08:00:00 Fri", "2026-03-27 08:00:00 Fri"],
            ),
            (
                "0 0 L * ? *",
                ["2026-01-31 00:00:00 Sat", "2026-02-28 00:00:00 Sat", "2026-03-31 00:00:00 Tue"],
            ),
            (
                "0 0 3W * ? *",
                ["2026-01-02 00:00:00 Fri", "2026-02-03 00:00:00 Tue", "2026-03-03 00:00:00 Tue"],
            ),
            (
                "1/25 0 1 JAN ? 2026-2027",
                ["2026-01-01 00:01:00 Thu", "2026-01-01 00:26:00 Thu", "2026-01-01 00:51:00 Thu"],
            ),
            (
                "0 0 29 2 ? *",
                ["2028-02-29 00:00:00 Tue", "2032-02-29 00:00:00 Sun", "2036-02-29 00:00:00 Fri"],
            ),
        ];
        for (fields, times) in cases {
            assert_eq!(due(fields), times, "{fields}");
        }
        assert_eq!(due("59 23 31 12 ? 2025,2199"), ["2025-12-31 23:59:00 Wed", "2199-12-31 23:59:00 Tue"]);
        assert!(due("0 0 1 1 ? 1970").is_empty());
    }

    #[test]
    fn what_eventbridge_refuses_is_refused() {
        for wrong in [
            "",
            "* * * * ?",
            "0 * * * * ? *",
            "0 0 * * * *",
            "0 0 1 * 1 *",
            "0 0 ? * ? *",
            "? 0 * * ? *",
            "0 0 ?5 * ? *",
            "60 0 * * ? *",
            "0 24 * * ? *",
            "0 0 0 * ? *",
            "0 0 32 * ? *",
            "0 0 1 13 ? *",
            "0 0 ? * 0 *",
            "0 0 ? * 8 *",
            "0 0 ? * +1 *",
            "0 0 ? * 1#6 *",
            "0 0 * * ? 1969",
            "0 0 * * ? 2200",
            "0 0 * * ? 2025-2200",
            "*/0 0 * * ? *",
            "@daily",
            "0 0 * @daily ? *",
        ] {
            let error = read(&format!("cron({wrong})")).expect_err(wrong);
            assert!(error.starts_with(&format!("cron({wrong}): ")), "{error}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in
            ["", "rate", "rate(1 day", "rate 1 day", "Rate(1 day)", "at(2030-01-01T00:00:00)", "1 day)"]
        {
            assert_eq!(read(wrong), Err(format!("{wrong}: should be rate(..) or cron(..)")));
        }
    }
}
