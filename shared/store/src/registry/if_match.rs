//! Conditional writes (RFC 9110, 13.1.1).

use crate::error::{Error, Result};

/// The condition that an `If-Match` header sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// There is no such header.
    #[default]
    Always,
    /// `*`: the thing has to be there.
    Any,
    /// It has to be at one of these versions.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// The condition that a header's value sets. A tag may come without its quotes, as answers carry it in a field.
    /// A weak tag matches nothing, as it must; we never give one.
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let tags = header.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        Self::OneOf(tags.map(|tag| unquoted(tag).to_owned()).collect())
    }

    /// Refuses a thing that is at the version `current`, or is not there, where the condition does not hold of it.
    pub fn check(&self, current: Option<&str>) -> Result<()> {
        let holds = match (self, current) {
            (Self::Always, _) | (Self::Any, Some(_)) => true,
            (Self::OneOf(tags), Some(current)) => tags.iter().any(|tag| tag == current),
            (Self::Any | Self::OneOf(_), None) => false,
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
    fn a_condition_holds_of_what_it_names() {
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
