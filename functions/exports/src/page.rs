//! Pages of a file, which are concatenated to the whole file.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use web::error::Result;
use web::page::NEXT_CURSOR;

/// The size at which a page ends, in bytes. Lambda's limit for a response is 6 MB.
pub const MAX_BYTES: usize = 4 << 20;

/// A page of a file, with the cursor of the next one in a header.
pub fn response(media_type: &'static str, body: Vec<u8>, next: Option<String>) -> Result<Response> {
    let mut response = ([(CONTENT_TYPE, media_type)], body).into_response();
    if let Some(next) = next {
        let next = HeaderValue::try_from(next).map_err(web::error::Error::internal)?;
        response.headers_mut().insert(NEXT_CURSOR, next);
    }
    Ok(response)
}
