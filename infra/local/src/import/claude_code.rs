//! Claude Code: `~/.claude/projects/**/*.jsonl`, with a line for each block of a message.
//!
//! The lines of a message have the same id. Those written while it streams have the usage of its start; the last line
//! has all of its output. An event gets the id that the telemetry would give it, so that a call that is also reported
//! by OTLP counts once.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Read, call, project};

const SOURCE: &str = "claude-code";
/// The model of messages that Claude Code itself writes, such as errors.
const SYNTHETIC: &str = "<synthetic>";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default)]
    r#type: String,
    timestamp: Option<String>,
    session_id: Option<String>,
    request_id: Option<String>,
    cwd: Option<String>,
    #[serde(default)]
    is_sidechain: bool,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_creation: Option<CacheCreation>,
    server_tool_use: Option<ServerToolUse>,
    service_tier: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: u64,
}

/// The output of each message that was read, by id.
#[derive(Default)]
pub struct Messages(HashMap<String, u64>);

impl Messages {
    /// The calls of a file, in the order of their first lines. A resumed session starts with the messages of the session
    /// before, under an id of its own (ccusage/ccusage#19): those that are known with all of their output are left out.
    pub fn read(&mut self, text: &str) -> Read {
        let mut read = read(text);
        read.events.retain(|event| self.is_new(event));
        read
    }

    fn is_new(&mut self, event: &Value) -> bool {
        let output = event["data"]["output_tokens"].as_u64().unwrap_or_default();
        let id = event["id"].as_str().unwrap_or_default();
        let is_new = self.0.get(id).is_none_or(|known| *known < output);
        if is_new {
            self.0.insert(id.to_owned(), output);
        }
        is_new
    }
}

fn read(text: &str) -> Read {
    let mut read = Read::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Line>(line) {
            Ok(line) => {
                let Some((id, event)) = event(line) else { continue };
                if let Some(place) = places.get(&id) {
                    complete(&mut read.events[*place], event);
                } else {
                    places.insert(id, read.events.len());
                    read.events.push(event);
                }
            }
            Err(_) => read.malformed += 1,
        }
    }
    read
}

/// Replaces an earlier line of a message with a later one, but keeps the earlier time.
fn complete(known: &mut Value, mut later: Value) {
    let output = |event: &Value| event["data"]["output_tokens"].as_u64();
    if output(&later) >= output(known) {
        later["time"] = known["time"].take();
        *known = later;
    }
}

fn event(line: Line) -> Option<(String, Value)> {
    let (message, time) = (line.message?, line.timestamp?);
    let (usage, model) = (message.usage?, message.model?);
    if line.r#type != "assistant" || model == SYNTHETIC {
        return None;
    }
    let id = line.request_id.or(message.id)?;
    let lifetimes = usage.cache_creation.unwrap_or_default();
    let hour = lifetimes.ephemeral_1h_input_tokens;
    let minutes =
        lifetimes.ephemeral_5m_input_tokens.max(usage.cache_creation_input_tokens.saturating_sub(hour));
    let mut data = json!({
        "agent_id": SOURCE, "provider": "anthropic", "model": model,
        "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_input_tokens,
        "cache_write_5m_tokens": minutes, "cache_write_1h_tokens": hour,
        // A file may be read while its last message streams. The next import then sends a higher revision.
        "revision": usage.output_tokens,
    });
    if line.is_sidechain {
        data["agent_id"] = json!(format!("{SOURCE}/subagent"));
        data["parent_agent_id"] = json!(SOURCE);
    }
    let searches = usage.server_tool_use.unwrap_or_default().web_search_requests;
    if searches > 0 {
        data["units"] = json!({ "web_search": searches });
    }
    if let Some(tier) = usage.service_tier {
        data["service_tier"] = json!(tier);
    }
    if let Some(session) = line.session_id {
        data["session_id"] = json!(session);
    }
    if let Some(project) = line.cwd.as_deref().and_then(project) {
        data["tags"] = json!({ "project": project });
    }
    let event = call(SOURCE, &id, &time, &data);
    Some((id, event))
}
