//! Path parameters.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use ledger::ids::{AgentId, InvalidId, Name, ProjectId};

use crate::error::{Error, Fault, Result};

/// The path parameters of an endpoint.
pub trait FromPath: Sized {
    /// Reads the parameters, or lists all their faults.
    fn from_path(path: &PathReader) -> Result<Self>;
}

/// Extracts path parameters, or rejects the request with all their faults.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: FromPath> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| {
            Error::Validation(vec![Fault::new(vec!["path".into()], "utf8", "Path should be UTF-8")])
        })?;
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        T::from_path(&PathReader(params.collect())).map(Self)
    }
}

/// The decoded path parameters.
pub struct PathReader(Vec<(String, String)>);

impl PathReader {
    /// An identifier.
    pub fn id<T: TryFrom<String, Error = InvalidId>>(&self, name: &'static str) -> Result<T, Fault> {
        read_id(name, self.text(name))
    }

    /// A parameter as it was given.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

fn read_id<T: TryFrom<String, Error = InvalidId>>(name: &'static str, text: &str) -> Result<T, Fault> {
    T::try_from(text.to_owned())
        .map_err(|fault| Fault::new(vec!["path".into(), name.into()], "id", fault.to_string()))
}

macro_rules! from_parameter_id {
    ($($id:ty),+) => {
        $(impl FromPath for $id {
            fn from_path(path: &PathReader) -> Result<Self> {
                Ok(path.id("id")?)
            }
        })+
    };
}

// Routes with a single identifier call it `id`.
from_parameter_id!(AgentId, Name, ProjectId);

#[cfg(test)]
mod tests {
    use super::*;

    fn path(id: &str) -> PathReader {
        PathReader(vec![("id".to_owned(), id.to_owned())])
    }

    #[test]
    fn ids_may_contain_anything_but_control_characters() {
        for good in ["a/b:c@d", "a b", "..", "50 %", "a#b?c"] {
            assert_eq!(AgentId::from_path(&path(good)).unwrap().as_str(), good);
        }
        let Err(Error::Validation(faults)) = AgentId::from_path(&path("a\tb")) else { panic!() };
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [r#"["path","id"] id"#]);
    }
}
