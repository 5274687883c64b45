use proptest::prelude::*;
use serde_json::{Map, Value, json};

use rust_decimal::Decimal;

use super::*;
use crate::money::Usd;

const SOURCES: [&str; 4] = ["fleet/nova", "nova", "/", "urn:a/6f1c2f0e-51b3-4a0e-9f55-3c1d2e4b5a69"];

/// Texts that some form has a way for, texts that nearly are such, and any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "nova",
            "nova.example.org",
            "novae",
            "6f1c2f0e-51b3-4a0e-9f55-3c1d2e4b5a69",
            "6F1C2F0E-51B3-4A0E-9F55-3C1D2E4B5A69",
            "6f1c2f0e51b34a0e9f553c1d2e4b5a69----",
            "+f1c2f0e-51b3-4a0e-9f55-3c1d2e4b5a69",
            "claude-haiku-4-5",
            "gpt-5",
            "anthropic",
            "bedrock",
            "chat",
            "batch",
            "anthropic/claude-haiku-4-5@-",
            "anthropic/claude-haiku-4-5@2026-01-01",
            "anthropic/claude-haiku-4-5@1969-12-31",
            "anthropic/claude-haiku-4-5@2026-01-01+org",
            "anthropic/claude-haiku-4-5@+262142-12-31",
            "cost_usd:anthropic/claude-haiku-4-5@-",
            "@/@",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9/@#%é.~-]{1,24}",
        "[^\\p{Cc}]{60,62}",
    ]
}

fn dollars() -> impl Strategy<Value = String> {
    (any::<i64>(), 0_u32..=12, 0_u32..63)
        .prop_map(|(value, scale, shift)| Usd::new(Decimal::new(value >> shift, scale)).to_string())
}

/// Objects with some of these fields.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Map<String, Value>> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| prop::option::of(value).prop_map(move |value| Some((name.to_owned(), value?))))
        .collect();
    fields.prop_map(|fields| fields.into_iter().flatten().collect()).boxed()
}

fn texts() -> BoxedStrategy<Value> {
    text().prop_map(Value::from).boxed()
}

fn amounts() -> BoxedStrategy<Value> {
    dollars().prop_map(Value::from).boxed()
}

fn counts() -> BoxedStrategy<Value> {
    prop_oneof![0_u64..200_000, any::<u64>()].prop_map(Value::from).boxed()
}

fn call() -> impl Strategy<Value = Value> {
    let unpriced = prop::sample::select(vec!["unknown_model", "no_price_for_unit"]).prop_map(Value::from);
    let cost = object(vec![
        ("input", amounts()),
        ("output", amounts()),
        ("cache_read", amounts()),
        ("cache_write", amounts()),
        ("units", amounts()),
        ("row", texts()),
        ("unpriced", unpriced.boxed()),
        ("provider_id", texts()),
    ]);
    let optional = object(vec![
        ("latency_ms", counts()),
        ("end_user", texts()),
        ("conversation_id", texts()),
        ("task_type", texts()),
        ("hostname", texts()),
        ("cache_read_tokens", counts()),
        ("cache_write_5m_tokens", counts()),
        ("cache_write_30m_tokens", counts()),
        ("input_audio_tokens", counts()),
        ("reasoning_tokens", counts()),
        ("service_tier", texts()),
        ("region", texts()),
        ("cost_usd", amounts()),
        ("units", Just(json!({ "images": "3", "audio_seconds": "0.125" })).boxed()),
    ]);
    let states = (any::<bool>(), any::<bool>());
    (text(), text(), text(), counts(), counts(), states, cost, optional).prop_map(
        |(agent, provider, model, input, output, (failed, own_key), cost, optional)| {
            let mut call = optional;
            call.extend([
                ("type".to_owned(), "llm.call".into()),
                ("agent_id".to_owned(), agent.into()),
                ("provider".to_owned(), provider.into()),
                ("model".to_owned(), model.into()),
                ("input_tokens".to_owned(), input),
                ("output_tokens".to_owned(), output),
                ("status".to_owned(), if failed { "error" } else { "ok" }.into()),
                ("key_source".to_owned(), if own_key { "byok" } else { "platform" }.into()),
                ("cost".to_owned(), cost.into()),
            ]);
            call.into()
        },
    )
}

