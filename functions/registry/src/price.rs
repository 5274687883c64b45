//! `PUT` and `DELETE /api/cost-analysis/pricing/{provider}/{model}`: an organization's own price of a model.
//!
//! PUT adds a version that applies from its `effectiveFrom` (a UTC day, default today). Versions are never
//! overwritten: repeating one changes nothing, and a different price for the same day is a 409. DELETE with
//! `?effectiveFrom=` removes a version.
//!
//! A slash in a provider's id must be escaped twice (`%252F`), because the first slash ends the provider.

mod rates;

use axum::extract::State;
use chrono::NaiveDate;
use http::StatusCode;
use ledger::ids::{Name, OrgId};
use ledger::period::Day;
use ledger::settings::{LongContextSettings, PriceSettings, RateSettings};
use runtime::config::Config;
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::body::{Body, FromBody};
use web::both::Both;
use web::error::{Error, Result};
use web::fields;
use web::fields::{FieldReader, Invalid};
use web::path::{FromPath, Path, PathReader};
use web::query::{FromQuery, Query, QueryReader};

use crate::edit::Edit;
use crate::limits::READ_ONLY;
use crate::response::Versioned;
use crate::{App, Route};
use rates::{LongRates, Rates};

pub fn routes() -> Vec<Route> {
    let path = "/api/cost-analysis/pricing/{provider}/{model+}";
    vec![Route::put(path, Scope::RegistryWrite, put), Route::delete(path, Scope::RegistryWrite, delete)]
}

struct PricePath {
    provider: Name,
    model: Name,
}

impl FromPath for PricePath {
    fn from_path(path: &PathReader) -> Result<Self> {
        match (path.id("provider"), path.id("model")) {
            (Ok(provider), Ok(model)) => Ok(Self { provider, model }),
            (provider, model) => {
                Err(Error::Validation([provider.err(), model.err()].into_iter().flatten().collect()))
            }
        }
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

const DATE: &str = "Input should be a date, yyyy-mm-dd";

/// A version of a price.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    provider: String,
    model: String,
    effective_from: NaiveDate,
    #[serde(flatten)]
    rates: Rates,
    long_context: Option<LongRates>,
}

/// The request body.
struct PriceBody {
    effective_from: Option<NaiveDate>,
    rates: RateSettings,
    long_context: Option<LongContextSettings>,
}

async fn put(
    State(app): State<App>,
    Edit(editor): Edit,
    Both(Path(PricePath { provider, model }), Body(wanted)): Both<Path<PricePath>, Body<PriceBody>>,
) -> Result<Versioned<Price>> {
    let wanted = PriceSettings {
        provider: provider.into(),
        model: model.into(),
        effective_from: wanted.effective_from.unwrap_or_else(|| editor.now.date_naive()),
        rates: wanted.rates,
        long_context: wanted.long_context,
    };
    let entity = entity(&editor.org, &wanted.provider, &wanted.model, wanted.effective_from);
    let decide = |stored: &Stored<PriceSettings>| match &stored.settings {
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
    Ok(Versioned::new(view(set), &stored))
}

async fn delete(
    State(app): State<App>,
    Edit(editor): Edit,
    Both(Path(PricePath { provider, model }), Query(params)): Both<Path<PricePath>, Query<Params>>,
) -> Result<StatusCode> {
    let from = params.effective_from.unwrap_or_default();
    let entity = entity(&editor.org, provider.as_str(), model.as_str(), from);
    let decide = |stored: &Stored<PriceSettings>| match stored.settings {
        Some(_) => Ok(Next::Clear),
        None => Err(store::Error::NotFound("Price not found")),
    };
    app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId, provider: &str, model: &str, from: NaiveDate) -> Entity<'static> {
    let what = format!("price {provider}/{model} from {from}");
    Entity { key: keys::price(org, provider, model, from), what, agent: None, always_there: false }
}

fn view(set: PriceSettings) -> Price {
    Price {
        provider: set.provider,
        model: set.model,
        effective_from: set.effective_from,
        rates: Rates::of(&set.rates),
        long_context: set.long_context.as_ref().map(LongRates::of),
    }
}

impl FromBody for PriceBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        settings(fields)
    }
}

