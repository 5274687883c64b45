//! Recognizes senders, and says which signal their calls are counted by.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Options;
use super::attributes::{Attributes, part};
use super::messages::Resource;
use crate::call::add_tag;
use crate::text;

/// Senders that report each call by several signals. They are recognized by the `service.name` that their packages set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Log record `api_request`; spans and metrics repeat it.
    ClaudeCode,
    /// Log record `sse_event` or `websocket_event` of `response.completed`; spans and metrics repeat it.
    Codex,
    /// Log record `api_response`; the details event, spans and metrics repeat it.
    GeminiCli,
    /// Inference spans. The details event repeats them unless its trace is not sampled.
    Any,
}

impl Sender {
    /// Recognizes a sender by `service.name`. Codex uses a name for each front end: `codex_cli_rs`, `codex_exec`,
    /// `codex-app-server`, `codex_vscode`, `Codex Desktop` and others.
    fn of(service: &str) -> Self {
        let service = service.to_ascii_lowercase();
        let is_codex = |rest: &str| rest.is_empty() || rest.starts_with(['_', '-', ' ']);
        match service.as_str() {
            "claude-code" => Self::ClaudeCode,
            "gemini-cli" => Self::GeminiCli,
            service if service.strip_prefix("codex").is_some_and(is_codex) => Self::Codex,
            _ => Self::Any,
        }
    }

    /// Recognizes a sender by its instrumentation, whose name stays the same when a user renames the service.
    fn of_scope(scope: &str) -> Option<Self> {
        let names = [
            ("com.anthropic.claude_code", Self::ClaudeCode),
            ("codex_otel", Self::Codex),
            ("gemini-cli", Self::GeminiCli),
        ];
        names.into_iter().find(|(name, _)| scope.starts_with(name)).map(|(_, sender)| sender)
    }

    /// Recognizes a sender by the name of an event.
    fn of_event(name: &str) -> Option<Self> {
        let names =
            [("claude_code.", Self::ClaudeCode), ("codex.", Self::Codex), ("gemini_cli.", Self::GeminiCli)];
        names.into_iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, sender)| sender)
    }
}

/// The resource that a batch of entries comes from.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    sender: Sender,
    /// `service.name`.
    pub service: &'a str,
    /// The `source` of its events.
    pub source: String,
    pub hostname: Option<&'a str>,
    /// `service.version`.
    pub version: Option<&'a str>,
    pub tags: BTreeMap<String, String>,
    attributes: Attributes<'a>,
}

impl<'a> Origin<'a> {
    pub fn of(resource: Option<&'a Resource>, options: &Options) -> Self {
        let attributes = Attributes::of(resource.map_or(&[], |resource| &resource.attributes));
        // The default of OpenTelemetry's SDKs.
        let service = attributes.text(&["service.name"]).unwrap_or("unknown_service");
        let source = match attributes.text(&["service.instance.id"]) {
            Some(instance) => text::id(&format!("{service}/{instance}")),
            None => text::id(service),
        };
        let mut tags = BTreeMap::new();
        for name in &options.tags {
            if let Some(value) = attributes.scalar(name) {
                add_tag(&mut tags, name, &value);
            }
        }
        Self {
            sender: Sender::of(service),
            service,
            source: source.unwrap_or_else(|| "unknown_service".to_owned()),
            version: attributes.text(&["service.version"]),
            hostname: attributes.text(&["host.name"]),
            tags,
            attributes,
        }
    }

    /// The sender of an entry. The instrumentation and the event's name identify it if a user renamed the service.
    pub fn sender_of(&self, scope: &str, event: &str) -> Sender {
        match self.sender {
            Sender::Any => Sender::of_scope(scope).or_else(|| Sender::of_event(event)).unwrap_or(Sender::Any),
            sender => sender,
        }
    }

    /// A hash of the resource and of an entry's name, time and attributes: the id of an entry that has none.
    pub fn hash(&self, name: &str, nanos: u64, attributes: Attributes<'_>) -> [u8; 16] {
        let mut hash = Sha256::new();
        self.attributes.hash(&mut hash);
        part(&mut hash, name.as_bytes());
        part(&mut hash, &nanos.to_be_bytes());
        attributes.hash(&mut hash);
        let hash: [u8; 32] = hash.finalize().into();
        std::array::from_fn(|i| hash[i])
    }
}
