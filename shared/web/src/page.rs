//! Pages of lists.
//!
//! A list has a stable order: by a number, highest first, and then by id; or by id alone. A page ends at its limit, or
//! where the response would become too large for Lambda. A cursor is the place of a page's last row in that order, so it
//! stays valid while the list changes: what keeps its place is neither skipped nor repeated.

use std::cmp::Reverse;
use std::fmt::Display;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::{Error, Result};
use crate::query::{FromQuery, QueryReader};

/// The rows of a page if the caller names no limit: a fleet of a thousand agents comes whole.
pub const DEFAULT_LIMIT: u32 = 1_000;
/// The most rows of a page.
pub const MAX_LIMIT: u32 = 10_000;

/// Carries the cursor of the next page where the body has no place for it.
pub const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

/// The most bytes that rows take as they stand. Lambda's limit for a response is 6,291,556 bytes, and API Gateway gets
/// media types that it does not take for text in Base64, which is a third longer.
const MAX_BYTES: usize = 4_400_000;
/// The most bytes that rows take as a JSON string, which is how Lambda returns a body.
const MAX_ESCAPED_BYTES: usize = 5_500_000;

/// The place of a row in its list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<N> {
    rank: Reverse<N>,
    id: String,
}

impl<N> Place<N> {
    /// A row of a list with the highest `rank` first, and then by `id`.
    pub fn ranked(rank: N, id: impl Into<String>) -> Self {
        Self { rank: Reverse(rank), id: id.into() }
    }
}

impl Place<u8> {
    /// A row of a list by `id`.
    pub fn by_id(id: impl Into<String>) -> Self {
        Self::ranked(0, id)
    }
}

impl<N: Display + FromStr> Place<N> {
    /// The place as the text of a cursor.
    pub fn to_cursor(&self) -> String {
        BASE64.encode(format!("{}\0{}", self.rank.0, self.id))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (rank, id) = std::str::from_utf8(&bytes).ok()?.split_once('\0')?;
        Some(Self::ranked(rank.parse().ok()?, id))
    }
}

/// The page that a caller asks for: the query parameters `limit` and `cursor`.
#[derive(Clone, Debug)]
pub struct PageRequest<N = u8> {
    /// The most rows.
    pub limit: usize,
    after: Option<Place<N>>,
}

