//! `GET /api/cost-analysis/unpriced`: the calls of a month that have no price, and why.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ledger::period::rfc3339;
use ledger::pricing::{Book, Unpriced};
use ledger::rollup::{UnpricedCall, UnpricedFigures, UnpricedRows};
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;

use crate::params::Period;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/cost-analysis/unpriced", Scope::CostsRead, handle).with_figures()
}

/// The most rows of a response. Calls of further rows are counted under [`OTHER`].
const MAX_ROWS: usize = 500;
/// Stands for the provider and the model of calls that have no row of their own.
const OTHER: &str = "(other)";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Most requests first, then by provider, model, tier, region and reason. Rows of [`OTHER`] come last.
    unpriced: Vec<Row>,
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    provider: String,
    model: String,
    tier: Option<String>,
    region: Option<String>,
    reason: Unpriced,
    first_seen: String,
    last_seen: String,
    requests: u64,
    tokens: u64,
    /// Ids of the price book, the most similar first.
    nearest: Vec<String>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(period): Query<Period>,
) -> Result<Json<Response>> {
    let days = period.unpriced(&app, &caller).await?;
    let unpriced_requests = days.iter().map(UnpricedRows::requests).sum();
    Ok(Json(Response { unpriced: rows(&days), unpriced_requests }))
}

fn rows(days: &[UnpricedRows]) -> Vec<Row> {
    let mut calls: BTreeMap<&UnpricedCall, UnpricedFigures> = BTreeMap::new();
    let mut others: BTreeMap<Unpriced, UnpricedFigures> = BTreeMap::new();
    for day in days {
        for (call, figures) in day.rows() {
            calls.entry(call).and_modify(|sum| sum.merge(*figures)).or_insert(*figures);
        }
        for (reason, figures) in day.others() {
            others.entry(*reason).and_modify(|sum| sum.merge(*figures)).or_insert(*figures);
        }
    }
    let mut calls: Vec<_> = calls.into_iter().collect();
    // The sort is stable: rows of as many requests stay ordered by name.
    calls.sort_by_key(|(_, figures)| Reverse(figures.requests));
    for (call, figures) in calls.split_off(MAX_ROWS.min(calls.len())) {
        others.entry(call.reason).and_modify(|sum| sum.merge(figures)).or_insert(figures);
    }
    let rows = calls.into_iter().map(|(call, figures)| row_of(call, figures));
    rows.chain(others.into_iter().map(|(reason, figures)| other(reason, figures))).collect()
}

fn row_of(call: &UnpricedCall, figures: UnpricedFigures) -> Row {
    Row {
        nearest: Book::builtin().nearest(&call.provider, &call.model),
        provider: call.provider.clone(),
        model: call.model.clone(),
        tier: Some(call.tier.clone().unwrap_or_else(|| "standard".to_owned())),
        region: call.region.clone(),
        ..other(call.reason, figures)
    }
}

fn other(reason: Unpriced, figures: UnpricedFigures) -> Row {
    Row {
        provider: OTHER.to_owned(),
        model: OTHER.to_owned(),
        tier: None,
        region: None,
        reason,
        first_seen: rfc3339(figures.first),
        last_seen: rfc3339(figures.last),
        requests: figures.requests,
        tokens: figures.tokens,
        nearest: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn day(calls: impl Iterator<Item = (u64, u64)>) -> UnpricedRows {
        let mut rows = UnpricedRows::default();
        for (number, requests) in calls {
            let time = DateTime::from_timestamp(i64::try_from(number).unwrap(), 0).unwrap();
            let call = UnpricedCall {
                provider: "acme".to_owned(),
                model: format!("model-{number}"),
                tier: None,
                region: None,
                reason: Unpriced::UnknownProvider,
            };
            rows.add(call, UnpricedFigures { requests, tokens: 1, first: time, last: time });
        }
        rows
    }

    #[test]
    fn rows_are_merged_over_days_and_sorted_by_requests() {
        let rows = rows(&[day([(1, 2), (2, 3)].into_iter()), day([(1, 2)].into_iter())]);
        let found: Vec<_> = rows.iter().map(|row| (&*row.model, row.requests)).collect();
        assert_eq!(found, [("model-1", 4), ("model-2", 3)]);
        assert_eq!((rows[0].nearest.len(), rows[0].tier.as_deref()), (3, Some("standard")));
    }

    #[test]
    fn surplus_rows_are_counted_together() {
        let days: Vec<_> = (0..8).map(|day_of| day((0..90).map(|n| (day_of * 100 + n, 1 + n % 2)))).collect();
        let rows = rows(&days);
        assert_eq!(rows.len(), MAX_ROWS + 1);
        let last = rows.last().unwrap();
        assert_eq!((&*last.provider, &*last.model, last.requests), (OTHER, OTHER, 220));
        let requests: u64 = rows.iter().map(|row| row.requests).sum();
        assert_eq!(requests, days.iter().map(UnpricedRows::requests).sum::<u64>());
    }
}
