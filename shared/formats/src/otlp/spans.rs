//! Spans: model calls, tool calls, and spans that only wrap others.

use super::Options;
use super::agents::Attribution;
use super::attributes::Attributes;
use super::inference::{self, Inference};
use super::messages::{Span, Traces};
use super::sender::{Origin, Sender};
use super::tree::{Node, Tree};
use super::twins;
use crate::call::{Call, Identity, Status, ToolCall, ToolDetails};
use crate::text::{self, hex};
use crate::{Signal, Translation, time};

/// OpenTelemetry's code for the status "error".
const STATUS_ERROR: i32 = 2;
/// Shorter response ids may not be unique: some local servers use three-digit numbers.
const MIN_RESPONSE_ID: usize = 20;

/// What a span reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Call,
    Tool,
    /// An agent's run. Its descendants are attributed to that agent.
    Agent,
    Other,
}

/// A span that reports a call, and may have twins.
pub struct Candidate<'a> {
    pub node: usize,
    pub inference: Inference<'a>,
}

pub fn translate(request: &Traces, options: &Options) -> Translation {
    let tree = Tree::of(request, options);
    let kinds: Vec<Kind> = tree.nodes.iter().map(|node| kind(node.attributes)).collect();
    let mut translation = Translation::default();
    for origin in &tree.origins {
        translation.sent_by(origin.service, origin.version);
    }
    let mut candidates = Vec::new();
    for (index, node) in tree.nodes.iter().enumerate() {
        let origin = &tree.origins[node.origin];
        match kinds[index] {
            _ if !has_ids(node.span) => {
                translation.refuse(
                    origin.service,
                    index,
                    "A span should have a trace id of 16 bytes and a span id of 8",
                );
            }
            _ if origin.sender_of(node.scope, "") != Sender::Any => {
                translation.uncounted(origin.service, Signal::Spans, 1);
            }
            Kind::Call => match inference::read(node.attributes, failed(node.span)) {
                Ok(inference) => candidates.push(Candidate { node: index, inference }),
                Err(unusable) => translation.refuse(origin.service, index, unusable.to_string()),
            },
            Kind::Tool => tool_call(&mut translation, &tree, index),
            Kind::Agent | Kind::Other if inference::has_usage(node.attributes) => {
                translation.uncounted(origin.service, Signal::Spans, 1);
            }
            Kind::Agent | Kind::Other => {}
        }
    }
    count(&mut translation, &tree, candidates, &kinds);
    translation.events.sort_by_key(|event| event.index);
    translation
}

/// What a span reports. An AI SDK span states its kind by its operation's name alone; the outer spans repeat the tokens
/// of the inner ones.
fn kind(attributes: Attributes<'_>) -> Kind {
    if let Some(operation) = attributes.text(&["ai.operationId"]) {
        return match operation.rsplit('.').next() {
            Some("doGenerate" | "doStream" | "doEmbed") => Kind::Call,
            Some("toolCall") => Kind::Tool,
            _ => Kind::Other,
        };
    }
    match attributes.text(&["openinference.span.kind"]) {
        Some("LLM" | "EMBEDDING") => return Kind::Call,
        Some("TOOL") => return Kind::Tool,
        Some("AGENT") => return Kind::Agent,
        Some(_) => return Kind::Other,
        None => {}
    }
    let operation = attributes.text(&["gen_ai.operation.name", "traceloop.span.kind"]).unwrap_or_default();
    match operation.to_ascii_lowercase().as_str() {
        "chat" | "generate_content" | "text_completion" | "embeddings" => Kind::Call,
        "execute_tool" | "tool" => Kind::Tool,
        "invoke_agent" | "create_agent" | "agent" => Kind::Agent,
        // These repeat the tokens of their descendants.
        "invoke_workflow" | "workflow" | "task" | "chain" => Kind::Other,
        // No operation, or one that is not in the conventions, such as LiteLLM's `acompletion`.
        _ if inference::has_usage(attributes) && inference::has_model(attributes) => Kind::Call,
        _ => Kind::Other,
    }
}

fn has_ids(span: &Span) -> bool {
    let valid = |id: &[u8], length| id.len() == length && id.iter().any(|byte| *byte != 0);
    valid(&span.trace_id, 16) && valid(&span.span_id, 8)
}

