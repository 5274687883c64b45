//! Fits names that other tools allow into the alphabet of ids.

use sha2::{Digest, Sha256};

/// Maximum length of an id.
const MAX_ID: usize = 128;

/// `text` as an id: `A-Z a-z 0-9 . _ : / @ -`, at most 128 characters. Spaces become underscores. Where anything else
/// had to change, a hash of the text is appended, so that two names never become one. `None` if the text is blank.
pub fn id(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let fitting = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    let id: String = text.chars().map(|c| if fitting(c) { c } else { '_' }).collect();
    let altered = text.chars().any(|c| !fitting(c) && c != ' ');
    if !altered && id.len() <= MAX_ID {
        return Some(id);
    }
    let hash = hex(&Sha256::digest(text.as_bytes())[..4]);
    Some(format!("{}-{hash}", &id[..id.len().min(MAX_ID - 9)]))
}

pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A trimmed text, unless it is blank.
pub fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// A key for a tag: 1 to 64 of `a-z 0-9 _ . -`. `None` if nothing of the name fits.
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
        assert_eq!(id("planner").as_deref(), Some("planner"));
        assert_eq!(id(" Research planner ").as_deref(), Some("Research_planner"));
        assert_eq!(id("  "), None);
        let (first, second) = (id("Prüfer").unwrap(), id("Pröfer").unwrap());
        assert_ne!(first, second);
        assert!(first.starts_with("Pr_fer-") && first.len() == 15, "{first}");
        assert_eq!(id(&"x".repeat(500)).unwrap().len(), 128);
    }

    #[test]
    fn tag_keys_are_lower_case() {
        assert_eq!(tag_key("Team").as_deref(), Some("team"));
        assert_eq!(tag_key("cost center").as_deref(), Some("cost_center"));
        assert_eq!(tag_key("::"), None);
    }
}
