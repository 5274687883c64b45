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

    /// The decoded path parameters, if the route matches.
    pub fn matches(&self, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
        if !self.any_method && self.method != method {
            return None;
        }
        let mut given = segments(path);
        let mut parameters = BTreeMap::new();
        for segment in &self.segments {
            let (name, value) = match (segment, given.next()?) {
                (Segment::Literal(literal), text) if literal == text => continue,
                (Segment::Literal(_), _) | (_, "") => return None,
                (Segment::Parameter(name), text) => (name, decoded(text)),
                (Segment::Greedy(name), text) => {
                    let rest: Vec<_> = std::iter::once(text).chain(given.by_ref()).collect();
                    (name, decoded(&rest.join("/")))
                }
            };
            parameters.insert(name.clone(), value);
        }
        given.next().is_none().then_some(parameters)
    }

    /// How many leading segments the route and `path` share.
    pub fn shared_prefix(&self, path: &str) -> usize {
        let same = |(segment, text): &(&Segment, &str)| match segment {
            Segment::Literal(literal) => literal == text,
            Segment::Parameter(_) | Segment::Greedy(_) => !text.is_empty(),
        };
        self.segments.iter().zip(segments(path)).take_while(same).count()
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// `text` with its percent escapes decoded. Malformed escapes stay as they are.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = (first == b'%').then(|| after.get(..2)).flatten();
        let value = escape.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(value.unwrap_or(first));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(method: &str, path: &str) -> Pattern {
        Pattern::new(&Route { method: method.to_owned(), path: path.to_owned() })
    }

    #[test]
    fn a_route_matches_by_method_and_path() {
        let route = pattern("GET", "/a/{id}/b");
        assert_eq!(route.matches("GET", "/a/x%20y/b"), Some([("id".to_owned(), "x y".to_owned())].into()));
        for (method, path) in
            [("PUT", "/a/x/b"), ("GET", "/a/x"), ("GET", "/a/x/b/"), ("GET", "/a//b"), ("GET", "/A/x/b")]
        {
            assert_eq!(route.matches(method, path), None, "{method} {path}");
        }
        let rest = pattern("ANY", "/a/{rest+}");
        assert_eq!(rest.matches("PUT", "/a/b/c"), Some([("rest".to_owned(), "b/c".to_owned())].into()));
        assert_eq!(rest.matches("PUT", "/a"), None);
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
    fn malformed_escapes_stay() {
        assert_eq!(decoded("a%2fb%zz%4"), "a/b%zz%4");
        assert_eq!(decoded("%C3%A9%E9"), "\u{e9}\u{fffd}");
    }
}
