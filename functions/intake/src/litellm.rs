//! `POST /v1/intake/litellm`: LiteLLM's `generic_api` callback.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use ingestion::Results;
use lambda_http::Context as LambdaContext;
use tokio::time::Instant;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::usage::{refused, unreadable};
use crate::{App, Route, request};

pub fn route() -> Route {
    Route::post("/v1/intake/litellm", Scope::EventsWrite, handle)
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    context: Option<axum::Extension<LambdaContext>>,
    body: Body,
) -> Result<(StatusCode, Json<Results>)> {
    let started = Instant::now();
    let body = request::body(&headers, body).await?;
    let translation = formats::litellm::translate(&body).map_err(unreadable)?;
    let settings = request::settings(&app, &caller).await?;
    let results =
        request::store(&app, &caller, context.as_deref(), started, &settings, ("litellm", &translation))
            .await?;
    Ok(refused(results, &translation))
}
