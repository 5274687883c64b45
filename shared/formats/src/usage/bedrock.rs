//! Amazon Bedrock's Converse API, and the metrics that end a stream of `InvokeModel`. The response states neither the
//! model nor a time.
//!
//! For the models of most vendors the input excludes cached tokens. The total shows it: it is then the sum of all four
//! counts (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>).

use serde::Deserialize;

use super::{Body, Response};
use crate::call::Call;
use crate::json::{Count, lenient, or_default};
use crate::spelling::{Spellings, unify};
use crate::tokens::{CacheWrites, Input, Reported};

/// boto3 names the response's headers `ResponseMetadata`, the JavaScript SDK `$metadata`.
const RESPONSE: Spellings =
    &[("modelId", "model"), ("ResponseMetadata", "$metadata"), ("usage", "amazon-bedrock-invocationMetrics")];
const METADATA: Spellings = &[("RequestId", "requestId")];
/// Converse states the cache counts under both names, even if they are zero (BerriAI/litellm, `test_transform_usage`).
/// All counts of invocation metrics have the longer one
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>).
const USAGE: Spellings = &[
    ("inputTokens", "inputTokenCount"),
    ("outputTokens", "outputTokenCount"),
    ("cacheReadInputTokens", "cacheReadInputTokenCount"),
    ("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
];

#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct Conversation {
    #[serde(default, deserialize_with = "lenient")]
    model_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Usage>,
    #[serde(default, deserialize_with = "or_default")]
    metrics: Metrics,
    #[serde(default, deserialize_with = "or_default")]
    service_tier: Tier,
    #[serde(default, rename = "ResponseMetadata", deserialize_with = "or_default")]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", default)]
pub struct Usage {
    input_tokens: Option<Count>,
    output_tokens: Count,
    total_tokens: Count,
    invocation_latency: Count,
    cache_read_input_tokens: Count,
    cache_write_input_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cache_details: Vec<CacheDetail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CacheDetail {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default, deserialize_with = "lenient")]
    ttl: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    latency_ms: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tier {
    #[serde(rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(remote = "Self", default)]
struct Metadata {
    #[serde(rename = "RequestId", deserialize_with = "lenient")]
    request_id: Option<String>,
}

unify!(Conversation, RESPONSE);
unify!(Usage, USAGE);
unify!(Metadata, METADATA);

impl Body<'_> for Conversation {
    type Usage = Usage;

    fn has_usage(&self) -> bool {
        self.usage.is_some()
    }

    fn set_usage(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    fn response(self) -> Result<Response, &'static str> {
        let usage = self.usage.as_ref();
        let usage = usage.and_then(|usage| Some((usage, usage.input_tokens?)));
        let (usage, input) = usage.ok_or("Entry should have a usage with inputTokens")?;
        let reported = Reported {
            input: input.0,
            output: usage.output_tokens.0,
            cache_read: usage.cache_read_input_tokens.0,
            cache_write: usage.cache_write_input_tokens.0,
            lifetimes: usage.lifetimes(),
            total: usage.total_tokens.0,
            ..Reported::default()
        };
        Ok(Response {
            call: Call {
                tokens: reported.tokens(reported.input_kind(Input::Exclusive)),
                latency_ms: Some(self.metrics.latency_ms.0.max(usage.invocation_latency.0))
                    .filter(|latency| *latency > 0),
                service_tier: self.service_tier.kind,
                ..Call::default()
            },
            id: self.metadata.request_id.or(self.id),
            time: None,
            model: self.model_id,
            others: Vec::new(),
        })
    }
}

impl Usage {
    fn lifetimes(&self) -> CacheWrites {
        let of = |ttl: &str| {
            let details = self.cache_details.iter().filter(|detail| detail.ttl.as_deref() == Some(ttl));
            details.fold(0_u64, |sum, detail| sum.saturating_add(detail.input_tokens.0))
        };
        CacheWrites { m5: of("5m"), h1: of("1h"), ..CacheWrites::default() }
    }
}
