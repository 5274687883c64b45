//! The path of a request as its caller escaped it.
//!
//! API Gateway delivers a path with its escapes decoded (HTTP API, payload format 2.0: `rawPath` and
//! `pathParameters`), and `lambda_http` makes a URL of the decoded path. So `#`, `?`, `\`, a control character or a dot
//! segment within an id would be read as part of the URL's syntax, and the request would reach another resource. Here
//! the path is escaped again before it becomes a URL, and ids are taken from the path parameters.

use std::fmt::Write;

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Adapter, LambdaEvent, RequestExt, lambda_runtime};
use tower::ServiceExt;

/// The route key of a request for which API Gateway has no route.
const NO_ROUTE: &str = "$default";

/// Runs a function that handles the events of API Gateway.
pub(crate) async fn run(router: axum::Router) -> Result<(), lambda_http::Error> {
    let escaped = |event: LambdaEvent<LambdaRequest>| event_with_escaped_path(event);
    lambda_runtime::run(Adapter::from(router).map_request(escaped)).await
}

/// The event with its path escaped, so that it stays what it is in a URL.
pub fn event_with_escaped_path(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload
        && let Some(path) = &mut request.raw_path
    {
        // A Lambda function URL and `cargo lambda watch` have no routes and deliver a path as it was sent.
        let as_sent = request.route_key.as_deref().is_none_or(|key| key == NO_ROUTE);
        *path = escape(path, |byte| byte == b'/' || as_sent && byte == b'%');
    }
    event
}

