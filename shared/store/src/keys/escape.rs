//! Ids within keys. An id may be any text, so it may contain the characters that have a meaning in a key.
//!
//! An id that another id follows is escaped. The last id of a key stands as it is: whatever comes after the last
//! [`SEPARATOR`](super::SEPARATOR), or before parts of a fixed form, is the id. This bounds the length: with two ids of
//! 256 bytes, one of them escaped, a key has at most about 790 of the 1,024 bytes that DynamoDB allows for a sort key.
//!
//! Escaping keeps the order: escaped ids sort as the ids do, and each of them after every shorter id that it begins
//! with, because no character of an escaped id sorts below the character after the separator.

use std::borrow::Cow;

/// Introduces an escape. It is the character after the separator, so that every other escaped character, the separator
/// itself and those below it, sorts where it did.
const ESCAPE: char = '$';

/// The characters that are escaped in a part of a key: the separator, all below it, and [`ESCAPE`].
pub const IN_KEY: &[char] = &[' ', '!', '"', '#', ESCAPE];

/// Escapes each of `special`, which [`ESCAPE`] has to be among, as [`ESCAPE`] and its position.
pub fn escape<'a>(text: &'a str, special: &[char]) -> Cow<'a, str> {
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match special
            .iter()
            .position(|one| *one == c)
            .and_then(|nth| char::from_digit(u32::try_from(nth).ok()?, 10))
        {
            Some(digit) => escaped.extend([ESCAPE, digit]),
            None => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// The text that [`escape`] escaped; none if it did not write `text`.
pub fn unescape<'a>(text: &'a str, special: &[char]) -> Option<Cow<'a, str>> {
    if !text.contains(special) {
        return Some(Cow::Borrowed(text));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            ESCAPE => plain.push(*special.get(usize::try_from(rest.next()?.to_digit(10)?).ok()?)?),
            c if special.contains(&c) => return None,
            c => plain.push(c),
        }
    }
    Some(Cow::Owned(plain))
}

/// A text that sorts after every id and after every key that begins with an escaped id: one more of the greatest
/// character than an id can hold.
pub fn above_all_ids() -> String {
    char::MAX.to_string().repeat(ledger::ids::MAX_BYTES / char::MAX.len_utf8() + 1)
}
