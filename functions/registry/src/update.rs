//! Extracts a PUT: who makes it, of which resource, and the settings in its body.
//!
//! A client may send back a response that it edited. Then its `etag` is a precondition like If-Match, so that the
//! client cannot overwrite a version that it has not seen, and its `id` has to match the path.

use axum::extract::{FromRequest, FromRequestParts, Request};
use ledger::ids::{AgentId, Name, OrgId, ProjectId};
use runtime::config::Config;
use store::registry::{Editor, IfMatch};
use web::body::{Body, FromBody};
use web::both::Both;
use web::error::{Error, Fault, Result};
use web::fields::{FieldReader, string};
use web::path::{FromPath, Path, PathReader};

use crate::App;
use crate::edit::Edit;

/// Fields that only responses have, and that do not identify the version that the client read.
const READ_ONLY: &[&str] = &["first_seen", "last_seen", "registered"];

/// A PUT of the resource at `path`. Faults of path and body are listed together.
pub struct Update<P, B> {
    pub editor: Editor,
    pub path: P,
    pub body: B,
}

/// What a path names.
pub trait Target: FromPath {
    /// Whether `id`, as a response of `org` shows it, is this resource's.
    fn is(&self, id: String, org: &OrgId) -> bool;
}

/// A path without parameters: settings that an organization has once.
pub struct Once;

impl FromPath for Once {
    fn from_path(_: &PathReader) -> Result<Self> {
        Ok(Self)
    }
}

impl Target for Once {
    fn is(&self, id: String, org: &OrgId) -> bool {
        id == org.as_str()
    }
}

macro_rules! target_by_id {
    ($($id:ty),+) => {
        $(impl Target for $id {
            fn is(&self, id: String, _: &OrgId) -> bool {
                Self::try_from(id).is_ok_and(|id| id == *self)
            }
        })+
    };
}

target_by_id!(AgentId, Name, ProjectId);

/// The settings in a body, and the `id` and `etag` that it repeats from an earlier response.
struct ReadBack<B> {
    settings: B,
    id: Option<String>,
    etag: Option<String>,
}

impl<B: FromBody> FromBody for ReadBack<B> {
    fn from_body(fields: &mut FieldReader<'_>, config: &Config) -> Option<Self> {
        let id = fields.optional("id", string);
        let etag = fields.optional("etag", string);
        fields.ignore(READ_ONLY);
        Some(Self { settings: B::from_body(fields, config)?, id, etag })
    }
}

impl<P, B> FromRequest<App> for Update<P, B>
where
    P: Target + Send,
    B: FromBody,
{
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let (mut parts, body) = request.into_parts();
        let Edit(mut editor) = Edit::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let read =
            <Both<Path<P>, Body<ReadBack<B>>> as FromRequest<_, _>>::from_request(request, app).await?;
        let Both(Path(path), Body(body)) = read;
        if body.id.is_some_and(|id| !path.is(id, &editor.org)) {
            let msg = "Input should be the id in the path, or absent";
            return Err(Fault::new(vec!["body".into(), "id".into()], "id_mismatch", msg).into());
        }
        if let (IfMatch::Always, Some(etag)) = (&editor.if_match, body.etag) {
            editor.if_match = IfMatch::OneOf(vec![etag]);
        }
        Ok(Self { editor, path, body: body.settings })
    }
}
