//! What a call costs: the book under an organization's own prices.

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy};

use super::catalog::{Book, ModelEntry, ProviderEntry};
use super::data::{Date, Rate, RateSet, Tier};
use super::own::{OwnEntry, OwnPrice, OwnPrices, in_proportion, multiplied, provider_id, scaled};
use super::select::{Query, Unpriced};
use super::tables::PriceRow;
use super::usage::{Call, TokenUsage};

/// The prices that hold for one organization.
///
/// Its own price for the name exactly as the event has it comes first; then its own price for the model that the name
/// means, or for the model that this is a snapshot of; then its own factor for the provider; then the book.
#[derive(Clone, Copy, Debug)]
pub struct Pricer<'p> {
    book: Book,
    own: &'p OwnPrices,
}

/// The parts of a cost, in picodollars (10⁻¹² USD).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostParts {
    /// Of input that no cache was involved in.
    pub input: i128,
    /// Of cache reads.
    pub cache_read: i128,
    /// Of cache writes.
    pub cache_write: i128,
    /// Of output.
    pub output: i128,
    /// Of what is billed by count.
    pub units: i128,
}

impl CostParts {
    /// All parts together.
    pub const fn total(&self) -> i128 {
        self.input + self.cache_read + self.cache_write + self.output + self.units
    }
}

/// The price of a call.
#[derive(Clone, Debug)]
pub struct CallPrice<'p> {
    /// What is priced of it.
    pub parts: CostParts,
    /// Why the call, or a part of it, has no price.
    pub unpriced: Option<Unpriced>,
    /// The row that prices it, where one was found.
    pub row: Option<EffectiveRow<'p>>,
}

/// The rates that hold under certain conditions, own prices included.
#[derive(Clone, Debug)]
pub struct EffectiveRow<'p> {
    /// The provider's id, or its name where the book does not know it.
    pub provider: Cow<'p, str>,
    /// The model's id, or the name of the own price where the book does not know the model.
    pub model: Cow<'p, str>,
    /// The model of the book.
    pub entry: Option<ModelEntry>,
    /// The row of the book.
    pub list: Option<PriceRow>,
    /// The own price.
    pub own: Option<&'p OwnEntry>,
    /// The threshold of the row.
    pub above_input_tokens: u64,
    /// The rates.
    pub rates: RateSet,
}

impl EffectiveRow<'_> {
    /// A short, stable text that names the row for the record: `{provider}/{model}@{first day, or -}`, then what else
    /// decided: `+org` for an own price, `+{tier}`, `+{region}`, `+hours`, `+long{threshold}`.
    pub fn stamp(&self) -> String {
        use std::fmt::Write as _;
        let mut stamp = String::with_capacity(self.provider.len() + self.model.len() + 40);
        stamp.push_str(&self.provider);
        stamp.push('/');
        stamp.push_str(&self.model);
        stamp.push('@');
        let from = self.own.map(|own| own.from).or_else(|| self.list.map(PriceRow::from));
        match from.filter(|from| *from > Date::MIN) {
            Some(from) => write!(stamp, "{from}"),
            None => write!(stamp, "-"),
        }
        .unwrap_or_default();
        if self.own.is_some() {
            stamp.push_str("+org");
        }
        if let Some(row) = self.list {
            for part in [if row.tier() == Tier::Standard { "" } else { row.tier().name() }, row.region()] {
                if !part.is_empty() {
                    stamp.push('+');
                    stamp.push_str(part);
                }
            }
            if row.window().is_some() {
                stamp.push_str("+hours");
            }
        }
        if self.above_input_tokens > 0 {
            write!(stamp, "+long{}", self.above_input_tokens).unwrap_or_default();
        }
        stamp
    }
}

impl<'p> Pricer<'p> {
    /// `own` over `book`.
    pub const fn new(book: Book, own: &'p OwnPrices) -> Self {
        Self { book, own }
    }

