//! Hostile and unusual requests. Requests of real senders are in `tests/golden`.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Attributes as single senders spell them.
mod claude_code;
mod dialects;
mod spellings;

fn attribute(name: &str, value: &Value) -> Value {
    json!({ "key": name, "value": value })
}

fn text(value: &str) -> Value {
    json!({ "stringValue": value })
}

fn integer(value: i64) -> Value {
    json!({ "intValue": value.to_string() })
}

/// A span of a call; `id` is its hex id, `extra` its further attributes.
fn call(id: &str, parent: &str, extra: &[Value]) -> Value {
    let mut attributes = vec![
        attribute("gen_ai.operation.name", &text("chat")),
        attribute("gen_ai.provider.name", &text("openai")),
        attribute("gen_ai.request.model", &text("gpt-4.1-mini")),
    ];
    attributes.extend_from_slice(extra);
    span(id, parent, &attributes)
}

fn span(id: &str, parent: &str, attributes: &[Value]) -> Value {
    json!({
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": id,
        "parentSpanId": parent,
        "startTimeUnixNano": "1795852888305340144",
        "endTimeUnixNano": "1795852889305340144",
        "attributes": attributes,
    })
}

fn request(service: &str, scopes: &[(&str, Vec<Value>)]) -> Value {
    let scopes: Vec<_> =
        scopes.iter().map(|(name, spans)| json!({ "scope": { "name": name }, "spans": spans })).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [attribute("service.name", &text(service))] },
        "scopeSpans": scopes,
    }] })
}

fn translated(request: &Value) -> Translation {
    traces(request.to_string().into(), Encoding::Json, &Options::default()).unwrap()
}

fn data(translation: &Translation) -> Vec<Value> {
    let parsed = |event: &crate::Event| serde_json::from_str::<Value>(event.json.get()).unwrap();
    translation.events.iter().map(|event| parsed(event)["data"].take()).collect()
}

fn one(spans: Vec<Value>) -> Translation {
    translated(&request("app", &[("scope", spans)]))
}

#[test]
fn counts_as_numbers_doubles_and_text_are_read() {
    let input = |value: Value| {
        let call = call("00f067aa0ba902b7", "", &[attribute("gen_ai.usage.input_tokens", &value)]);
        data(&one(vec![call])).first().map(|data| data["input_tokens"].clone())
    };
    for value in
        [json!({ "intValue": 12 }), json!({ "intValue": "12" }), json!({ "doubleValue": 12.0 }), text("12")]
    {
        assert_eq!(input(value.clone()), Some(json!(12)), "{value}");
    }
    for value in [integer(-1), text("many"), json!({ "doubleValue": 0.5 }), json!({ "doubleValue": "NaN" })] {
        assert_eq!(input(value.clone()), None, "{value}");
    }
}

#[test]
fn an_unusable_span_is_refused_alone() {
    let good = call("00f067aa0ba902b7", "", &[]);
    let mut short_trace = good.clone();
    short_trace["traceId"] = json!("5b8e");
    let mut no_hex = good.clone();
    no_hex["spanId"] = json!("zzf067aa0ba902b8");
    let mut never_ended = call("00f067aa0ba902b9", "", &[]);
    never_ended["endTimeUnixNano"] = json!(0);
    let negative = call("00f067aa0ba902ba", "", &[attribute("gen_ai.usage.input_tokens", &integer(-5))]);
    let no_model = span("00f067aa0ba902bb", "", &[attribute("gen_ai.operation.name", &text("chat"))]);
    let translation = one(vec![short_trace, no_hex, never_ended, negative, no_model, good]);
    assert_eq!(translation.events.len(), 1);
    let mut refused: Vec<_> = translation.refusals.iter().map(|refusal| refusal.index).collect();
    refused.sort_unstable();
    assert_eq!(refused, [0, 1, 2, 3, 4]);
}

