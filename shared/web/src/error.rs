//! The one error type. What the caller sees and what the log sees are two texts; [`Error::detail`] is the first,
//! `Display` the second.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

/// The result of anything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A step on the way to a fault: a name or an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Loc {
    /// A section (`query`, `path`, `body`) or a field's name.
    Name(Cow<'static, str>),
    /// The place in a list, from 0.
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

/// The longest piece of the caller's own text that an answer repeats, in characters.
const ECHO: usize = 64;

impl Loc {
    /// A field whose name the caller chose, cut to a length that is safe to repeat.
    pub fn given(name: &str) -> Self {
        Self::Name(Cow::Owned(name.chars().take(ECHO).collect()))
    }
}

/// One fault of a request: where, what in words, and what as a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The way to the value, outermost first.
    pub loc: Vec<Loc>,
    /// One sentence for a person.
    pub msg: String,
    /// A stable code for a program.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl Fault {
    /// A fault at `loc`.
    pub fn new(loc: Vec<Loc>, kind: &'static str, msg: impl Into<String>) -> Self {
        Self { loc, msg: msg.into(), kind }
    }
}

/// Everything that can go wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Values that break a stated rule; every one of them.
    #[error("{} faults in the request", .0.len())]
    Validation(Vec<Fault>),
    /// No token, or one that does not hold. The text is for the log.
    #[error("not authenticated: {0}")]
    Unauthenticated(String),
    /// A good token without the scope that the route asks for.
    #[error("the token lacks the scope {0}")]
    Forbidden(&'static str),
    /// Nothing there, or nothing that the caller may know of.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The path is there, the method is not.
    #[error("method not allowed")]
    MethodNotAllowed {
        /// The methods that are, as the `Allow` header writes them.
        allow: Option<HeaderValue>,
    },
    /// The state of the thing forbids the change.
    #[error("conflict: {0}")]
    Conflict(String),
    /// An `If-Match` that no longer matches.
    #[error("precondition failed")]
    PreconditionFailed,
    /// More than the stated limit.
    #[error("too large: {0}")]
    TooLarge(String),
    /// A body in a form that is not taken.
    #[error("unsupported media type: {0}")]
    UnsupportedMediaType(String),
    /// Too many requests.
    #[error("too many requests")]
    TooManyRequests,
    /// The store cannot answer now; trying again may help. The text is for the log.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours. The text is for the log.
    #[error("internal: {0}")]
    Internal(String),
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

/// Seconds after which a caller may try again.
const RETRY_AFTER_SECONDS: &str = "1";

impl Error {
    /// A fault of ours, from whatever revealed it.
    pub fn internal(source: impl std::fmt::Display) -> Self {
        Self::Internal(source.to_string())
    }

    /// The HTTP status of this error.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Validation(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
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

    /// What the caller is told.
    pub fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::Validation(_) => "The request is not valid.".into(),
            Self::Unauthenticated(_) => "A valid bearer token is required.".into(),
            Self::Forbidden(scope) => format!("The token lacks the scope '{scope}'.").into(),
            Self::NotFound(what) => (*what).into(),
            Self::MethodNotAllowed { .. } => "This path does not take that method.".into(),
            Self::Conflict(text) | Self::TooLarge(text) | Self::UnsupportedMediaType(text) => {
                text.as_str().into()
            }
            Self::PreconditionFailed => "The thing has changed since the given ETag was read.".into(),
            Self::TooManyRequests => "Too many requests. Try again later.".into(),
            Self::Unavailable(_) => "The service cannot answer now. Try again.".into(),
            Self::Internal(_) => "Something went wrong on our side.".into(),
        }
    }

    fn log(&self) {
        match self {
            Self::Internal(_) => tracing::error!(error = %self, "request failed"),
            Self::Unavailable(_) | Self::TooManyRequests => tracing::warn!(error = %self, "request failed"),
            _ => tracing::debug!(error = %self, "request refused"),
        }
    }
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
            // RFC 6750, 3: no error code where no token came; where one did, saying why would help only a forger.
            Self::Unauthenticated(_) => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
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
