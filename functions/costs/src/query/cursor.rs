//! Where an answer goes on.

use chrono::{DateTime, Utc};
use ledger::money::Quantity;
use serde::{Deserialize, Serialize};

use super::order::Rank;
use super::params::Params;

/// The state of a paged answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The range of the first page: one that ends with today must not move on.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    measure: Quantity,
    group: Vec<String>,
}

impl Cursor {
    /// A cursor after the group with this rank.
    pub fn after(from: DateTime<Utc>, to: DateTime<Utc>, last: Rank) -> Self {
        Self { from, to, measure: Quantity(last.measure), group: last.group }
    }

    /// The last group that was shown.
    pub fn rank(&self) -> Rank {
        Rank { measure: self.measure.0, group: self.group.clone() }
    }
}

/// What a cursor is bound to: all of the question but the size of its pages.
pub fn bound(params: &Params) -> String {
    let Params { from, to, granularity, group_by, filters, compare, order, limit: _, cursor: _ } = params;
    format!("{from:?} {to:?} {granularity:?} {group_by:?} {filters:?} {compare} {order:?}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use web::query::{FromQuery, QueryReader};

    use super::*;

    #[test]
    fn every_part_of_a_question_is_bound_but_the_limit() {
        let questions = [
            "",
            "groupBy=agent",
            "groupBy=model",
            "groupBy=agent&order=tokens",
            "groupBy=agent&compare=previous",
            "groupBy=agent&filter[agent]=a",
            "groupBy=agent&filter[agent]=a&filter[agent]=b",
            "groupBy=agent&from=2026-09-01",
            "groupBy=agent&to=2026-09-01",
            "groupBy=agent&granularity=day",
        ];
        let bound = |text: &str| bound(&Params::from_query(&mut QueryReader::parse(text)));
        let distinct: BTreeSet<_> = questions.iter().map(|question| bound(question)).collect();
        assert_eq!(distinct.len(), questions.len());
        for question in questions {
            assert_eq!(bound(question), bound(&format!("{question}&limit=7&cursor=x")));
        }
    }
}