#[test]
fn unreadable_bodies_are_errors() {
    let options = Options::default();
    for body in ["", "{\"resourceSpans\":1}", "{\"resourceSpans\":[{}]", "\u{0}"] {
        let read = traces(body.into(), Encoding::Json, &options);
        assert!(read.is_err(), "{body}");
    }
    let value = format!("{}{{}}{}", r#"{"arrayValue":{"values":["#.repeat(5000), "]}}".repeat(5000));
    let nested =
        format!(r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"a","value":{value}}}]}}}}]}}"#);
    // It may be rejected or ignored, but it must not exhaust the stack.
    assert!(traces(nested.into(), Encoding::Json, &options).map_or(true, |read| read.events.is_empty()));
    // A length beyond the end of the body.
    assert!(traces(Bytes::from_static(b"\x0a\xff\x01"), Encoding::Protobuf, &options).is_err());
    assert!(traces(Bytes::new(), Encoding::Protobuf, &options).unwrap().events.is_empty());
}

#[test]
fn null_and_unknown_fields_are_ignored() {
    let body = r#"{"resourceSpans":[{"resource":null,"scopeSpans":[{"scope":null,"spans":null,"new":{"a":[1]}}]}],"x":1}"#;
    let read = traces(body.into(), Encoding::Json, &Options::default()).unwrap();
    assert!(read.events.is_empty() && read.refusals.is_empty());
}

#[test]
fn agents_and_sessions_come_from_the_nearest_span_around() {
    let agent = |id, parent, name| {
        let attributes = [
            attribute("gen_ai.operation.name", &text("invoke_agent")),
            attribute("gen_ai.agent.name", &text(name)),
            attribute("gen_ai.conversation.id", &text("c-1")),
        ];
        span(id, parent, &attributes)
    };
    let spans = vec![
        agent("000000000000000a", "", "planner"),
        agent("000000000000000b", "000000000000000a", "writer"),
        span("000000000000000c", "000000000000000b", &[]),
        call("000000000000000d", "000000000000000c", &[]),
        call("000000000000000e", "", &[]),
    ];
    let data = data(&one(spans));
    let of = |data: &Value| ["agent_id", "parent_agent_id", "conversation_id"].map(|name| data[name].clone());
    assert_eq!(of(&data[0]), [json!("writer"), json!("planner"), json!("c-1")]);
    assert_eq!(of(&data[1]), [json!("app"), Value::Null, Value::Null]);
}

#[test]
fn a_wrapping_instrumentation_is_not_counted() {
    let usage = [attribute("gen_ai.usage.input_tokens", &integer(7))];
    let outer = call("000000000000000a", "", &usage);
    let inner = call("000000000000000b", "000000000000000a", &usage);
    let both = request("app", &[("framework", vec![outer.clone()]), ("client", vec![inner.clone()])]);
    let translation = translated(&both);
    assert_eq!((translation.events.len(), translation.events[0].index), (1, 1));
    // One instrumentation does not report a call twice, so these are two calls.
    assert_eq!(one(vec![outer, inner]).events.len(), 2);
}

#[test]
fn a_call_inside_a_tool_of_another_call_counts() {
    let tool = [attribute("gen_ai.operation.name", &text("execute_tool"))];
    let scopes = [
        ("a", vec![call("000000000000000a", "", &[]), span("000000000000000b", "000000000000000a", &tool)]),
        ("b", vec![call("000000000000000c", "000000000000000b", &[])]),
    ];
    assert_eq!(translated(&request("app", &scopes)).events.len(), 3);
}

#[test]
fn concurrent_calls_of_one_instrumentation_all_count() {
    let calls = (1..=20).map(|i| call(&format!("{i:016x}"), "", &[])).collect();
    assert_eq!(one(calls).events.len(), 20);
}

