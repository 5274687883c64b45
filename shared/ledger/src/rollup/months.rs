//! The months in which something was in use, whatever the time zone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::period::{Day, Month};

/// No time zone's month begins further than this from the month of UTC.
const EDGE: TimeDelta = TimeDelta::hours(14);
/// The borders of months are whole quarters of an hour apart, in every time zone.
const QUARTER_MS: i64 = 15 * 60 * 1000;

/// Months of use. Use well within a month of UTC is use in that month everywhere. Of use around the border of two
/// months, the first and the last quarter of an hour are kept: together they tell for every zone which of the two it
/// was in.
///
/// [`Self::merge`] is commutative, associative and idempotent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonthsOfUse {
    whole: BTreeSet<Month>,
    /// By the month that begins at the border: quarters from there.
    edges: BTreeMap<Month, (i64, i64)>,
}

impl MonthsOfUse {
    /// The months of use at one instant.
    pub fn at(instant: DateTime<Utc>) -> Self {
        let mut months = Self::default();
        let month = Day::of(instant, Tz::UTC).month();
        let near = |month: Month| (instant - month.first().start(Tz::UTC)).abs() <= EDGE;
        match [month, month.next()].into_iter().find(|month| near(*month)) {
            Some(border) => {
                let quarter = quarter(instant, border);
                months.edges.insert(border, (quarter, quarter));
            }
            None => {
                months.whole.insert(month);
            }
        }
        months
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.whole.extend(&other.whole);
        for (month, (first, last)) in &other.edges {
            let edge = self.edges.entry(*month).or_insert((*first, *last));
            *edge = (edge.0.min(*first), edge.1.max(*last));
        }
        let whole = &self.whole;
        self.edges.retain(|month, _| !(whole.contains(month) && whole.contains(&month.minus(1))));
    }

    /// Whether there was use in a month of `zone`.
    pub fn contains(&self, month: Month, zone: Tz) -> bool {
        let border = |month: Month| quarter(month.first().start(zone), month);
        self.whole.contains(&month)
            || self.edges.get(&month).is_some_and(|(_, last)| *last >= border(month))
            || self.edges.get(&month.next()).is_some_and(|(first, _)| *first < border(month.next()))
    }

    /// The months of `zone` with use.
    pub fn of_zone(&self, zone: Tz) -> BTreeSet<Month> {
        let near = self.edges.keys().flat_map(|month| [month.minus(1), *month]);
        near.filter(|month| self.contains(*month, zone)).chain(self.whole.iter().copied()).collect()
    }

    /// Whether there was no use.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.edges.is_empty()
    }

    /// The stored form.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let edges = self.edges.iter().map(|(month, (first, last))| format!("{month}:{first}:{last}"));
        self.whole.iter().map(ToString::to_string).chain(edges)
    }

    /// Reads the stored form.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut months = Self::default();
        for text in texts {
            let mut parts = text.split(':');
            let month = Month::parse(parts.next()?)?;
            match (parts.next(), parts.next()) {
                (None, _) => drop(months.whole.insert(month)),
                (Some(first), Some(last)) => {
                    months.edges.insert(month, (first.parse().ok()?, last.parse().ok()?));
                }
                (Some(_), None) => return None,
            }
        }
        Some(months)
    }
}

/// The quarter of an hour of `instant`, counted from the start of a month of UTC.
fn quarter(instant: DateTime<Utc>, month: Month) -> i64 {
    (instant - month.first().start(Tz::UTC)).num_milliseconds().div_euclid(QUARTER_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONES: [Tz; 7] = [
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::Asia__Kathmandu,
        Tz::Australia__Lord_Howe,
        Tz::Pacific__Chatham,
        Tz::Pacific__Kiritimati,
        Tz::Etc__GMTPlus12,
    ];

    /// Instants around the borders of three months, and elsewhere.
    fn instant() -> impl Strategy<Value = DateTime<Utc>> {
        let border = prop::sample::select(vec![
            "2026-09-01T00:00:00Z",
            "2026-10-01T00:00:00Z",
            "2026-11-01T00:00:00Z",
        ]);
        let border = border.prop_map(|text| text.parse::<DateTime<Utc>>().unwrap());
        (border, prop_oneof![-3..3_i64, -60_000_000..60_000_000_i64, -2_000_000_000..2_000_000_000_i64])
            .prop_map(|(border, ms)| border + TimeDelta::milliseconds(ms))
    }

    fn merged(instants: &[DateTime<Utc>]) -> MonthsOfUse {
        let mut all = MonthsOfUse::default();
        for instant in instants {
            all.merge(&MonthsOfUse::at(*instant));
        }
        all
    }

    proptest! {
        #[test]
        fn the_months_of_every_zone_are_known(instants in prop::collection::vec(instant(), 0..8)) {
            let all = merged(&instants);
            for zone in ZONES {
                let expected: BTreeSet<_> =
                    instants.iter().map(|instant| Day::of(*instant, zone).month()).collect();
                prop_assert_eq!(all.of_zone(zone), expected, "{}", zone);
            }
            let texts: Vec<_> = all.texts().collect();
            prop_assert_eq!(MonthsOfUse::parse(texts.iter().map(String::as_str)), Some(all.clone()));
            prop_assert_eq!(all.is_empty(), instants.is_empty());
        }

        #[test]
        fn merging_is_commutative_associative_and_idempotent(
            a in prop::collection::vec(instant(), 0..4),
            b in prop::collection::vec(instant(), 0..4),
            c in prop::collection::vec(instant(), 0..4),
        ) {
            let joined = |a: &MonthsOfUse, b: &MonthsOfUse| {
                let mut both = a.clone();
                both.merge(b);
                both
            };
            let (a, b, c) = (merged(&a), merged(&b), merged(&c));
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(joined(&joined(&a, &b), &b), joined(&a, &b));
        }
    }

    #[test]
    fn malformed_texts_are_rejected() {
        for bad in ["", "2026", "2026-09:1", "2026-09:1:x", "2026-13"] {
            assert_eq!(MonthsOfUse::parse([bad]), None, "{bad}");
        }
    }
}
