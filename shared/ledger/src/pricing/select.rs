//! Which rows of a model price a call.

use super::catalog::ModelEntry;
use super::data::{Date, Tier};
use super::tables::PriceRow;

/// Why a call, or a part of it, has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unpriced {
    /// The book has no provider of this name.
    UnknownProvider,
    /// The provider has no model of this name.
    UnknownModel,
    /// The model had no price yet, or has none any more.
    NoPriceAtThatTime,
    /// The model has no price for the service tier.
    NoPriceForTier,
    /// The model has no price for the region.
    NoPriceForRegion,
    /// The model has no price for a kind of token of the call: text, audio or images.
    NoPriceForModality,
    /// The model has no price for a cache write of that lifetime.
    NoPriceForCacheWrite,
    /// The model has no price for a unit of the call. Its tokens are priced.
    NoPriceForUnit,
}

/// What decides between the rows of a model.
#[derive(Clone, Copy, Debug)]
pub struct Query<'q> {
    /// The day (UTC).
    pub day: Date,
    /// The half hour of the week (UTC), from Monday 00:00.
    pub slot: usize,
    /// The service tier; none: one that no price of the book is for.
    pub tier: Option<Tier>,
    /// Where the call ran; empty: not known.
    pub region: &'q str,
    /// All tokens of the input.
    pub whole_input: u64,
}

impl ModelEntry {
    /// The row that prices a call.
    ///
    /// # Errors
    ///
    /// The first condition that no row meets.
    pub fn select(self, query: Query<'_>) -> Result<PriceRow, Unpriced> {
        let today = || self.rows().filter(|row| row.holds_on(query.day));
        if today().next().is_none() {
            return Err(Unpriced::NoPriceAtThatTime);
        }
        let tier = query.tier.ok_or(Unpriced::NoPriceForTier)?;
        let region = region_of(today, query.region).ok_or(Unpriced::NoPriceForRegion)?;
        let mut best: Option<PriceRow> = None;
        for row in today().filter(|row| row.tier() == tier && row.above_input_tokens() <= query.whole_input) {
            // The threshold must be exceeded; a row without one has 0, which every call reaches.
            let exceeded = row.above_input_tokens() == 0 || row.above_input_tokens() < query.whole_input;
            let window = row.window();
            if !exceeded
                || !row.region().eq_ignore_ascii_case(region)
                || window.is_some_and(|window| !window.contains(query.slot))
            {
                continue;
            }
            let rank = |row: PriceRow, windowed: bool| (windowed, row.above_input_tokens());
            if best.is_none_or(|best| rank(best, best.window().is_some()) < rank(row, window.is_some())) {
                best = Some(row);
            }
        }
        best.ok_or(Unpriced::NoPriceForTier)
    }

    /// The row that holds on `day` without any condition, which other rows are compared with.
    pub fn base_row(self, day: Date) -> Option<PriceRow> {
        self.rows().find(|row| row.holds_on(day) && is_base(*row))
    }
}

fn is_base(row: PriceRow) -> bool {
    row.tier() == Tier::Standard
        && row.region().is_empty()
        && row.above_input_tokens() == 0
        && row.window().is_none()
}

/// The region whose rows price a call: the very region, else `regional` for every region but `global`, else the rows
/// for all regions.
fn region_of<I: Iterator<Item = PriceRow>>(rows: impl Fn() -> I, region: &str) -> Option<&str> {
    let has = |wanted: &str| rows().any(|row| row.region().eq_ignore_ascii_case(wanted));
    let is_given = !region.is_empty() && !region.eq_ignore_ascii_case("not_available");
    if is_given && has(region) {
        return Some(region);
    }
    if is_given && !region.eq_ignore_ascii_case("global") && has("regional") {
        return Some("regional");
    }
    if has("") {
        return Some("");
    }
    (!is_given && has("global")).then_some("global")
}
