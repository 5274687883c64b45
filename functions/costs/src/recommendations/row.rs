//! A recommendation in the response.

use ledger::ids::AgentId;
use ledger::money::{Number, percent};
use ledger::pricing::data::{Date, Rate, RateSet};
use rust_decimal::Decimal;
use serde::Serialize;

use super::advice::{Advice, Reason};
use super::choice::{CallCounts, Saving, total_per_month};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    agent_id: AgentId,
    agent_name: String,
    current_model: String,
    current_provider: String,
    recommended_model: String,
    recommended_provider: String,
    reason: Reason,
    savings_pct: Number,
    /// Per 30 days, extrapolated from the days since the first use of the model in the window.
    estimated_monthly_savings: Number,
    /// Negative for a saving; null if not all of the agent's tokens have a price.
    estimated_monthly_cost_change: Option<Number>,
    #[serde(flatten)]
    prices: PricePairs,
    basis: Basis,
    /// The day from which the current model is no longer served.
    retires_on: Option<String>,
    /// The model that the provider names as the successor of the current one.
    successor: Option<&'static str>,
}

/// Today's prices in dollars per million tokens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PricePairs {
    current_input_price: Number,
    recommended_input_price: Number,
    current_output_price: Option<Number>,
    recommended_output_price: Option<Number>,
    current_cache_read_price: Option<Number>,
    recommended_cache_read_price: Option<Number>,
    #[serde(rename = "currentCacheWrite5mPrice")]
    current_cache_write_5m_price: Option<Number>,
    #[serde(rename = "recommendedCacheWrite5mPrice")]
    recommended_cache_write_5m_price: Option<Number>,
    #[serde(rename = "currentCacheWrite1hPrice")]
    current_cache_write_1h_price: Option<Number>,
    #[serde(rename = "recommendedCacheWrite1hPrice")]
    recommended_cache_write_1h_price: Option<Number>,
}

/// What the recommendation is based on: the agent's calls of the current model in the window.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Basis {
    /// First day of use.
    since: String,
    days: u32,
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    error_rate_pct: Number,
    /// Upper bound of the input tokens of a single call; null above the longest length that is recorded.
    longest_input_tokens: Option<u64>,
    /// The agent's own calls of the recommended model.
    recommended_calls: u64,
    recommended_error_rate_pct: Option<Number>,
}

impl Recommendation {
    /// There is one for each agent and model.
    pub fn id(&self) -> String {
        format!("{}\0{}\0{}", self.agent_id, self.current_provider, self.current_model)
    }

    pub fn new(id: &AgentId, name: &str, advice: &Advice<'_>) -> Self {
        let saving = advice.saving.filter(|saving| saving.saved > 0);
        let savings_pct =
            saving.map(|saving| percent(Decimal::from(saving.saved), Decimal::from(saving.cost_now)));
        let model = &advice.current.model;
        Self {
            agent_id: id.clone(),
            agent_name: name.to_owned(),
            current_model: advice.from.model.clone(),
            current_provider: advice.from.provider.clone(),
            recommended_model: advice.to.id.model.clone(),
            recommended_provider: advice.to.id.provider.clone(),
            reason: advice.reason,
            savings_pct: savings_pct.unwrap_or(Number(Decimal::ZERO)),
            estimated_monthly_savings: Number::usd(total_per_month(saving)),
            estimated_monthly_cost_change: advice.saving.map(cost_change),
            prices: PricePairs::new(model.prices.base(), advice.to.prices.base()),
            basis: Basis::new(advice),
            retires_on: model.retires_on.map(|day: Date| day.to_string()),
            successor: model.entry.and_then(ledger::pricing::ModelEntry::successor),
        }
    }
}

fn cost_change(saving: Saving) -> Number {
    let change = Saving { saved: saving.saved.abs(), ..saving };
    let amount = total_per_month([change]).dollars();
    Number::usd(ledger::money::Usd::new(if saving.saved > 0 { -amount } else { amount }))
}

impl PricePairs {
    fn new(current: &RateSet, recommended: &RateSet) -> Self {
        let price = |rates: &RateSet, rate: Rate| rates.get(rate).map(|pico| Number(rate.dollars(pico)));
        let input = |rates| price(rates, Rate::Input).unwrap_or(Number(Decimal::ZERO));
        Self {
            current_input_price: input(current),
            recommended_input_price: input(recommended),
            current_output_price: price(current, Rate::Output),
            recommended_output_price: price(recommended, Rate::Output),
            current_cache_read_price: price(current, Rate::CacheRead),
            recommended_cache_read_price: price(recommended, Rate::CacheRead),
            current_cache_write_5m_price: price(current, Rate::CacheWrite5m),
            recommended_cache_write_5m_price: price(recommended, Rate::CacheWrite5m),
            current_cache_write_1h_price: price(current, Rate::CacheWrite1h),
            recommended_cache_write_1h_price: price(recommended, Rate::CacheWrite1h),
        }
    }
}

impl Basis {
    fn new(advice: &Advice<'_>) -> Self {
        let Advice { current, tried, since, .. } = advice;
        let rate = |calls: CallCounts| percent(Decimal::from(calls.errors), Decimal::from(calls.requests));
        let tried = tried.filter(|calls| calls.requests > 0);
        Self {
            since: since.to_string(),
            days: current.days,
            calls: current.calls.requests,
            input_tokens: current.mix.total.whole_input(),
            output_tokens: current.mix.total.output,
            error_rate_pct: rate(current.calls),
            longest_input_tokens: Some(current.mix.longest_input).filter(|longest| *longest < u64::MAX),
            recommended_calls: tried.map_or(0, |calls| calls.requests),
            recommended_error_rate_pct: tried.map(rate),
        }
    }
}
