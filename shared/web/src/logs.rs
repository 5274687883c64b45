//! What a function logs of each request.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;
use ledger::ids::OrgId;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use crate::route::api_path;

/// Answers a request within a span of its own, and says so in one line. Of the path it names the route alone, since
/// the path itself holds ids.
pub async fn request(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| api_path(path.as_str()).into_owned());
    // The id that the caller was told, beside the invocation's own.
    let api_request_id = match request.extensions().get() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    let span = info_span!("request", apiRequestId = api_request_id, org = Empty);
    let answered = async move {
        let response = next.run(request).await;
        tracing::info!(%method, route, status = response.status().as_u16(), "answered");
        response
    };
    answered.instrument(span).await
}

/// Notes whose request this is, once that is beyond doubt.
pub fn asked_by(org: &OrgId) {
    Span::current().record("org", org.as_str());
}
