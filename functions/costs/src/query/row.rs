//! Rows, pages and the response.

use std::collections::BTreeMap;

use ledger::period::rfc3339;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use web::error::{Error, Result};

use super::cursor::Cursor;
use super::figures::{Known, Measures, Previous};
use super::order::Rank;
use super::params::Params;
use super::source::Source;
use super::sums::{Cell, Group, Series, Sums};
use crate::range::{Periods, Range};

/// The size at which a page ends, in bytes. Lambda's limit for a response is 6 MB.
const MAX_BYTES: usize = 4 << 20;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// First in the response, since tables are made of the first list.
    rows: Vec<Box<RawValue>>,
    from: String,
    to: String,
    granularity: &'static str,
    group_by: Vec<String>,
    totals: Compared,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    limit: usize,
    next_cursor: Option<String>,
}

/// Figures, and those of the range before if they were asked for.
#[derive(Debug, Serialize)]
struct Compared {
    #[serde(flatten)]
    measures: Measures,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<String>,
    group: BTreeMap<&'a str, &'a str>,
    #[serde(flatten)]
    figures: Compared,
}

/// What rows are made from.
pub struct Answer<'a> {
    pub params: &'a Params,
    pub range: Range,
    pub periods: Periods,
    pub source: Source,
    /// The last group of the page before.
    pub after: Option<Rank>,
}

impl Answer<'_> {
    pub fn response(&self, sums: Sums, sign: impl FnOnce(Cursor) -> Result<String>) -> Result<Response> {
        let params = self.params;
        let totals = self.compared(&sums.totals, self.source.known_in_total(params));
        let (rows, last) = self.page(self.ranked(sums))?;
        let next = last.map(|last| Cursor::after(self.range.from, self.range.to, last));
        Ok(Response {
            rows,
            from: rfc3339(self.range.from),
            to: rfc3339(self.range.to),
            granularity: params.granularity.name(),
            group_by: self.names(),
            totals,
            pagination: Pagination { limit: params.limit, next_cursor: next.map(sign).transpose()? },
        })
    }

    fn names(&self) -> Vec<String> {
        self.params.group_by.iter().map(ToString::to_string).collect()
    }

    /// The groups that are still to be shown, in order. Without a grouping there is one, used or not.
    fn ranked(&self, sums: Sums) -> Vec<(Rank, Series)> {
        let mut groups: Vec<(Group, Series, Cell)> = sums.into_groups().collect();
        if self.params.group_by.is_empty() && groups.is_empty() {
            groups.push(Default::default());
        }
        let rank =
            |(group, series, total): (Group, Series, Cell)| (self.params.order.rank(group, &total), series);
        let mut ranked: Vec<_> = groups.into_iter().map(rank).collect();
        ranked.retain(|(rank, _)| self.after.as_ref().is_none_or(|after| rank > after));
        ranked.sort_by(|(one, _), (other, _)| one.cmp(other));
        ranked
    }

    /// The rows of a page, and its last group if there is another page. A page has at least one group.
    fn page(&self, ranked: Vec<(Rank, Series)>) -> Result<(Vec<Box<RawValue>>, Option<Rank>)> {
        let (names, known) = (self.names(), self.source.known(self.params));
        let (mut rows, mut bytes, mut last): (Vec<Box<RawValue>>, usize, Option<Rank>) = Default::default();
        for (shown, (rank, series)) in ranked.into_iter().enumerate() {
            let group = names.iter().map(String::as_str).zip(rank.group.iter().map(String::as_str)).collect();
            let of_group = self.rows(&group, &series, known)?;
            bytes += of_group.iter().map(|row| row.get().len() + 1).sum::<usize>();
            if last.is_some() && (shown >= self.params.limit || bytes > MAX_BYTES) {
                return Ok((rows, last));
            }
            rows.extend(of_group);
            last = Some(rank);
        }
        Ok((rows, None))
    }

    /// A row for each period.
    fn rows(
        &self,
        group: &BTreeMap<&str, &str>,
        series: &Series,
        known: Known,
    ) -> Result<Vec<Box<RawValue>>> {
        let row = |position| {
            let cell = series.get(&position).copied().unwrap_or_default();
            let figures = self.compared(&cell, known);
            let row = Row { period: self.periods.name(position), group: group.clone(), figures };
            to_raw_value(&row).map_err(Error::internal)
        };
        (0..self.periods.count).map(row).collect()
    }

    fn compared(&self, cell: &Cell, known: Known) -> Compared {
        Compared {
            measures: Measures::new(&cell.now, known),
            previous: self.params.compare.then(|| Previous::new(&cell.before, &cell.now, known)),
        }
    }
}
