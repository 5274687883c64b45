//! Codex: `~/.codex/sessions/**/rollout-*.jsonl`, with a line for each step of a session.
//!
//! After a response, `token_count` states the tokens of the session so far and those of the last response. It is also
//! written when only a rate limit has changed. Input includes cached tokens, and output includes reasoning.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Read, call, project};

const SOURCE: &str = "codex";

#[derive(Deserialize)]
struct Line {
    timestamp: Option<String>,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    payload: Option<Payload>,
}

/// The fields that are used, of all kinds of lines together. The others hold content and are skipped.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    r#type: Option<String>,
    id: Option<String>,
    cwd: Option<String>,
    model: Option<String>,
    model_provider: Option<String>,
    info: Option<Info>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    total_token_usage: Option<Tokens>,
    last_token_usage: Option<Tokens>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: u64,
    cached_input_tokens: u64,
    output_tokens: u64,
    reasoning_output_tokens: u64,
}

impl Tokens {
    /// The difference to `before`.
    const fn since(self, before: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_sub(before.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_sub(before.cached_input_tokens),
            output_tokens: self.output_tokens.saturating_sub(before.output_tokens),
            reasoning_output_tokens: self
                .reasoning_output_tokens
                .saturating_sub(before.reasoning_output_tokens),
        }
    }
}

#[derive(Default)]
struct Session {
    id: Option<String>,
    cwd: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    total: Tokens,
    calls: usize,
}

/// The calls of a session, in order.
pub fn read(text: &str) -> Read {
    let (mut read, mut session) = (Read::default(), Session::default());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Line>(line) {
            Ok(line) => read.events.extend(session.take(line)),
            Err(_) => read.malformed += 1,
        }
    }
    read
}

impl Session {
    fn take(&mut self, line: Line) -> Option<Value> {
        let payload = line.payload?;
        match line.r#type.as_str() {
            "session_meta" => {
                self.id = self.id.take().or(payload.id);
                (self.cwd, self.provider) = (payload.cwd, payload.model_provider);
                None
            }
            "turn_context" => {
                self.model = payload.model.or(self.model.take());
                self.cwd = payload.cwd.or(self.cwd.take());
                None
            }
            "event_msg" if payload.r#type.as_deref() == Some("token_count") => {
                self.call(&payload.info?, &line.timestamp?)
            }
            _ => None,
        }
    }

    fn call(&mut self, info: &Info, time: &str) -> Option<Value> {
        let tokens = match (info.total_token_usage, info.last_token_usage) {
            // There was no call since the last line.
            (Some(total), _) if total == self.total => return None,
            (Some(total), last) => {
                let before = std::mem::replace(&mut self.total, total);
                last.unwrap_or_else(|| total.since(before))
            }
            (None, last) => last?,
        };
        if tokens == Tokens::default() {
            return None;
        }
        self.calls += 1;
        let session = self.id.as_deref()?;
        let cached = tokens.cached_input_tokens.min(tokens.input_tokens);
        let mut data = json!({
            "agent_id": SOURCE,
            "provider": self.provider.as_deref().unwrap_or("openai"),
            "model": self.model.as_deref().unwrap_or("unknown"),
            "input_tokens": tokens.input_tokens - cached, "cache_read_tokens": cached,
            "output_tokens": tokens.output_tokens,
            "reasoning_tokens": tokens.reasoning_output_tokens.min(tokens.output_tokens),
            "session_id": session,
        });
        if let Some(project) = self.cwd.as_deref().and_then(project) {
            data["tags"] = json!({ "project": project });
        }
        Some(call(SOURCE, &format!("{session}/{}", self.calls), time, &data))
    }
}