fn failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == STATUS_ERROR)
}

/// Counts each call once, by the span that is closest to the provider.
fn count(translation: &mut Translation, tree: &Tree<'_>, candidates: Vec<Candidate<'_>>, kinds: &[Kind]) {
    let twins = twins::find(tree, &candidates, kinds);
    let mut reports: Vec<_> = candidates.into_iter().map(Some).collect();
    for (outer, inner) in twins {
        let Some(Candidate { node, inference }) = reports[outer].take() else { continue };
        let origin = &tree.origins[tree.nodes[node].origin];
        translation.uncounted(origin.service, Signal::Spans, 1);
        let call = attributed(inference.call, tree, node);
        if let Some(inner) = &mut reports[inner] {
            inner.inference.call.fill_from(call);
        }
    }
    for Candidate { node, inference } in reports.into_iter().flatten() {
        let origin = &tree.origins[tree.nodes[node].origin];
        let Some(identity) = identity(&tree.nodes[node], origin, inference.response_id) else {
            translation.refuse(origin.service, node, "A span should have an end time");
            continue;
        };
        let counts = translation.source(origin.service);
        counts.exclusive_inputs += usize::from(inference.exclusive_input);
        counts.without_usage += usize::from(inference.without_usage);
        let call = attributed(inference.call, tree, node);
        translation.events.push(call.into_event(origin.service, node, &identity));
    }
}

/// Attributes a call by its span and the span's ancestors. Where they state nothing, what a twin filled in stays.
fn attributed(call: Call, tree: &Tree<'_>, node: usize) -> Call {
    let Attribution { agent, parent_agent, session, user } = Attribution::of_span(tree, node);
    let origin = &tree.origins[tree.nodes[node].origin];
    Call {
        agent_id: agent,
        parent_agent_id: parent_agent.or(call.parent_agent_id),
        conversation_id: session.or(call.conversation_id),
        end_user: user.or(call.end_user),
        latency_ms: duration_ms(tree.nodes[node].span),
        hostname: origin.hostname.map(str::to_owned),
        tags: origin.tags.clone(),
        ..call
    }
}

/// The identity of a span's event: its trace and the provider's response id, so that two instrumentations that report
/// one call in two requests make one event; or its trace and span if there is no such id.
fn identity(node: &Node<'_>, origin: &Origin<'_>, response_id: Option<&str>) -> Option<Identity> {
    let unique = response_id.filter(|id| id.len() >= MIN_RESPONSE_ID);
    let id = match unique {
        Some(response) => text::id(&format!("{}/{response}", hex(&node.span.trace_id)))?,
        None => format!("{}/{}", hex(&node.span.trace_id), hex(&node.span.span_id)),
    };
    Some(Identity { source: origin.source.clone(), id, time: time::of_nanos(node.span.end_time_unix_nano)? })
}

fn tool_call(translation: &mut Translation, tree: &Tree<'_>, index: usize) {
    let node = &tree.nodes[index];
    let origin = &tree.origins[node.origin];
    let names = &["gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name"];
    let Some(identity) = identity(node, origin, None) else {
        translation.refuse(origin.service, index, "A span should have an end time");
        return;
    };
    let Attribution { agent, parent_agent, session, .. } = Attribution::of_span(tree, index);
    let failed = failed(node.span) || node.attributes.has("error.type");
    let call = ToolCall {
        agent_id: agent,
        details: ToolDetails {
            tool: node.attributes.text(names).unwrap_or("unknown").to_owned(),
            status: if failed { Status::Error } else { Status::Ok },
            duration_ms: duration_ms(node.span),
        },
        conversation_id: session,
        parent_agent_id: parent_agent,
        tags: origin.tags.clone(),
        ..ToolCall::default()
    };
    translation.events.push(call.into_event(origin.service, index, &identity));
}

fn duration_ms(span: &Span) -> Option<u64> {
    let nanos = span.end_time_unix_nano.checked_sub(span.start_time_unix_nano)?;
    (span.start_time_unix_nano > 0).then_some(nanos / 1_000_000)
}
