//! What a request says, examined as a whole: the faults of its path, its query and its body are listed together.

use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use ledger::ids::InvalidId;
use serde_json::value::RawValue;
use web::error::{Error, Fault, Loc, Result};
use web::fields;
use web::fields::{Bad, Fields};

/// A value, or everything that is wrong with it.
pub type Checked<T> = Result<T, Vec<Fault>>;

/// The length of a name, in characters.
pub const NAME: RangeInclusive<usize> = 1..=200;
/// The most dollars of an amount that is set.
pub const MAX_MONEY: u64 = 1_000_000_000_000;

/// Both values, or all faults of both.
pub fn both<A, B>(a: Checked<A>, b: Checked<B>) -> Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => {
            let faults = [a.err(), b.err()].into_iter().flatten().flatten();
            Err(Error::Validation(faults.collect()))
        }
    }
}

/// The parameters of a request's path, their escapes resolved.
pub struct Path(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| {
            Error::Validation(vec![Fault::new(vec!["path".into()], "utf8", "Path should be UTF-8")])
        })?;
        Ok(Self(parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

impl Path {
    /// An identifier in the path.
    pub fn id<T: TryFrom<String, Error = InvalidId>>(&self, name: &'static str) -> Checked<T> {
        read_id(name, self.text(name))
    }

    /// An identifier that `rest` follows, in a parameter that takes all that is left of the path. None where something
    /// else follows it.
    pub fn id_before<T: TryFrom<String, Error = InvalidId>>(
        &self,
        name: &'static str,
        rest: &str,
    ) -> Option<Checked<T>> {
        self.text(name).strip_suffix(rest).map(|text| read_id(name, text))
    }

    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

fn read_id<T: TryFrom<String, Error = InvalidId>>(name: &'static str, text: &str) -> Checked<T> {
    T::try_from(text.to_owned())
        .map_err(|fault| vec![Fault::new(vec!["path".into(), name.into()], "id", fault.to_string())])
}

/// A text of so many characters, none of them a control character.
pub fn text(length: RangeInclusive<usize>) -> impl FnOnce(&RawValue) -> Result<String, Bad> {
    move |raw| {
        let text = fields::string(raw)?;
        let chars = text.chars().count();
        if chars < *length.start() {
            return Err(("string_too_short", "String should not be empty".to_owned()));
        }
        if chars > *length.end() {
            let msg = format!("String should have at most {} characters", length.end());
            return Err(("string_too_long", msg));
        }
        if text.chars().any(char::is_control) {
            return Err(("control_character", "String should not contain control characters".to_owned()));
        }
        Ok(text)
    }
}

/// A list of so many values, in a field that may be absent or null. Every value that is wrong is noted.
pub fn list<'a, T, R: FnOnce(&'a RawValue) -> Result<T, Bad>>(
    fields: &mut Fields<'a>,
    name: &'static str,
    length: &RangeInclusive<usize>,
    read: impl Fn() -> R,
) -> Option<Vec<T>> {
    let given = fields.optional(name, |raw| entries(raw, length))?;
    let at = fields.at(name);
    let mut values = Vec::with_capacity(given.len());
    for (i, raw) in given.into_iter().enumerate() {
        match read()(raw) {
            Ok(value) => values.push(value),
            Err((kind, msg)) => {
                let loc = at.iter().cloned().chain([Loc::from(i)]).collect();
                fields.faults([Fault::new(loc, kind, msg)]);
            }
        }
    }
    Some(values)
}

fn entries<'a>(raw: &'a RawValue, length: &RangeInclusive<usize>) -> Result<Vec<&'a RawValue>, Bad> {
    let given: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| ("list_type", "Input should be a valid list".to_owned()))?;
    if length.contains(&given.len()) {
        return Ok(given);
    }
    let kind = if given.len() < *length.start() { "too_short" } else { "too_long" };
    Err((kind, format!("List should have {} to {} entries", length.start(), length.end())))
}

#[cfg(test)]
pub mod tests {
    use ledger::ids::AgentId;

    use super::*;

    /// A fault's place and code.
    pub fn brief(fault: &Fault) -> String {
        format!("{} {}", serde_json::to_string(&fault.loc).unwrap(), fault.kind)
    }

    #[test]
    fn a_text_at_its_edges() {
        let read = |given: &str| {
            let raw = RawValue::from_string(serde_json::to_string(given).unwrap()).unwrap();
            text(NAME)(&raw).map_err(|bad| bad.0)
        };
        assert_eq!(read(""), Err("string_too_short"));
        assert_eq!(read("é"), Ok("é".to_owned()));
        assert!(read(&"é".repeat(200)).is_ok());
        assert_eq!(read(&"é".repeat(201)), Err("string_too_long"));
        for bad in ["a\nb", "\0", "\u{7f}", "\u{85}"] {
            assert_eq!(read(bad), Err("control_character"), "{bad:?}");
        }
        let number = RawValue::from_string("1".to_owned()).unwrap();
        assert_eq!(text(NAME)(&number).map_err(|bad| bad.0), Err("string_type"));
    }

    #[test]
    fn faults_of_path_and_body_are_listed_together() {
        let path = Path(vec![("id".to_owned(), "a b".to_owned())]);
        let fault = |kind| Fault::new(vec!["body".into()], kind, "");
        let all = both(path.id::<AgentId>("id"), Err::<(), _>(vec![fault("x"), fault("y")]));
        let Err(Error::Validation(faults)) = all else { panic!() };
        let faults: Vec<_> = faults.iter().map(brief).collect();
        assert_eq!(faults, [r#"["path","id"] id"#, r#"["body"] x"#, r#"["body"] y"#]);
        assert!(
            both(Path(vec![("id".to_owned(), "a/b:c@d".to_owned())]).id::<AgentId>("id"), Ok(())).is_ok()
        );
    }

    #[test]
    fn an_id_before_the_rest_of_a_path() {
        let read = |given: &str| {
            let path = Path(vec![("id".to_owned(), given.to_owned())]);
            let id = path.id_before::<AgentId>("id", "/test");
            id.map(|id| id.map(String::from).map_err(|faults| brief(&faults[0])))
        };
        assert_eq!(read("a/b/test"), Some(Ok("a/b".to_owned())));
        assert_eq!(read("test/test"), Some(Ok("test".to_owned())));
        let longest = "x".repeat(128);
        assert_eq!(read(&format!("{longest}/test")), Some(Ok(longest.clone())));
        let fault = Some(Err(r#"["path","id"] id"#.to_owned()));
        assert_eq!(
            (read(&format!("{longest}x/test")), read("a b/test"), read("/test")),
            (fault.clone(), fault.clone(), fault)
        );
        assert_eq!((read("test"), read("a"), read("a/test/"), read("atest")), (None, None, None, None));
    }
}
