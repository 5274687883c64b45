//! Rules for budget alerts: how an alert is identified, what its message contains, and how it is delivered.
//!
//! - A threshold is crossed once the figure is ≥ budget × threshold ÷ 100, so a figure of exactly 100 % crosses the
//!   threshold 100; `overBudget` of other endpoints is strict (>). Any cost above zero crosses every threshold of a zero
//!   budget, and a zero cost crosses none.
//! - There is one alert per budget, version of the budget, month, kind and threshold. Its [`AlertKey`] is the key of an
//!   item that is only put if it does not exist.
//! - A [`budget_version`] changes with a budget's amount, its thresholds and whether forecasts count, and with nothing
//!   else.

mod crossing;
mod delivery;
mod failure;
mod format;
mod key;
mod message;
mod message_id;
mod rule;

pub use crossing::{Crossing, MAX_CROSSINGS, MonthCrossings};
pub use delivery::{Channel, Delivery, DeliveryState, MAX_ATTEMPTS, Status, backoff};
pub use failure::{DeliveryFailure, RetryAdvice};
pub use format::note;
pub use key::{AlertKey, AlertKind, BudgetId, budget_version, rule_version};
pub use message::{
    BudgetForecast, Facts, ForecastBasis, MESSAGE_VERSION, Message, MessageType, ModelCost, Party, Period,
    Resolution, Subject, SubjectCost, SubjectKind, TopCosts, Window,
};
pub use message_id::MessageId;
pub use rule::{RuleCause, RuleFacts};
