//! Two extractors whose faults are listed together.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;

use crate::error::{Error, Result};

/// Runs two extractors and rejects the request with the faults of both.
///
/// On its own, each extractor rejects a request by itself, so a caller would learn of a fault in the body only after
/// correcting the path.
pub struct Both<A, B>(pub A, pub B);

impl<S, A, B> FromRequestParts<S> for Both<A, B>
where
    S: Send + Sync,
    A: FromRequestParts<S, Rejection = Error> + Send,
    B: FromRequestParts<S, Rejection = Error>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let first = A::from_request_parts(parts, state).await;
        both(first, B::from_request_parts(parts, state).await)
    }
}

impl<S, A, B> FromRequest<S> for Both<A, B>
where
    S: Send + Sync,
    A: FromRequestParts<S, Rejection = Error> + Send,
    B: FromRequest<S, Rejection = Error>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let (mut parts, body) = request.into_parts();
        let first = A::from_request_parts(&mut parts, state).await;
        both(first, B::from_request(Request::from_parts(parts, body), state).await)
    }
}

/// Both values, or the faults of both. An error of another kind wins over faults: a body of the wrong type is
/// reported alone.
fn both<A, B>(first: Result<A>, second: Result<B>) -> Result<Both<A, B>> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(Both(first, second)),
        (Err(Error::Validation(mut faults)), Err(Error::Validation(more))) => {
            faults.extend(more);
            Err(Error::Validation(faults))
        }
        (Err(Error::Validation(_)) | Ok(_), Err(error)) | (Err(error), _) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn invalid(kind: &'static str) -> Error {
        Error::Validation(vec![Fault::new(vec![], kind, "")])
    }

    #[test]
    fn faults_are_listed_together_and_other_errors_win() {
        let outcome = |first: Result<()>, second: Result<()>| match both(first, second) {
            Ok(_) => "ok".to_owned(),
            Err(Error::Validation(faults)) => faults.iter().map(|fault| fault.kind).collect(),
            Err(error) => error.to_string(),
        };
        let too_large = || Error::TooLarge("x".to_owned());
        assert_eq!(outcome(Ok(()), Ok(())), "ok");
        assert_eq!(outcome(Err(invalid("a")), Ok(())), "a");
        assert_eq!(outcome(Ok(()), Err(invalid("b"))), "b");
        assert_eq!(outcome(Err(invalid("a")), Err(invalid("b"))), "ab");
        assert_eq!(outcome(Err(invalid("a")), Err(too_large())), too_large().to_string());
        assert_eq!(outcome(Err(Error::PreconditionFailed), Err(invalid("b"))), "precondition failed");
    }
}
