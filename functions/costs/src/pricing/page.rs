//! Pages of the list of prices.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ledger::pricing::ListedModel;

/// A place in the list: after this model. The list is ordered by provider and id, so a place stays valid while the list
/// changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    provider: String,
    id: String,
}

impl Cursor {
    pub fn after(model: &ListedModel<'_>) -> Self {
        Self { provider: model.provider.to_string(), id: model.id.to_string() }
    }

    pub fn is_before(&self, model: &ListedModel<'_>) -> bool {
        (&*self.provider, &*self.id) < (&*model.provider, &*model.id)
    }

    /// Reads the text of a cursor.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        // No id contains a control character.
        let (provider, id) = std::str::from_utf8(&bytes).ok()?.split_once('\0')?;
        Some(Self { provider: provider.to_owned(), id: id.to_owned() })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(format!("{}\0{}", self.provider, self.id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_written() {
        for (provider, id) in [("anthropic", "claude-opus-5"), ("a/b", "c"), ("p", "é")] {
            let cursor = Cursor { provider: provider.to_owned(), id: id.to_owned() };
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
        for bad in ["", "x", "!", "YQ", "_w"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }
}
