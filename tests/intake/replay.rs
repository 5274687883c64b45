//! Each recording, replayed: the cost of each call to the last digit, and nothing twice.
//!
//! The costs are computed by hand from the responses of `record/canned.json` and the price book: 25 in at 3.00, 2,048 read
//! at 0.30, 256 written for 5 minutes at 3.75, 512 for an hour at 6.00 and 150 out at 15.00 are 0.0069714; the stream's 10
//! in and 30 out are 0.00048.

use http::StatusCode;
use serde_json::json;

use super::recording::{Recording, models, post};

const OPENAI: [&str; 4] = [
    // A failed call of a model without a price.
    "openai gpt-4.1-limited 1 0 0 0.00",
    "openai gpt-4.1-mini-2025-04-14 2 1290 320 0.0007208",
    // Flex is half the price.
    "openai gpt-5-mini-2025-08-07 1 2000 400 0.0004772",
    "openai text-embedding-3-small 1 11 0 0.00000022",
];
const ANTHROPIC: &str = "anthropic claude-sonnet-4-5-20250929 2 2851 180 0.0074514";

/// Replays a recording twice and expects these rows: provider, model, calls, tokens in and out, cost.
async fn assert_replay(sender: &str, rows: &[&str]) {
    let recording = Recording::of(sender);
    let world = recording.world().await;
    recording.send(&world).await;
    assert_eq!(models(&world).await, rows, "{sender}");
    recording.send(&world).await;
    assert_eq!(models(&world).await, rows, "{sender}, sent twice");
}

/// The recordings of this and of Gemini CLI hold spans, log records and metrics of the same calls.
#[tokio::test]
async fn opentelemetry_counts_once() {
    let google = "google gemini-2.5-flash 2 1900 360 0.00127";
    assert_replay("otel", &[&[ANTHROPIC, google], &OPENAI[..]].concat()).await;
}

#[tokio::test]
async fn the_older_openai_instrumentation_counts_once() {
    // It does not say that 1,024 tokens were read from the cache, and does not know the Responses API.
    let chat = "openai gpt-4.1-mini-2025-04-14 2 1290 320 0.001028";
    assert_replay("otel-openai-v2", &[OPENAI[0], chat, OPENAI[3]]).await;
}

#[tokio::test]
async fn openllmetry_counts_once() {
    // 50 tokens of the stream's input are in its total alone and count as output.
    let google = "google gemini-2.5-flash 2 1900 410 0.001325";
    assert_replay("openllmetry", &[&[ANTHROPIC, google], &OPENAI[..]].concat()).await;
}

#[tokio::test]
async fn openinference_counts_once() {
    // With two web searches.
    let anthropic = "anthropic claude-sonnet-4-5-20250929 2 2851 180 0.0274514";
    let google = "google gemini-2.5-flash 2 1950 360 0.001285";
    assert_replay("openinference", &[&[anthropic, google], &OPENAI[..]].concat()).await;
}

/// The recording holds every span as protobuf and as JSON. The SDK does not state lifetimes of cache writes.
#[tokio::test]
async fn the_ai_sdk_counts_once() {
    let anthropic = "anthropic claude-sonnet-4-5-20250929 3 2861 210 0.0067794";
    assert_replay("ai-sdk", &[anthropic, OPENAI[3]]).await;
}

/// The costs are those that LiteLLM computed.
#[tokio::test]
async fn litellm_counts_once() {
    let rows = [
        "anthropic claude-sonnet-4-5 1 2841 150 0.0269714",
        "google gemini-2.5-flash 1 1500 300 0.001",
        "openai gpt-4.1-limited 1 0 0 0.00",
        // 0.0006528, 0.000068, 0.000036 twice, and a hit of LiteLLM's cache.
        "openai gpt-4.1-mini 5 1310 360 0.0007928",
        "openai in-house-model 1 1200 300 0.00",
    ];
    assert_replay("litellm", &rows).await;
}

#[tokio::test]
async fn coding_agents_count_once() {
    assert_replay("claude-code", &["anthropic claude-opus-4-5 2 5682 300 0.063238"]).await;
    assert_replay("codex", &["openai gpt-5-mini 1 2000 400 0.0009544"]).await;
    assert_replay("gemini-cli", &["google gemini-2.5-flash 1 450 60 0.000285"]).await;
}

/// Binary mode, structured mode and a batch of two.
#[tokio::test]
async fn cloudevents_sdks_count_once_in_every_mode() {
    for sender in ["cloudevents-python", "cloudevents-javascript"] {
        assert_replay(sender, &["openai gpt-4.1-mini 4 4800 1200 0.00384"]).await;
    }
}

#[tokio::test]
async fn agents_and_tools_arrive() {
    let recording = Recording::of("otel");
    let world = recording.world().await;
    recording.send(&world).await;
    let caller = world.caller("acme");
    let instances = caller.get("/v1/metrics/instances?days=7").await;
    let mut agents: Vec<_> =
        instances["instances"].as_array().unwrap().iter().map(|row| row["instance_id"].clone()).collect();
    agents.sort_by_key(ToString::to_string);
    assert_eq!(agents, ["golden", "planner", "researcher", "writer"]);
    let activity = caller.get("/api/activity").await;
    assert!(!activity.to_string().contains("PLANTED"), "content was stored");
    let entry = &activity["data"][0];
    assert_eq!([&entry["agentId"], &entry["eventType"]], ["planner", "tool_call"], "{activity}");
}

/// What spans reported in one request is counted, and the same call's span of another instrumentation that comes in a
/// later request does not count again.
#[tokio::test]
async fn spans_of_one_call_in_two_requests_count_once() {
    let recording = Recording::of("otel");
    let world = recording.world().await;
    let span = |id: &str, end: &str| {
        let attributes = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-4.1-mini"),
            ("gen_ai.response.id", "chatcmpl-AbCdEfGhIjKlMnOp"),
        ];
        let attributes =
            attributes.map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }));
        let span = json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "attributes": attributes,
            "startTimeUnixNano": "1795852888305340144", "endTimeUnixNano": end });
        json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] }).to_string()
    };
    let json = [("content-type", "application/json")];
    for (id, end) in
        [("00f067aa0ba902b7", "1795852889305340144"), ("00f067aa0ba902b8", "1795852889307000000")]
    {
        let (status, body) = post(&world, "/otlp/v1/traces", &json, span(id, end)).await;
        assert_eq!((status, &body[..]), (StatusCode::OK, &b"{}"[..]));
    }
    world.stack.drain().await;
    assert_eq!(models(&world).await, ["openai gpt-4.1-mini 1 0 0 0.00"]);
}