impl<N: Display + FromStr> FromQuery for PageRequest<N> {
    fn from_query(query: &mut QueryReader) -> Self {
        let limit = query.integer("limit", 1..=MAX_LIMIT, DEFAULT_LIMIT) as usize;
        let text = query.text("cursor");
        let after = text.as_deref().and_then(Place::parse);
        if text.is_some() && after.is_none() {
            query.fault("cursor", "cursor", "Input should be the 'nextCursor' of an earlier page");
        }
        Self { limit, after }
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The rows as JSON.
    pub rows: Vec<Box<RawValue>>,
    /// The cursor of the next page; none on the last.
    pub next_cursor: Option<String>,
}

impl Page {
    /// The cursor as a header, for a response whose body is a bare list.
    pub fn next_header(&self) -> Option<(HeaderName, HeaderValue)> {
        Some((NEXT_CURSOR, HeaderValue::from_str(self.next_cursor.as_deref()?).ok()?))
    }
}

impl<N: Ord + Display + FromStr> PageRequest<N> {
    /// The page of a list whose rows are in any order.
    pub fn of<T, R: Serialize>(
        &self,
        rows: impl IntoIterator<Item = T>,
        place: impl Fn(&T) -> Place<N>,
        show: impl FnMut(T) -> R,
    ) -> Result<Page> {
        let mut placed: Vec<_> = rows.into_iter().map(|row| (place(&row), row)).collect();
        placed.retain(|(place, _)| self.after.as_ref().is_none_or(|after| after < place));
        placed.sort_by(|(one, _), (other, _)| one.cmp(other));
        let total = placed.len();
        let (places, rows): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
        let rows = fitting(rows.into_iter().map(show), self.limit)?;
        let last = if rows.len() < total { rows.len().checked_sub(1) } else { None };
        Ok(Page { next_cursor: last.map(|last| places[last].to_cursor()), rows })
    }
}

impl PageRequest<u8> {
    /// The id after which the page begins, for a list that is read from the store page by page.
    pub fn after_id(&self) -> Option<&str> {
        self.after.as_ref().map(|place| place.id.as_str())
    }
}

/// The first rows as JSON: at most `limit`, and no more than Lambda can return, but at least one.
pub fn fitting<R: Serialize>(rows: impl Iterator<Item = R>, limit: usize) -> Result<Vec<Box<RawValue>>> {
    let mut shown = Vec::new();
    let (mut bytes, mut escaped) = (0, 0);
    for row in rows.take(limit) {
        let row = to_raw_value(&row).map_err(Error::internal)?;
        // With the comma.
        bytes += row.get().len() + 1;
        escaped += escaped_bytes(row.get()) + 1;
        if (bytes > MAX_BYTES || escaped > MAX_ESCAPED_BYTES) && !shown.is_empty() {
            break;
        }
        shown.push(row);
    }
    Ok(shown)
}

/// The length of a JSON text within a JSON string. It has no control characters.
fn escaped_bytes(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    fn request<N: Display + FromStr>(text: &str) -> Result<PageRequest<N>> {
        let mut query = QueryReader::parse(text);
        let request = PageRequest::from_query(&mut query);
        query.finish().map(|()| request)
    }

    proptest! {
        /// Rows are added and removed between pages: what stays is seen once, in order.
        #[test]
        fn what_stays_in_a_list_is_on_exactly_one_page(
            stays in prop::collection::btree_map("[a-c\u{e9}]{1,3}", 0..4_u64, 0..30),
            comes_and_goes in prop::collection::vec(prop::collection::btree_map("[d-f]{1,3}", 0..4_u64, 0..10), 40),
            limit in 1..8_usize,
        ) {
            let mut expected: Vec<_> = stays.iter().map(|(id, rank)| Place::ranked(*rank, id)).collect();
            expected.sort();
            let expected: Vec<_> = expected.into_iter().map(|place| place.id).collect();
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            for others in comes_and_goes.iter().cycle() {
                let page = request(&format!("limit={limit}{cursor}")).unwrap().of(
                    stays.iter().chain(others),
                    |(id, rank)| Place::<u64>::ranked(**rank, *id),
                    |(id, _)| id,
                );
                let page = page.unwrap();
                let ids = page.rows.iter().map(|row| serde_json::from_str::<String>(row.get()).unwrap());
                seen.extend(ids.filter(|id| stays.contains_key(id)));
                match page.next_cursor {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn a_cursor_is_read_as_written(rank in any::<i64>(), scale in 0..12_u32, id in "[^\0]{0,20}") {
            let place = Place::ranked(Decimal::new(rank, scale), id);
            prop_assert_eq!(Place::parse(&place.to_cursor()), Some(place));
        }

        #[test]
        fn any_text_is_a_cursor_or_a_fault(text in ".{0,40}") {
            let _ = Place::<u64>::parse(&text);
            let _ = Place::<Decimal>::parse(&text);
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn a_page_fits_into_a_response_of_lambda(
            rows in prop::collection::vec(("[a\"\\\\\u{e9}\n]{1,20}", 1_000..60_000_usize), 1..120),
        ) {
            let rows = rows.into_iter().map(|(text, times)| text.repeat(times / text.len()));
            let shown = fitting(rows, usize::MAX).unwrap();
            let body = serde_json::to_string(&shown).unwrap();
            prop_assert!(serde_json::to_string(&body).unwrap().len() < 5_600_000);
            prop_assert!(BASE64.encode(&body).len() < 6_000_000);
        }
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        assert_eq!(request::<u8>("").unwrap().limit, 1_000);
        assert_eq!(request::<u8>("limit=10000").unwrap().limit, 10_000);
        for bad in [
            "limit=0",
            "limit=10001",
            "limit=x",
            "cursor=",
            "cursor=x",
            "cursor=MQ",
            "cursor=MQBh&cursor=MQBh",
        ] {
            assert!(request::<u8>(bad).is_err(), "{bad}");
        }
        assert_eq!(request::<u8>("cursor=MABh").unwrap().after_id(), Some("a"));
    }

    #[test]
    fn a_page_ends_at_its_limit_or_size() {
        let count = |len: usize, limit| fitting((0..50).map(|_| "x".repeat(len)), limit).unwrap().len();
        assert_eq!(count(1, 7), 7);
        assert_eq!(count(1, 100), 50);
        assert_eq!(count(1_000_000, 100), 4);
        assert_eq!(count(5 << 20, 100), 1);
        assert_eq!(fitting(std::iter::empty::<u8>(), 1).unwrap().len(), 0);
    }
}
