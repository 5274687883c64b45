//! The query parameters of the list of prices.

use chrono::NaiveDate;
use ledger::period::Day;
use ledger::pricing::data::Mode;
use ledger::pricing::{Book, ListedModel, ModelEntry};
use web::query::{FromQuery, QueryReader};

use super::page::Cursor;

/// More than there are models, so that by default one page has all.
const MAX_LIMIT: u32 = 10_000;

#[derive(Debug)]
pub struct Params {
    /// The UTC day of the prices.
    pub at: Option<NaiveDate>,
    pub filter: Filter,
    pub limit: usize,
    pub after: Option<Cursor>,
}

#[derive(Debug, Default)]
pub struct Filter {
    /// A provider's id, as prices are kept under.
    provider: Option<String>,
    mode: Option<Mode>,
    /// A part of an id or alias, in lower case.
    text: Option<String>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let at = query.day("at").map(Day::date);
        let modes = "Input should be chat, completion, embedding, image, transcription, speech, video, realtime, \
                     rerank, search, ocr, moderation or other";
        let mode = query
            .parsed("mode", "enum", modes, |text| text.parse().ok().filter(|mode| *mode != Mode::Unknown));
        let after = query.parsed(
            "cursor",
            "cursor",
            "Input should be a nextCursor of an earlier page",
            Cursor::parse,
        );
        let filter = Filter {
            provider: query.text("provider").map(|name| id_of_provider(&name)),
            mode,
            text: query.text("q").map(|text| text.to_lowercase()),
        };
        let limit = query.integer("limit", 1..=MAX_LIMIT, MAX_LIMIT) as usize;
        Self { at, filter, limit, after }
    }
}

fn id_of_provider(name: &str) -> String {
    let known = Book::builtin().provider(name);
    known.map_or_else(|| name.to_lowercase(), |provider| provider.id().to_owned())
}

impl Filter {
    pub fn accepts(&self, model: &ListedModel<'_>) -> bool {
        let contains = |text: &str| {
            let is_in = |name: &str| name.to_lowercase().contains(text);
            is_in(&model.id) || model.entry.is_some_and(|entry| entry.aliases().any(is_in))
        };
        self.provider.as_deref().is_none_or(|provider| *model.provider == *provider)
            && self.mode.is_none_or(|mode| model.entry.map(ModelEntry::mode) == Some(mode))
            && self.text.as_deref().is_none_or(contains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> Result<Params, u16> {
        let mut query = QueryReader::parse(text);
        let params = Params::from_query(&mut query);
        query.finish().map(|()| params).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn only_complete_dates_are_accepted() {
        let at = |text: &str| status(text).map(|params| params.at.map(|at| at.to_string()));
        assert_eq!(at(""), Ok(None));
        assert_eq!(at("at=2024-02-29"), Ok(Some("2024-02-29".to_owned())));
        for bad in ["", "2023-02-29", "2026-09", "today", "2026-9-01"] {
            assert_eq!(at(&format!("at={bad}")), Err(422), "{bad}");
        }
    }

    #[test]
    fn modes_limits_and_cursors_are_checked() {
        for good in ["mode=chat", "mode=ocr", "limit=1", "limit=10000", "provider=", "q=", "q=%F0%9F%90%84"] {
            assert!(status(good).is_ok(), "{good}");
        }
        for bad in
            ["mode=", "mode=Chat", "mode=unknown", "limit=0", "limit=10001", "cursor=", "cursor=x", "q=a&q=b"]
        {
            assert_eq!(status(bad).err(), Some(422), "{bad}");
        }
        // The message names every mode.
        let named = Mode::ALL.iter().filter(|mode| **mode != Mode::Unknown);
        assert!(named.clone().all(|mode| status(&format!("mode={mode}")).is_ok()));
        assert_eq!(named.count(), 13);
    }

    #[test]
    fn a_provider_may_be_given_by_any_of_its_names() {
        for name in ["google", "Vertex_AI", "gemini"] {
            assert_eq!(id_of_provider(name), "google");
        }
        assert_eq!(id_of_provider("In-House"), "in-house");
    }
}
