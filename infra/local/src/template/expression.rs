//! Schedule expressions as EventBridge writes them: `rate(5 minutes)`, `cron(10 2 * * ? *)`.

use std::str::FromStr;
use std::time::Duration;

/// When a schedule is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    Rate(Duration),
    /// The fields are not read: cfn-lint and the deployment check them, and locally a cron schedule runs like a rate.
    Cron,
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.strip_suffix(')').and_then(|text| text.split_once('('));
        match parts {
            Some(("rate", inside)) => rate(inside).map(Self::Rate),
            Some(("cron", _)) => Ok(Self::Cron),
            _ => Err("should be rate(..) or cron(..)".to_owned()),
        }
        .map_err(|why| format!("{text}: {why}"))
    }
}

/// A value and a unit. EventBridge rules insist on the singular for 1 and the plural for more; schedules accept it.
fn rate(text: &str) -> Result<Duration, String> {
    let wrong = || "should be a rate such as 1 minute, 5 minutes, 1 hour, 2 days".to_owned();
    let (value, unit) = text.split_once(' ').ok_or_else(wrong)?;
    // `parse` would accept a sign.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Expression, String> {
        text.parse()
    }

    #[test]
    fn a_rate_is_a_positive_number_and_a_unit() {
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

    #[test]
    fn the_fields_of_a_cron_expression_are_not_read() {
        assert_eq!(read("cron(10 2 * * ? *)"), Ok(Expression::Cron));
        assert_eq!(read("cron(whatever)"), Ok(Expression::Cron));
    }

    #[test]
    fn any_other_expression_is_refused() {
        for wrong in
            ["", "rate", "rate(1 day", "rate 1 day", "Rate(1 day)", "at(2030-01-01T00:00:00)", "1 day)"]
        {
            assert_eq!(read(wrong), Err(format!("{wrong}: should be rate(..) or cron(..)")));
        }
    }
}
