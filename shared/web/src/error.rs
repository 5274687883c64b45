//! The error type of the HTTP edge. The caller and the log see different texts: [`Error::detail`] is for the caller,
//! `Display` for the log.

use std::borrow::Cow;
use std::fmt;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use runtime::secrets::SecretError;
use serde::Serialize;
use serde_json::json;

/// The result of handling a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A step of a fault's location: a name or an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Loc {
    /// A section (`query`, `path`, `body`) or a field's name.
    Name(Cow<'static, str>),
    /// A position in a list, from 0.
    Index(usize),
}

impl From<&'static str> for Loc {
    fn from(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl From<usize> for Loc {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// How many characters of the caller's own text a response repeats.
const ECHO: usize = 64;

impl Loc {
    /// A field name chosen by the caller, truncated to a length that is safe to repeat.
    pub fn given(name: &str) -> Self {
        Self::Name(Cow::Owned(name.chars().take(ECHO).collect()))
    }
}

/// A fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The location of the value, outermost step first.
    pub loc: Vec<Loc>,
    /// A sentence for people.
    pub msg: String,
    /// A stable code for programs.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl fmt::Display for Fault {
    /// The location as JSON and the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loc = serde_json::to_string(&self.loc).map_err(|_| fmt::Error)?;
        write!(f, "{loc} {}", self.kind)
    }
}

impl Fault {
    /// A fault at `loc`.
    pub fn new(loc: Vec<Loc>, kind: &'static str, msg: impl Into<String>) -> Self {
        Self { loc, msg: msg.into(), kind }
    }

    /// A fault of the query parameter `name`.
    pub fn of_query(name: &'static str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self::new(vec!["query".into(), name.into()], kind, msg)
    }
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Invalid values; all of them.
    #[error("{} faults in the request", .0.len())]
    Validation(Vec<Fault>),
    /// Neither a token nor a key.
    #[error("not authenticated: no bearer token and no key")]
    Anonymous,
    /// An invalid token or key, and why. The caller is told: the text quotes no part of the token.
    #[error("not authenticated: {0}")]
    Unauthenticated(String),
    /// A valid token without the scope that the route requires.
    #[error("the token lacks the scope {0}")]
    Forbidden(&'static str),
    /// The resource does not exist, or the caller may not know of it.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The path exists, but not with this method.
    #[error("method not allowed")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: Option<HeaderValue>,
    },
    /// The state of the resource does not allow the change.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The resource has changed since the version in `If-Match`.
    #[error("precondition failed")]
    PreconditionFailed,
    /// The body exceeds a documented limit.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The body has an unsupported content type or encoding.
    #[error("unsupported media type: {0}")]
    UnsupportedMediaType(String),
    /// Too many requests.
    #[error("too many requests")]
    TooManyRequests,
    /// The store is unavailable; a retry may help. The text is for the log.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// An internal error. The text is for the log.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Validation(vec![fault])
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound(what) => Self::NotFound(what),
            store::Error::Conflict(text) => Self::Conflict(text),
            store::Error::PreconditionFailed => Self::PreconditionFailed,
            store::Error::Unavailable(text) => Self::Unavailable(text),
            store::Error::Internal(text) => Self::Internal(text),
        }
    }
}

impl From<SecretError> for Error {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Unreadable { .. } => Self::Unavailable(error.to_string()),
            SecretError::Invalid(_) => Self::internal(error),
        }
    }
}

/// Seconds after which a caller should retry.
const RETRY_AFTER_SECONDS: &str = "1";

impl Error {
    /// An internal error caused by `source`.
    pub fn internal(source: impl std::fmt::Display) -> Self {
        Self::Internal(source.to_string())
    }

    /// The HTTP status of this error.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Validation(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Anonymous | Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The text that the caller sees.
    pub fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::Validation(_) => "The request is not valid.".into(),
            Self::Anonymous | Self::Unauthenticated(_) => "A valid bearer token is required.".into(),
            Self::Forbidden(scope) => format!("The token lacks the scope '{scope}'.").into(),
            Self::NotFound(what) => (*what).into(),
            Self::MethodNotAllowed { .. } => "This path does not support that method.".into(),
            Self::Conflict(text) | Self::TooLarge(text) | Self::UnsupportedMediaType(text) => {
                text.as_str().into()
            }
            Self::PreconditionFailed => "The resource has changed since the given ETag was read.".into(),
            Self::TooManyRequests => "Too many requests. Try again later.".into(),
            Self::Unavailable(_) => "The service cannot answer now. Try again.".into(),
            Self::Internal(_) => "Something went wrong on our side.".into(),
        }
    }

    fn log(&self) {
        match self {
            Self::Internal(_) => tracing::error!(error = %self, "request failed"),
            Self::Unavailable(_) | Self::TooManyRequests => tracing::warn!(error = %self, "request failed"),
            _ => tracing::debug!(error = %self, "request rejected"),
        }
    }
}

/// The characters that an `error_description` may have (RFC 6750, section 3).
fn quotable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let status = self.status();
        let body = match &self {
            Self::Validation(faults) => json!({ "detail": faults }),
            other => json!({ "detail": other.detail() }),
        };
        let mut response = (status, Json(body)).into_response();
        let header = match self {
            // RFC 6750, section 3: no error code without a token.
            Self::Anonymous => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::Unauthenticated(why) => {
                let challenge =
                    format!(r#"Bearer error="invalid_token", error_description="{}""#, quotable(&why));
                HeaderValue::from_str(&challenge).ok().map(|challenge| (WWW_AUTHENTICATE, challenge))
            }
            Self::MethodNotAllowed { allow } => allow.map(|allow| (ALLOW, allow)),
            Self::TooManyRequests | Self::Unavailable(_) => {
                Some((RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS)))
            }
            _ => None,
        };
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
