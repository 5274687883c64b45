//! Stands in for API Gateway's CORS configuration: which pages may call the API from a browser.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN, VARY,
};
use http::{HeaderMap, Method};

/// The methods that the template allows. A test compares them.
pub const ALLOW_METHODS: &str = "GET,POST,PUT,DELETE";
pub const ALLOW_HEADERS: &str =
    "authorization,x-api-key,content-type,content-encoding,if-match,if-none-match";
pub const EXPOSE_HEADERS: &str = "allow,etag,retry-after,www-authenticate,x-next-cursor";
pub const MAX_AGE: &str = "7200";

/// The origins whose pages may call the API.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Vec<String>,
}

/// The headers that let a page read a response.
pub struct Grant {
    origin: HeaderValue,
    is_preflight: bool,
}

impl Cors {
    /// `None` without origins.
    pub fn new(origins: &[String]) -> Option<Self> {
        (!origins.is_empty()).then(|| Self { origins: origins.to_vec() })
    }

    /// The grant for a page's request, or `None` if its origin is not allowed.
    pub fn grant(&self, method: &Method, headers: &HeaderMap) -> Option<Grant> {
        let origin = headers.get(ORIGIN)?;
        let is_allowed = self.origins.iter().any(|allowed| origin == allowed.as_str());
        let is_preflight = method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        is_allowed.then(|| Grant { origin: origin.clone(), is_preflight })
    }
}

impl Grant {
    pub fn add_to(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSE_HEADERS));
        if self.is_preflight {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOW_METHODS));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOW_HEADERS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        }
    }
}
