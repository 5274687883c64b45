//! Matches requests to the template's routes.

use std::collections::BTreeMap;

use crate::template::Route;

/// A segment of a route's path, ordered by API Gateway's precedence: literals before parameters before greedy ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// A route to match requests with. Patterns are ordered by precedence: the first match wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    segments: Vec<Segment>,
    any_method: bool,
    method: String,
    path: String,
}

impl Pattern {
    pub fn new(route: &Route) -> Self {
        let segment = |text: &str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Segment::Literal(text.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Segment::Greedy(name.to_owned()),
                None => Segment::Parameter(name.to_owned()),
            },
        };
        Self {
            segments: segments(&route.path).map(segment).collect(),
            any_method: route.method == "ANY",
            method: route.method.clone(),
            path: route.path.clone(),
        }
    }

    /// The route key in events, such as `GET /v1/health`.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path parameters, if the route matches a path with these decoded segments.
    pub fn matches(&self, method: &str, path: &[String]) -> Option<BTreeMap<String, String>> {
        if !self.any_method && self.method != method {
            return None;
        }
        let mut given = path.iter().map(String::as_str);
        let mut parameters = BTreeMap::new();
        for segment in &self.segments {
            let (name, value) = match (segment, given.next()?) {
                (Segment::Literal(literal), text) if literal == text => continue,
                (Segment::Literal(_), _) | (_, "") => return None,
                (Segment::Parameter(name), text) => (name, text.to_owned()),
                (Segment::Greedy(name), text) => {
                    let rest: Vec<_> = std::iter::once(text).chain(given.by_ref()).collect();
                    (name, rest.join("/"))
                }
            };
            parameters.insert(name.clone(), value);
        }
        given.next().is_none().then_some(parameters)
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// The decoded segments of an escaped path, or `None` if an escape is malformed or the text is not UTF-8.
pub fn decoded_segments(path: &str) -> Option<Vec<String>> {
    segments(path).map(decoded).collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => (hex(*high)? << 4 | hex(*low)?, after),
            (b'%', _) => return None,
            _ => (first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(method: &str, path: &str) -> Pattern {
        Pattern::new(&Route { method: method.to_owned(), path: path.to_owned() })
    }

    #[test]
    fn a_route_matches_by_method_and_path() {
        let matches = |route: &Pattern, method: &str, path: &str| {
            let found = route.matches(method, &decoded_segments(path).unwrap())?;
            Some(
                found.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().concat(),
            )
        };
        let route = pattern("GET", "/a/{id}/b");
        for (path, id) in [("/a/x%20y/b", "id=x y"), ("/a/x%2Fy/b", "id=x/y"), ("/%61/../%62", "id=..")] {
            assert_eq!(matches(&route, "GET", path).as_deref(), Some(id), "{path}");
        }
        for (method, path) in [
            ("PUT", "/a/x/b"),
            ("GET", "/a/x"),
            ("GET", "/a/x/b/"),
            ("GET", "/a//b"),
            ("GET", "/A/x/b"),
            ("GET", "/a/x%2Fb"),
        ] {
            assert_eq!(matches(&route, method, path), None, "{method} {path}");
        }
        let rest = pattern("ANY", "/a/{rest+}");
        assert_eq!(matches(&rest, "PUT", "/a/b/c%2Fd").as_deref(), Some("rest=b/c/d"));
        assert_eq!(matches(&rest, "PUT", "/a"), None);
    }

    #[test]
    fn the_more_specific_route_comes_first() {
        let mut routes = [("ANY", "/a/{rest+}"), ("GET", "/a/{id}"), ("ANY", "/a/b"), ("GET", "/a/b")]
            .map(|(m, p)| pattern(m, p));
        routes.sort();
        assert_eq!(
            routes.map(|route| route.key()),
            ["GET /a/b", "ANY /a/b", "GET /a/{id}", "ANY /a/{rest+}"]
        );
    }

    #[test]
    fn malformed_escapes_are_not_decoded() {
        assert_eq!(decoded("a%2fb%C3%A9%25").as_deref(), Some("a/b\u{e9}%"));
        for bad in ["%", "%4", "a%zz", "%+1", "%E9", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