fn task() -> impl Strategy<Value = Value> {
    let quantity = (any::<i64>(), 0_u32..=12)
        .prop_map(|(value, scale)| Decimal::new(value, scale).normalize().to_string().into());
    let optional =
        object(vec![("task_type", texts()), ("minutes_saved", quantity.boxed()), ("duration_ms", counts())]);
    (text(), any::<bool>(), optional).prop_map(|(agent, success, mut task)| {
        task.extend([
            ("type".to_owned(), "task.completed".into()),
            ("agent_id".to_owned(), agent.into()),
            ("success".to_owned(), success.into()),
        ]);
        task.into()
    })
}

fn data() -> impl Strategy<Value = Data> {
    let others = prop::sample::select(vec![
        json!({ "type": "agent.activity", "event_type": "e", "details": "{\"b\": 1.0}" }),
        json!({ "type": "host.report", "node_id": "n", "hosted_sites": 3 }),
    ]);
    prop_oneof![4 => call(), 2 => task(), 1 => others]
        .prop_filter_map("a text is not in its normal form", |json| serde_json::from_value(json).ok())
}

proptest! {
    #[test]
    fn payloads_are_read_back(data in data(), source in prop::sample::select(&SOURCES)) {
        let bytes = encode(&data, source).unwrap();
        let read = decode(&bytes, source).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), serde_json::to_string(&data).unwrap());
        prop_assert_eq!(read, data);
    }

    #[test]
    fn shortened_payloads_are_refused(data in data(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&data, SOURCES[0]).unwrap();
        prop_assert!(decode(&bytes[..at.index(bytes.len())], SOURCES[0]).is_err());
    }

    #[test]
    fn damaged_payloads_do_no_harm(data in data(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encode(&data, SOURCES[0]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decode(&bytes, SOURCES[0]).ok();
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        decode(&bytes, SOURCES[0]).ok();
    }
}

/// A field that no schema has yet is stored as JSON.
#[test]
fn fields_without_a_form_are_kept() {
    let mut fields: Fields = serde_json::from_value(json!({
        "type": "llm.call", "agent_id": "nova", "provider": "anthropic", "model": "m", "input_tokens": 1,
        "output_tokens": 2, "status": "ok", "key_source": "platform", "tags": { "team": "a" },
        "cost": { "input": "0.10", "discount": { "of": 1 } }, "latency_ms": "slow",
    }))
    .unwrap();
    let bytes = CALL.encode(fields.clone(), "s").unwrap();
    assert_eq!(CALL.decode(&mut Reader(&bytes[1..]), "s").unwrap(), fields);
    fields.remove("model");
    assert_eq!(CALL.encode(fields, "s"), None);
}

/// These bytes are stored. If they changed, events could no longer be read.
#[test]
fn stored_bytes_never_change() {
    let call = json!({
        "type": "llm.call", "agent_id": "nova", "provider": "anthropic", "model": "claude-haiku-4-5",
        "input_tokens": 1200, "output_tokens": 300, "cache_read_tokens": 9, "latency_ms": 812, "status": "error",
        "end_user": "6f1c2f0e-51b3-4a0e-9f55-3c1d2e4b5a69", "task_type": "chat", "hostname": "nova.example.org",
        "key_source": "platform", "units": { "images": "1" },
        "cost": { "input": "0.0012", "output": "0.0015", "row": "anthropic/claude-haiku-4-5@2026-01-01" },
    });
    let data: Data = serde_json::from_value(call).unwrap();
    let bytes = encode(&data, "/agents/nova").unwrap();
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let fields = "01f747010217b009ac02ac06006f1c2f0e51b34a0e9f553c1d2e4b5a6903010c2e6578616d706c652e6f72678406c4070115e79f010903";
    let others = "7b22756e697473223a7b22696d61676573223a2231227d7d";
    assert_eq!(hex, [fields, others].concat());
    assert_eq!(decode(&bytes, "/agents/nova").unwrap(), data);
}