fn settings(fields: &mut FieldReader<'_>) -> Option<PriceBody> {
    fields.ignore(READ_ONLY);
    let effective_from = fields.optional("effectiveFrom", date);
    let rates = rates::read(fields);
    let long_context = rates::read_long(fields, "longContext");
    // A client may send back what the path already says.
    fields.ignore(&["provider", "model"]);
    Some(PriceBody { effective_from, rates: rates?, long_context })
}

fn date(raw: &RawValue) -> Result<NaiveDate, Invalid> {
    let date = Day::parse(&fields::string(raw)?).map(Day::date);
    date.ok_or_else(|| Invalid::new("date_parsing", DATE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading_required;

    fn shown(text: &str) -> serde_json::Value {
        let wanted = reading_required(text, settings).unwrap_or_else(|faults| panic!("{faults:?}"));
        serde_json::to_value(view(PriceSettings {
            provider: "p".to_owned(),
            model: "M".to_owned(),
            effective_from: wanted.effective_from.unwrap_or_default(),
            rates: wanted.rates,
            long_context: wanted.long_context,
        }))
        .unwrap()
    }

    #[test]
    fn a_price_is_returned_as_it_was_set() {
        let given = r#"{"provider":"p","model":"M","effectiveFrom":"2026-11-20","inputPricePerMillion":0.8,
            "outputPricePerMillion":1000000,"cacheReadPricePerMillion":0.000001,"cacheWrite5mPricePerMillion":0,
            "cacheWrite1hPricePerMillion":1.5,"longContext":{"aboveInputTokens":200000,"inputPricePerMillion":2,
            "outputPricePerMillion":3,"cacheReadPricePerMillion":null,"cacheWrite5mPricePerMillion":null,
            "cacheWrite1hPricePerMillion":4}}"#;
        assert_eq!(shown(given), serde_json::from_str::<serde_json::Value>(given).unwrap());
        let least = shown(r#"{"inputPricePerMillion":"1.50","outputPricePerMillion":"2"}"#);
        assert_eq!(least["longContext"], serde_json::Value::Null);
        assert_eq!(least["cacheReadPricePerMillion"], serde_json::Value::Null);
        assert_eq!(least["inputPricePerMillion"].to_string(), "1.5");
    }

    #[test]
    fn every_fault_is_listed() {
        let bad = r#"{"effectiveFrom":"20.11.2026","inputPricePerMillion":-1,"cacheReadPricePerMillion":1000001,
            "longContext":{"aboveInputTokens":0,"outputPricePerMillion":0.0000001,"x":1}}"#;
        assert_eq!(
            reading_required(bad, settings).err().unwrap(),
            [
                r#"["body","effectiveFrom"] date_parsing"#,
                r#"["body","inputPricePerMillion"] greater_than_equal"#,
                r#"["body","outputPricePerMillion"] missing"#,
                r#"["body","cacheReadPricePerMillion"] less_than_equal"#,
                r#"["body","longContext","aboveInputTokens"] greater_than_equal"#,
                r#"["body","longContext","inputPricePerMillion"] missing"#,
                r#"["body","longContext","outputPricePerMillion"] decimal_max_places"#,
                r#"["body","longContext","x"] extra_forbidden"#,
            ]
        );
    }

    #[test]
    fn long_context_thresholds_are_limited() {
        let read = |above: &str| {
            let rates = r#""inputPricePerMillion":1,"outputPricePerMillion":1"#;
            let text = format!(r#"{{{rates},"longContext":{{"aboveInputTokens":{above},{rates}}}}}"#);
            reading_required(&text, settings).is_ok()
        };
        assert!(read("1") && read("4000000000"));
        assert!(!read("0") && !read("4000000001") && !read("1.5"));
    }

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
