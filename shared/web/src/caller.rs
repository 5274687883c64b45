//! The caller of a request, and the guard in front of every route.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use ledger::ids::OrgId;

use crate::auth::{Scope, Verifier};
use crate::error::{Error, Result};
use crate::logs;

/// The holder of the request's token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The organization whose data is requested: the token's `org`.
    pub org: OrgId,
    /// The token's `sub`, for the activity log.
    pub subject: String,
}

/// Passes a request on if its token is valid and has the route's scope.
pub async fn authorize(
    State((verifier, scope)): State<(Arc<Verifier>, Option<Scope>)>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    if let Some(scope) = scope {
        let header = request.headers().get(AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
            .ok_or_else(|| Error::Unauthenticated("no bearer token".to_owned()))?;
        let claims = verifier.verify(token).await?;
        logs::record_org(&claims.org);
        if !claims.scopes.contains(&scope) {
            return Err(Error::Forbidden(scope.as_str()));
        }
        request.extensions_mut().insert(Caller { org: claims.org, subject: claims.subject });
    }
    Ok(next.run(request).await)
}

/// The token of an `Authorization` header. The scheme is case-insensitive (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Error::Unauthenticated("the route asks for no token".to_owned()))
    }
}

/// The response for a path without a route.
#[allow(clippy::unused_async, reason = "a handler is async")]
pub async fn not_found() -> Error {
    Error::NotFound("Not Found")
}

/// The response for a method that the path does not support; the router adds `Allow`.
#[allow(clippy::unused_async, reason = "a handler is async")]
pub async fn method_not_allowed() -> Error {
    Error::MethodNotAllowed { allow: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bearer_scheme_is_case_insensitive_and_needs_a_token() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer "), None);
        assert_eq!(bearer("Bearer"), None);
    }
}
