//! `GET /` and `GET /console`: the page. Its views have addresses below `/console/`, see [`crate::asset`].

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use web::error::{Error, Result};

use crate::asset::{Caching, response};
use crate::files::{File, PAGE};
use crate::{App, Route};

pub fn root() -> Route {
    Route::public("/", handle)
}

pub fn home() -> Route {
    Route::public("/console", handle)
}

async fn handle(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    page(&app, &headers)
}

pub fn page(app: &App, headers: &HeaderMap) -> Result<Response> {
    let file = File::find(PAGE).ok_or(Error::NotFound("Not Found"))?;
    response(file, headers, Caching::Revalidated, app.config.sign_in.as_ref())
}
