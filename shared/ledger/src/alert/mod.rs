//! Alerts about budgets: what names one, what it says, and to whom it has been said.
//!
//! - A threshold counts as crossed as soon as the figure is at least budget × threshold / 100, so at exactly 100 % the
//!   threshold of 100 is crossed, while `overBudget` of other endpoints is strict. A budget of nothing is crossed by
//!   any cost, and not by none.
//! - There is one alert for each budget, version of it, month, kind and threshold: its [`AlertKey`] is the key of an
//!   item that is put only where there is none.
//! - A [`version`] follows a budget's amount, its thresholds and whether forecasts count, and nothing else.

mod delivery;
mod failure;
mod key;
mod message;
mod message_id;
mod state;

pub use delivery::{Delivery, DeliveryState, MAX_ATTEMPTS, Outlet, Status, pause};
pub use failure::{Failure, Verdict};
pub use key::{AlertKey, BudgetId, Kind, version};
pub use message::{
    BudgetForecast, Facts, ForecastBasis, MESSAGE_VERSION, Message, MessageType, ModelCost, Party, Period,
    Resolution, Subject, SubjectCost, SubjectKind, TopCosts, Window,
};
pub use message_id::MessageId;
pub use state::{Crossed, Decided, MAX_DECIDED};
