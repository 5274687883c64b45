//! Spans, log records and metrics. `canned.json` holds what each provider billed; the lines state it in disjoint
//! buckets.

use std::collections::HashSet;

use formats::{Signal, Translation};
use serde_json::Value;

use super::recorded::{lines, otlp};

/// `CHAT`: 1,200 in with 1,024 cached, 300 out with 128 reasoning.
const CHAT: &str = "planner conv-openai openai gpt-4.1-mini-2025-04-14 cache_read=1024 input=176 output=300 \
                    reasoning=128 service_tier=default";
/// `CHAT_STREAM_USAGE`.
const CHAT_STREAM: &str = "planner conv-openai openai gpt-4.1-mini-2025-04-14 input=90 output=20";
/// `RESPONSE`: 2,000 in with 1,536 cached, 400 out with 256 reasoning, flex.
const RESPONSE: &str = "planner conv-openai openai gpt-5-mini-2025-08-07 cache_read=1536 input=464 output=400 \
                        reasoning=256 service_tier=flex";
const EMBEDDING: &str = "planner conv-openai openai text-embedding-3-small input=11 output=0";
const LIMITED: &str = "golden - openai gpt-4.1-limited input=0 output=0 status=error";
const TOOL: &str = "planner conv-openai tool search ok";
/// `MESSAGE`: 25 in, 2,048 read, 256 written for 5 minutes and 512 for an hour, 150 out.
const MESSAGE: &str = "writer conv-anthropic anthropic claude-sonnet-4-5-20250929 cache_read=2048 \
                       cache_write_1h=512 cache_write_5m=256 input=25 output=150 service_tier=standard";
/// `message_stream`: 10 in, 30 out.
const MESSAGE_STREAM: &str = "writer conv-anthropic anthropic claude-sonnet-4-5-20250929 input=10 output=30";

/// Compares the events of a recording with lines, after adding the resource's tag to each line.
fn assert_events(translation: &Translation, expected: &[&str]) {
    let tagged = |line: &&str| {
        if line.contains(" tool ") || line.contains("tags=") {
            (*line).to_owned()
        } else {
            // Fields are in alphabetical order.
            let (before, units) = line
                .split_once(" units=")
                .map_or((*line, String::new()), |(before, units)| (before, format!(" units={units}")));
            format!("{before} tags={{\"team\":\"growth\"}}{units}")
        }
    };
    let expected: Vec<_> = expected.iter().map(tagged).collect();
    assert_eq!(lines(translation), expected);
    assert!(translation.refusals.is_empty(), "{:?}", translation.refusals);
    let ids: HashSet<Value> = translation.events.iter().map(|event| envelope(event)["id"].clone()).collect();
    assert_eq!(ids.len(), expected.len(), "ids should be unique");
}

fn envelope(event: &formats::Event) -> Value {
    serde_json::from_str(event.json.get()).unwrap()
}

fn uncounted(translation: &Translation, signal: Signal) -> usize {
    translation
        .sources
        .get("golden")
        .and_then(|source| source.uncounted.get(&signal).copied())
        .unwrap_or_default()
}

#[test]
fn spans_of_opentelemetry_are_counted() {
    let spans = otlp("otel", "traces.pb");
    // Google's instrumentation does not report the prompt of tool use.
    let google = "researcher conv-google gemini gemini-2.5-flash cache_read=1000 input=500 input_audio=100 \
                  output=300 reasoning=100";
    let google = google.replace("input=500 input_audio=100", "input_audio=100 input=500");
    let stream = "researcher conv-google gemini gemini-2.5-flash input=400 output=60";
    assert_events(
        &spans,
        &[CHAT, CHAT_STREAM, RESPONSE, EMBEDDING, LIMITED, TOOL, MESSAGE, MESSAGE_STREAM, &google, stream],
    );
    // Anthropic's client library reports both of its calls a second time.
    assert_eq!(uncounted(&spans, Signal::Spans), 2);
}