#[test]
fn response_ids_identify_calls_only_if_they_are_long_enough_to_be_unique() {
    let ids = |response: &str| {
        let extra = [attribute("gen_ai.response.id", &text(response))];
        let event = one(vec![call("00f067aa0ba902b7", "", &extra)]).events.remove(0);
        serde_json::from_str::<Value>(event.json.get()).unwrap()["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ids("chatcmpl-AbCdEfGhIjKlMnOp"),
        "5b8efff798038103d269b633813fc60c/chatcmpl-AbCdEfGhIjKlMnOp"
    );
    assert_eq!(ids("chatcmpl-123"), "5b8efff798038103d269b633813fc60c/00f067aa0ba902b7");
}

#[test]
fn the_details_event_counts_where_its_trace_is_not_sampled() {
    let record = |flags: u32, trace: &str| {
        let attributes = [
            attribute("event.name", &text("gen_ai.client.inference.operation.details")),
            attribute("gen_ai.request.model", &text("gpt-4.1-mini")),
            attribute("gen_ai.usage.input_tokens", &integer(7)),
        ];
        let record = json!({
            "observedTimeUnixNano": "1795852888305340144", "flags": flags, "traceId": trace,
            "attributes": attributes,
        });
        let request = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] });
        logs(request.to_string().into(), Encoding::Json, &Options::default()).unwrap()
    };
    let trace = "5b8efff798038103d269b633813fc60c";
    let sampled = record(1, trace);
    assert!(sampled.events.is_empty() && !sampled.warning(crate::Signal::Logs).is_empty());
    for translation in [record(0, trace), record(0, "")] {
        assert_eq!(data(&translation)[0]["input_tokens"], json!(7));
        assert!(translation.warning(crate::Signal::Logs).is_empty());
    }
}

/// The limit allows for a debug build on a slow machine. Quadratic time would take minutes.
fn assert_quick(what: &str, run: impl FnOnce()) {
    let started = Instant::now();
    run();
    assert!(started.elapsed() < Duration::from_secs(20), "{what} took {:?}", started.elapsed());
}

#[test]
fn a_hundred_thousand_attributes_are_read_quickly() {
    let extra: Vec<_> = (0..100_000).map(|i| attribute(&format!("a{i}"), &integer(i))).collect();
    let request = request("app", &[("scope", vec![call("00f067aa0ba902b7", "", &extra)])]);
    assert_quick("one span with many attributes", || assert_eq!(translated(&request).events.len(), 1));
}

#[test]
fn an_operation_of_a_senders_own_is_a_call_if_it_states_a_model_and_tokens() {
    let with = |operation: &str, usage: bool| {
        let mut attributes = vec![
            attribute("gen_ai.operation.name", &text(operation)),
            attribute("gen_ai.request.model", &text("gpt-4o")),
        ];
        attributes.extend(usage.then(|| attribute("gen_ai.usage.input_tokens", &integer(1000))));
        one(vec![span("00f067aa0ba902b7", "", &attributes)]).events.len()
    };
    for operation in
        ["acompletion", "completion", "responses", "aresponses", "anthropic_messages", "Chat", "x"]
    {
        assert_eq!(
            (with(operation, true), with(operation, false)),
            (1, usize::from(operation == "Chat")),
            "{operation}"
        );
    }
    for sum in ["invoke_workflow", "workflow", "task", "invoke_agent"] {
        assert_eq!(with(sum, true), 0, "{sum}");
    }
}

#[test]
fn a_span_around_another_with_the_same_tokens_reports_the_same_call() {
    let usage = |tokens: i64| {
        ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"]
            .map(|name| attribute(name, &integer(tokens)))
    };
    let (inner, outer) = ("00f067aa0ba902b7", "00f067aa0ba902b8");
    let calls = |tokens: i64| {
        one(vec![call(outer, "", &usage(1000)), call(inner, outer, &usage(tokens))]).events.len()
    };
    assert_eq!((calls(1000), calls(900)), (1, 2));
}

fn log(service: &str, scope: &str, name: &str, attributes: &[Value]) -> Translation {
    let mut attributes = attributes.to_vec();
    attributes.push(attribute("event.name", &text(name)));
    let record = json!({ "timeUnixNano": "1795852889305340144", "attributes": attributes });
    let request = json!({ "resourceLogs": [{
        "resource": { "attributes": [attribute("service.name", &text(service))] },
        "scopeLogs": [{ "scope": { "name": scope }, "logRecords": [record] }],
    }] });
    logs(request.to_string().into(), Encoding::Json, &Options::default()).unwrap()
}

