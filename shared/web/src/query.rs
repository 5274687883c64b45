//! Query parameters.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;
use ledger::ids::InvalidId;
use ledger::period::{self, Day};

use crate::error::{Error, Fault, Loc, Result};

/// The query parameters of an endpoint.
pub trait FromQuery: Sized {
    /// Reads the parameters and reports each fault to `query`. After a fault the returned value is never used.
    fn from_query(query: &mut QueryReader) -> Self;
}

impl<A: FromQuery, B: FromQuery> FromQuery for (A, B) {
    fn from_query(query: &mut QueryReader) -> Self {
        (A::from_query(query), B::from_query(query))
    }
}

/// Extracts query parameters, or rejects the request with all their faults.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: FromQuery> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut query = QueryReader::parse(parts.uri.query().unwrap_or_default());
        let params = T::from_query(&mut query);
        query.finish().map(|()| Self(params))
    }
}

/// Reads a query string parameter by parameter and collects the faults.
pub struct QueryReader {
    pairs: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl QueryReader {
    /// Splits a query string by the WHATWG rules.
    pub fn parse(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        Self { pairs, faults: Vec::new() }
    }

    /// Reports a fault of the parameter `name`.
    pub fn fault(&mut self, name: &'static str, kind: &'static str, msg: impl Into<String>) {
        self.faults.push(Fault::of_query(name, kind, msg));
    }

    /// The text of a parameter. A repeated parameter is a fault, since neither value can be preferred.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (first, second) = (values.next(), values.next());
        if second.is_some() {
            self.fault(name, "repeated", "Parameter should be given once");
            return None;
        }
        first
    }

    /// The parameters named `outer[inner]`, by `inner`, each with all of its values.
    pub fn members(&self, outer: &str) -> BTreeMap<String, Vec<String>> {
        let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &self.pairs {
            let inner = name.strip_prefix(outer).and_then(|rest| rest.strip_prefix('['));
            if let Some(inner) = inner.and_then(|rest| rest.strip_suffix(']')) {
                members.entry(inner.to_owned()).or_default().push(value.clone());
            }
        }
        members
    }

    /// Reports a fault of the parameter `outer[inner]`.
    pub fn fault_of_member(&mut self, outer: &str, inner: &str, kind: &'static str, msg: impl Into<String>) {
        let name = Loc::given(&format!("{outer}[{inner}]"));
        self.faults.push(Fault::new(vec![Loc::from("query"), name], kind, msg));
    }

    /// An integer within `range`.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
        self.integer_up_to(name, range, default, "")
    }

    /// Like [`integer`](Self::integer), with `advice` added to the message about a number that is too large.
    pub fn integer_up_to(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
        advice: &str,
    ) -> u32 {
        let Some(text) = self.text(name) else { return default };
        // Rust's parser would take a leading plus.
        match i128::from_str(&text).ok().filter(|_| !text.starts_with('+')).ok_or(()) {
            Err(()) => self.fault(
                name,
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
            ),
            Ok(value) if value < i128::from(*range.start()) => {
                let msg = format!("Input should be greater than or equal to {}", range.start());
                self.fault(name, "greater_than_equal", msg);
            }
            Ok(value) if value > i128::from(*range.end()) => {
                let msg = format!("Input should be less than or equal to {}{advice}", range.end());
                self.fault(name, "less_than_equal", msg);
            }
            Ok(value) => return u32::try_from(value).unwrap_or(default),
        }
        default
    }

    /// An identifier.
    pub fn id<T: TryFrom<String, Error = InvalidId>>(&mut self, name: &'static str) -> Option<T> {
        match T::try_from(self.text(name)?) {
            Ok(id) => Some(id),
            Err(fault) => {
                self.fault(name, "id", fault.to_string());
                None
            }
        }
    }

    /// What `parse` makes of a parameter; if that is nothing, a fault.
    pub fn parsed<T>(
        &mut self,
        name: &'static str,
        kind: &'static str,
        msg: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let found = parse(&text);
        if found.is_none() {
            self.fault(name, kind, msg);
        }
        found
    }

    /// A day.
    pub fn day(&mut self, name: &'static str) -> Option<Day> {
        self.parsed(name, "date_parsing", "Input should be a date, yyyy-mm-dd", Day::parse)
    }

    /// An instant in RFC 3339.
    pub fn instant(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let msg = "Input should be a valid RFC 3339 date and time";
        self.parsed(name, "datetime_parsing", msg, period::parse_instant)
    }

    /// Fails with all faults if there are any.
    pub fn finish(self) -> Result<()> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::Validation(self.faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> Result<u32, Vec<&'static str>> {
        let mut query = QueryReader::parse(text);
        let days = query.integer("days", 7..=90, 30);
        match query.finish() {
            Ok(()) => Ok(days),
            Err(Error::Validation(faults)) => Err(faults.into_iter().map(|fault| fault.kind).collect()),
            Err(_) => unreachable!(),
        }
    }

    #[test]
    fn integers_are_limited_and_not_repeated() {
        assert_eq!(days(""), Ok(30));
        assert_eq!(days("other=1"), Ok(30));
        assert_eq!(days("days=7"), Ok(7));
        assert_eq!(days("days=90"), Ok(90));
        assert_eq!(days("days=6"), Err(vec!["greater_than_equal"]));
        assert_eq!(days("days=-30"), Err(vec!["greater_than_equal"]));
        assert_eq!(days("days=91"), Err(vec!["less_than_equal"]));
        assert_eq!(days("days=99999999999999999999"), Err(vec!["less_than_equal"]));
        for bad in ["days=", "days=x", "days=7.0", "days=0x8", "days=%20"] {
            assert_eq!(days(bad), Err(vec!["int_parsing"]), "{bad}");
        }
        assert_eq!(days("days=7&days=7"), Err(vec!["repeated"]));
        assert_eq!(days("days=7&d%61ys=8"), Err(vec!["repeated"]));
    }

    #[test]
    fn members_of_a_parameter_may_have_several_values() {
        let query = QueryReader::parse(
            "filter[agent]=a&filter%5Bagent%5D=b&filter[x]=&filter=c&filter[y=d&xfilter[z]=e",
        );
        let members: Vec<_> = query.members("filter").into_iter().collect();
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(members, [("agent".to_owned(), texts(&["a", "b"])), ("x".to_owned(), texts(&[""]))]);
    }
}
