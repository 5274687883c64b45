//! Reads golden files, and prints events as one line each.

use std::path::PathBuf;

use formats::Translation;
use formats::otlp::{self, Encoding, Options};
use serde_json::Value;

/// Text that all recorded senders put into prompts and completions, to prove that content is never copied.
const PLANTED: &str = "PLANTED";

/// A recorded request.
pub fn body(sender: &str, file: &str) -> Vec<u8> {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/intake/golden");
    std::fs::read(golden.join(sender).join(file)).unwrap()
}

/// The translation of a recorded OTLP request.
pub fn otlp(sender: &str, file: &str) -> Translation {
    let body = body(sender, file).into();
    let encoding = if file.contains(".pb") { Encoding::Protobuf } else { Encoding::Json };
    let options = Options { tags: vec!["team".to_owned()] };
    if file.contains("traces") {
        otlp::traces(body, encoding, &options).unwrap()
    } else if file.contains("logs") {
        otlp::logs(body, encoding, &options).unwrap()
    } else {
        otlp::metrics(body, encoding).unwrap()
    }
}

/// The events, one line each: agent, session, provider, model, and the data that is not zero.
pub fn lines(translation: &Translation) -> Vec<String> {
    translation.events.iter().map(line).collect()
}

fn line(event: &formats::Event) -> String {
    assert!(
        !event.json.get().contains(PLANTED),
        "content of a prompt or completion was copied: {}",
        event.json
    );
    let envelope: Value = serde_json::from_str(event.json.get()).unwrap();
    let data = envelope["data"].as_object().unwrap();
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    if envelope["type"] == "agent.activity" {
        let details = &data["details"];
        let [tool, status] = ["tool", "status"].map(|name| details[name].as_str().unwrap());
        return format!("{} {} tool {tool} {status}", text("agent_id"), text("conversation_id"));
    }
    let mut parts = ["agent_id", "conversation_id", "provider", "model"].map(text).to_vec();
    for (name, value) in data {
        if !["agent_id", "conversation_id", "provider", "model", "latency_ms"].contains(&name.as_str()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            parts.push(format!("{}={value}", name.trim_end_matches("_tokens")));
        }
    }
    parts.extend(event.reported_cost.map(|cost| format!("reported={cost}")));
    parts.join(" ")
}
