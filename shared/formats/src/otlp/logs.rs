//! Log records: the calls of coding agents, and the inference details event of all other senders.

use chrono::{DateTime, Utc};

use super::agents::Attribution;
use super::attributes::{Attributes, InvalidCount, text};
use super::inference::{self, Unusable};
use super::messages::{LogRecord, Logs};
use super::sender::{Origin, Sender};
use super::{Options, claude_code};
use crate::call::{Call, Identity, Status, ToolCall, ToolDetails};
use crate::text::hex;
use crate::tokens::{Input, Reported};
use crate::{Signal, Translation, time};

/// The event that repeats an inference span.
const DETAILS: &str = "gen_ai.client.inference.operation.details";
/// The trace flag that says that the trace's spans are exported.
const SAMPLED: u32 = 1;

/// A log record and where it comes from.
struct Entry<'a> {
    index: usize,
    sender: Sender,
    name: &'a str,
    record: &'a LogRecord,
    attributes: Attributes<'a>,
    origin: &'a Origin<'a>,
}

pub fn translate(request: &Logs, options: &Options) -> Translation {
    let mut translation = Translation::default();
    let mut index = 0;
    for resource in &request.resource_logs {
        let origin = Origin::of(resource.resource.as_ref(), options);
        for scope in &resource.scope_logs {
            let of_scope = scope.scope.as_ref().map_or(&[][..], |scope| &scope.name);
            let of_scope = std::str::from_utf8(of_scope).unwrap_or_default();
            for record in &scope.log_records {
                let attributes = Attributes::of(&record.attributes);
                let name = name(record, attributes);
                let sender = origin.sender_of(of_scope, name);
                take(&mut translation, &Entry { index, sender, name, record, attributes, origin: &origin });
                index += 1;
            }
        }
    }
    translation
}

/// The event's name: an attribute, the field that OTLP 1.5 introduced, or the body. Codex puts a source location into
/// the field, so the attribute comes first.
fn name<'a>(record: &'a LogRecord, attributes: Attributes<'a>) -> &'a str {
    let field = || std::str::from_utf8(&record.event_name).ok().filter(|name| !name.is_empty());
    attributes
        .text(&["event.name"])
        .or_else(field)
        .or_else(|| record.body.as_ref().and_then(text))
        .unwrap_or_default()
}

fn take(translation: &mut Translation, entry: &Entry<'_>) {
    let Entry { index, sender, name, attributes, origin, .. } = *entry;
    let call = match sender {
        _ if name == DETAILS && (sender != Sender::Any || entry.has_span()) => {
            translation.uncounted(origin.service, Signal::Logs, 1);
            return;
        }
        Sender::ClaudeCode => claude_code::read(name, attributes, entry.at()),
        Sender::Codex => codex(name, attributes),
        Sender::GeminiCli => gemini_cli(name, attributes),
        Sender::Any if name == DETAILS => Some(details(translation, entry)),
        Sender::Any => {
            let is_call = inference::has_usage(attributes) && inference::has_model(attributes);
            translation.uncounted(origin.service, Signal::Logs, usize::from(is_call));
            None
        }
    };
    match call {
        Some(Ok(call)) => entry.count(translation, call),
        Some(Err(unusable)) => translation.refuse(entry.origin.service, index, unusable.to_string()),
        None => entry.count_tool(translation),
    }
}

type Read = Option<Result<Call, Unusable>>;

/// Reads an event of Codex. As at OpenAI, input includes cached tokens and output includes reasoning. Codex reports a
/// completion twice under one name: once with its counts and once with its duration.
fn codex(name: &str, attributes: Attributes<'_>) -> Read {
    let completed = attributes.text(&["event.kind"]) == Some("response.completed");
    let counted = completed && attributes.has("input_token_count");
    if !counted || !matches!(name, "codex.sse_event" | "codex.websocket_event") {
        return None;
    }
    let read = || {
        let reported = Reported {
            input: count(attributes, &["input_token_count"])?,
            output: count(attributes, &["output_token_count"])?,
            cache_read: count(attributes, &["cached_token_count"])?,
            cache_write: count(attributes, &["cache_write_token_count"])?,
            reasoning: count(attributes, &["reasoning_token_count"])?,
            ..Reported::default()
        };
        Ok(Call {
            provider: "openai".to_owned(),
            model: model(attributes)?,
            tokens: reported.tokens(reported.input_kind(Input::Inclusive)),
            service_tier: attributes.text(&["service_tier"]).map(str::to_owned),
            latency_ms: attributes.count(&["duration_ms"]).unwrap_or_default(),
            ..Call::default()
        })
    };
    Some(read())
}

