//! Pages of the list of prices.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ledger::pricing::ListedModel;
use serde_json::value::RawValue;
use web::error::Result;

/// The size at which a page ends, in bytes. Lambda's limit for a response is 6 MB.
const MAX_BYTES: usize = 4 << 20;

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

/// The models of a page: at most `limit` of them, and no more than fit into [`MAX_BYTES`], but at least one.
pub fn page(models: impl Iterator<Item = Result<Box<RawValue>>>, limit: usize) -> Result<Vec<Box<RawValue>>> {
    let mut page = Vec::new();
    let mut bytes = 0;
    for model in models.take(limit) {
        let model = model?;
        bytes += model.get().len() + 1;
        if bytes > MAX_BYTES && !page.is_empty() {
            break;
        }
        page.push(model);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_limit_or_size() {
        let model = |len: usize| Ok(RawValue::from_string(format!("\"{}\"", "x".repeat(len))).unwrap());
        let count = |len: usize, limit| page((0..50).map(|_| model(len)), limit).unwrap().len();
        assert_eq!(count(1, 7), 7);
        assert_eq!(count(1, 100), 50);
        assert_eq!(count(1 << 20, 100), 3);
        assert_eq!(count((1 << 20) - 3, 100), 4);
        assert_eq!(count(5 << 20, 100), 1);
        assert_eq!(page(std::iter::empty(), 1).unwrap().len(), 0);
    }

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