    /// Prices a call.
    pub fn price(self, call: &Call<'_>) -> CallPrice<'p> {
        match self.row(call) {
            Ok(row) => {
                let (parts, unpriced) = match cost(&row, call) {
                    Ok((parts, unpriced)) => (parts, unpriced),
                    Err(reason) => (CostParts::default(), Some(reason)),
                };
                CallPrice { parts, unpriced, row: Some(row) }
            }
            Err(reason) => CallPrice { parts: CostParts::default(), unpriced: Some(reason), row: None },
        }
    }

    /// The rates that price a call.
    ///
    /// # Errors
    ///
    /// Why there are none.
    pub fn row(self, call: &Call<'_>) -> Result<EffectiveRow<'p>, Unpriced> {
        let day = call.day();
        let sent = self.sent(call, day);
        let name = match sent.map(|own| &own.price) {
            Some(OwnPrice::Alias(model)) => model,
            _ => call.model,
        };
        let (provider, found) = self.book.identify(call.provider, name);
        let own = match sent.map(|own| &own.price) {
            None | Some(OwnPrice::Alias(_)) => found.and_then(|found| self.own.of_model(found.model, day)),
            Some(_) => sent,
        };
        let own = own.filter(|own| !matches!(own.price, OwnPrice::Alias(_)));
        let Some(found) = found else {
            return self.unlisted(call, own, provider);
        };
        let query = Query {
            day,
            slot: call.slot(),
            tier: call.tier(),
            region: if call.region.is_empty() { found.region.unwrap_or_default() } else { call.region },
            whole_input: call.tokens.whole_input(),
        };
        let list = match found.model.select(query) {
            // An own price needs no price of the list, unless it is for a condition that only the list knows.
            Err(Unpriced::NoPriceAtThatTime) if own.is_some() => return self.unlisted(call, own, provider),
            list => list?,
        };
        Ok(effective(found.model, list, own, query))
    }

    /// The own price for the name as it was sent.
    fn sent(self, call: &Call<'_>, day: Date) -> Option<&'p OwnEntry> {
        if self.own.is_empty() {
            return None;
        }
        self.own.named(&provider_id(self.book, call.provider), call.model, day)
    }

    /// The row of an own price for a model that the book does not price.
    fn unlisted(
        self,
        call: &Call<'_>,
        own: Option<&'p OwnEntry>,
        provider: Option<ProviderEntry>,
    ) -> Result<EffectiveRow<'p>, Unpriced> {
        let missing = if provider.is_some() { Unpriced::UnknownModel } else { Unpriced::UnknownProvider };
        let own = own.ok_or(missing)?;
        let OwnPrice::Rates { rates, long_context } = &own.price else { return Err(missing) };
        if call.tier() != Some(Tier::Standard) {
            return Err(Unpriced::NoPriceForTier);
        }
        let long = long_context.as_ref().filter(|(above, _)| call.tokens.whole_input() > *above);
        let (above_input_tokens, rates) = long.map_or((0, rates), |(above, rates)| (*above, rates));
        Ok(EffectiveRow {
            provider: Cow::Owned(provider_id(self.book, call.provider)),
            model: own.model.as_deref().unwrap_or_default().into(),
            entry: None,
            list: None,
            own: Some(own),
            above_input_tokens,
            rates: *rates,
        })
    }

    /// The rows of a model on `day`, as they are for the organization: those that a PUT answers with.
    pub fn rows(self, model: ModelEntry, day: Date) -> Vec<EffectiveRow<'p>> {
        let own = self.own.of_model(model, day).filter(|own| !matches!(own.price, OwnPrice::Alias(_)));
        let rows = model.rows().filter(|row| row.holds_on(day));
        let query = |row: PriceRow| Query {
            day,
            slot: 0,
            tier: Some(row.tier()),
            region: row.region(),
            whole_input: if row.above_input_tokens() == 0 { 0 } else { row.above_input_tokens() + 1 },
        };
        rows.map(|row| effective(model, row, own, query(row))).collect()
    }

    /// Every model of the book that has a price on `day`, then every own price for a name that the book does not know.
    pub fn list(self, day: Date) -> Vec<EffectiveRow<'p>> {
        let mut list: Vec<_> = Vec::new();
        for model in self.book.models() {
            let base = model.base_row(day).or_else(|| model.rows().find(|row| row.holds_on(day)));
            if let Some(row) = base {
                let own =
                    self.own.of_model(model, day).filter(|own| !matches!(own.price, OwnPrice::Alias(_)));
                let query =
                    Query { day, slot: 0, tier: Some(row.tier()), region: row.region(), whole_input: 0 };
                list.push(effective(model, row, own, query));
            }
        }
        let mut unlisted: Vec<_> = self.own.names().collect();
        unlisted.sort_unstable();
        for (provider, name) in unlisted {
            let is_known = self.book.provider(provider).and_then(|provider| provider.named(name)).is_some();
            let own = self.own.named(provider, name, day).filter(|_| !is_known);
            if let Some(own) = own
                && let OwnPrice::Rates { rates, .. } = &own.price
            {
                list.push(EffectiveRow {
                    provider: Cow::Borrowed(provider),
                    model: own.model.as_deref().unwrap_or_default().into(),
                    entry: None,
                    list: None,
                    own: Some(own),
                    above_input_tokens: 0,
                    rates: *rates,
                });
            }
        }
        list
    }
}

/// A row of the list under an own price.
fn effective<'p>(
    model: ModelEntry,
    list: PriceRow,
    own: Option<&'p OwnEntry>,
    query: Query<'_>,
) -> EffectiveRow<'p> {
    let mut above_input_tokens = list.above_input_tokens();
    let rates = match own.map(|own| &own.price) {
        None | Some(OwnPrice::Alias(_)) => list.rates(),
        Some(OwnPrice::Multiplier(factor)) => multiplied(&list.rates(), *factor),
        Some(OwnPrice::Rates { rates, long_context }) => {
            let base = model.base_row(query.day).unwrap_or(list);
            match long_context {
                // Own steps replace those of the list.
                Some((above, long)) if query.whole_input > *above => {
                    above_input_tokens = *above;
                    scaled(long, &list.rates(), &list.rates())
                }
                Some(_) => {
                    above_input_tokens = 0;
                    let short = model.select(Query { whole_input: 0, ..query }).unwrap_or(list);
                    scaled(rates, &short.rates(), &base.rates())
                }
                None => scaled(rates, &list.rates(), &base.rates()),
            }
        }
    };
    EffectiveRow {
        provider: Cow::Borrowed(model.provider().id()),
        model: Cow::Borrowed(model.id()),
        entry: Some(model),
        list: Some(list),
        own,
        above_input_tokens,
        rates,
    }
}

