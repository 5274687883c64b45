//! The order of groups.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::sums::{Cell, Group};

/// What groups are ordered by: the highest first, then by their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Cost,
    /// The change of the cost since the range before, in dollars.
    CostChange,
    Requests,
    Errors,
    Tokens,
    Tasks,
    UnpricedRequests,
    /// The values of the groups alone.
    Group,
}

/// The place of a group among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    pub measure: Decimal,
    pub group: Group,
}

impl Order {
    pub const ALL: [(&'static str, Self); 8] = [
        ("cost", Self::Cost),
        ("costChange", Self::CostChange),
        ("requests", Self::Requests),
        ("errors", Self::Errors),
        ("tokens", Self::Tokens),
        ("tasks", Self::Tasks),
        ("unpricedRequests", Self::UnpricedRequests),
        ("group", Self::Group),
    ];

    pub fn rank(self, group: Group, cell: &Cell) -> Rank {
        let now = &cell.now;
        let measure = match self {
            Self::Cost => now.cost.dollars(),
            Self::CostChange => (now.cost - cell.before.cost).dollars(),
            Self::Requests => now.requests.into(),
            Self::Errors => now.errors.into(),
            Self::Tokens => now.tokens.total().into(),
            Self::Tasks => now.tasks.into(),
            Self::UnpricedRequests => now.unpriced.into(),
            Self::Group => Decimal::ZERO,
        };
        Rank { measure, group }
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.measure.cmp(&self.measure).then_with(|| self.group.cmp(&other.group))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
