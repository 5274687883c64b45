//! `GET /api/cost-analysis/pricing`: the price book with the organization's own prices applied.
//!
//! Prices change at midnight UTC, so the day is a UTC day: today or the one given in `at`.

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use ledger::money::Number;
use ledger::period::Day;
use ledger::pricing::{Category, LongContext, Price, PriceBook, PriceRef, Prices, Rates};
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::{FromQuery, Query, QueryReader};
use web::route::Route;

pub fn route() -> Route {
    Route::get("/api/cost-analysis/pricing", Scope::CostsRead, handle)
}

/// `at`: the UTC day of the prices, `yyyy-mm-dd`, default today.
pub struct Params {
    at: Option<NaiveDate>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let name = "at";
        let text = query.text(name);
        let at = text.as_deref().and_then(Day::parse).map(Day::date);
        if text.is_some() && at.is_none() {
            query.fault(name, "date_parsing", "Input should be a date, yyyy-mm-dd");
        }
        Self { at }
    }
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// By provider, then by id.
    models: Vec<Model>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    id: String,
    provider: String,
    category: Category,
    #[serde(flatten)]
    prices: Row,
    /// Prices for calls with long inputs, by ascending threshold.
    long_context: Vec<LongRow>,
    /// The first UTC day of these prices; null if they always applied.
    effective_from: Option<NaiveDate>,
    /// Other ids of the same model. A trailing `*` matches all ids with that prefix.
    aliases: Vec<String>,
    /// Whether the price is the organization's own.
    overridden: bool,
}

/// USD per million tokens. A null cache price means the input price applies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    input_price_per_million: Number,
    output_price_per_million: Number,
    cache_read_price_per_million: Option<Number>,
    cache_write_5m_price_per_million: Option<Number>,
    cache_write_1h_price_per_million: Option<Number>,
}

/// Prices of calls whose input exceeds `aboveInputTokens`; they apply to the whole call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LongRow {
    above_input_tokens: u64,
    #[serde(flatten)]
    prices: Row,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    // Not from the cache: a caller that has just set a price checks here whether it took effect.
    let settings = app.store.settings(&caller.org).await?;
    let day = params.at.unwrap_or_else(|| app.clock.now().date_naive());
    let list = Prices::new(PriceBook::builtin(), &settings.overrides).list(day);
    Ok(Json(Response { models: list.into_iter().map(model).collect() }))
}

fn model(price: PriceRef<'_>) -> Model {
    Model {
        id: price.model.model.clone(),
        provider: price.model.provider.clone(),
        category: price.category(),
        prices: row(&price.version.base),
        long_context: price.version.long_context.iter().map(long_row).collect(),
        effective_from: price.version.effective_from,
        aliases: price.model.aliases.iter().map(|alias| shown(alias)).collect(),
        overridden: price.overridden,
    }
}

fn row(rates: &Rates) -> Row {
    let number = |price: Price| Number(price.per_million());
    Row {
        input_price_per_million: number(rates.input),
        output_price_per_million: number(rates.output),
        cache_read_price_per_million: rates.cache_read.map(number),
        cache_write_5m_price_per_million: rates.cache_write_5m.map(number),
        cache_write_1h_price_per_million: rates.cache_write_1h.map(number),
    }
}

fn long_row(long: &LongContext) -> LongRow {
    LongRow { above_input_tokens: long.above_input_tokens, prices: row(&long.rates) }
}

/// Converts an alias of the book, `=exact` or `^prefix`, to the API's pattern syntax.
fn shown(alias: &str) -> String {
    match alias.strip_prefix('^') {
        Some(prefix) => format!("{prefix}*"),
        None => alias.trim_start_matches('=').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_shown_as_patterns() {
        assert_eq!(shown("=claude-haiku-3.5"), "claude-haiku-3.5");
        assert_eq!(shown("^claude-3-5-haiku"), "claude-3-5-haiku*");
    }

    #[test]
    fn only_complete_dates_are_accepted() {
        let at = |text: &str| {
            let mut query = QueryReader::parse(text);
            let params = Params::from_query(&mut query);
            query
                .finish()
                .map(|()| params.at.map(|at| at.to_string()))
                .map_err(|error| error.status().as_u16())
        };
        assert_eq!(at(""), Ok(None));
        assert_eq!(at("at=2024-02-29"), Ok(Some("2024-02-29".to_owned())));
        for bad in ["", "2023-02-29", "2026-09", "today", "2026-9-01"] {
            assert_eq!(at(&format!("at={bad}")), Err(422), "{bad}");
        }
    }
}
