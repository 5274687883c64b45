//! `PUT` and `DELETE /api/cost-analysis/pricing/{provider}/{model}`: an organization's own prices.
//!
//! A price is one of three: rates, a multiplier of the list price, or an alias, which names the model whose price
//! applies. The model `*` stands for all models of the provider and takes a multiplier. It is an explicit path segment
//! rather than a route without a model, so that forgetting the model cannot change the price of all.
//!
//! PUT adds a version that applies from its `effectiveFrom` (a UTC day, default today). Versions are never
//! overwritten: repeating one changes nothing, and a different price for the same day is a 409. DELETE with
//! `?effectiveFrom=` removes a version.

mod body;
mod checks;
mod view;

use axum::extract::State;
use chrono::NaiveDate;
use http::StatusCode;
use ledger::ids::{Name, OrgId};
use ledger::period::Day;
use ledger::settings::{ALL_MODELS, MAX_OWN_PRICES, PriceSettings};
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::both::Both;
use web::error::{Error, Result};
use web::path::{FromPath, Path, PathReader};
use web::query::{FromQuery, Query, QueryReader};

use crate::edit::Edit;
use crate::response::Versioned;
use crate::update::{Target, Update};
use crate::{App, Route, reserved};
use body::{DATE, PriceBody};
use view::Price;

pub fn routes() -> Vec<Route> {
    let path = "/api/cost-analysis/pricing/{provider}/{model+}";
    vec![Route::put(path, Scope::RegistryWrite, put), Route::delete(path, Scope::RegistryWrite, delete)]
}

struct PricePath {
    provider: String,
    model: String,
}

impl FromPath for PricePath {
    fn from_path(path: &PathReader) -> Result<Self> {
        let provider = path.id::<Name>("provider").map(String::from);
        let model = match path.text("model") {
            ALL_MODELS => Ok(ALL_MODELS.to_owned()),
            _ => path.id::<Name>("model").map(String::from),
        };
        match (provider, model) {
            (Ok(provider), Ok(model)) => Ok(Self { provider, model }),
            (provider, model) => {
                Err(Error::Validation([provider.err(), model.err()].into_iter().flatten().collect()))
            }
        }
    }
}

impl Target for PricePath {
    /// Prices have no id: the path and the day identify them.
    fn is(&self, _: String, _: &OrgId) -> bool {
        true
    }
}

/// The version to delete.
struct Params {
    effective_from: Option<NaiveDate>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let name = "effectiveFrom";
        let before = query.text(name);
        let effective_from = before.as_deref().and_then(Day::parse).map(Day::date);
        match before {
            None => query.fault(name, "missing", "Parameter required"),
            Some(_) if effective_from.is_none() => query.fault(name, "date_parsing", DATE),
            Some(_) => {}
        }
        Self { effective_from }
    }
}

async fn put(
    State(app): State<App>,
    Update { editor, path: PricePath { provider, model }, body: wanted }: Update<PricePath, PriceBody>,
) -> Result<Versioned<Price>> {
    let today = editor.now.date_naive();
    let effective_from = wanted.effective_from.unwrap_or(today);
    let wanted = PriceSettings { provider, model, effective_from, price: wanted.price };
    reserved::check_dots(&wanted.provider, "provider")?;
    reserved::check_dots(&wanted.model, "model")?;
    checks::check(&wanted)?;
    let entity = entity(&editor.org, &wanted.provider, &wanted.model, wanted.effective_from);
    let others = app.tables.registry.settings_now(&editor.org).await?.own_prices.clone();
    let is_full = others.len() >= MAX_OWN_PRICES;
    let decide = |stored: &Stored<PriceSettings>| match &stored.settings {
        None if is_full => Err(store::Error::Conflict(format!(
            "There are {MAX_OWN_PRICES} own prices already, which is the maximum, each version counted."
        ))),
        None => Ok(Next::Set(wanted.clone())),
        Some(set) if set.is_equivalent(&wanted) => Ok(Next::Keep),
        Some(_) => Err(store::Error::Conflict(
            "Another price is already set for this model from this day. Delete it first, or choose another \
             day."
                .to_owned(),
        )),
    };
    let stored = app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    let set = stored.settings.clone().unwrap_or(wanted);
    Ok(Versioned::new(Price::new(&set, others, today), &stored))
}

async fn delete(
    State(app): State<App>,
    Edit(editor): Edit,
    Both(Path(PricePath { provider, model }), Query(params)): Both<Path<PricePath>, Query<Params>>,
) -> Result<StatusCode> {
    let from = params.effective_from.unwrap_or_default();
    let entity = entity(&editor.org, &provider, &model, from);
    let decide = |stored: &Stored<PriceSettings>| Next::clear(stored, "Price not found");
    app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId, provider: &str, model: &str, from: NaiveDate) -> Entity<'static> {
    let what = format!("price {provider}/{model} from {from}");
    Entity { key: keys::price(org, provider, model, from), what, agent: None, always_there: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delete_requires_the_version() {
        let read = |text: &str| {
            let mut query = QueryReader::parse(text);
            let params = Params::from_query(&mut query);
            query.finish().map(|()| params.effective_from).map_err(|error| error.status().as_u16())
        };
        assert_eq!(read("effectiveFrom=2026-11-20"), Ok(NaiveDate::from_ymd_opt(2026, 11, 20)));
        for bad in ["", "effectiveFrom=", "effectiveFrom=2026-11-31", "effectiveFrom=2026-1-1"] {
            assert_eq!(read(bad), Err(422), "{bad}");
        }
    }
}
