//! Sorted names: each as the number of bytes that it shares with the one before, and the rest. Names that are all UUIDs
//! take 16 bytes each.

use super::Malformed;
use super::bytes::{self, Reader};

const SHARED: u8 = 0;
const UUIDS: u8 = 1;
const UUID_LENGTH: usize = 36;
const UUID_BYTES: usize = 16;

/// Appends sorted names.
pub fn put(out: &mut Vec<u8>, names: &[&str]) {
    bytes::put_len(out, names.len());
    if names.is_empty() {
        return;
    }
    let uuids: Option<Vec<_>> = names.iter().map(|name| uuid(name)).collect();
    if let Some(uuids) = uuids {
        out.push(UUIDS);
        return out.extend(uuids.iter().flatten());
    }
    out.push(SHARED);
    let mut before: &[u8] = &[];
    for name in names {
        let name = name.as_bytes();
        let shared = before.iter().zip(name).take_while(|(a, b)| a == b).count();
        bytes::put_len(out, shared);
        bytes::put_len(out, name.len() - shared);
        out.extend(&name[shared..]);
        before = name;
    }
}

/// Reads names, which have to be sorted.
pub fn read(reader: &mut Reader<'_>) -> Result<Vec<String>, Malformed> {
    let count = reader.count(reader.0.len())?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let names: Vec<_> = match reader.byte()? {
        SHARED => {
            let mut before = Vec::new();
            (0..count).map(|_| next(reader, &mut before)).collect::<Result<_, _>>()?
        }
        UUIDS => (0..count).map(|_| Ok(uuid_text(reader.take(UUID_BYTES)?))).collect::<Result<_, _>>()?,
        _ => return Err(Malformed::Invalid("form of names")),
    };
    if names.is_sorted_by(|a, b| a < b) { Ok(names) } else { Err(Malformed::Invalid("order of names")) }
}

fn next(reader: &mut Reader<'_>, before: &mut Vec<u8>) -> Result<String, Malformed> {
    let shared = reader.count(before.len())?;
    let rest = reader.count(reader.0.len())?;
    before.truncate(shared);
    before.extend(reader.take(rest)?);
    String::from_utf8(before.clone()).map_err(|_| Malformed::Invalid("name"))
}

/// The bytes of a UUID in the usual notation, lower case.
fn uuid(name: &str) -> Option<[u8; UUID_BYTES]> {
    let mut bytes = [0; UUID_BYTES];
    let digits: Vec<u8> = name.bytes().filter(|byte| *byte != b'-').collect();
    if name.len() != UUID_LENGTH || digits.len() != 2 * UUID_BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex(pair[0])? << 4 | hex(pair[1])?;
    }
    (uuid_text(&bytes) == name).then_some(bytes)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(UUID_LENGTH);
    for (i, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&i) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "0b1f5a3e-90cd-4a7b-8e21-ffff00001234";

    proptest! {
        #[test]
        fn names_are_read_back(names in prop::collection::btree_set("(agent-)?[a-cé]{0,3}", 0..20), uuid: bool) {
            let mut names: std::collections::BTreeSet<_> = names;
            if uuid {
                names = [UUID.to_owned(), UUID.replace('1', "2")].into();
            }
            let sorted: Vec<_> = names.iter().map(String::as_str).collect();
            let mut out = Vec::new();
            put(&mut out, &sorted);
            let mut reader = Reader(&out);
            prop_assert_eq!(read(&mut reader), Ok(names.into_iter().collect::<Vec<_>>()));
            prop_assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn only_uuids_in_the_usual_notation_are_shortened() {
        assert!(uuid(UUID).is_some());
        for other in [
            &UUID.to_uppercase(),
            &UUID.replace('-', "0"),
            &UUID[1..],
            "00000000-0000-0000-00000000-00000000",
        ] {
            assert_eq!(uuid(other), None, "{other}");
        }
    }
}
