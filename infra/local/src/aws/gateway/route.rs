//! Which route of the template a request takes.

use std::collections::BTreeMap;

use crate::template::Route;

/// A route's path in pieces, ordered as API Gateway prefers them: the more that is spelled out, the sooner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Literal(String),
    Parameter(String),
    Rest(String),
}

/// A route that requests are held against. Ordered: of those that fit, the first is to be taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    pieces: Vec<Piece>,
    any_method: bool,
    method: String,
    path: String,
}

impl Pattern {
    /// The pattern of a template's route.
    pub fn new(route: &Route) -> Self {
        let piece = |piece: &str| match piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}')) {
            None => Piece::Literal(piece.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Piece::Rest(name.to_owned()),
                None => Piece::Parameter(name.to_owned()),
            },
        };
        Self {
            pieces: pieces(&route.path).map(piece).collect(),
            any_method: route.method == "ANY",
            method: route.method.clone(),
            path: route.path.clone(),
        }
    }

    /// The route's name in the events that it causes.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path parameters, decoded, where a request takes this route.
    pub fn fits(&self, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
        if !self.any_method && self.method != method {
            return None;
        }
        let mut given = pieces(path);
        let mut parameters = BTreeMap::new();
        for piece in &self.pieces {
            let (name, value) = match (piece, given.next()?) {
                (Piece::Literal(literal), text) if literal == text => continue,
                (Piece::Literal(_), _) | (_, "") => return None,
                (Piece::Parameter(name), text) => (name, decoded(text)),
                (Piece::Rest(name), text) => {
                    let rest: Vec<_> = std::iter::once(text).chain(given.by_ref()).collect();
                    (name, decoded(&rest.join("/")))
                }
            };
            parameters.insert(name.clone(), value);
        }
        given.next().is_none().then_some(parameters)
    }

    /// How many pieces, from the left, the route and `path` have in common.
    pub fn nearness(&self, path: &str) -> usize {
        let same = |(piece, text): &(&Piece, &str)| match piece {
            Piece::Literal(literal) => literal == text,
            Piece::Parameter(_) | Piece::Rest(_) => !text.is_empty(),
        };
        self.pieces.iter().zip(pieces(path)).take_while(same).count()
    }
}

fn pieces(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// `text` with its percent escapes resolved; what is none stays as it is.
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
    fn a_route_fits_by_method_and_path() {
        let route = pattern("GET", "/a/{id}/b");
        assert_eq!(route.fits("GET", "/a/x%20y/b"), Some([("id".to_owned(), "x y".to_owned())].into()));
        for (method, path) in
            [("PUT", "/a/x/b"), ("GET", "/a/x"), ("GET", "/a/x/b/"), ("GET", "/a//b"), ("GET", "/A/x/b")]
        {
            assert_eq!(route.fits(method, path), None, "{method} {path}");
        }
        let rest = pattern("ANY", "/a/{rest+}");
        assert_eq!(rest.fits("PUT", "/a/b/c"), Some([("rest".to_owned(), "b/c".to_owned())].into()));
        assert_eq!(rest.fits("PUT", "/a"), None);
    }

    #[test]
    fn the_more_exact_route_comes_first() {
        let mut routes = [("ANY", "/a/{rest+}"), ("GET", "/a/{id}"), ("ANY", "/a/b"), ("GET", "/a/b")]
            .map(|(m, p)| pattern(m, p));
        routes.sort();
        assert_eq!(
            routes.map(|route| route.key()),
            ["GET /a/b", "ANY /a/b", "GET /a/{id}", "ANY /a/{rest+}"]
        );
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(decoded("a%2fb%zz%4"), "a/b%zz%4");
        assert_eq!(decoded("%C3%A9%E9"), "\u{e9}\u{fffd}");
    }
}
