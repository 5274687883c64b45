//! Calls without a price, by what was called and why there is no price.
//!
//! Senders make up names, so the number of rows is bounded, in a way that does not depend on the order of events: rows
//! are ranked by a hash, and those of the lowest ranks are kept. A kept row has counted every one of its calls, since it
//! was among the lowest ranks ever since its first call. Calls of all other rows are counted together by reason. The
//! result is a function of the set of events alone, so shards and raw events lead to the same rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::LlmCall;
use crate::pricing::Unpriced;

/// The most rows of a day.
pub const MAX_UNPRICED_ROWS: usize = 100;
/// The most bytes of text in the rows of a day. Every started kilobyte of an item costs a write unit.
pub const MAX_UNPRICED_TEXT: usize = 16 << 10;

/// What was called, and why it has no price.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnpricedCall {
    /// The provider, as rollups name it.
    pub provider: String,
    /// The model, as the event spells it.
    pub model: String,
    /// The service tier; none: standard.
    pub tier: Option<String>,
    /// Where the call ran, if the event says so.
    pub region: Option<String>,
    /// Why there is no price.
    pub reason: Unpriced,
}

/// Figures of calls without a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpricedFigures {
    /// Calls.
    pub requests: u64,
    /// Tokens, in and out.
    pub tokens: u64,
    /// The time of the first call.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub first: DateTime<Utc>,
    /// The time of the last call.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub last: DateTime<Utc>,
}

/// The position of a row among all rows, kept or not. Models that the price book knows come first: made-up names cannot
/// displace them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Rank(bool, [u8; 8]);

/// Calls without a price on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnpricedRows {
    rows: BTreeMap<(Rank, UnpricedCall), UnpricedFigures>,
    /// Calls of rows that are not kept.
    others: BTreeMap<Unpriced, UnpricedFigures>,
    /// The lowest rank that is not kept, if any is not.
    cut: Option<Rank>,
}

impl UnpricedCall {
    /// What `call` counts under, if it has no price.
    pub fn of(call: &LlmCall) -> Option<Self> {
        let reason = call.cost.unpriced?;
        let key = call.model_key();
        Some(Self {
            provider: key.provider,
            model: key.model,
            tier: call.service_tier.as_ref().map(ToString::to_string),
            region: call.region.as_ref().map(ToString::to_string),
            reason,
        })
    }

    fn texts(&self) -> [&str; 4] {
        let [tier, region] = [&self.tier, &self.region].map(|label| label.as_deref().unwrap_or_default());
        [&self.provider, &self.model, tier, region]
    }

    fn rank(&self) -> Rank {
        let mut hash = Sha256::new();
        for text in self.texts() {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        // By position, as `cut` is stored: reasons are only ever appended to.
        hash.update([self.reason as u8]);
        let hash: [u8; 32] = hash.finalize().into();
        let is_unknown = matches!(self.reason, Unpriced::UnknownProvider | Unpriced::UnknownModel);
        Rank(is_unknown, std::array::from_fn(|i| hash[i]))
    }

    fn bytes(&self) -> usize {
        self.texts().map(str::len).iter().sum()
    }
}

impl UnpricedFigures {
    /// Those of one call.
    pub fn of(call: &LlmCall, time: DateTime<Utc>) -> Self {
        Self { requests: 1, tokens: call.tokens.total(), first: time, last: time }
    }

    /// Adds the figures of other calls.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

fn add_to<K: Ord>(all: &mut BTreeMap<K, UnpricedFigures>, key: K, figures: UnpricedFigures) {
    all.entry(key).and_modify(|sum| sum.merge(figures)).or_insert(figures);
}

impl UnpricedRows {
    /// Adds calls.
    pub fn add(&mut self, call: UnpricedCall, figures: UnpricedFigures) {
        add_to(&mut self.rows, (call.rank(), call), figures);
        self.drop_surplus(self.cut);
    }

    /// Adds the calls of another part of the day.
    pub fn merge(&mut self, other: &Self) {
        for (row, figures) in &other.rows {
            add_to(&mut self.rows, row.clone(), *figures);
        }
        for (reason, figures) in &other.others {
            add_to(&mut self.others, *reason, *figures);
        }
        self.drop_surplus(self.cut.into_iter().chain(other.cut).min());
    }

    /// Counts rows with the others that exceed the bounds or are not below `cut`.
    fn drop_surplus(&mut self, cut: Option<Rank>) {
        self.cut = cut;
        let mut bytes: usize = self.rows.keys().map(|(_, call)| call.bytes()).sum();
        while let Some(last) = self.rows.last_entry() {
            let rank = last.key().0;
            let is_cut = self.cut.is_some_and(|cut| rank >= cut);
            if !is_cut && bytes <= MAX_UNPRICED_TEXT && self.rows.len() <= MAX_UNPRICED_ROWS {
                return;
            }
            self.cut = Some(self.cut.map_or(rank, |cut| cut.min(rank)));
            if let Some(((_, call), figures)) = self.rows.pop_last() {
                bytes -= call.bytes();
                add_to(&mut self.others, call.reason, figures);
            }
        }
    }

    /// Whether the calls count in the same rows.
    pub fn is_like(&self, other: &Self) -> bool {
        self.rows.keys().eq(other.rows.keys()) && self.others.keys().eq(other.others.keys())
    }

    /// Whether there are no calls.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.others.is_empty()
    }

    /// The rows that are kept, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = (&UnpricedCall, &UnpricedFigures)> {
        self.rows.iter().map(|((_, call), figures)| (call, figures))
    }

    /// The calls of all other rows, by reason.
    pub const fn others(&self) -> &BTreeMap<Unpriced, UnpricedFigures> {
        &self.others
    }

    /// All calls.
    pub fn requests(&self) -> u64 {
        self.rows.values().chain(self.others.values()).map(|figures| figures.requests).sum()
    }
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct StoredRows {
    rows: Vec<(UnpricedCall, UnpricedFigures)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<(Unpriced, UnpricedFigures)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<Rank>,
}

impl Serialize for UnpricedRows {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.rows().map(|(call, figures)| (call.clone(), *figures)).collect();
        let others = self.others.iter().map(|(reason, figures)| (*reason, *figures)).collect();
        StoredRows { rows, others, cut: self.cut }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for UnpricedRows {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let StoredRows { rows, others, cut } = StoredRows::deserialize(deserializer)?;
        let rows = rows.into_iter().map(|(call, figures)| ((call.rank(), call), figures));
        Ok(Self { rows: rows.collect(), others: others.into_iter().collect(), cut })
    }
}

#[cfg(test)]
mod tests;
