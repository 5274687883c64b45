//! The charges of a call, by meter.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ledger::calendar::{Calendar, TrackedDimensions};
use ledger::cost::CallCost;
use ledger::event::LlmCall;
use ledger::ids::Label;
use ledger::money::{MAX_SCALE, Quantity, Usd, exact_add};
use ledger::pricing::{OwnPrices, Rate, Unpriced};
use ledger::settings::{OrganizationSettings, Settings};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Meters, under the names that FOCUS users expect.
pub const INPUT: &str = "Input Tokens";
pub const CACHE_READ: &str = "Cache Read Input Tokens";
pub const CACHE_WRITE: &str = "Cache Write Input Tokens";
pub const OUTPUT: &str = "Output Tokens";
/// The meter of a call with several units, of which only the total cost is known.
const UNITS: &str = "Units";

/// The key of a charge within a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChargeKey {
    pub agent: String,
    pub provider: String,
    pub model: String,
    pub meter: String,
    /// `None` if a call was charged at several prices at once, or at none.
    pub price: Option<UnitPrice>,
    /// The values of the dimensions that the organization tracks.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Dollars per token or unit. Quantity times price is exactly the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnitPrice {
    pub list: Quantity,
    pub contracted: Quantity,
}

/// The sum of charges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Tokens or units.
    pub quantity: Decimal,
    pub billed: Usd,
    pub list: Usd,
    pub requests: u64,
    pub unpriced_requests: u64,
}

impl Charge {
    pub fn add(&mut self, other: Self) {
        self.quantity = exact_add(self.quantity, other.quantity);
        self.billed += other.billed;
        self.list += other.list;
        self.requests += other.requests;
        self.unpriced_requests += other.unpriced_requests;
    }
}

/// The charges of a call: one for each meter with a quantity or a cost.
pub fn charges(
    call: &LlmCall,
    time: DateTime<Utc>,
    tags: &BTreeMap<String, String>,
) -> Vec<(ChargeKey, Charge)> {
    let list = list_cost(call, time);
    let (cost, key) = (&call.cost, call.model_key());
    let tokens = &call.tokens;
    let written = tokens.whole_input() - tokens.input - tokens.cache_read;
    let meters = [
        (INPUT, tokens.input.into(), cost.input, list.input),
        (CACHE_READ, tokens.cache_read.into(), cost.cache_read, list.cache_read),
        (CACHE_WRITE, written.into(), cost.cache_write, list.cache_write),
        (OUTPUT, tokens.output.into(), cost.output, list.output),
    ];
    let of_tokens = meters.map(|(meter, quantity, billed, list)| {
        let unpriced = cost.is_unpriced() && billed.is_zero();
        Metered { meter: meter.to_owned(), quantity, billed, list, unpriced }
    });
    let all = of_tokens.into_iter().chain(units(call, &list, time));
    let charged = all.filter(|metered| !metered.quantity.is_zero() || !metered.billed.is_zero());
    charged
        .map(|Metered { meter, quantity, billed, list, unpriced }| {
            let key = ChargeKey {
                agent: call.agent_id.to_string(),
                provider: key.provider.clone(),
                model: key.model.clone(),
                meter,
                price: if unpriced { None } else { unit_price(quantity, billed, list) },
                tags: tags.clone(),
            };
            (key, Charge { quantity, billed, list, requests: 1, unpriced_requests: unpriced.into() })
        })
        .collect()
}

/// The part of a call that one meter counted.
struct Metered {
    meter: String,
    quantity: Decimal,
    billed: Usd,
    list: Usd,
    /// Whether this part, or some of it, has no price.
    unpriced: bool,
}

/// The units of a call: each separately if the price book gives the cost of each, or else all of them as [`UNITS`],
/// because a call only has one cost for all its units.
fn units(call: &LlmCall, list: &CallCost, time: DateTime<Utc>) -> Vec<Metered> {
    let cost = &call.cost;
    let used: Vec<_> = call.units.iter().filter(|(_, count)| !count.0.is_zero()).collect();
    let meter = |name: &str| if Rate::from_name(name).is_some() { title(name) } else { UNITS.to_owned() };
    if let [_, _, ..] = used[..]
        && cost.units == list.units
    {
        let alone = used.iter().map(|(name, count)| {
            let call = LlmCall { units: [((*name).clone(), **count)].into(), ..call.clone() };
            let billed = book_cost(&call, time).units;
            let unpriced = cost.is_unpriced() && billed.is_zero();
            Metered { meter: meter(name), quantity: count.0, billed, list: billed, unpriced }
        });
        let alone: Vec<_> = alone.collect();
        if alone.iter().map(|metered| metered.billed).sum::<Usd>() == cost.units {
            return alone;
        }
    }
    let quantity = used.iter().fold(Decimal::ZERO, |sum, (_, count)| exact_add(sum, count.0));
    let meter = if let [(name, _)] = used[..] { meter(name) } else { UNITS.to_owned() };
    let unpriced =
        cost.unpriced == Some(Unpriced::NoPriceForUnit) || cost.is_unpriced() && cost.units.is_zero();
    vec![Metered { meter, quantity, billed: cost.units, list: list.units, unpriced }]
}

/// The cost by the price book without own prices, if an own price determined the cost; else the cost itself.
fn list_cost(call: &LlmCall, time: DateTime<Utc>) -> CallCost {
    let is_own = call.cost.row.as_ref().is_some_and(|row| row.contains("+org")) && call.cost_usd.is_none();
    let list = is_own.then(|| book_cost(call, time)).filter(|list| !list.is_unpriced());
    list.unwrap_or_else(|| call.cost.clone())
}

