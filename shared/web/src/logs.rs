//! Logs each request.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;
use ledger::ids::OrgId;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use crate::method::Sent;

/// Handles a request within a span and logs its outcome in one line. The path is logged as its route, since the path
/// itself contains ids.
pub async fn request(request: Request, next: Next) -> Response {
    let sent = request.extensions().get::<Sent>().map(|Sent(method)| method);
    let method = sent.unwrap_or(request.method()).clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // The id that the caller sees, in addition to the invocation's.
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

/// Records the organization in the request's span, once the token is verified.
pub fn record_org(org: &OrgId) {
    Span::current().record("org", org.as_str());
}
