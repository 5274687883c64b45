//! Codex: `~/.codex/sessions/**/rollout-*.jsonl`, with a line for each step of a session.
//!
//! After a response, `token_count` states the tokens of the session so far and those of the last response. It is also
//! written when only a rate limit has changed. Input includes cached tokens, and output includes reasoning.
//!
//! A fork, such as that of a subagent, starts with a copy of what its parent's file has until then, with the old times or
//! all with the time of the fork (ccusage/ccusage#1370, getagentseal/codeburn#1383). Some forks have no copy, and their
//! totals start at zero (steipete/CodexBar#2193).

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Read, call, project};

const SOURCE: &str = "codex";
/// How long Codex may take to write the copy. No response of a new session comes that soon.
const COPY_TIME: TimeDelta = TimeDelta::milliseconds(2_500);

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
    forked_from_id: Option<String>,
    parent_thread_id: Option<String>,
    /// A word, or an object that names the parent of a subagent.
    source: Value,
}

impl Payload {
    fn parent(&self) -> Option<&str> {
        let of_subagent = &self.source["subagent"]["thread_spawn"]["parent_thread_id"];
        let parent = self.forked_from_id.as_deref().or(self.parent_thread_id.as_deref());
        parent.or(of_subagent.as_str())
    }
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
    /// All totals, in order.
    totals: Vec<Tokens>,
    calls: usize,
    replay: Option<Replay>,
}

/// Distinguishes the copied start of a fork from its own calls.
enum Replay {
    /// The totals of the parent that may still follow.
    Totals(VecDeque<Tokens>),
    /// The time until which lines are copies, if the parent's file is not known.
    Until(DateTime<Utc>),
}

impl Replay {
    /// Whether a line is a copy. The first that is not ends the copy.
    fn repeats(&mut self, total: Option<Tokens>, time: &str) -> bool {
        match self {
            Self::Totals(rest) => {
                let place = total.and_then(|total| rest.iter().position(|known| *known == total));
                rest.drain(..place.map_or(rest.len(), |place| place + 1));
                place.is_some()
            }
            Self::Until(end) => parse(time).is_some_and(|time| time <= *end),
        }
    }
}

fn parse(time: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| time.to_utc())
}

/// The totals of all sessions that were read, by id.
#[derive(Default)]
pub struct Sessions(HashMap<String, Vec<Tokens>>);

impl Sessions {
    /// The calls of a session, in order. Its parent has to be read before it, as by the order of the files' names.
    pub fn read(&mut self, text: &str) -> Read {
        let (mut read, mut session) = (Read::default(), Session::default());
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str::<Line>(line) {
                Ok(line) => read.events.extend(session.take(line, self)),
                Err(_) => read.malformed += 1,
            }
        }
        if let Some(id) = session.id {
            self.0.entry(id).or_default().extend(session.totals);
        }
        read
    }

    fn replay_of(&self, parent: &str, forked: Option<&str>) -> Option<Replay> {
        let totals = self.0.get(parent).map(|totals| Replay::Totals(totals.iter().copied().collect()));
        totals.or_else(|| Some(Replay::Until(parse(forked?)?.checked_add_signed(COPY_TIME)?)))
    }
}

impl Session {
    fn take(&mut self, line: Line, sessions: &Sessions) -> Option<Value> {
        let payload = line.payload?;
        match line.r#type.as_str() {
            "session_meta" => {
                // That of a parent follows in the copy.
                if self.id.is_none() {
                    self.replay =
                        payload.parent().and_then(|id| sessions.replay_of(id, line.timestamp.as_deref()));
                }
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
                self.totals.push(total);
                let before = std::mem::replace(&mut self.total, total);
                last.unwrap_or_else(|| total.since(before))
            }
            (None, last) => last?,
        };
        if tokens == Tokens::default() {
            return None;
        }
        // Copies have a number as well, so that an id stays the same whether the parent is known or not.
        self.calls += 1;
        if self.replay.as_mut().is_some_and(|replay| replay.repeats(info.total_token_usage, time)) {
            return None;
        }
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
