//! Anthropic's Messages API. Input excludes what is read from and written to the cache
//! (docs.claude.com/en/api/messages, `usage`).

use serde::Deserialize;

use super::{Body, Response};
use crate::call::{Call, Units, used};
use crate::json::{Count, lenient, or_default};
use crate::tokens::{CacheWrites, Input, Reported, Tokens};

#[derive(Deserialize)]
pub struct Message {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Usage>,
}

/// The counts of a message, or of one round of a request that took several.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Usage {
    input_tokens: Option<Count>,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cache_creation: Lifetimes,
    /// The counts above leave out rounds that compacted the context, so if there are rounds, their sum is what is
    /// billed.
    #[serde(deserialize_with = "or_default")]
    iterations: Vec<Usage>,
    /// The model of a round, if it is another one, such as an advisor.
    #[serde(deserialize_with = "lenient")]
    model: Option<String>,
    #[serde(deserialize_with = "or_default")]
    server_tool_use: ServerToolUse,
    #[serde(deserialize_with = "lenient")]
    service_tier: Option<String>,
    #[serde(deserialize_with = "lenient")]
    speed: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub inference_geo: Option<String>,
}

/// Cache writes by lifetime. Gateways use the names for the lifetimes of other providers, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Lifetimes {
    ephemeral_5m_input_tokens: Count,
    ephemeral_30m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
    ephemeral_12h_input_tokens: Count,
}

impl Lifetimes {
    pub const fn writes(self) -> CacheWrites {
        CacheWrites {
            m5: self.ephemeral_5m_input_tokens.0,
            m30: self.ephemeral_30m_input_tokens.0,
            h1: self.ephemeral_1h_input_tokens.0,
            h12: self.ephemeral_12h_input_tokens.0,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Count,
    web_fetch_requests: Count,
}

impl Body<'_> for Message {
    type Usage = Usage;

    fn has_usage(&self) -> bool {
        self.usage.is_some()
    }

    fn set_usage(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    fn response(self) -> Result<Response, &'static str> {
        let Self { id, model, usage } = self;
        let usage = usage
            .filter(|usage| usage.input_tokens.is_some())
            .ok_or("Entry should have a usage with its input tokens")?;
        let of_model = |round: &&Usage| round.model.is_none() || round.model == model;
        let own = usage.iterations.iter().filter(of_model).map(Usage::tokens).reduce(sum);
        let others = usage.iterations.iter().filter(|round| !of_model(round)).map(|round| Call {
            tokens: round.tokens(),
            model: round.model.clone().unwrap_or_default(),
            service_tier: usage.tier(),
            region: usage.inference_geo.clone(),
            ..Call::default()
        });
        Ok(Response {
            others: others.collect(),
            call: Call {
                tokens: own.unwrap_or_else(|| usage.tokens()),
                units: usage.units(),
                service_tier: usage.tier(),
                region: usage.inference_geo,
                ..Call::default()
            },
            id,
            time: None,
            model,
        })
    }
}

impl Usage {
    fn tokens(&self) -> Tokens {
        self.reported().tokens(Input::Exclusive)
    }

    pub fn units(&self) -> Units {
        let tools = &self.server_tool_use;
        used([("web_search", tools.web_search_requests.0), ("web_fetch", tools.web_fetch_requests.0)])
    }

    pub fn reported(&self) -> Reported {
        Reported {
            input: self.input_tokens.unwrap_or_default().0,
            output: self.output_tokens.0,
            cache_read: self.cache_read_input_tokens.0,
            cache_write: self.cache_creation_input_tokens.0,
            lifetimes: self.cache_creation.writes(),
            ..Reported::default()
        }
    }

    /// The service tier. Fast mode has its own prices, so it counts as one.
    pub fn tier(&self) -> Option<String> {
        let fast = self.speed.as_ref().filter(|speed| *speed == "fast");
        fast.or(self.service_tier.as_ref()).cloned()
    }
}

fn sum(a: Tokens, b: Tokens) -> Tokens {
    let (x, y) = (a.cache_writes, b.cache_writes);
    Tokens {
        input: a.input.saturating_add(b.input),
        output: a.output.saturating_add(b.output),
        cache_read: a.cache_read.saturating_add(b.cache_read),
        cache_writes: CacheWrites {
            m5: x.m5.saturating_add(y.m5),
            m30: x.m30.saturating_add(y.m30),
            h1: x.h1.saturating_add(y.h1),
            h12: x.h12.saturating_add(y.h12),
        },
        ..a
    }
}