/// The cost of a call at the rates of a row, and whether a unit has no price.
fn cost(row: &EffectiveRow<'_>, call: &Call<'_>) -> Result<(CostParts, Option<Unpriced>), Unpriced> {
    let tokens = &call.tokens;
    let rates = &row.rates;
    let input = rates.get(Rate::Input);
    let read = rates.get(Rate::CacheRead).or(input);
    let read_audio = rates.get(Rate::CacheReadAudio).or_else(|| rates.get(Rate::InputAudio));
    let (write_5m, write_1h) = writes(row);
    let of = |tokens: u64, price: Option<u64>, missing: Unpriced| -> Result<i128, Unpriced> {
        if tokens == 0 {
            return Ok(0);
        }
        price.map(|price| i128::from(tokens) * i128::from(price)).ok_or(missing)
    };
    let TokenUsage { input_audio, input_image, cache_read_audio, output_audio, output_image, .. } = *tokens;
    let text = |all: u64, parts: u64| all.saturating_sub(parts);
    let modality = Unpriced::NoPriceForModality;
    let lifetime = Unpriced::NoPriceForCacheWrite;
    let mut parts = CostParts {
        input: of(text(tokens.input, input_audio.saturating_add(input_image)), input, modality)?
            + of(input_audio, rates.get(Rate::InputAudio), modality)?
            + of(input_image, rates.get(Rate::InputImage), modality)?,
        cache_read: of(text(tokens.cache_read, cache_read_audio), read, modality)?
            + of(cache_read_audio, read_audio, modality)?,
        cache_write: of(tokens.cache_write_5m, write_5m, lifetime)?
            + of(tokens.cache_write_30m, rates.get(Rate::CacheWrite30m), lifetime)?
            + of(tokens.cache_write_1h, write_1h, lifetime)?
            + of(tokens.cache_write_12h, rates.get(Rate::CacheWrite12h), lifetime)?,
        output: of(
            text(tokens.output, output_audio.saturating_add(output_image)),
            rates.get(Rate::Output),
            modality,
        )? + of(output_audio, rates.get(Rate::OutputAudio), modality)?
            + of(output_image, rates.get(Rate::OutputImage), modality)?,
        units: 0,
    };
    let mut unpriced = None;
    for (unit, count) in call.units.iter().filter(|(_, count)| !count.is_zero()) {
        match rates.get(*unit) {
            Some(price) => parts.units += units_cost(price, *count),
            None => unpriced = Some(Unpriced::NoPriceForUnit),
        }
    }
    // A call is a request, whether or not it says so.
    if let Some(price) = rates.get(Rate::Requests)
        && !call.units.iter().any(|(unit, _)| *unit == Rate::Requests)
    {
        parts.units += i128::from(price);
    }
    Ok((parts, unpriced))
}

/// The prices of cache writes for 5 minutes and for an hour: the row's, else the multiple of input that the provider
/// states for the models of Anthropic.
fn writes(row: &EffectiveRow<'_>) -> (Option<u64>, Option<u64>) {
    let stated = || {
        let entry = row.entry.filter(|entry| entry.id().to_ascii_lowercase().contains("claude"))?;
        Some((row.rates.get(Rate::Input)?, entry.provider().write_multiples()))
    };
    let (own_5m, own_1h) = (row.rates.get(Rate::CacheWrite5m), row.rates.get(Rate::CacheWrite1h));
    if own_5m.is_some() && own_1h.is_some() {
        return (own_5m, own_1h);
    }
    let Some((input, (times_5m, times_1h))) = stated() else { return (own_5m, own_1h) };
    let times = |multiple: u32| (multiple > 0).then(|| in_proportion(input, multiple.into(), 100));
    (own_5m.or_else(|| times(times_5m)), own_1h.or_else(|| times(times_1h)))
}

/// `price × count`, rounded half-even to a picodollar.
fn units_cost(price: u64, count: Decimal) -> i128 {
    let whole = i128::from(price).checked_mul(count.mantissa());
    match whole {
        Some(product) if count.scale() == 0 => product,
        Some(product) => {
            let divisor = 10_i128.pow(count.scale());
            let (quotient, remainder) = (product.div_euclid(divisor), product.rem_euclid(divisor));
            match (remainder * 2).cmp(&divisor) {
                std::cmp::Ordering::Less => quotient,
                std::cmp::Ordering::Equal => quotient + quotient % 2,
                std::cmp::Ordering::Greater => quotient + 1,
            }
        }
        // More digits than money has; round the count first.
        None => {
            let count = count.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven).normalize();
            i128::from(price).saturating_mul(count.mantissa()) / 10_i128.pow(count.scale())
        }
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
