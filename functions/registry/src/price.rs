//! `PUT` and `DELETE /api/cost-analysis/pricing/{provider}/{model}`: the organisation's own price of a model.
//!
//! A PUT adds a version, which holds from its `effectiveFrom` on (a day of UTC; by default today). None is ever
//! overwritten: the same again changes nothing, anything else for the same day is a 409. DELETE `?effectiveFrom=`
//! takes one back.
//!
//! A slash in a provider's id has to be escaped twice (`%252F`): the first slash ends the provider.

mod rates;

use axum::extract::State;
use chrono::NaiveDate;
use http::StatusCode;
use ledger::ids::{Name, OrgId};
use ledger::period::Day;
use ledger::settings::{LongContextSettings, PriceSettings, RateSettings};
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::app::App;
use web::auth::Scope;
use web::error::Error;
use web::error::Result;
use web::fields;
use web::fields::{Bad, Fields};
use web::query::{FromQuery, Params as Query, Query as QueryText};
use web::route::Route;

use crate::answer::Versioned;
use crate::body::Body;
use crate::edit::Edit;
use crate::input::{Checked, Path, both};
use rates::{LongRates, Rates};

/// The routes of this thing.
pub fn routes() -> Vec<Route> {
    let path = "/api/cost-analysis/pricing/{provider}/{model+}";
    vec![Route::put(path, Scope::RegistryWrite, put), Route::delete(path, Scope::RegistryWrite, delete)]
}

/// Which version to take back.
pub struct Params {
    effective_from: Option<NaiveDate>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryText) -> Self {
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

/// What a date should be.
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

/// What the body says.
struct Wanted {
    effective_from: Option<NaiveDate>,
    rates: RateSettings,
    long_context: Option<LongContextSettings>,
}

async fn put(State(app): State<App>, Edit(editor): Edit, path: Path, body: Body) -> Result<Versioned<Price>> {
    let ((provider, model), wanted) = both(ids(&path), body.read_required(settings))?;
    let wanted = PriceSettings {
        provider: provider.into(),
        model: model.into(),
        effective_from: wanted.effective_from.unwrap_or_else(|| editor.now.date_naive()),
        rates: wanted.rates,
        long_context: wanted.long_context,
    };
    let entity = entity(&editor.org, &wanted.provider, &wanted.model, wanted.effective_from);
    let decide = |stored: &Stored<PriceSettings>| {
        match &stored.settings {
        None => Ok(Next::Set(wanted.clone())),
        Some(set) if set.says_the_same(&wanted) => Ok(Next::Keep),
        Some(_) => Err(store::Error::Conflict(
            "Another price is set for this model from this day on. Take it back first, or choose another day."
                .to_owned(),
        )),
    }
    };
    let stored = app.store.change(&editor, &entity, decide).await?;
    let set = stored.settings.clone().unwrap_or(wanted);
    Ok(Versioned::new(view(set), &stored))
}

async fn delete(
    State(app): State<App>,
    Edit(editor): Edit,
    path: Path,
    Query(params): Query<Params>,
) -> Result<StatusCode> {
    let (provider, model) = ids(&path).map_err(Error::Validation)?;
    let from = params.effective_from.unwrap_or_default();
    let entity = entity(&editor.org, provider.as_str(), model.as_str(), from);
    let decide = |stored: &Stored<PriceSettings>| match stored.settings {
        Some(_) => Ok(Next::Clear),
        None => Err(store::Error::NotFound("Price not found")),
    };
    app.store.change(&editor, &entity, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn ids(path: &Path) -> Checked<(Name, Name)> {
    match (path.id("provider"), path.id("model")) {
        (Ok(provider), Ok(model)) => Ok((provider, model)),
        (provider, model) => Err([provider.err(), model.err()].into_iter().flatten().flatten().collect()),
    }
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

fn settings(fields: &mut Fields<'_>) -> Option<Wanted> {
    let effective_from = fields.optional("effectiveFrom", date);
    let rates = rates::read(fields);
    let long_context = rates::read_long(fields, "longContext");
    // What the path says too may be sent back.
    fields.take_if(|name, _| ["provider", "model"].contains(&name));
    Some(Wanted { effective_from, rates: rates?, long_context })
}

fn date(raw: &RawValue) -> Result<NaiveDate, Bad> {
    let date = Day::parse(&fields::string(raw)?).map(Day::date);
    date.ok_or_else(|| ("date_parsing", DATE.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::reading_required;

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
    fn what_is_taken_is_answered_back() {
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
    fn thresholds_of_long_inputs_at_their_edges() {
        let read = |above: &str| {
            let rates = r#""inputPricePerMillion":1,"outputPricePerMillion":1"#;
            let text = format!(r#"{{{rates},"longContext":{{"aboveInputTokens":{above},{rates}}}}}"#);
            reading_required(&text, settings).is_ok()
        };
        assert!(read("1") && read("4000000000"));
        assert!(!read("0") && !read("4000000001") && !read("1.5"));
    }

    #[test]
    fn the_version_to_take_back_has_to_be_named() {
        let read = |text: &str| {
            let mut query = QueryText::parse(text);
            let params = Params::from_query(&mut query);
            query.finish().map(|()| params.effective_from).map_err(|error| error.status().as_u16())
        };
        assert_eq!(read("effectiveFrom=2026-11-20"), Ok(NaiveDate::from_ymd_opt(2026, 11, 20)));
        for bad in ["", "effectiveFrom=", "effectiveFrom=2026-11-31", "effectiveFrom=2026-1-1"] {
            assert_eq!(read(bad), Err(422), "{bad}");
        }
    }
}