/// Escapes every byte that is not unreserved in a URL (RFC 3986, section 2.3), except where `keep` holds.
fn escape(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep(byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string never fails.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// A path with parameters, such as `/api/projects/{id+}/usage`: literal segments, parameters, literal segments. A
/// parameter with a plus may contain slashes.
#[derive(Clone, Debug)]
struct Pattern {
    before: Vec<&'static str>,
    parameters: Vec<&'static str>,
    after: Vec<&'static str>,
    /// Whether the last parameter may contain slashes.
    is_greedy: bool,
    /// The path in API Gateway's route keys.
    gateway_path: String,
}

impl Pattern {
    fn new(path: &'static str) -> Self {
        let is_parameter = |segment: &&str| segment.starts_with('{');
        let mut segments = path.trim_start_matches('/').split('/').peekable();
        let mut before = Vec::new();
        while let Some(segment) = segments.next_if(|segment| !is_parameter(segment)) {
            before.push(segment);
        }
        let mut parameters = Vec::new();
        while let Some(segment) = segments.next_if(is_parameter) {
            parameters.push(segment.trim_matches(['{', '}', '+']));
        }
        let gateway_path = gateway_paths(path).into_iter().next().unwrap_or_default();
        Self { before, parameters, after: segments.collect(), is_greedy: path.contains("+}"), gateway_path }
    }

    fn literals(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// The path with these values, each of which is one segment.
    fn with(&self, values: &[String]) -> String {
        let values = values.iter().map(String::as_str);
        let segments = self.before.iter().copied().chain(values).chain(self.after.iter().copied());
        segments.fold(String::new(), |path, segment| path + "/" + segment)
    }

    /// The escaped path with the values of API Gateway's parameters.
    fn with_parameters(&self, given: &QueryMap) -> Option<String> {
        let values = self.parameters.iter().map(|name| Some(escape(given.first(name)?, |_| false)));
        Some(self.with(&values.collect::<Option<Vec<_>>>()?))
    }

    /// The escaped path that `path` stands for, in which slashes within an id may not be escaped: the first parameters
    /// take one segment each, and the last takes the rest.
    fn matching(&self, path: &str) -> Option<String> {
        let segments: Vec<_> = path.strip_prefix('/')?.split('/').collect();
        let rest = segments.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        let Some(others) = self.parameters.len().checked_sub(1) else {
            return rest.is_empty().then(|| self.with(&[]));
        };
        let (first, last) = rest.split_at_checked(others)?;
        let is_value = |value: &str| !value.is_empty() && (self.is_greedy || !value.contains('/'));
        let last = Some(last.join("/")).filter(|last| is_value(last))?.replace('/', "%2F");
        let values: Vec<_> = first.iter().map(|value| (*value).to_owned()).chain([last]).collect();
        Some(self.with(&values))
    }
}

/// The paths of a function's routes.
#[derive(Clone, Debug)]
pub(crate) struct Paths(Vec<Pattern>);

impl Paths {
    /// `paths` are written as in [`Route::path`](crate::route::Route::path).
    pub fn new(paths: impl IntoIterator<Item = &'static str>) -> Self {
        Self(paths.into_iter().map(Pattern::new).collect())
    }

    /// The request with a path in which every parameter of the route is one segment.
    pub fn restore(&self, mut request: Request) -> Request {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Some(path) = self.path(&request)
            && let Ok(path) = PathAndQuery::try_from(path + &query)
        {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        request
    }

    fn path(&self, request: &Request) -> Option<String> {
        let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
            return self.best(request.uri().path());
        };
        let key = context.route_key.as_deref().and_then(|key| key.split_once(' '));
        let route = key.and_then(|(_, path)| self.0.iter().find(|pattern| pattern.gateway_path == path));
        let raw = request.raw_http_path();
        match route.zip(request.path_parameters_ref()).and_then(|(route, given)| route.with_parameters(given))
        {
            Some(path) => Some(path),
            // Also where nothing matches: `lambda_http` may have removed dot segments from the URL's path.
            None => self.best(raw).or_else(|| Some(raw.to_owned())),
        }
    }

    /// What `path` stands for in the route with the most literal segments that it matches.
    fn best(&self, path: &str) -> Option<String> {
        let matching = self.0.iter().filter_map(|route| Some((route.literals(), route.matching(path)?)));
        matching.max_by_key(|(literals, _)| *literals).map(|(_, path)| path)
    }
}

/// How many segments an id with slashes may have in the middle of a path.
const SEGMENTS: usize = 5;

/// The paths under which API Gateway has to know a route.
///
/// It decodes a path before it matches routes with it, so a slash within an id separates segments like any other, even
/// if it was escaped. At the end of a path a greedy parameter takes all of them. In the middle there is none, so there
/// is a route for each number of segments, up to [`SEGMENTS`].
pub fn gateway_paths(path: &str) -> Vec<String> {
    let Some((front, back)) = path.split_once("+}").filter(|(_, back)| !back.is_empty()) else {
        return vec![path.to_owned()];
    };
    let name = front.rsplit_once('{').map_or(front, |(_, name)| name);
    let mut segments = format!("{front}}}");
    let mut paths = vec![format!("{segments}{back}")];
    for nth in 2..=SEGMENTS {
        segments = format!("{segments}/{{{name}{nth}}}");
        paths.push(format!("{segments}{back}"));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_the_middle_has_a_path_for_each_number_of_segments() {
        assert_eq!(gateway_paths("/a/{id+}"), ["/a/{id+}"]);
        assert_eq!(gateway_paths("/a/{id}/b"), ["/a/{id}/b"]);
        let paths = gateway_paths("/a/{id+}/b");
        assert_eq!((paths.len(), &*paths[0], &*paths[2]), (SEGMENTS, "/a/{id}/b", "/a/{id}/{id2}/{id3}/b"));
    }

    #[test]
    fn a_path_matches_the_route_with_the_most_literals() {
        let paths = Paths::new(["/a/{id+}", "/a/{id+}/use", "/a/b", "/p/{x}/{y+}", "/q/{id}/do"]);
        let best = |path: &str| paths.best(path);
        for (given, meant) in [
            ("/a/b", "/a/b"),
            ("/a/b/c", "/a/b%2Fc"),
            ("/a/b%2Fc", "/a/b%2Fc"),
            ("/a/b/c/use", "/a/b%2Fc/use"),
            ("/a/../x", "/a/..%2Fx"),
            ("/p/1/2/3", "/p/1/2%2F3"),
            ("/q/1/do", "/q/1/do"),
        ] {
            assert_eq!(best(given).as_deref(), Some(meant), "{given}");
        }
        for none in ["", "/", "/a", "/a/", "/c", "/p/1", "/p/1/", "/q/1/2/do", "/q/do"] {
            assert_eq!(best(none), None, "{none}");
        }
    }
}
