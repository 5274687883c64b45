//! A schedule that invokes a function.

use serde::Deserialize;
use serde_norway::Value;

use super::expression::Expression;

#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The key in the function's `Events`.
    pub name: String,
    /// In UTC.
    pub expression: Expression,
    /// The payload, if the template sets one.
    pub input: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Properties {
    #[serde(alias = "ScheduleExpression")]
    schedule: String,
    input: Option<String>,
    schedule_expression_timezone: Option<String>,
    start_date: Option<Value>,
    end_date: Option<Value>,
    state: Option<Value>,
    enabled: Option<Value>,
}

impl Properties {
    /// The schedule `name`, or an error if it has settings that the local stack does not support.
    pub(super) fn checked(self, name: String) -> Result<Schedule, String> {
        let others = [self.start_date, self.end_date, self.state, self.enabled];
        if others.iter().any(Option::is_some) {
            return Err("the local stack does not support StartDate, EndDate, State or Enabled".to_owned());
        }
        if self.schedule_expression_timezone.is_some_and(|zone| zone != "UTC") {
            return Err("the local stack supports only ScheduleExpressionTimezone: UTC".to_owned());
        }
        let input = self.input.as_deref().map(input).transpose()?;
        Ok(Schedule { name, expression: self.schedule.parse()?, input })
    }
}

fn input(text: &str) -> Result<serde_json::Value, String> {
    if text.contains("<aws.scheduler.") {
        return Err("the local stack does not replace <aws.scheduler...> in an Input".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("Input is not JSON: {error}"))
}
