//! Conditional requests (RFC 9110, 13.1.1 and 13.1.2).

use super::UNSET;
use crate::error::{Error, Result};

/// The condition of an `If-Match` or `If-None-Match` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// There is no header.
    #[default]
    Always,
    /// `*`: the resource has to exist.
    Any,
    /// The resource has to be at one of these versions.
    OneOf(Vec<String>),
    /// `If-None-Match: *`: nothing may have been set yet.
    Unset,
    /// `If-None-Match` with versions: the resource may be at none of these.
    NoneOf(Vec<String>),
}

impl IfMatch {
    /// Parses the header's value. The quotes of a tag may be missing, as they are in the `etag` field of responses. A
    /// weak tag matches nothing, as RFC 9110 demands; this API never issues one.
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let tags = header.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        Self::OneOf(tags.map(|tag| unquoted(tag).to_owned()).collect())
    }

    /// Parses the value of `If-None-Match`.
    pub fn parse_none(header: &str) -> Self {
        match Self::parse(header) {
            Self::OneOf(tags) => Self::NoneOf(tags),
            _ => Self::Unset,
        }
    }

    /// Fails unless the condition holds for a resource at the version `current`; none if it does not exist.
    pub fn check(&self, current: Option<&str>) -> Result<()> {
        let holds = match (self, current) {
            (Self::Always, _) | (Self::Any, Some(_)) => true,
            (Self::OneOf(tags), Some(current)) => tags.iter().any(|tag| tag == current),
            (Self::Any | Self::OneOf(_), None) => false,
            (Self::Unset, current) => current.is_none_or(|current| current == UNSET),
            (Self::NoneOf(tags), current) => !tags.iter().any(|tag| Some(tag.as_str()) == current),
        };
        if holds { Ok(()) } else { Err(Error::PreconditionFailed) }
    }
}

fn unquoted(tag: &str) -> &str {
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_holds_where_nothing_was_set_or_for_other_versions() {
        let holds = |header: &str, current| IfMatch::parse_none(header).check(current).is_ok();
        assert_eq!([None, Some(UNSET), Some("a")].map(|current| holds("*", current)), [true, true, false]);
        let other = [None, Some("a"), Some("b"), Some("c")].map(|current| holds("\"a\", \"b\"", current));
        assert_eq!(other, [true, false, false, true]);
    }

    #[test]
    fn a_condition_holds_only_for_the_versions_it_names() {
        let holds = |header: &str, current| IfMatch::parse(header).check(current).is_ok();
        assert!(holds("\"a\"", Some("a")) && holds("a", Some("a")) && holds("\"b\" , \"a\"", Some("a")));
        assert!(holds("*", Some("a")) && holds(" * ", Some("a")));
        for (header, current) in [
            ("\"a\"", Some("b")),
            ("\"a\"", None),
            ("*", None),
            ("W/\"a\"", Some("a")),
            ("", Some("a")),
            ("\"a", Some("a")),
            ("\"A\"", Some("a")),
        ] {
            assert!(!holds(header, current), "{header} {current:?}");
        }
        assert!(IfMatch::Always.check(None).is_ok());
    }
}
