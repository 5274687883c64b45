//! Tags: what a sender wants to tell figures apart by, such as a customer or a feature.

use std::collections::BTreeMap;

/// The most tags of one event.
pub const MAX_TAGS: usize = 20;
/// The most characters of a tag's name.
pub const MAX_TAG_NAME: usize = 64;

/// Values by the tag's name.
pub type Tags = BTreeMap<String, String>;

/// Whether a tag may have this name: 1 to [`MAX_TAG_NAME`] characters of `a-z 0-9 _ . -`.
pub fn is_tag_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    (1..=MAX_TAG_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tags_are_short_and_in_lower_case() {
        for name in ["customer", "a", "team.x-1_y", &"a".repeat(64)] {
            assert!(is_tag_name(name), "{name}");
        }
        for name in ["", "Customer", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert!(!is_tag_name(name), "{name}");
        }
    }
}
