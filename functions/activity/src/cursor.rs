//! Signed cursors that mark a position in the log.

use chrono::{DateTime, Utc};
use ledger::ids::{AgentId, Name, OrgId};
use serde::{Deserialize, Serialize};

use crate::params::Params;
use crate::split_range::TimeRange;

/// The state of a paged listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The newest instant of the range at the first page: a range that ends "now" must not move on.
    newest: DateTime<Utc>,
    oldest: DateTime<Utc>,
    /// Position of the last entry returned.
    pub place: String,
    /// Number of entries returned before.
    pub passed: u64,
}

impl Cursor {
    pub fn new(range: TimeRange, place: String, passed: u64) -> Self {
        Self { newest: range.newest, oldest: range.oldest, place, passed }
    }

    pub const fn range(&self) -> TimeRange {
        TimeRange { newest: self.newest, oldest: self.oldest }
    }

    /// Signs the cursor for this organization and these filters.
    pub fn sign(&self, secret: &[u8], org: &OrgId, params: &Params) -> Result<String, web::error::Error> {
        let filters = filters(params);
        web::cursor::sign(self, secret, &bound(org, &filters))
    }

    /// Parses a cursor, if it was signed for this organization and these filters.
    pub fn verify(text: &str, secret: &[u8], org: &OrgId, params: &Params) -> Option<Self> {
        let filters = filters(params);
        web::cursor::verify(text, secret, &bound(org, &filters)).ok()
    }
}

/// What selects the entries of a listing. The page size does not.
fn filters(params: &Params) -> [String; 4] {
    let id = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let instant = |instant: Option<DateTime<Utc>>| instant.map(|i| i.to_rfc3339()).unwrap_or_default();
    [
        id(params.agent.as_ref().map(AgentId::as_str)),
        id(params.event_type.as_ref().map(Name::as_str)),
        instant(params.from),
        instant(params.to),
    ]
}

/// Everything that a cursor is bound to.
fn bound<'a>(org: &'a OrgId, [agent, event_type, from, to]: &'a [String; 4]) -> [&'a str; 6] {
    ["activity", org.as_str(), agent, event_type, from, to]
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use ledger::period::parse_instant;
    use web::query::{FromQuery, QueryReader};

    use super::*;

    fn params(text: &str) -> Params {
        Params::from_query(&mut QueryReader::parse(text))
    }

    fn cursor() -> Cursor {
        let at = |text| parse_instant(text).unwrap();
        let range =
            TimeRange { newest: at("2026-03-31T12:00:00.123456Z"), oldest: at("2026-03-01T12:00:00Z") };
        Cursor::new(range, "8210526399999#a#s".to_owned(), 700)
    }

    const FILTERS: [&str; 8] = [
        "",
        "agentId=a",
        "eventType=a",
        "agentId=a&eventType=a",
        "from=2026-03-01T00:00:00Z",
        "to=2026-03-01T00:00:00Z",
        "agentId=a&from=2026-03-01T00:00:00Z",
        "agentId=ab",
    ];

    #[test]
    fn a_cursor_is_bound_to_its_organization_and_filters() {
        let (secret, org) = ([7; 32], OrgId::new("acme").unwrap());
        for filter in FILTERS {
            let text = cursor().sign(&secret, &org, &params(filter)).unwrap();
            let read = |secret: &[u8], org: &str, filter: &str| {
                Cursor::verify(&text, secret, &OrgId::new(org).unwrap(), &params(filter))
            };
            for other in FILTERS {
                assert_eq!(read(&secret, "acme", other), (other == filter).then(cursor), "{filter} {other}");
            }
            assert_eq!(read(&secret, "acm", filter), None);
            assert_eq!(read(&[8; 32], "acme", filter), None);
            // The page size is not a filter, and an instant is the same in any spelling.
            assert_eq!(read(&secret, "acme", &format!("{filter}&limit=7")), Some(cursor()));
        }
        let text = cursor().sign(&secret, &org, &params("from=2026-03-01T00:00:00Z")).unwrap();
        let same = params("from=2026-03-01T05:45:00%2B05:45");
        assert_eq!(Cursor::verify(&text, &secret, &org, &same), Some(cursor()));
    }

    #[test]
    fn a_modified_cursor_is_rejected() {
        let (secret, org, params) = ([7; 32], OrgId::new("acme").unwrap(), params(""));
        let text = cursor().sign(&secret, &org, &params).unwrap();
        let bytes = BASE64.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Cursor::verify(&BASE64.encode(changed), &secret, &org, &params), None, "{at}");
        }
        for length in 0..text.len() {
            assert_eq!(Cursor::verify(&text[..length], &secret, &org, &params), None, "{length}");
        }
        for bad in ["", "x", "é", &format!("{text}A"), &format!("{text}=")] {
            assert_eq!(Cursor::verify(bad, &secret, &org, &params), None, "{bad}");
        }
    }
}
