//! What a report is asked for.

use axum::extract::{FromRequestParts, RawPathParams};
use chrono::Datelike;
use http::request::Parts;
use ledger::ids::ProjectId;
use web::error::Result;
use web::error::{Error, Fault};
use web::query::{FromQuery, Params as Extracted, Query};

use crate::range::{Asked, Unit};

/// The years that a range may lie in: all that have four digits in every zone.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9998;

/// `period`, `start_date` and `end_date`.
#[derive(Clone, Copy)]
pub struct Params {
    /// How finely the report is cut.
    pub unit: Unit,
    /// The range.
    pub asked: Asked,
}

impl FromQuery for Params {
    fn from_query(query: &mut Query) -> Self {
        Self { unit: unit(query), asked: Asked::from_query(query) }
    }
}

fn unit(query: &mut Query) -> Unit {
    let Some(text) = query.text("period") else { return Unit::default() };
    let unit = [Unit::Hour, Unit::Day, Unit::Month].into_iter().find(|unit| unit.period() == text);
    if unit.is_none() {
        query.fault("period", "enum", "Input should be 'hourly', 'daily' or 'monthly'");
    }
    unit.unwrap_or_default()
}

impl FromQuery for Asked {
    fn from_query(query: &mut Query) -> Self {
        let [start, end] = ["start_date", "end_date"].map(|name| {
            let instant = query.instant(name)?;
            if !YEARS.contains(&instant.year()) {
                let msg = format!("Input should lie in the years {} to {}", YEARS.start(), YEARS.end());
                query.fault(name, "datetime_range", msg);
                return None;
            }
            Some(instant)
        });
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            query.fault("end_date", "end_before_start", "Range should not end before it begins");
        }
        Self { start, end }
    }
}

/// Refuses a range of more buckets than a report has.
pub fn check(count: i64, most: i64) -> Result<()> {
    if count <= most {
        return Ok(());
    }
    let msg = format!("Range should touch at most {most} buckets");
    let fault = Fault::new(vec!["query".into(), "start_date".into()], "too_many_buckets", msg);
    Err(Error::Validation(vec![fault]))
}

/// The project that the path names, and what is asked of it; the faults of both are listed together.
pub struct OfProject(pub ProjectId, pub Params);

impl<S: Send + Sync> FromRequestParts<S> for OfProject {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let id = match RawPathParams::from_request_parts(parts, state).await {
            Ok(path) => id(path.iter().find(|(name, _)| *name == "id").map_or("", |(_, id)| id)),
            Err(_) => Err(fault_of_id("utf8", "Path should be UTF-8")),
        };
        let params = Extracted::<Params>::from_request_parts(parts, state).await;
        match (id, params) {
            (Ok(id), Ok(Extracted(params))) => Ok(Self(id, params)),
            (Ok(_), Err(error)) => Err(error),
            (Err(fault), Err(Error::Validation(faults))) => {
                Err(Error::Validation(std::iter::once(fault).chain(faults).collect()))
            }
            (Err(fault), _) => Err(Error::Validation(vec![fault])),
        }
    }
}

fn id(text: &str) -> Result<ProjectId, Fault> {
    ProjectId::new(text).map_err(|invalid| fault_of_id("id", &invalid.to_string()))
}

fn fault_of_id(kind: &'static str, msg: &str) -> Fault {
    Fault::new(vec!["path".into(), "id".into()], kind, msg)
}
