//! `/api/cost-analysis/query`.

mod answers;
mod expected;
mod question;
mod random;
mod sent;
