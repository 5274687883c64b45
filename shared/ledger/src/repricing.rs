//! Repricing: stored calls get the cost that they have by the prices of today.
//!
//! A raw event is never rewritten. A repricing entry says which calls it is about; carrying it out lists the new cost of
//! each such call that is stored, and the fold takes that cost in place of the one that ingest stamped. An entry that is
//! taken back leaves no trace, since every stamped cost is still there.
//!
//! An entry holds for the calls that are stored when it is carried out, and for no others. A call that arrives later is
//! priced by ingest, whose prices are at least as new. So the cost of a call never depends on when it is aggregated or
//! recomputed, nor on the price book of a later release.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::cost::CallCost;
use crate::event::LlmCall;
use crate::money::Usd;
use crate::period::{Day, DayRange};
use crate::pricing::Book;

/// The calls to reprice, and who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepricingSettings {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// The zone of these days: the organization's when it was requested.
    pub zone: Tz,
    /// The provider, by any of its names; none: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model as events spell it, in any case; none: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The reason, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The subject of the caller's token.
    pub who: String,
    /// When it was requested.
    pub at: DateTime<Utc>,
}

impl RepricingSettings {
    /// The days of UTC whose raw events may be covered.
    pub fn utc_days(&self) -> DayRange {
        let of_day = |day| Calendar { zone: self.zone, ..Calendar::default() }.overlapped(day);
        DayRange { first: of_day(self.from).first, last: of_day(self.to).last }
    }

    /// The last day that is done when everything up to a day of UTC is.
    pub fn done(&self, utc_day: Day) -> Option<Day> {
        let unfinished = Day::of(utc_day.next().start(Tz::UTC), self.zone);
        let done = unfinished.minus(1).min(self.to);
        (self.from <= done).then_some(done)
    }

    /// Whether it is about a call of `time`.
    pub fn covers(&self, call: &LlmCall, time: DateTime<Utc>) -> bool {
        let days = DayRange { first: self.from, last: self.to };
        let is_model = self
            .model
            .as_ref()
            .is_none_or(|model| model.to_lowercase() == call.model.as_str().to_lowercase());
        days.contains(Day::of(time, self.zone))
            && is_model
            && self
                .provider
                .as_ref()
                .is_none_or(|provider| provider_id(provider) == provider_id(call.provider.as_str()))
    }
}

/// The price book's id of a provider, or its name in lower case if the book does not know it.
fn provider_id(name: &str) -> String {
    Book::builtin().provider(name).map_or_else(|| name.to_lowercase(), |provider| provider.id().to_owned())
}

/// Figures of calls before and after a repricing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepricingFigures {
    /// The calls.
    pub requests: u64,
    /// Those that were unpriced when they were ingested.
    pub stamped_unpriced: u64,
    /// Those that are unpriced by the prices of today.
    pub unpriced: u64,
    /// The cost that ingest stamped.
    pub stamped_cost: Usd,
    /// The cost by the prices of today.
    pub cost: Usd,
}

impl RepricingFigures {
    /// Counts a call.
    pub fn count(&mut self, stamped: &CallCost, repriced: &CallCost) {
        self.merge(Self {
            requests: 1,
            stamped_unpriced: stamped.is_unpriced().into(),
            unpriced: repriced.is_unpriced().into(),
            stamped_cost: stamped.total(),
            cost: repriced.total(),
        });
    }

    /// Adds the figures of other calls.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.stamped_unpriced += other.stamped_unpriced;
        self.unpriced += other.unpriced;
        self.stamped_cost += other.stamped_cost;
        self.cost += other.cost;
    }

    /// By how much the cost changes.
    pub fn difference(&self) -> Usd {
        self.cost - self.stamped_cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(provider: &str, model: &str) -> LlmCall {
        let data = serde_json::json!({
            "agent_id": "nova", "provider": provider, "model": model, "input_tokens": 1, "output_tokens": 0,
            "status": "ok", "key_source": "platform", "cost": {},
        });
        serde_json::from_value(data).unwrap()
    }

    fn of_days(from: Day, to: Day, zone: Tz) -> RepricingSettings {
        let (who, at) = (String::new(), DateTime::default());
        RepricingSettings { from, to, zone, provider: None, model: None, why: None, who, at }
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let day = |text: &str| Day::parse(text).unwrap();
        let (from, to) = (day("2026-09-15"), day("2026-09-16"));
        for (zone, utc_days, first, last) in [
            (Tz::UTC, ("2026-09-15", "2026-09-16"), "2026-09-15T00:00:00Z", "2026-09-16T23:59:59Z"),
            (Tz::Asia__Kolkata, ("2026-09-14", "2026-09-16"), "2026-09-14T18:30:00Z", "2026-09-16T18:29:59Z"),
            (
                Tz::Etc__GMTPlus12,
                ("2026-09-15", "2026-09-17"),
                "2026-09-15T12:00:00Z",
                "2026-09-17T11:59:59Z",
            ),
        ] {
            let wanted = of_days(from, to, zone);
            let DayRange { first: utc_first, last: utc_last } = wanted.utc_days();
            assert_eq!((utc_first, utc_last), (day(utc_days.0), day(utc_days.1)), "{zone}");
            let [first, last]: [DateTime<Utc>; 2] = [first, last].map(|time| time.parse().unwrap());
            let second = chrono::TimeDelta::seconds(1);
            let covered = [first - second, first, last, last + second]
                .map(|time| wanted.covers(&call("acme", "m"), time));
            assert_eq!(covered, [false, true, true, false], "{zone}");
            assert_eq!((wanted.done(utc_first.minus(1)), wanted.done(utc_last)), (None, Some(to)), "{zone}");
        }
        let wanted = of_days(from, to, Tz::Asia__Kolkata);
        let done = ["2026-09-14", "2026-09-15"].map(|utc_day| wanted.done(day(utc_day)));
        assert_eq!(done, [None, Some(from)]);
    }

    #[test]
    fn a_provider_is_found_under_all_its_names_and_a_model_in_any_case() {
        let covers = |provider: Option<&str>, model: Option<&str>, call: &LlmCall| {
            let day = Day::parse("2026-09-15").unwrap();
            let (provider, model) = (provider.map(str::to_owned), model.map(str::to_owned));
            let wanted = RepricingSettings { provider, model, ..of_days(day, day, Tz::UTC) };
            wanted.covers(call, day.start(Tz::UTC))
        };
        let gemini = call("vertex_ai", "gemini-3-É");
        for (provider, model, is_covered) in [
            (None, None, true),
            (Some("google"), None, true),
            (Some("Gemini"), Some("Gemini-3-é"), true),
            (Some("vertex_ai"), Some("gemini-3"), false),
            (Some("openai"), None, false),
            (None, Some("GEMINI-3-é"), true),
        ] {
            assert_eq!(covers(provider, model, &gemini), is_covered, "{provider:?} {model:?}");
        }
        assert!(covers(Some("ACME"), None, &call("acme", "m")));
    }

    #[test]
    fn the_difference_may_be_negative() {
        let usd = |cents| Usd::new(rust_decimal::Decimal::new(cents, 2));
        let mut figures = RepricingFigures::default();
        let cost = |cents| CallCost { input: usd(cents), ..CallCost::default() };
        figures.count(&cost(500), &cost(125));
        figures
            .count(&cost(0), &CallCost { unpriced: Some(crate::pricing::Unpriced::UnknownModel), ..cost(1) });
        assert_eq!((figures.requests, figures.stamped_unpriced, figures.unpriced), (2, 0, 1));
        assert_eq!(figures.difference(), usd(-374));
    }
}
