//! Signed cursors, so that only places that were shown before are continued from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use ledger::ids::OrgId;
use ledger::money::Quantity;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use web::error::{Error, Result};

use super::order::Rank;
use super::params::Params;

/// The length of a signature in bytes.
const SIGNATURE: usize = 32;

/// The state of a paged answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The range of the first page: one that ends with today must not move on.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    measure: Quantity,
    group: Vec<String>,
}

impl Cursor {
    /// A cursor after the group with this rank.
    pub fn after(from: DateTime<Utc>, to: DateTime<Utc>, last: Rank) -> Self {
        Self { from, to, measure: Quantity(last.measure), group: last.group }
    }

    /// The last group that was shown.
    pub fn rank(&self) -> Rank {
        Rank { measure: self.measure.0, group: self.group.clone() }
    }

    /// Signs the cursor for this organization and question.
    pub fn sign(&self, secret: &[u8], org: &OrgId, params: &Params) -> Result<String> {
        let payload = serde_json::to_vec(self).map_err(Error::internal)?;
        let signature = signature(secret, org, params, &payload).finalize().into_bytes();
        Ok(BASE64.encode([signature.as_slice(), &payload].concat()))
    }

    /// Parses a cursor, if it was signed for this organization and question.
    pub fn verify(text: &str, secret: &[u8], org: &OrgId, params: &Params) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (signed, payload) = bytes.split_first_chunk::<SIGNATURE>()?;
        signature(secret, org, params, payload).verify_slice(signed).ok()?;
        serde_json::from_slice(payload).ok()
    }
}

/// Signs everything that a cursor is bound to: all of the question but the size of its pages.
fn signature(secret: &[u8], org: &OrgId, params: &Params, payload: &[u8]) -> Hmac<Sha256> {
    let Params { from, to, granularity, group_by, filters, compare, order, limit: _, cursor: _ } = params;
    let question = format!("{from:?} {to:?} {granularity:?} {group_by:?} {filters:?} {compare} {order:?}");
    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key");
    for part in ["cost-analysis/query", org.as_str(), &question] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use web::query::{FromQuery, QueryReader};

    use super::*;

    fn params(text: &str) -> Params {
        Params::from_query(&mut QueryReader::parse(text))
    }

    fn cursor() -> Cursor {
        let rank = Rank { measure: Decimal::new(-123, 2), group: vec!["nova".to_owned(), "é#".to_owned()] };
        Cursor::after(DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH, rank)
    }

    const QUESTIONS: [&str; 8] = [
        "",
        "groupBy=agent",
        "groupBy=model",
        "groupBy=agent&order=tokens",
        "groupBy=agent&compare=previous",
        "groupBy=agent&filter[agent]=a",
        "groupBy=agent&from=2026-09-01",
        "groupBy=agent&granularity=day",
    ];

    #[test]
    fn a_cursor_is_bound_to_its_organization_and_question() {
        let (secret, org) = ([7; 32], OrgId::new("acme").unwrap());
        for question in QUESTIONS {
            let text = cursor().sign(&secret, &org, &params(question)).unwrap();
            let read = |secret: &[u8], org: &str, question: &str| {
                Cursor::verify(&text, secret, &OrgId::new(org).unwrap(), &params(question))
            };
            for other in QUESTIONS {
                assert_eq!(
                    read(&secret, "acme", other),
                    (other == question).then(cursor),
                    "{question} {other}"
                );
            }
            assert_eq!(read(&secret, "acm", question), None);
            assert_eq!(read(&[8; 32], "acme", question), None);
            assert_eq!(read(&secret, "acme", &format!("{question}&limit=7")), Some(cursor()));
        }
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
        for bad in ["", "x", "é", &text[1..], &format!("{text}=")] {
            assert_eq!(Cursor::verify(bad, &secret, &org, &params), None, "{bad}");
        }
    }
}