/// The cost by the price book alone, of the model whose price the call has.
fn book_cost(call: &LlmCall, time: DateTime<Utc>) -> CallCost {
    let book = Settings {
        calendar: Calendar::default(),
        tracked: TrackedDimensions::none(),
        own_prices: OwnPrices::default(),
        organization: OrganizationSettings::default(),
        plan: None,
    };
    let list = book.price_call(call, time);
    let charged = call.cost.row.as_deref().and_then(priced_as);
    match charged.map(|(provider, model)| (Label::new(provider), Label::new(model))) {
        // The name is an alias that the organization set.
        Some((Ok(provider), Ok(model))) if list.row.as_deref().and_then(priced_as) != charged => {
            book.price_call(&LlmCall { provider, model, ..call.clone() }, time)
        }
        _ => list,
    }
}

/// The provider and model in the [name](ledger::pricing::EffectiveRow::stamp) of a price row.
fn priced_as(row: &str) -> Option<(&str, &str)> {
    row.rsplit_once('@')?.0.split_once('/')
}

/// Turns `web_search` into `Web Search`.
fn title(name: &str) -> String {
    let capitalized = |word: &str| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    };
    name.split('_').map(capitalized).collect::<Vec<_>>().join(" ")
}

/// The price of one token or unit, if all of them have the same price.
fn unit_price(quantity: Decimal, billed: Usd, list: Usd) -> Option<UnitPrice> {
    let price = |cost: Usd| {
        let price = cost.dollars().checked_div(quantity)?.normalize();
        let is_exact = price.scale() <= MAX_SCALE && price.checked_mul(quantity)? == cost.dollars();
        is_exact.then_some(Quantity(price))
    };
    Some(UnitPrice { list: price(list)?, contracted: price(billed)? })
}

#[cfg(test)]
mod tests {
    use ledger::event::Data;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn call(tokens: [u64; 5], cost: [u64; 5]) -> LlmCall {
        let part = |i: usize| Usd::new(Decimal::new(i64::try_from(cost[i]).unwrap(), 12));
        let data = json!({
            "type": "llm.call", "agent_id": "nova", "provider": "p", "model": "m", "input_tokens": tokens[0],
            "cache_read_tokens": tokens[1], "cache_write_5m_tokens": tokens[2], "cache_write_1h_tokens": tokens[3],
            "output_tokens": tokens[4], "status": "ok", "key_source": "platform", "cost": {},
        });
        let Data::LlmCall(mut call) = serde_json::from_value::<Data>(data).unwrap() else { panic!() };
        call.cost = CallCost {
            input: part(0),
            cache_read: part(1),
            cache_write: part(2),
            output: part(3),
            units: part(4),
            ..CallCost::default()
        };
        call
    }

    proptest! {
        #[test]
        fn nothing_of_a_call_is_lost_and_prices_are_exact(
            tokens in [0_u64..5, 0_u64..5_000, 0_u64..5_000, 0_u64..3, 0_u64..1_000_000_000],
            prices in [0_u64..10, 0_u64..100_000_000],
            odd in 0_u64..3,
            unit_cost in 0_u64..2,
        ) {
            let written = tokens[2] + tokens[3];
            let cost = [tokens[0] * prices[0], tokens[1] * prices[0] + odd, written * 7, tokens[4] * prices[1], unit_cost];
            let call = call(tokens, cost);
            let charges = charges(&call, DateTime::UNIX_EPOCH, &BTreeMap::new());
            let billed: Usd = charges.iter().map(|(_, charge)| charge.billed).sum();
            prop_assert_eq!(billed, call.cost.total());
            let quantity: Decimal = charges.iter().map(|(_, charge)| charge.quantity).sum();
            prop_assert_eq!(quantity, Decimal::from(call.tokens.total()));
            for (key, charge) in &charges {
                if let Some(price) = key.price {
                    prop_assert_eq!(price.contracted.0 * charge.quantity, charge.billed.dollars());
                }
            }
            let of_output = charges.iter().find(|(key, _)| key.meter == OUTPUT);
            let price = of_output.map(|(key, _)| key.price.unwrap().contracted.0);
            prop_assert_eq!(price, (tokens[4] > 0).then(|| Decimal::new(i64::try_from(prices[1]).unwrap(), 12).normalize()));
        }
    }

    #[test]
    fn each_unit_that_the_book_prices_has_its_own_meter() {
        let mut call = call([0; 5], [0; 5]);
        (call.provider, call.model) =
            (Label::new("anthropic").unwrap(), Label::new("claude-sonnet-4-5").unwrap());
        let units = [("web_search", 5), ("code_execution_hours", 2)];
        call.units = units.map(|(name, count): (_, u64)| (name.to_owned(), Quantity(count.into()))).into();
        let time = "2026-11-20T00:00:00Z".parse().unwrap();
        call.cost = book_cost(&call, time);
        let meters: Vec<_> = charges(&call, time, &BTreeMap::new())
            .into_iter()
            .map(|(key, charge)| (key.meter, charge.quantity, charge.billed.dollars().normalize()))
            .collect();
        let expected =
            [("Code Execution Hours", 2, Decimal::new(1, 1)), ("Web Search", 5, Decimal::new(5, 2))];
        assert_eq!(meters, expected.map(|(meter, count, billed)| (meter.to_owned(), count.into(), billed)));
    }

    #[test]
    fn units_are_named_in_words() {
        assert_eq!(title("web_search"), "Web Search");
        assert_eq!(title("images"), "Images");
    }
}