/// Reads an event of Gemini CLI. As at Google, input includes cached tokens but not the tools' prompt, and output
/// excludes thoughts.
fn gemini_cli(name: &str, attributes: Attributes<'_>) -> Read {
    let status = match name {
        "gemini_cli.api_response" => Status::Ok,
        "gemini_cli.api_error" => Status::Error,
        _ => return None,
    };
    let read = || {
        let thoughts = count(attributes, &["thoughts_token_count"])?;
        let reported = Reported {
            input: count(attributes, &["input_token_count"])?
                .saturating_add(count(attributes, &["tool_token_count"])?),
            output: count(attributes, &["output_token_count"])?.saturating_add(thoughts),
            cache_read: count(attributes, &["cached_content_token_count"])?,
            reasoning: thoughts,
            ..Reported::default()
        };
        Ok(Call {
            provider: "google".to_owned(),
            model: model(attributes)?,
            tokens: reported.tokens(Input::Inclusive),
            status,
            latency_ms: attributes.count(&["duration_ms"]).unwrap_or_default(),
            ..Call::default()
        })
    };
    Some(read())
}

fn details(translation: &mut Translation, entry: &Entry<'_>) -> Result<Call, Unusable> {
    let inference = inference::read(entry.attributes, false)?;
    let counts = translation.source(entry.origin.service);
    counts.exclusive_inputs += usize::from(inference.exclusive_input);
    counts.without_usage += usize::from(inference.without_usage);
    Ok(inference.call)
}

pub(super) fn count(attributes: Attributes<'_>, names: &[&'static str]) -> Result<u64, InvalidCount> {
    attributes.count(names).map(Option::unwrap_or_default)
}

pub(super) fn model(attributes: Attributes<'_>) -> Result<String, Unusable> {
    attributes.text(&["model"]).map(str::to_owned).ok_or(Unusable::NoModel)
}

impl Entry<'_> {
    /// Whether a span reports the same call.
    fn has_span(&self) -> bool {
        self.record.trace_id.iter().any(|byte| *byte != 0) && self.record.flags & SAMPLED != 0
    }

    /// The record's time, else the time at which it was observed.
    const fn nanos(&self) -> u64 {
        match self.record.time_unix_nano {
            0 => self.record.observed_time_unix_nano,
            nanos => nanos,
        }
    }

    fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(i64::try_from(self.nanos()).unwrap_or_default())
    }

    fn count(&self, translation: &mut Translation, call: Call) {
        let Some(identity) = self.identity(&["request_id", "response_id", "gen_ai.response.id"]) else {
            translation.refuse(self.origin.service, self.index, "A log record should have a time");
            return;
        };
        let Attribution { agent, parent_agent, session, user } =
            Attribution::of(self.attributes, self.origin);
        let call = Call {
            agent_id: agent,
            parent_agent_id: parent_agent,
            conversation_id: session,
            end_user: user,
            hostname: self.origin.hostname.map(str::to_owned),
            tags: self.origin.tags.clone(),
            ..call
        };
        translation.events.push(call.into_event(self.origin.service, self.index, &identity));
    }

    /// Counts a coding agent's tool call, if the record is one.
    fn count_tool(&self, translation: &mut Translation) {
        let is_tool = match self.sender {
            Sender::ClaudeCode => self.name.trim_start_matches("claude_code.") == "tool_result",
            Sender::Codex => self.name == "codex.tool_result",
            Sender::GeminiCli => self.name == "gemini_cli.tool_call",
            Sender::Any => false,
        };
        let tool = self.attributes.text(&["tool_name", "function_name"]);
        let (Some(tool), true) = (tool, is_tool) else { return };
        let Some(identity) = self.identity(&["tool_use_id", "call_id"]) else {
            translation.refuse(self.origin.service, self.index, "A log record should have a time");
            return;
        };
        let Attribution { agent, parent_agent, session, .. } = Attribution::of(self.attributes, self.origin);
        let failed = self.attributes.scalar("success").as_deref() == Some("false");
        let call = ToolCall {
            agent_id: agent,
            details: ToolDetails {
                tool: tool.to_owned(),
                status: if failed { Status::Error } else { Status::Ok },
                duration_ms: self.attributes.count(&["duration_ms"]).unwrap_or_default(),
            },
            conversation_id: session,
            parent_agent_id: parent_agent,
            tags: self.origin.tags.clone(),
            ..ToolCall::default()
        };
        translation.events.push(call.into_event(self.origin.service, self.index, &identity));
    }

    /// The provider's id, from one of the attributes in `names`, or else a hash of the whole record.
    fn identity(&self, names: &[&'static str]) -> Option<Identity> {
        let nanos = self.nanos();
        let id = self.attributes.text(names).and_then(crate::text::id);
        let id = id.unwrap_or_else(|| hex(&self.origin.hash(self.name, nanos, self.attributes)));
        Some(Identity { source: self.origin.source.clone(), id, time: time::of_nanos(nanos)? })
    }
}
