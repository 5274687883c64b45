//! Turns names of other tools into ids and tag keys that an event may have.

use sha2::{Digest, Sha256};

/// Maximum length of an id, in bytes.
const MAX_ID: usize = 256;

/// Turns `text` into an id: at most 256 bytes without control characters. If it has to change, a hash of the text is
/// appended, so that different names stay different. `None` if the text is blank.
pub fn id(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text.len() <= MAX_ID && !text.contains(char::is_control) {
        return Some(text.to_owned());
    }
    let mut id = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if id.len() + c.len_utf8() > MAX_ID - 9 {
            break;
        }
        id.push(c);
    }
    let hash = hex(&Sha256::digest(text.as_bytes())[..4]);
    Some(format!("{id}-{hash}"))
}

pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The trimmed text, or `None` if it is blank.
pub fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// Turns a name into a tag key: 1 to 64 of `a-z 0-9 _ . -`. `None` if no character of it can be used.
pub fn tag_key(name: &str) -> Option<String> {
    let name = name.trim().to_lowercase();
    let fitting = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
    let key: String = name.chars().take(64).map(|c| if fitting(c) { c } else { '_' }).collect();
    key.contains(|c: char| c.is_ascii_alphanumeric()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_what_fits_and_stay_distinct() {
        assert_eq!(id(" Research Prüfer ").as_deref(), Some("Research Prüfer"));
        assert_eq!(id("  "), None);
        let [first, second] = ["a\tb", "a\nb"].map(|text| id(text).unwrap());
        assert_ne!(first, second);
        assert!(first.starts_with("ab-") && first.len() == 11, "{first}");
        assert!(id(&"ü".repeat(500)).unwrap().len() <= 256);
    }

    #[test]
    fn tag_keys_are_lower_case() {
        assert_eq!(tag_key("Team").as_deref(), Some("team"));
        assert_eq!(tag_key("cost center").as_deref(), Some("cost_center"));
        assert_eq!(tag_key("::"), None);
    }
}