#[test]
fn log_records_and_metrics_of_opentelemetry_repeat_the_spans() {
    for sender in ["otel", "otel-openai-v2"] {
        let logs = otlp(sender, "logs.pb");
        assert_events(&logs, &[]);
        assert!(uncounted(&logs, Signal::Logs) > 0);
        let metrics = otlp(sender, "metrics.pb");
        assert_events(&metrics, &[]);
        let spans = otlp(sender, "traces.pb");
        let calls = spans.events.iter().filter(|event| envelope(event)["type"] == "llm.call").count();
        let counted: u64 = metrics.call_counts.iter().map(|count| count.calls).sum();
        assert_eq!(counted, u64::try_from(calls).unwrap(), "the capture rate of {sender} is 100 %");
    }
}

/// That instrumentation reports neither cached tokens nor the Responses API.
#[test]
fn spans_of_the_older_openai_instrumentation_are_counted() {
    let chat =
        "planner conv-openai openai gpt-4.1-mini-2025-04-14 input=1200 output=300 service_tier=default";
    assert_events(&otlp("otel-openai-v2", "traces.pb"), &[chat, CHAT_STREAM, LIMITED, EMBEDDING, TOOL]);
}

#[test]
fn spans_of_openllmetry_are_counted() {
    let spans = otlp("openllmetry", "traces.pb");
    // Only its total includes thoughts and the prompt of tool use, so 50 tokens of the stream's input count as output.
    let google = "researcher conv-google gcp.gen_ai gemini-2.5-flash cache_read=1000 input=500 output=300";
    let stream = "researcher conv-google gcp.gen_ai gemini-2.5-flash input=400 output=110";
    // Its own span of the stream states 31 output tokens, one more than was billed. The client library's span counts.
    let expected =
        [CHAT, CHAT_STREAM, RESPONSE, EMBEDDING, LIMITED, TOOL, MESSAGE, MESSAGE_STREAM, google, stream];
    assert_events(&spans, &expected);
    assert_eq!(uncounted(&spans, Signal::Spans), 2);
}

/// OpenInference reports the service tier that was requested, not the one that was used.
#[test]
fn spans_of_openinference_are_counted() {
    let spans = otlp("openinference", "traces.pb");
    let chat = CHAT.split(" service_tier").next().unwrap();
    let message = format!("{MESSAGE} units={{\"web_search\":2}}");
    let google = "researcher conv-google google gemini-2.5-flash cache_read=1000 input_audio=100 input=500 \
                  output=300 reasoning=100";
    let stream = "researcher conv-google google gemini-2.5-flash input=450 output=60";
    let expected =
        [chat, CHAT_STREAM, RESPONSE, EMBEDDING, LIMITED, TOOL, &message, MESSAGE_STREAM, google, stream];
    assert_events(&spans, &expected);
    // The stream's spans are siblings without a common response id.
    assert_eq!(uncounted(&spans, Signal::Spans), 2);
}

#[test]
fn spans_of_the_ai_sdk_are_counted_alike_as_protobuf_and_as_json() {
    let tagged = |line: &str| line.replace(" input=", " end_user=user-7 input=");
    let first = tagged(
        "golden chat-7 anthropic.messages claude-sonnet-4-5-20250929 cache_read=2048 cache_write_5m=768 input=25 \
         output=150 reasoning=40",
    );
    let second = tagged("golden chat-7 anthropic.messages claude-sonnet-4-5-20250929 input=10 output=30");
    let embedding = tagged("golden chat-7 openai.embedding text-embedding-3-small input=11 output=0");
    let [protobuf, json] = ["traces.pb", "traces.json"].map(|file| otlp("ai-sdk", file));
    assert_events(&protobuf, &[&first, "golden chat-7 tool search ok", &second, &second, &embedding]);
    let events = |translation: &Translation| {
        translation.events.iter().map(|event| event.json.get().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(events(&protobuf), events(&json));
    // The outer spans of the generation, the stream and the embedding.
    assert_eq!(uncounted(&protobuf, Signal::Spans), 3);
}
