//! Pages of registered resources of one kind, by id.

use axum::Json;
use chrono_tz::Tz;
use futures::try_join;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::registry::Stored;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};

use crate::App;
use crate::response::ItemsPage;

/// A page of the resources of `kind`, as `view` shows them in the organization's time zone.
pub async fn page<I, S, V>(
    app: &App,
    caller: &Caller,
    kind: &'static str,
    page: &PageRequest,
    view: impl Fn(I, &Stored<S>, Tz) -> V,
) -> Result<Json<ItemsPage>>
where
    I: TryFrom<String> + Into<String> + Clone,
    S: DeserializeOwned,
    V: Serialize,
{
    let registry = &app.tables.registry;
    // One more than fits on the page, to know whether there is a next page.
    let stored = registry.stored_after(&caller.org, kind, page.after_id(), page.limit + 1);
    let (stored, calendar) = try_join!(stored, registry.calendar(&caller.org))?;
    let place = |(id, _): &(I, Stored<S>)| Place::by_id(id.clone());
    let page = page.of(stored, place, |(id, stored)| view(id, &stored, calendar.zone))?;
    Ok(Json(page.into()))
}
