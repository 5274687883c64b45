//! Who sends, and by which signal its calls are counted.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Options;
use super::attributes::{Attributes, part};
use super::messages::Resource;
use crate::call::add_tag;
use crate::text;

/// Senders that report each call by several signals. The names are those of `service.name`, read from the packages.
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
    fn of(service: &str) -> Self {
        match service {
            "claude-code" => Self::ClaudeCode,
            "codex_cli_rs" | "codex-cli" | "codex_exec" | "codex-app-server" => Self::Codex,
            "gemini-cli" => Self::GeminiCli,
            _ => Self::Any,
        }
    }
}

/// The resource that a batch of entries comes from.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    pub sender: Sender,
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
        // The name that OpenTelemetry's SDKs fall back to.
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

    /// A hash of the resource, an entry's name and time, and its attributes: the id of an entry that has none.
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