#[test]
fn coding_agents_are_known_by_service_instrumentation_or_event() {
    let codex = [
        attribute("event.kind", &text("response.completed")),
        attribute("model", &text("gpt-5-codex")),
        attribute("input_token_count", &integer(1000)),
        attribute("output_token_count", &integer(100)),
    ];
    for service in [
        "codex_cli_rs",
        "codex_vscode",
        "codex_sdk_ts",
        "codex-tui",
        "Codex Desktop",
        "my-codex",
        "codexample",
    ] {
        assert_eq!(log(service, "", "codex.sse_event", &codex).events.len(), 1, "{service}");
    }
    let claude = [
        attribute("model", &text("claude-opus-4-5")),
        attribute("input_tokens", &integer(10)),
        attribute("output_tokens", &integer(5)),
    ];
    for (scope, name) in
        [("com.anthropic.claude_code.events", "api_request"), ("", "claude_code.api_request")]
    {
        assert_eq!(log("my-claude", scope, name, &claude).events.len(), 1, "{scope} {name}");
    }
    let usage = [
        attribute("gen_ai.request.model", &text("gpt-4o")),
        attribute("gen_ai.usage.input_tokens", &integer(10)),
    ];
    let other = log("app", "", "my.event", &usage);
    assert_eq!((other.events.len(), other.sources["app"].uncounted[&crate::Signal::Logs]), (0, 1));
    // Its spans repeat the records.
    let spans =
        translated(&request("my-gemini", &[("gemini-cli", vec![call("00f067aa0ba902b7", "", &usage)])]));
    assert_eq!(spans.events.len(), 0);
}

#[test]
fn long_chains_circles_and_crowds_are_read_quickly() {
    let id = |i: usize| format!("{i:016x}");
    let count = 10_000;
    let chain = |n: usize| (1..=n).map(|i| call(&id(i), &id(i - 1), &[])).collect::<Vec<_>>();
    assert_quick("a chain", || drop(one(chain(count))));
    let mut circle = chain(count);
    circle[0]["parentSpanId"] = json!(id(count));
    assert_quick("a circle", || drop(one(circle)));
    let crowd = |from: usize| (from..from + count).map(|i| call(&id(i), &id(1), &[])).collect::<Vec<_>>();
    let scopes = [("a", crowd(2)), ("b", crowd(count + 2))];
    assert_quick("a crowd of two instrumentations", || drop(translated(&request("app", &scopes))));
}

proptest! {
    #[test]
    fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200), json: bool) {
        let encoding = if json { Encoding::Json } else { Encoding::Protobuf };
        let body = Bytes::from(body);
        let _ = traces(body.clone(), encoding, &Options::default());
        let _ = logs(body.clone(), encoding, &Options::default());
        let _ = metrics(body, encoding);
    }

    #[test]
    fn no_damage_to_a_recording_panics(at in 0..8000_usize, byte: u8, cut in 0..8000_usize) {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/intake/golden/otel/traces.pb");
        let mut body = std::fs::read(golden).unwrap();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(body.len() - cut % body.len());
        let _ = traces(body.into(), Encoding::Protobuf, &Options::default());
    }

    /// Whatever an instrumentation reports inclusively arrives as the provider billed it.
    #[test]
    fn the_buckets_sum_up_to_what_the_emitter_billed(
        uncached in 0..1_000_000_i64, read in 0..1_000_000_i64, write in 0..1_000_000_i64, output in 0..1_000_000_i64,
        names in 0..3_usize,
    ) {
        let names = [
            ["gen_ai.usage.input_tokens", "gen_ai.usage.cache_read.input_tokens",
             "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.output_tokens"],
            ["gen_ai.usage.prompt_tokens", "gen_ai.usage.cache_read_input_tokens",
             "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.completion_tokens"],
            ["llm.token_count.prompt", "llm.token_count.prompt_details.cache_read",
             "llm.token_count.prompt_details.cache_write", "llm.token_count.completion"],
        ][names];
        let counts = [uncached + read + write, read, write, output];
        let extra: Vec<_> =
            names.iter().zip(counts).map(|(name, count)| attribute(name, &integer(count))).collect();
        let data = data(&one(vec![call("00f067aa0ba902b7", "", &extra)])).remove(0);
        let tokens = |name: &str| data[name].as_i64().unwrap_or_default();
        prop_assert_eq!(
            [tokens("input_tokens"), tokens("cache_read_tokens"), tokens("cache_write_5m_tokens"), tokens("output_tokens")],
            [uncached, read, write, output]
        );
    }
}
