//! Gemini CLI: `~/.gemini/tmp/*/chats/session-*.json`, a session with its messages. Input includes cached tokens. The
//! prompt of tools and the thoughts are not part of input and output.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Read, call};
use crate::error::{Error, Result};

const SOURCE: &str = "gemini-cli";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    timestamp: Option<String>,
    model: Option<String>,
    tokens: Option<Tokens>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input: u64,
    output: u64,
    cached: u64,
    thoughts: u64,
    tool: u64,
}

/// The calls of a session, in order.
pub fn read(text: &str) -> Result<Read> {
    let session: Session = serde_json::from_str(text)
        .map_err(|error| Error::caused("this is not a session of Gemini CLI", error))?;
    let Session { session_id, messages } = session;
    let events = messages.into_iter().filter_map(|message| event(&session_id, message)).collect();
    Ok(Read { events, malformed: 0 })
}

fn event(session: &str, message: Message) -> Option<Value> {
    let Message { id, timestamp, model, tokens } = message;
    let (id, time, tokens) = (id?, timestamp?, tokens?);
    let cached = tokens.cached.min(tokens.input);
    let data = json!({
        "agent_id": SOURCE, "provider": "google", "model": model.as_deref().unwrap_or("unknown"),
        "input_tokens": tokens.input - cached + tokens.tool, "cache_read_tokens": cached,
        "output_tokens": tokens.output + tokens.thoughts, "reasoning_tokens": tokens.thoughts,
        "session_id": session,
    });
    Some(call(SOURCE, &format!("{session}/{id}"), &time, &data))
}
