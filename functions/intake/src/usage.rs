//! `POST /v1/intake/{provider}`: a provider's own responses.

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use formats::usage::{Format, Labels, translate};
use formats::{Translation, Unreadable};
use http::{HeaderMap, StatusCode};
use ingestion::{Rejected, Rejection, RejectionCode, Results};
use lambda_http::Context as LambdaContext;
use tokio::time::Instant;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Result};

use crate::{App, Route, request};

pub fn routes() -> Vec<Route> {
    vec![
        route("/v1/intake/openai", Format::OpenAi),
        route("/v1/intake/anthropic", Format::Anthropic),
        route("/v1/intake/google", Format::Google),
        route("/v1/intake/bedrock", Format::Bedrock),
        route("/v1/intake/mistral", Format::Mistral),
    ]
}

fn route(path: &'static str, format: Format) -> Route {
    let handler = move |State(app): State<App>,
                        caller: Caller,
                        headers: HeaderMap,
                        RawQuery(query): RawQuery,
                        context: Option<axum::Extension<LambdaContext>>,
                        body: Body| async move {
        let labels = labels(&headers, query.as_deref().unwrap_or_default());
        handle(&app, &caller, &headers, &labels, format, context.as_deref(), body).await
    };
    Route::post(path, Scope::EventsWrite, handler)
}

async fn handle(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    labels: &Labels,
    format: Format,
    context: Option<&LambdaContext>,
    body: Body,
) -> Result<(StatusCode, Json<Results>)> {
    let started = Instant::now();
    let body = request::body(headers, body).await?;
    let translation = translate(format, &body, labels, app.clock.now()).map_err(unreadable)?;
    let settings = request::settings(app, caller).await?;
    let results = request::store(app, caller, context, started, &settings, ("usage", &translation)).await?;
    Ok(refused(results, &translation))
}

/// Labels from the query, or from headers for senders that can only set headers. The query takes precedence.
fn labels(headers: &HeaderMap, query: &str) -> Labels {
    let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let header = |name: &str| headers.get(format!("x-fleetledger-{}", name.replace('_', "-")))?.to_str().ok();
    let label = |name: &str| {
        let asked = query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
        asked.or_else(|| header(name)).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let tags = label("tags").unwrap_or_default();
    let tags = tags.split(',').filter_map(|tag| tag.split_once([':', '=']));
    Labels {
        agent_id: label("agent_id").unwrap_or_default(),
        session_id: label("session_id"),
        parent_agent_id: label("parent_agent_id"),
        end_user: label("end_user"),
        tags: tags.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        id: label("id"),
        model: label("model"),
        time: label("time"),
        provider: label("provider"),
        region: label("region"),
    }
}

/// The response: the results, including the entries that the translation rejected.
pub fn refused(mut results: Results, translation: &Translation) -> (StatusCode, Json<Results>) {
    let rejected = translation.refusals.iter().map(|refusal| {
        let loc = vec!["body".into(), refusal.index.into()];
        let detail = vec![Fault::new(loc, "unusable_entry", refusal.reason.clone())];
        Rejected::new(refusal.index, Rejection { id: None, code: RejectionCode::Invalid, detail })
    });
    results.rejected.extend(rejected);
    results.rejected.sort_by_key(|rejected| rejected.index);
    (results.status(), Json(results))
}

pub fn unreadable(Unreadable(why): Unreadable) -> Error {
    ingestion::body::unreadable(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_by_query_or_header() {
        let headers = [("x-fleetledger-agent-id", "nova"), ("x-fleetledger-tags", "team=growth,x")];
        let headers: HeaderMap = headers
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let labels = labels(&headers, "session_id=s%201&agent_id=%20luna");
        assert_eq!(labels.agent_id, "luna");
        assert_eq!(labels.session_id.as_deref(), Some("s 1"));
        assert_eq!(labels.tags, [("team".to_owned(), "growth".to_owned())]);
        assert_eq!(labels.model, None);
    }
}
