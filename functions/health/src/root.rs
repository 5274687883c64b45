//! `GET /`: leads to the documentation.

use axum::response::Redirect;

use crate::Route;

pub fn route() -> Route {
    Route::public("/", handle)
}

async fn handle() -> Redirect {
    Redirect::temporary("/docs")
}
