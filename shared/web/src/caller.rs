//! The caller of a request, and the guard in front of every route.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chrono::Utc;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use ledger::ids::OrgId;

use crate::auth::{ApiKeys, Claims, KEY_PREFIX, KeyHolder, Scope, Verifier};
use crate::error::{Error, Result};
use crate::logs;

/// The holder of the request's token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The organization whose data is requested: the token's `org`.
    pub org: OrgId,
    /// The token's `sub`, or the key, for the activity log.
    pub subject: String,
    /// Tags of the key, for the events that are sent with it.
    pub tags: BTreeMap<String, String>,
    /// Every scope that the token or the key has, the route's among them.
    pub scopes: BTreeSet<Scope>,
}

/// What tells who a caller is.
#[derive(Clone)]
pub struct Gate {
    /// Verifies tokens.
    pub verifier: Arc<Verifier>,
    /// Verifies keys.
    pub keys: Arc<ApiKeys>,
}

impl Gate {
    async fn admit(&self, credential: &str) -> Result<KeyHolder> {
        if credential.starts_with(KEY_PREFIX) {
            #[expect(clippy::disallowed_methods, reason = "keys expire by the wall clock, as tokens do")]
            return self.keys.verify(credential, Utc::now()).await;
        }
        let claims = self.verifier.verify(credential).await?;
        Ok(KeyHolder { claims, tags: BTreeMap::new() })
    }
}

/// Passes a request on if its token or key is valid and has the route's scope.
pub async fn authorize(
    State((gate, scope)): State<(Gate, Option<Scope>)>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    if let Some(scope) = scope {
        let credential = credential(request.headers()).ok_or(Error::Anonymous)?;
        let KeyHolder { claims: Claims { org, subject, scopes }, tags } = gate.admit(credential).await?;
        logs::record_org(&org);
        if !scopes.contains(&scope) {
            return Err(Error::Forbidden(scope.as_str()));
        }
        request.extensions_mut().insert(Caller { org, subject, tags, scopes });
    }
    Ok(next.run(request).await)
}

/// The token or key of a request: in `Authorization`, else a key in `x-api-key`.
fn credential(headers: &HeaderMap) -> Option<&str> {
    if let Some(header) = headers.get(AUTHORIZATION) {
        return bearer(header.to_str().ok()?);
    }
    headers.get("x-api-key")?.to_str().ok().filter(|key| key.starts_with(KEY_PREFIX))
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
        caller.ok_or_else(|| Error::Internal("the route asks for no token".to_owned()))
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
